"""A process that stands still in the middle of a commit, or whose line is cut just then, holds nobody up."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from desk.db import make_engine
from desk.events import SYSTEM
from desk.store import Store

PATIENCE_S = 120
LOCKS = b"pg_advisory_xact_lock"


@contextlib.contextmanager
def stalling_after(word: bytes, target: str) -> Iterator[tuple[int, threading.Event]]:
    """A port that leads to the socket at `target` until a message with the word went through; then nothing goes there any more.

    The event tells that it has gone through; what comes back always comes.
    """
    gone, over = threading.Event(), threading.Event()
    with contextlib.ExitStack() as open_ends, socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    near, far = listener.accept()[0], socket.socket(socket.AF_UNIX)
                    far.connect(target)
                    open_ends.callback(near.close)
                    open_ends.callback(far.close)
                    threading.Thread(target=there, args=(near, far), daemon=True).start()
                    threading.Thread(target=back, args=(near, far), daemon=True).start()

        def there(near, far):
            with contextlib.suppress(OSError):
                while not gone.is_set() and (said := near.recv(65536)):
                    far.sendall(said)
                    if word in said:
                        gone.set()
                over.wait(PATIENCE_S)
                far.shutdown(socket.SHUT_RDWR)

        def back(near, far):
            with contextlib.suppress(OSError):
                while said := far.recv(65536):
                    near.sendall(said)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1], gone
        finally:
            over.set()


def test_who_stands_still_while_it_commits_does_not_keep_others_from_committing(postgres_house):
    house = postgres_house
    url = house.store.engine.url
    target = f"{url.query['host']}/.s.PGSQL.{url.port or 5432}"
    with ThreadPoolExecutor(2) as hands, stalling_after(LOCKS, target) as (port, gone):
        through = make_engine(url.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False))
        slow = Store(through, house.clock, house.store.settings)

        def commit(store):
            with contextlib.suppress(Exception), store.tx(SYSTEM) as tx:
                tx.emit("test.written")

        first = hands.submit(commit, slow)
        assert gone.wait(PATIENCE_S)
        hands.submit(commit, house.store).result(PATIENCE_S)
        assert house.kinds("test.") == ["test.written", "test.written"]
        first.result(PATIENCE_S)
        through.dispose()
