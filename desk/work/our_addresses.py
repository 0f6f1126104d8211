"""Which addresses are ours and where their mail goes, answered from memory: the door asks in the middle of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from channels.email.address import BOUNCES
from desk.config import REFUSE
from desk.events import Event
from desk.installation import Installation
from desk.models import MailAddress, Queue

ALWAYS_OURS = ("postmaster", "abuse", BOUNCES)  # the first two by RFC 5321 §4.5.1 and RFC 2142
FRESH_S = 30.0


@dataclass(frozen=True)
class Known:
    """What the database said: active and closed addresses, each with its queue's key, and the keys of all queues."""

    active: dict[str, str]
    closed: frozenset[str]
    queues: frozenset[str]


class OurAddresses:
    """Reads our addresses again when they have changed, and every half minute in case another process changed them."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._known = Known({}, frozenset(), frozenset())
        self._read_at = float("-inf")
        desk.store.subscribe(self._follow)

    def is_ours(self, address: str) -> bool:
        """Whether we take mail for it. Never waits for the database."""
        return self.mailbox(address) != ""

    def mailbox(self, address: str) -> str:
        """The address of ours that this one means, without any detail behind a `+`; empty when it is none."""
        settings, known = self._desk.settings, self._known
        local, _, domain = address.strip().strip("<>").lower().rpartition("@")
        domain = domain.rstrip(".")
        bare = f"{local.partition('+')[0]}@{domain}"
        if bare in known.closed:
            return ""
        if bare in known.active or bare == settings.mail_from:
            return bare
        if domain != settings.mail_domain or not local:
            return ""
        name = bare.partition("@")[0]
        if name in ALWAYS_OURS or name in known.queues or settings.mail_catch_all != REFUSE:
            return bare
        return ""

    def mailbox_of(self, addresses: Iterable[str]) -> str:
        """The first of ours among several."""
        return next(filter(None, map(self.mailbox, addresses)), "")

    def queue_key(self, addresses: Iterable[str]) -> str:
        """The queue for a mail to these addresses: as set for the address, else by its name, else the one for all the rest."""
        catch_all = self._desk.settings.mail_catch_all
        for address in filter(None, map(self.mailbox, addresses)):
            name = address.partition("@")[0]
            if address in self._known.active:
                return self._known.active[address]
            if name in self._known.queues:
                return name
        return "" if catch_all == REFUSE else catch_all

    def own(self) -> frozenset[str]:
        """All addresses under which we write and are written to."""
        return frozenset({self._desk.settings.mail_from, *self._known.active})

    def refresh(self) -> None:
        """Read them when what we know is old; raises `StoreAway`."""
        now = self._desk.clock.monotonic()
        if now - self._read_at < FRESH_S:
            return
        self._read_at = now  # before reading: what changes meanwhile is read once more
        with self._desk.store.read() as session:
            rows = session.execute(
                select(MailAddress.address, MailAddress.active, Queue.key).join(Queue, Queue.id == MailAddress.queue_id)
            ).all()
            queues = frozenset(session.scalars(select(Queue.key)))
        self._known = Known(
            {address: key for address, active, key in rows if active},
            frozenset(address for address, active, _ in rows if not active),
            queues,
        )

    def _follow(self, events: Sequence[Event]) -> None:
        if any(event.kind.startswith(("mail_address.", "queue.", "setting.", "demo.")) for event in events):
            self._read_at = float("-inf")
