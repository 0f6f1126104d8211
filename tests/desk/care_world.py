"""A small desk that takes complaints and solves tickets: two agents of the service team and two complaint officers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select

from channels.form import ComplaintForm, read_complaint, to_inbound
from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.complaints import complaints, decisions, file
from desk.actions.defaults import ensure_defaults
from desk.actions.work import work_items
from desk.clock import FrozenClock
from desk.config import Settings
from desk.db import Base, make_engine
from desk.events import SYSTEM, Event
from desk.files import FileStore
from desk.models import Agent, AgentSkill, Complaint, OutboxMail, Queue, Setting, Team, Ticket, Timer, WorkItem
from desk.models.agent import AVAILABLE
from desk.queries.surveys.rules import CHANNELS, SETTING
from desk.store import Store, Tx
from desk.work.due import ACTIONS

FRIDAY = datetime(2026, 11, 20, 8, 40, tzinfo=UTC)  # 16:40 in Shanghai
PEOPLE = {
    "Lin Xiaowen": ("agent", "service", ("lang:zh", "lang:en", "billing")),
    "Dan Okafor": ("agent", "service", ("lang:en",)),
    "He Yan": ("complaint_officer", "care", ("lang:zh", "lang:en", "complaints")),
    "Ruth Adler": ("complaint_officer", "care", ("lang:en", "complaints")),
}


class World:
    """A store with people in it and a clock that moves when told."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.settings = Settings.from_env({"DESK_DATA_DIR": str(folder), "DESK_DATABASE_URL": url or f"sqlite:///{folder}/d.db"})
        self.clock = FrozenClock(FRIDAY)
        self.files = FileStore(folder / "files")
        engine = make_engine(self.settings.database_url)
        Base.metadata.create_all(engine)
        self.store = Store(engine, self.clock, self.settings)
        with self.store.tx(SYSTEM) as tx:
            ensure_defaults(tx)
            hire(tx)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: object) -> None:
        self.store.engine.dispose()

    @contextmanager
    def tx(self) -> Iterator[Tx]:
        with self.store.tx(SYSTEM) as tx:
            yield tx

    def complain(self, tx: Tx, *files: tuple[str, bytes], **answers: str) -> Complaint:
        form = filled(**answers)
        kept = [self.files.keep(data, name) for name, data in files]
        return complaints.file_complaint(tx, to_inbound(form), form, kept)

    def days(self, count: float) -> None:
        self.clock.tick(count * 24 * 3600)


def hire(tx: Tx) -> None:
    """Make the people of this world, all available."""
    teams = {team.key: team for team in tx.session.scalars(select(Team))}
    for name, (role, team, skills) in PEOPLE.items():
        agent = Agent(
            email=f"{name.split()[0].lower()}@desk.example",
            name=name,
            password_hash="",
            roles=[role],
            team_id=teams[team].id,
            presence=AVAILABLE,
            presence_since=tx.now,
            idle_since=tx.now,
        )
        tx.session.add(agent)
        tx.session.flush()
        tx.session.add_all([AgentSkill(agent_id=agent.id, skill=skill, level=5, since=tx.now) for skill in skills])


def ask_at_once(tx: Tx) -> None:
    """Question sheets leave when a ticket is solved, and not some hours after."""
    tx.session.merge(Setting(key=SETTING, value={"delays": dict.fromkeys(CHANNELS, 0)}))
    tx.session.flush()


def filled(**answers: str) -> ComplaintForm:
    """A complaint form as somebody fills it in."""
    usual = {
        "token": "one-filling-of-the-form",
        "name": "Li Na",
        "email": "li@example.com",
        "statement": "You charged me twice in March.",
        "remedy_wanted": "Pay the second charge back.",
        "order_number": "LK-2026-004821",
        "category": "billing",
    }
    return read_complaint(usual | answers, answers.get("locale", "en"))


def agent(tx: Tx, name: str) -> Agent:
    return tx.session.scalars(select(Agent).where(Agent.name.startswith(name))).one()


def mail_in(tx: Tx, text: str = "My router does not work.", **others: Any) -> Ticket:
    """A ticket that came by mail."""
    given = {
        "external_id": "mail-1",
        "sender": Contact("email", "wang@example.com", "Wang Wei"),
        "subject": "Router",
        "locale": "en",
    }
    return intake.receive(tx, Inbound(channel="email", text=text, **given | others), queue_key="general").ticket


def run_due(world: World, *kinds: str) -> None:
    """Whatever of these timers is due by now."""
    with world.tx() as tx:
        for timer in tx.session.scalars(select(Timer).where(Timer.kind.in_(kinds), Timer.due_at <= tx.now)).all():
            tx.session.delete(timer)
            ACTIONS[timer.kind](tx, timer.data)


def hold(tx: Tx, ticket: Ticket, name: str) -> WorkItem:
    """Have somebody take the open work of a ticket."""
    item = work_items.open_item(tx, ticket.id, ("ticket", "complaint", "follow_up"))
    work_items.take(tx, item.id, agent(tx, name).id)
    return item


def looked_into(tx: Tx, complaint: Complaint, finding: str = "proven") -> None:
    """Every point has a finding, and the cause is known."""
    for point in file.allegations_of(tx, complaint) or [file.add_allegation(tx, complaint, "All of it.")]:
        file.record_finding(tx, complaint, point.id, finding, "The log shows it.")
    file.set_cause(tx, complaint, "technology_fault", ["The order was sent twice.", "A retry has no key."])


def decide(tx: Tx, complaint: Complaint, outcome: str = "upheld", reasons: str = "We pay it back.", by: str = "He Yan") -> None:
    """Everything from the findings to the letter; where somebody else has to agree, the other officer does."""
    officer, other = agent(tx, by), agent(tx, "Ruth" if by == "He Yan" else "He Yan")
    looked_into(tx, complaint, "proven" if outcome in decisions.AT_FAULT else "not_proven")
    decisions.draft(
        tx, complaint, officer, outcome=outcome, looked_into="We read the log.", reasons=reasons, apology="We are sorry."
    )
    if decisions.needs_approval(tx, complaint):
        decisions.submit(tx, complaint, officer)
        decisions.approve(tx, complaint, other)
    else:
        decisions.send(tx, complaint, officer)


def ticket_of(tx: Tx, complaint: Complaint) -> Ticket:
    return tx.session.get_one(Ticket, complaint.ticket_id)


def letters(tx: Tx) -> list[dict[str, Any]]:
    """What is on its way by mail, oldest first."""
    mails = tx.session.scalars(select(OutboxMail).order_by(OutboxMail.id))
    return [{**mail.payload, "automatic": mail.automatic} for mail in mails]


def happened(tx: Tx, prefix: str) -> list[str]:
    """The kinds of the committed events that begin so, oldest first."""
    return list(tx.session.scalars(select(Event.kind).where(Event.kind.startswith(prefix)).order_by(Event.id)))


def queue(tx: Tx, key: str) -> Queue:
    return tx.session.scalars(select(Queue).where(Queue.key == key)).one()
