"""All background parts of one process: started together, woken by what is committed, stopped in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from channels.voice.simulated.carrier import SimulatedCarrier
from desk.actions.articles import gaps
from desk.actions.calls import healing
from desk.actions.complaints import alerts
from desk.actions.work import presence
from desk.events import SYSTEM, Event
from desk.installation import Installation
from desk.work.alone import Alone
from desk.work.call_keeper import CallKeeper
from desk.work.checkpoint import Checkpoint
from desk.work.disposal import DisposalJob
from desk.work.due import ACTIONS
from desk.work.erasing import Erasing
from desk.work.feed import APART_S, Bell, Feed
from desk.work.forgetting import Forgetting
from desk.work.imap_in import ImapDoor
from desk.work.indexing import Indexing
from desk.work.keeping import KeepingJob
from desk.work.mail_in import MailDoor
from desk.work.mail_out import MailOut, sender_for
from desk.work.mail_reading import MailReading
from desk.work.our_addresses import OurAddresses
from desk.work.part import LONGEST_TURN_S, Part
from desk.work.recordings import Recordings
from desk.work.router import Router
from desk.work.timers import Timers
from desk.work.words import Words

ALL = frozenset({"smtp", "router", "worker"})


class Background:
    """The parts named by `roles`: `smtp` receives mail, `router` offers work, `worker` sends, reminds and indexes."""

    def __init__(self, desk: Installation, roles: frozenset[str] = ALL) -> None:
        self._desk = desk
        self._whole = roles == ALL  # then no screen and no call can be connected before us
        self._wakes: list[tuple[Callable[[Sequence[Event]], bool], Part]] = []
        self.parts: dict[str, Part] = {}
        self._alone: list[Alone] = []
        self.router = Router(desk) if "router" in roles else None
        self.indexing = Indexing(desk) if "worker" in roles else None
        self.mail = MailDoor(desk, kept=self._wake("mail_in"), noted=self._wake("mail_door")) if "smtp" in roles else None
        self.imap: ImapDoor | None = None
        self.mail_out: MailOut | None = None
        self.reading = self._make_reading(desk) if "worker" in roles else None
        if self.router is not None:
            self._add("router", self.router.turn, self.router.follow, soon=True)
        if self.indexing is not None and self.reading is not None:
            self._add("indexing", self.indexing.turn, self.indexing.follow)
            self.mail_out = MailOut(desk, sender_for(desk.settings, desk.store))
            self._add("mail_out", self.mail_out.turn, _has("mail.queued"))
            keeper = CallKeeper(desk)
            self._add_alone("call_keeper", keeper.turn, keeper.follow)
            words = Words(desk)
            self._add("words", words.turn, words.follow)
            self._add("timers", Timers(desk, ACTIONS).turn, _has("timer.set"))
            self._add_alone("recordings", Recordings(desk).turn, _has("recording.completed"))
            self._add("disposal", DisposalJob(desk).turn, _has("disposal.confirmed"))
            self._add_alone("erasing", Erasing(desk).turn, _has("erasure.agreed"))
            self._add_alone("keeping", KeepingJob(desk).turn, lambda _events: False)
            self._add_alone("forgetting", Forgetting(desk).turn, lambda _events: False)
            self.imap = ImapDoor(desk, kept=self._wake("mail_in"))
            self._add_alone("imap", self.imap.turn, _has("mail_account.changed"), self.imap.close)
            self._add("mail_in", self.reading.turn, _has("mail.read_again"))
        if self.mail is not None:
            self._add("mail_door", self.mail.turn, _has("mail_address.changed"))
        self.feed = Feed(desk)
        self._add("feed", self.feed.turn, lambda _events: False, apart_s=APART_S)
        self.checkpoint: Checkpoint | None = None
        if desk.settings.on_sqlite:
            self.checkpoint = Checkpoint(desk, hurried=self.mail.pace.is_busy) if self.mail is not None else Checkpoint(desk)
            self._add("checkpoint", self.checkpoint.turn, lambda _events: False)
        self.bell = None if desk.settings.on_sqlite else Bell(desk.settings.database_url, self._ring)
        desk.store.subscribe(self._follow)

    def start(self) -> None:
        """Bring the rows in line with a process that has just begun, then start every part."""
        if self._whole:
            with self._desk.store.tx(SYSTEM) as tx:
                if not self._desk.settings.redis_url:  # with it, other processes may have screens, and know who is gone
                    presence.lose_everyone(tx)
                if isinstance(self._desk.carrier, SimulatedCarrier):
                    healing.end_unknown(tx, self._desk.carrier.call_state)
        # Before any part reads: what another process commits between a part's first look and the feed's would be lost on it.
        self.feed.begin()
        if self.indexing is not None:
            self.indexing.check()
            for keep_looking in (gaps.keep_looking, alerts.keep_looking):
                with self._desk.store.tx(SYSTEM) as tx:
                    keep_looking(tx)
        if self.mail is not None:
            self.mail.start()
        for part in self.parts.values():
            part.start()
        if self.bell is not None:
            self.bell.start()

    def stop(self) -> None:
        """No new mail first, then let each part finish its turn, all at the same time."""
        for part in self.parts.values():
            part.end()
        for long_at_work in (self.reading, self.mail_out):
            if long_at_work is not None:
                long_at_work.stop()
        if self.mail is not None:
            self.mail.pace.stop()
            self.mail.stop()
        if self.bell is not None:
            self.bell.stop()
        until = self._desk.clock.monotonic() + LONGEST_TURN_S
        for part in self.parts.values():
            part.stop(until - self._desk.clock.monotonic())
        if self.imap is not None:
            self.imap.close()
        for alone in self._alone:
            alone.release()
        if self.reading is not None:
            self.reading.close()
        if self.checkpoint is not None:
            self.checkpoint.close()
        if self.router is not None:
            self.router.release()

    def health(self) -> dict[str, bool]:
        """Which parts live and do their work."""
        return {name: part.healthy for name, part in self.parts.items()}

    def _make_reading(self, desk: Installation) -> MailReading:
        """Where the door is in this process too, reading gives way to it."""
        if self.mail is None:
            return MailReading(desk, OurAddresses(desk))
        return MailReading(desk, self.mail.addresses, rest=self.mail.pace.rest, batch=self.mail.pace.batch)

    def _wake(self, name: str) -> Callable[[], None]:
        """Wakes a part of this process, if it runs here."""

        def wake() -> None:
            if name in self.parts:
                self.parts[name].wake()

        return wake

    def _ring(self) -> None:
        """Another process has committed: events, or mail to be read."""
        for name in ("feed", "mail_in"):
            self._wake(name)()

    def _add(
        self,
        name: str,
        turn: Callable[[], float | None],
        follow: Callable[[Sequence[Event]], bool],
        *,
        soon: bool = False,
        apart_s: float = 0.0,
    ) -> None:
        places = self._desk.store.places if self._desk.settings.on_sqlite else None  # to ask PostgreSQL is mostly to wait
        part = Part(name, self._desk.clock, turn, places, soon=soon, apart_s=apart_s)
        self.parts[name] = part
        self._wakes.append((follow, part))

    def _add_alone(
        self,
        name: str,
        turn: Callable[[], float | None],
        follow: Callable[[Sequence[Event]], bool],
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        """A part that one process of all runs at a time."""
        alone = Alone(self._desk, name, turn, lost)
        self._alone.append(alone)
        self._add(name, alone.turn, follow)

    def _follow(self, events: Sequence[Event]) -> None:
        for concerned, part in self._wakes:
            if concerned(events):
                part.wake()


def _has(kind: str) -> Callable[[Sequence[Event]], bool]:
    return lambda events: any(event.kind == kind for event in events)
