"""The people at the desk: adding them, their roles and skills."""

from __future__ import annotations

import re

from sqlalchemy import delete, select, update

from desk.access import ROLES
from desk.errors import Conflict, Invalid
from desk.models import Agent, AgentSkill, StaffSession, Team
from desk.passwords import hash_password
from desk.queries.skills import in_force
from desk.store import Tx

MIN_PASSWORD = 10


def add_agent(tx: Tx, *, email: str, name: str, password: str, roles: list[str], team: Team | None, locale: str = "en") -> Agent:
    """Add a person; raises `Invalid` for input that cannot be, `Conflict` when the address is taken."""
    email = email.strip().lower()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise Invalid("“%(value)s” is no e-mail address. It should look like name@example.com.", value=email)
    if not name.strip():
        raise Invalid("Please give a name.")
    check_password(password)
    check_roles(roles)
    if tx.session.scalar(select(Agent.id).where(Agent.email == email)):
        raise Conflict("There is already somebody with this e-mail address.")
    agent = Agent(
        email=email,
        name=name.strip()[:100],
        password_hash=hash_password(password),
        roles=sorted(roles),
        team_id=team.id if team else None,
        locale=locale,
        presence_since=tx.now,
        idle_since=tx.now,
    )
    tx.session.add(agent)
    tx.emit("agent.added", agent=agent, data={"roles": agent.roles})
    return agent


def set_roles(tx: Tx, agent: Agent, roles: list[str]) -> None:
    """Change what somebody may do. Ends their sessions; nobody changes their own roles."""
    check_roles(roles)
    if tx.actor.kind == "agent" and tx.actor.id == agent.id:
        raise Invalid("You cannot change your own roles.")
    if sorted(roles) == agent.roles:
        return
    tx.emit("agent.roles_set", agent=agent, data={"old": agent.roles, "new": sorted(roles)})
    agent.roles = sorted(roles)
    end_sessions(tx, agent)


def set_active(tx: Tx, agent: Agent, active: bool) -> None:
    """Let somebody in or lock them out."""
    if tx.actor.kind == "agent" and tx.actor.id == agent.id:
        raise Invalid("You cannot lock yourself out.")
    agent.active = active
    tx.emit("agent.activated" if active else "agent.deactivated", agent=agent)
    if not active:
        end_sessions(tx, agent)


def end_sessions(tx: Tx, agent: Agent) -> None:
    """Sign the agent out everywhere."""
    query = update(StaffSession).where(StaffSession.agent_id == agent.id, StaffSession.ended_at.is_(None))
    tx.session.execute(query.values(ended_at=tx.now))
    tx.emit("agent.signed_out", agent=agent, data={"everywhere": True})


def set_skill(tx: Tx, agent: Agent, skill: str, level: int | None) -> None:
    """Give, change or (with None) take a skill; offers after this go by it."""
    skill = skill.strip().lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9:_-]{0,39}", skill):
        raise Invalid("A skill is named by small letters, digits, “:”, “-” and “_”.")
    if level is not None and not 1 <= level <= 10:
        raise Invalid("A skill level is a number from 1 to 10.")
    spells = (AgentSkill.agent_id == agent.id, AgentSkill.skill == skill)
    tx.session.execute(delete(AgentSkill).where(*spells, AgentSkill.since >= tx.now))
    tx.session.execute(update(AgentSkill).where(*spells, in_force(tx.now)).values(until=tx.now))
    if level is not None:
        tx.session.add(AgentSkill(agent_id=agent.id, skill=skill, level=level, since=tx.now))
    tx.emit("agent.skill_set", agent=agent, data={"skill": skill, "level": level})


def settle_idle(tx: Tx, agent: Agent) -> None:
    """An agent with nothing in hand is idle from now: the longest idle is asked first."""
    if agent.used == 0:
        agent.idle_since = tx.now


def check_roles(roles: list[str]) -> None:
    """Raises `Invalid` for a role that does not exist."""
    wrong = [role for role in roles if role not in ROLES]
    if wrong or not roles:
        raise Invalid("Roles are: %(roles)s.", roles=", ".join(ROLES))


def check_password(password: str) -> None:
    """Raises `Invalid` for a password that is too short."""
    if len(password) < MIN_PASSWORD:
        raise Invalid("A password has at least %(count)s characters.", count=MIN_PASSWORD)
