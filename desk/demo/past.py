"""The weeks before today: who came when, through which channel, with what. Relative to now, and the same in every run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update

from desk.demo.plots import by_mail, by_phone, complaint, in_chat, unanswered_call, unanswered_mail, waiting_mail
from desk.demo.shifts import note_shifts
from desk.demo.stage import Stage
from desk.demo.stories import Story, stories
from desk.events import Event
from desk.models import Customer, Message, OutboxMail, OutboxRecipient
from desk.models.mail import QUEUED, SENT
from desk.models.message import OUT
from desk.store import Tx

DAYS = 60
A_DAY = 4  # contacts on an ordinary day
TODAY = {by_phone: 15, unanswered_call: 2, in_chat: 6, by_mail: 6}
ORDINARY = {by_mail: 44, by_phone: 34, unanswered_call: 2, in_chat: 18, waiting_mail: 2}
FRESH = 8  # mails that wait now
LIVE_ENDS = timedelta(minutes=22)  # no conversation begins later, so that none is cut off by the present
STILL_TO_SEND = timedelta(hours=2)  # letters of these last hours land in the mailbox when the desk starts
# Days before now at which a complaint came in, and how far it has got since.
COMPLAINTS = (
    (52, 4), (45, 4), (39, 4), (33, 4), (27, 4), (23, 2), (20, 2), (17, 4), (5, 3), (3.5, 3), (6, 2), (5, 2), (4, 1), (2, 1),
    (1.2, 0), (0.15, 0),
)  # fmt: skip


def play_past(tx: Tx) -> None:
    """Live through the past in this transaction, and leave the desk as it is at an ordinary moment of today."""
    stage = Stage(tx, tx.now - timedelta(days=DAYS))
    customers = list(tx.session.scalars(select(Customer).order_by(Customer.id)))
    casting = _Casting(stage, customers)
    casting.ordinary_days()
    casting.today()
    casting.complaints()
    stage.play()
    note_shifts(tx, stage.agents, tx.now - timedelta(days=DAYS), stage.chance)
    _mail_has_left(tx)
    # Thousands of events at once: written in bulk, since nobody has to be told of them.
    tx.session.flush()
    tx.session.execute(insert(Event.__table__), tx.pending)
    tx.pending.clear()


class _Casting:
    """Decides who comes with what, and when."""

    def __init__(self, stage: Stage, customers: list[Customer]) -> None:
        self._stage = stage
        self._chance = stage.chance
        self._customers = customers
        self._zone = ZoneInfo(stage.acting().settings.timezone)
        self._told = {locale: self._shuffled("stories", locale) for locale in ("zh", "en")}
        self._grievances = {locale: self._shuffled("complaints", locale) for locale in ("zh", "en")}

    def ordinary_days(self) -> None:
        for back in range(DAYS - 1, 0, -1):
            day = self._stage.ends - timedelta(days=back)
            weekend = day.astimezone(self._zone).weekday() >= 5
            for _ in range(self._chance.randint(A_DAY - 2, A_DAY + 2) // (2 if weekend else 1)):
                plot = self._chance.choices(list(ORDINARY), list(ORDINARY.values()))[0]
                if plot is waiting_mail and back > 6:
                    plot = by_mail  # nobody waits for an answer for weeks
                self._put_on(plot, self._in_the_day(day))

    def today(self) -> None:
        """What came since midnight, at least six hours' worth of it however early it is; and the mails that wait."""
        ends = self._stage.ends
        midnight = ends.astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
        begins = max(midnight, ends - timedelta(hours=11))
        for plot, count in TODAY.items():
            for _ in range(count):
                span = max(0.0, (ends - LIVE_ENDS - begins).total_seconds())
                self._put_on(plot, begins + timedelta(seconds=self._chance.uniform(0, span)))
        for _ in range(FRESH):
            self._put_on(unanswered_mail, ends - timedelta(minutes=self._chance.uniform(2, 55)))

    def complaints(self) -> None:
        for back, stages in COMPLAINTS:
            customer = self._chance.choice(self._customers)
            story = next(self._grievances[_locale(customer)]).told(customer.name, self._chance)
            at = self._stage.ends - timedelta(days=back)
            self._stage.put_on(complaint(self._stage, customer, story, stages), at)

    def _put_on(self, plot: object, at: datetime) -> None:
        # People with a matter often come again: a third of the contacts are from a quarter of the customers.
        circle = self._customers[::4] if self._chance.random() < 0.33 else self._customers
        customer = self._chance.choice(circle)
        story = next(self._told[_locale(customer)]).told(customer.name, self._chance)
        self._stage.put_on(plot(self._stage, customer, story), at)  # type: ignore[operator]

    def _in_the_day(self, day: datetime) -> datetime:
        """A moment between nine and nine, more often late in the morning."""
        hour = min(20.8, max(9.0, self._chance.gauss(13.2, 3.2)))
        return day.astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=hour)

    def _shuffled(self, kind: str, locale: str) -> Iterator[Story]:
        told = list(stories(kind, locale))
        self._chance.shuffle(told)
        return cycle(told)


def _mail_has_left(tx: Tx) -> None:
    """Mark what was written long ago as sent; what is recent still waits for the worker."""
    session = tx.session
    session.flush()
    old = OutboxMail.created_at < tx.now - STILL_TO_SEND
    session.execute(update(OutboxMail).where(old).values(state=SENT, sent_at=OutboxMail.created_at, attempts=1))
    gone = select(OutboxMail.id).where(OutboxMail.state == SENT)
    session.execute(update(OutboxRecipient).where(OutboxRecipient.mail_id.in_(gone)).values(state=SENT, attempts=1, code=250))
    ours = (Message.channel == "email", Message.direction == OUT)
    sent = select(OutboxMail.message_id).where(OutboxMail.state == SENT, OutboxMail.message_id.is_not(None))
    session.execute(update(Message).where(*ours, Message.id.in_(sent)).values(delivery="sent"))
    waiting = select(OutboxMail.message_id).where(OutboxMail.state == QUEUED, OutboxMail.message_id.is_not(None))
    session.execute(update(Message).where(*ours, Message.id.in_(waiting)).values(delivery="queued"))


def _locale(customer: Customer) -> str:
    return "zh" if customer.locale == "zh" else "en"
