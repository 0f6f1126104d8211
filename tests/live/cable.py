"""A cable that can be cut: a TCP relay on loopback, whose connections break and stay broken until it is mended."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Cable:
    """Listens on `port` and passes everything on to `target` and back."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: set[socket.socket] = set()
        self._is_cut = False
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and every new one."""
        with self._lock:
            self._is_cut = True
            for end in self._ends:
                _hang_up(end)

    def mend(self) -> None:
        """New connections hold again."""
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        self.cut()
        _hang_up(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                with self._lock:
                    if self._is_cut:
                        near.close()
                        continue
                    far = socket.create_connection(self._target)
                    self._ends |= {near, far}
                one = threading.Thread(target=_pass_on, args=(near, far), daemon=True)
                threading.Thread(target=self._carry, args=(one, near, far), daemon=True).start()

    def _carry(self, one: threading.Thread, near: socket.socket, far: socket.socket) -> None:
        one.start()
        _pass_on(far, near)
        one.join()
        with self._lock:
            self._ends -= {near, far}
            near.close()
            far.close()


@contextlib.contextmanager
def laid_to(host: str, port: int) -> Iterator[Cable]:
    """A cable to this address that lives as long as the block."""
    cable = Cable((host, port))
    try:
        yield cable
    finally:
        cable.close()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _hang_up(sink)
    _hang_up(source)


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
