"""The carrier's own account of every leg, for comparing with the application's figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

_MOST = 50_000


@dataclass(frozen=True)
class LogEntry:
    """One leg. Moments are seconds since 1970 by the carrier's clock, None for what has not happened.

    `arrived_at` it began to ring; `answered_at` somebody or the application took it; `queued_at` it was told to go to a room and
    wait there; `talked_at` it could first hear and be heard; `ended_at`, `status` and `reason` (who or what ended it).
    `identity` is the softphone's name, "" for a telephone. `partners` are the legs it could speak with, in order.
    """

    sid: str
    direction: str
    from_: str
    to: str
    identity: str = ""
    label: str = ""
    room: str = ""
    arrived_at: float = 0.0
    answered_at: float | None = None
    queued_at: float | None = None
    talked_at: float | None = None
    ended_at: float | None = None
    held_s: float = 0.0
    status: str = ""
    reason: str = ""
    partners: tuple[str, ...] = ()


class Journal:
    """Keeps the latest legs. Called with the exchange's lock held."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._entries: dict[str, LogEntry] = {}
        self._held: dict[str, float] = {}

    def arrived(self, sid: str, *, direction: str, from_: str, to: str, identity: str, label: str = "") -> None:
        self._entries[sid] = LogEntry(sid, direction, from_, to, identity, label, arrived_at=self._now())
        if len(self._entries) > _MOST:
            self._entries.pop(next(iter(self._entries)))

    def answered(self, sid: str) -> None:
        self._note(sid, answered_at=self._now())

    def queued(self, sid: str) -> None:
        """The application has said: wait there until somebody comes. What is said before the room is part of the wait."""
        entry = self._entries.get(sid)
        if entry is not None and entry.queued_at is None:
            self._note(sid, queued_at=self._now())

    def entered(self, sid: str, room: str, label: str) -> None:
        self._note(sid, room=room, label=label)

    def talks(self, sid: str, partners: tuple[str, ...]) -> None:
        """Somebody can be heard on this leg, and hears it."""
        entry = self._entries.get(sid)
        if entry is None or not partners:
            return
        new = tuple(partner for partner in partners if partner not in entry.partners)
        if new or entry.talked_at is None:
            talked_at = entry.talked_at if entry.talked_at is not None else self._now()
            self._note(sid, talked_at=talked_at, partners=entry.partners + new)

    def held(self, sid: str, on: bool) -> None:
        if on:
            self._held[sid] = self._now()
        elif sid in self._held and sid in self._entries:
            self._note(sid, held_s=self._entries[sid].held_s + self._now() - self._held.pop(sid))

    def ended(self, sid: str, status: str, reason: str) -> None:
        self.held(sid, False)
        self._note(sid, ended_at=self._now(), status=status, reason=reason)

    def entries(self) -> list[LogEntry]:
        """All legs, in the order in which they began."""
        return list(self._entries.values())

    def forget(self) -> None:
        """Begin anew."""
        self._entries.clear()
        self._held.clear()

    def _note(self, sid: str, **changes: object) -> None:
        if sid in self._entries:
            self._entries[sid] = replace(self._entries[sid], **changes)
