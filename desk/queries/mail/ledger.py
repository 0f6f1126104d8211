"""The ledger of incoming mail as its pages show it: what came, what became of it, and whether that adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, literal_column, or_, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer, visible_tickets
from desk.errors import NotFound
from desk.models import MailAccount, MailAddress, MailSilence, MailTally, Queue, RawMail, SpooledMail, Ticket
from desk.models.mail import OUTCOMES, QUARANTINED

PAGE = 100
DAYS = 7
STUCK_S = 120  # mail that waits longer than this to be read is told on the health page


@dataclass
class Line:
    """One of our addresses on one day. `received` was counted at the door; all else are rows."""

    day: str
    mailbox: str
    received: int = 0
    waiting: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """Mails received of which nothing is known; anything but 0 is a defect."""
        return self.received - self.waiting - sum(self.outcomes.values())


@dataclass(frozen=True)
class State:
    """What needs a look now: mail that waits, fails or lies in quarantine, accounts that fail, senders in silence."""

    waiting: int
    oldest: datetime | None
    failing: int
    quarantined: int
    accounts: Sequence[MailAccount]
    silences: Sequence[MailSilence]


@dataclass(frozen=True)
class Row:
    """A mail of the ledger with its ticket, where the viewer may know it."""

    mail: RawMail
    ticket_number: int | None
    first: RawMail | None = None
    spooled: SpooledMail | None = None


def ledger(session: Session, now: datetime, zone: str, days: int = DAYS) -> list[Line]:
    """The latest days, each of our addresses on a line of its own, latest day first. As many queries for one day as for seven."""
    bounds = [_bounds(now, zone, back) for back in range(days)]
    names = [f"{start.astimezone(ZoneInfo(zone)):%Y-%m-%d}" for start, _ in bounds]
    found: dict[tuple[str, str], Line] = {}

    def line(day: str, mailbox: str) -> Line:
        return found.setdefault((day, mailbox), Line(day, mailbox))

    for tally in session.scalars(select(MailTally).where(MailTally.day.in_(names))):
        line(tally.day, tally.mailbox).received = tally.received
    back = _days_back(RawMail.received_at, bounds)
    outcomes = select(back, RawMail.mailbox, RawMail.outcome, func.count()).where(_within(RawMail.received_at, bounds))
    for day, mailbox, outcome, count in session.execute(outcomes.group_by("back", RawMail.mailbox, RawMail.outcome)):
        line(names[day], mailbox).outcomes[outcome] = count
    back = _days_back(SpooledMail.received_at, bounds)
    spooled = select(back, SpooledMail.mailbox, func.count()).where(
        _within(SpooledMail.received_at, bounds), SpooledMail.raw_mail_id.is_(None)
    )
    for day, mailbox, count in session.execute(spooled.group_by("back", SpooledMail.mailbox)):
        line(names[day], mailbox).waiting = count
    return sorted(found.values(), key=lambda line: (names.index(line.day), line.mailbox == "", line.mailbox))


def rows(
    session: Session,
    viewer: Viewer,
    *,
    now: datetime,
    zone: str,
    day: str = "",
    mailbox: str | None = None,
    outcome: str = "",
    before: tuple[datetime, int] | None = None,
) -> list[Row]:
    """A page of the ledger, the latest first; one row more says that there is another page."""
    query = select(RawMail)
    back = _back(now, zone, day)
    if back is not None:
        start, end = _bounds(now, zone, back)
        query = query.where(RawMail.received_at >= start, RawMail.received_at < end)
    if mailbox is not None:
        query = query.where(RawMail.mailbox == mailbox)
    if outcome in OUTCOMES:
        query = query.where(RawMail.outcome == outcome)
    if before is not None:
        at, last = before
        query = query.where(RawMail.received_at <= at, or_(RawMail.received_at < at, RawMail.id < last))
    mails = list(session.scalars(query.order_by(RawMail.received_at.desc(), RawMail.id.desc()).limit(PAGE + 1)))
    numbers = _numbers(session, viewer, mails)
    return [Row(mail, numbers.get(mail.ticket_id or 0)) for mail in mails]


def one(session: Session, viewer: Viewer, mail_id: int) -> Row:
    """One mail with all that is known of it; raises `NotFound`."""
    mail = session.get(RawMail, mail_id)
    if mail is None:
        raise NotFound("There is no such mail.")
    first = session.get(RawMail, mail.duplicate_of_id) if mail.duplicate_of_id else None
    spooled = session.scalar(select(SpooledMail).where(SpooledMail.raw_mail_id == mail_id).limit(1))
    return Row(mail, _numbers(session, viewer, [mail]).get(mail.ticket_id or 0), first, spooled)


def may_read_original(viewer: Viewer, row: Row) -> bool:
    """The bytes have everything in them: for who may read the ticket unmasked; in quarantine for who settles it."""
    if not row.mail.sha256:
        return False
    if row.mail.outcome == QUARANTINED or row.mail.ticket_id is None:
        return viewer.can(Right.SETTLE_MAIL)
    return row.ticket_number is not None and not viewer.masked


def state(session: Session, now: datetime) -> State:
    """How incoming mail is."""
    waiting, oldest, failing = session.execute(
        select(func.count(), func.min(SpooledMail.received_at), func.count(SpooledMail.next_at)).where(
            SpooledMail.raw_mail_id.is_(None)
        )
    ).one()
    silences = select(MailSilence).where(MailSilence.until > now, MailSilence.lifted_at.is_(None)).order_by(MailSilence.id.desc())
    return State(
        waiting=waiting,
        oldest=oldest,
        failing=failing,
        quarantined=session.scalar(select(func.count()).select_from(RawMail).where(RawMail.outcome == QUARANTINED)) or 0,
        accounts=list(session.scalars(select(MailAccount).where(MailAccount.active, MailAccount.last_error != ""))),
        silences=list(session.scalars(silences.limit(PAGE))),
    )


def addresses(session: Session) -> list[tuple[MailAddress, Queue]]:
    """Our addresses by name, with the queue of each."""
    query = select(MailAddress, Queue).join(Queue, Queue.id == MailAddress.queue_id).order_by(MailAddress.address)
    return [(address, queue) for address, queue in session.execute(query)]


def queues(session: Session) -> list[Queue]:
    """The queues that mail can go to, in their order."""
    return list(session.scalars(select(Queue).where(Queue.closed.is_(False)).order_by(Queue.position, Queue.id)))


def accounts(session: Session) -> list[MailAccount]:
    """The mailboxes that we fetch from."""
    return list(session.scalars(select(MailAccount).order_by(MailAccount.name, MailAccount.id)))


def account(session: Session, account_id: int) -> MailAccount:
    """One of them; raises `NotFound`."""
    found = session.get(MailAccount, account_id)
    if found is None:
        raise NotFound("There is no such mailbox.")
    return found


def address(session: Session, address_id: int) -> MailAddress:
    """One of our addresses; raises `NotFound`."""
    found = session.get(MailAddress, address_id)
    if found is None:
        raise NotFound("There is no such address.")
    return found


def _numbers(session: Session, viewer: Viewer, mails: Sequence[RawMail]) -> dict[int, int]:
    ids = {mail.ticket_id for mail in mails if mail.ticket_id}
    query = select(Ticket.id, Ticket.number).where(Ticket.id.in_(ids), visible_tickets(viewer))
    return {each.id: each.number for each in session.execute(query)} if ids else {}


def _within(moment: Any, bounds: Sequence[tuple[datetime, datetime]]) -> ColumnElement[bool]:
    return and_(moment >= bounds[-1][0], moment < bounds[0][1])


def _days_back(moment: Any, bounds: Sequence[tuple[datetime, datetime]]) -> ColumnElement[int]:
    """On which of the days, which follow each other, the latest being 0. A day of the desk's zone may have 23 or 25 hours."""
    return case(*((moment >= start, literal_column(str(back))) for back, (start, _) in enumerate(bounds))).label("back")


def _bounds(now: datetime, zone: str, back: int) -> tuple[datetime, datetime]:
    today = now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=back), today - timedelta(days=back - 1)


def _back(now: datetime, zone: str, day: str) -> int | None:
    try:
        asked = datetime.fromisoformat(day).date() if day else None
    except ValueError:
        return None
    return (now.astimezone(ZoneInfo(zone)).date() - asked).days if asked is not None and 1 < asked.year < 9999 else None
