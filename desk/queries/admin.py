"""What the administration pages show: people, queues, tokens, sign-ins, and the state of the system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from desk.access import Right, Viewer
from desk.errors import NotFound
from desk.models import Agent, AgentSkill, ApiToken, OutboxMail, OutboxRecipient, RouterLease, SignIn, StaffSession, Team, Timer
from desk.models.mail import FAILED
from desk.queries.board.board import visible_agents
from desk.queries.mail.deliveries import MailFigures, mail_figures
from desk.queries.people.skills import in_force

PAGE = 100
MOST_FAILED = 20


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in. `sessions` are the sign-ins that are still good."""

    agent: Agent
    team: Team | None
    skills: list[AgentSkill]
    sessions: list[StaffSession]


@dataclass(frozen=True)
class MailState:
    """How mail leaves: the figures, how much nobody got, and the latest recipients who did not get theirs."""

    figures: MailFigures
    failed: int
    failures: Sequence[OutboxRecipient]


@dataclass(frozen=True)
class RouterState:
    """Who routes, and until when nobody else may."""

    holder: str
    until: datetime | None
    epoch: int


def people(session: Session, *, search: str = "", after: tuple[str, int] | None = None) -> list[tuple[Agent, Team | None]]:
    """A page of people by name; `search` matches the start of a name or address. One row more says that there is another page."""
    query = select(Agent, Team).outerjoin(Team, Team.id == Agent.team_id)
    if search.strip():
        query = query.where(starts_with(search))
    if after is not None:
        query = query.where(or_(Agent.name > after[0], (Agent.name == after[0]) & (Agent.id > after[1])))
    return [(agent, team) for agent, team in session.execute(query.order_by(Agent.name, Agent.id).limit(PAGE + 1))]


def starts_with(search: str) -> ColumnElement[bool]:
    """The condition on `Agent` that the name or the address begins so."""
    start = search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return or_(Agent.name.like(start, escape="\\"), Agent.email.like(start.lower(), escape="\\"))


def person(session: Session, agent_id: int, now: datetime) -> Person:
    """One of the people; raises `NotFound`."""
    agent = session.get(Agent, agent_id)
    if agent is None:
        raise NotFound("There is no such person.")
    skills = session.scalars(select(AgentSkill).where(AgentSkill.agent_id == agent_id, in_force(now)).order_by(AgentSkill.skill))
    sessions = select(StaffSession).where(
        StaffSession.agent_id == agent_id, StaffSession.ended_at.is_(None), StaffSession.expires_at > now
    )
    return Person(
        agent=agent,
        team=session.get(Team, agent.team_id) if agent.team_id else None,
        skills=list(skills),
        sessions=list(session.scalars(sessions.order_by(StaffSession.id.desc()))),
    )


def teams(session: Session) -> list[Team]:
    """All teams in the order in which they were made."""
    return list(session.scalars(select(Team).order_by(Team.id)))


def names_of_people(session: Session) -> list[tuple[int, str]]:
    """Everybody, by name."""
    return [(agent_id, name) for agent_id, name in session.execute(select(Agent.id, Agent.name).order_by(Agent.name, Agent.id))]


def tokens(session: Session) -> list[ApiToken]:
    """The latest first; the revoked ones stay in the list, so that it can be seen who had access."""
    return list(session.scalars(select(ApiToken).order_by(ApiToken.revoked_at.is_not(None), ApiToken.id.desc())))


def sign_ins(session: Session, viewer: Viewer, *, before: int | None = None, outcome: str = "") -> list[tuple[SignIn, str]]:
    """A page of attempts to sign in, the latest first, with the person's name; supervisors see their own team's."""
    query = select(SignIn, func.coalesce(Agent.name, "")).outerjoin(Agent, Agent.id == SignIn.agent_id)
    if before is not None:
        query = query.where(SignIn.id < before)
    if outcome:
        query = query.where(SignIn.outcome == outcome)
    if viewer.can(Right.SUPERVISE) and not viewer.can(Right.ADMINISTER):
        query = query.where(SignIn.agent_id.in_(select(Agent.id).where(visible_agents(viewer))))
    return [(attempt, name) for attempt, name in session.execute(query.order_by(SignIn.id.desc()).limit(PAGE + 1))]


def mail_state(session: Session, today: datetime) -> MailState:
    """What is in the outbox; `today` is the moment at which the day began."""
    failed = select(OutboxRecipient).where(OutboxRecipient.state == FAILED)
    return MailState(
        figures=mail_figures(session, today),
        failed=session.scalar(select(func.count()).select_from(OutboxMail).where(OutboxMail.state == FAILED)) or 0,
        failures=list(session.scalars(failed.order_by(OutboxRecipient.changed_at.desc()).limit(MOST_FAILED))),
    )


def late_timers(session: Session, now: datetime) -> int:
    """How many timers should have gone off already."""
    return session.scalar(select(func.count()).select_from(Timer).where(Timer.done_at.is_(None), Timer.due_at < now)) or 0


def router_state(session: Session) -> RouterState:
    """Who holds the routing at present."""
    lease = session.get(RouterLease, 1)
    return RouterState(lease.holder, lease.until, lease.epoch) if lease else RouterState("", None, 0)


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder; files that vanish meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
