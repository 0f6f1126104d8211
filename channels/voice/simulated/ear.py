"""An ear on the simulated lines: remembers what was perceived and waits for what is to come. For programs that place calls."""

from __future__ import annotations

import threading
from collections.abc import Callable

from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.simulated.state import ListenEvent


class Ear:
    """Listens to everything from its creation on. Use as a context manager, or call `close`.

    >>> with Ear(carrier) as ear:                                   # doctest: +SKIP
    ...     call = carrier.dial("+8613800138000")
    ...     ear.wait_for("gather", call)
    """

    def __init__(self, carrier: SimulatedCarrier) -> None:
        self._changed = threading.Condition()
        self.events: list[ListenEvent] = []
        self._taken: set[int] = set()
        self.close = carrier.listen(self._hear)

    def wait_for(
        self,
        kind: str,
        call_sid: str | None = None,
        *,
        identity: str | None = None,
        that: Callable[[ListenEvent], bool] | None = None,
        timeout_s: float = 60.0,
    ) -> ListenEvent:
        """The next event that fits and was not answered before. Raises TimeoutError, whose text tells what was heard instead."""

        def find() -> int | None:
            for index, event in enumerate(self.events):
                fits = (
                    index not in self._taken
                    and event.kind == kind
                    and call_sid in (None, event.call_sid)
                    and identity in (None, event.identity)
                )
                if fits and (that is None or that(event)):
                    return index
            return None

        with self._changed:
            if not self._changed.wait_for(lambda: find() is not None, timeout_s):
                heard = ", ".join(event.kind for event in self.events if call_sid in (None, event.call_sid))
                raise TimeoutError(f"No {kind} was perceived, only: {heard or 'nothing'}.")
            index = find()
            assert index is not None
            self._taken.add(index)
            return self.events[index]

    def texts(self, call_sid: str, kind: str = "say") -> list[str]:
        """The words of one kind (`say`, `heard`, `said`) on one leg so far."""
        with self._changed:
            return [event.data["text"] for event in self.events if event.kind == kind and event.call_sid == call_sid]

    def __enter__(self) -> Ear:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hear(self, event: ListenEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()
