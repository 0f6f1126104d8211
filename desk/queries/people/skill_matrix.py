"""Who can do what, for many people at once and through time for one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from desk.access import ROLE_RIGHTS, Right, Viewer
from desk.errors import NotAllowed, NotFound
from desk.models import Agent, AgentSkill, Team
from desk.queries.admin import starts_with
from desk.queries.people.skills import known_skills

PAGE = 50
MOST_SKILLS = 50
MOST_PAST = 50


@dataclass(frozen=True)
class Cell:
    """The level now (None: not at all), and when it changes next, by plan, to what."""

    level: int | None
    turns_at: datetime | None = None
    turns_to: int | None = None


@dataclass(frozen=True)
class Matrix:
    """A page of people by the skills that there are; `cells` by agent id and skill, the missing ones are empty."""

    people: Sequence[tuple[Agent, Team | None]]
    more: bool
    skills: Sequence[str]
    all_skills: Sequence[str]
    cells: dict[tuple[int, str], Cell]

    def cell(self, agent_id: int, skill: str) -> Cell:
        return self.cells.get((agent_id, skill), NOTHING)


@dataclass(frozen=True)
class Spells:
    """The times in which somebody has a skill: in force now, to come, and over (the latest first, no more than `MOST_PAST`)."""

    now: list[AgentSkill]
    coming: list[AgentSkill]
    past: list[AgentSkill]


NOTHING = Cell(None)


def matrix(
    session: Session,
    now: datetime,
    *,
    team_id: int | None = None,
    search: str = "",
    after: tuple[str, int] | None = None,
    first: int = 0,
) -> Matrix:
    """Everybody who takes work and is not locked out, by name from behind `after`; of the skills those from the `first` on."""
    query = select(Agent, Team).outerjoin(Team, Team.id == Agent.team_id).where(Agent.active.is_(True), *_typed(search))
    if team_id is not None:
        query = query.where(Agent.team_id == team_id)
    if after is not None:
        query = query.where(or_(Agent.name > after[0], (Agent.name == after[0]) & (Agent.id > after[1])))
    rows = session.execute(query.order_by(Agent.name, Agent.id))
    people = []
    for agent, team in rows:
        if any(Right.TAKE_WORK in ROLE_RIGHTS[role] for role in agent.roles):
            people.append((agent, team))
        if len(people) > PAGE:
            break
    shown, every = people[:PAGE], known_skills(session)
    skills = every[first : first + MOST_SKILLS]
    cells = _cells(session, now, [agent.id for agent, _ in shown], skills)
    return Matrix(shown, len(people) > PAGE, skills, every, cells)


def one_cell(session: Session, now: datetime, agent_id: int, skill: str) -> Cell:
    """One person's one skill."""
    return _cells(session, now, [agent_id], [skill]).get((agent_id, skill), NOTHING)


def spells(session: Session, now: datetime, agent_id: int) -> Spells:
    """All that somebody can do, could and will be able to."""
    mine = select(AgentSkill).where(AgentSkill.agent_id == agent_id)
    lasting = session.scalars(mine.where(_not_over(now)).order_by(AgentSkill.skill, AgentSkill.since)).all()
    over = mine.where(AgentSkill.until <= now).order_by(AgentSkill.until.desc(), AgentSkill.skill).limit(MOST_PAST)
    return Spells(
        now=[spell for spell in lasting if spell.since <= now],
        coming=[spell for spell in lasting if spell.since > now],
        past=list(session.scalars(over)),
    )


def may_set_skills(viewer: Viewer, agent: Agent) -> bool:
    """Administrators set everybody's skills, supervisors those of their own team; not their own."""
    if viewer.can(Right.ADMINISTER):
        return True
    theirs = viewer.team_id is not None and agent.team_id == viewer.team_id
    return viewer.can(Right.SET_SKILLS) and theirs and agent.id != viewer.agent_id


def access_to_skills(session: Session, viewer: Viewer, agent_id: int) -> Agent:
    """Somebody whose skills the viewer may set; raises `NotFound`, or `NotAllowed` for people of other teams."""
    agent = session.get(Agent, agent_id)
    if agent is None:
        raise NotFound("There is no such person.")
    if not may_set_skills(viewer, agent):
        raise NotAllowed("You set the skills of your own team’s people; for others, and for yourself, ask an administrator.")
    return agent


def _typed(search: str) -> list[ColumnElement[bool]]:
    return [starts_with(search)] if search.strip() else []


def _not_over(now: datetime) -> ColumnElement[bool]:
    return or_(AgentSkill.until.is_(None), AgentSkill.until > now)


def _cells(session: Session, now: datetime, agent_ids: Collection[int], skills: Collection[str]) -> dict[tuple[int, str], Cell]:
    query = select(AgentSkill).where(AgentSkill.agent_id.in_(agent_ids), AgentSkill.skill.in_(skills), _not_over(now))
    by_pair: dict[tuple[int, str], list[AgentSkill]] = {}
    for spell in session.scalars(query.order_by(AgentSkill.since)):
        by_pair.setdefault((spell.agent_id, spell.skill), []).append(spell)
    return {pair: _cell(now, lasting) for pair, lasting in by_pair.items()}


def _cell(now: datetime, lasting: list[AgentSkill]) -> Cell:
    """`lasting` are the spells of one skill that are not over, in order."""
    current = lasting[0] if lasting[0].since <= now else None
    coming = lasting[1:] if current else lasting
    if current and current.until is not None:
        follows = bool(coming) and coming[0].since == current.until
        return Cell(current.level, current.until, coming[0].level if follows else None)
    if coming:
        return Cell(current.level if current else None, coming[0].since, coming[0].level)
    return Cell(current.level if current else None)
