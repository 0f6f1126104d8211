"""What receiving mail costs before anything is done with it: the SMTP library as it comes, on a thread of this process."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

from aiosmtpd.smtp import SMTP


class Sink:
    """Answers `250` to every mail at once and forgets it. `port` holds after `start`."""

    port = 0

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sink", daemon=True)
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(self._bind(), self._loop).result()
        self.port = server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _bind(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: SMTP(_Nothing(), loop=self._loop), "127.0.0.1", 0)


class _Nothing:
    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:
        return "250 2.0.0 gone"


if __name__ == "__main__":  # by itself: says its port, and ends with its input
    sink = Sink()
    sink.start()
    sys.stdout.write(f"{sink.port}\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sink.stop()
