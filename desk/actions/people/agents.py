"""The people at the desk: adding them, their roles and skills."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import func, or_, select, update

from desk.access import ROLES
from desk.actions.timers import clear_timer, set_timer
from desk.errors import Conflict, Invalid
from desk.models import Agent, AgentSkill, StaffSession, Team
from desk.passwords import hash_password
from desk.queries.people.skills import skills_at
from desk.sentences import N_
from desk.store import Tx
from routing.overflow import TEAM_PREFIX

MIN_PASSWORD = 10
SKILL_NAME = re.compile(r"[a-z0-9][a-z0-9:_-]{0,39}")
SKILL_TIMER = "skill.spell"
MOST_UNDO_S = 60
LONGEST_SIGNATURE = 1000


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


def set_skill(
    tx: Tx, agent: Agent, skill: str, level: int | None, since: datetime | None = None, until: datetime | None = None
) -> None:
    """Give, change or (with None) take a skill from `since` (now) until before `until` (for good).

    What was planned for that time is replaced; what lies before and after it stays. Offers go by it at once.
    """
    skill = skill.strip().lower()
    check_skill(skill)
    begins = since or tx.now
    if level is not None and not 1 <= level <= 10:
        raise Invalid("A skill level is a number from 1 to 10.")
    if begins < tx.now:
        raise Invalid("What somebody could do in the past cannot be changed.")
    if until is not None and until <= begins:
        raise Invalid("The last day must not come before the first.")
    tx.session.flush()
    tx.session.refresh(agent, with_for_update=True)  # one change of somebody's skills at a time
    before = _spells(tx, agent, skill)
    _cut(tx, agent, skill, begins, until)
    if level is not None:
        _add_spell(tx, agent, skill, level, begins, until)
    if _spells(tx, agent, skill) == before:
        return
    span = {"since": since, "until": until}
    tx.emit(
        "agent.skill_set",
        agent=agent,
        data={
            "skill": skill,
            "old": next((old for old, start, end in before if start <= begins and (end is None or begins < end)), None),
            "level": level,
            **{name: moment.isoformat() for name, moment in span.items() if moment is not None},
        },
    )
    _plan_turn(tx, agent)


def change_level(tx: Tx, agent: Agent, skill: str, level: int | None) -> None:
    """Change or take a skill from now on until whatever is planned for it next."""
    planned = [moment for _, since, until in _spells(tx, agent, skill) for moment in (since, until) if moment and moment > tx.now]
    set_skill(tx, agent, skill, level, until=min(planned, default=None))


def turn_skills(tx: Tx, agent: Agent, last: datetime) -> None:
    """Say which skills have begun, changed or ended by plan since `last`, so that routing looks at the agent again."""
    before, after = (skills_at(tx.session, moment, (agent.id,)).get(agent.id, {}) for moment in (last, tx.now))
    for skill in sorted(before.keys() | after.keys()):
        if before.get(skill) != after.get(skill):
            data = {"skill": skill, "old": before.get(skill), "level": after.get(skill)}
            tx.emit("agent.skill_turned", agent=agent, data=data)
    _plan_turn(tx, agent)


def set_answering(tx: Tx, agent: Agent, undo_s: int | None, signature: str) -> None:
    """How this person answers by mail: seconds in which an answer can be taken back, and the words below it."""
    fields = {}
    if undo_s is None or not 0 <= undo_s <= MOST_UNDO_S:
        fields["undo_s"] = N_("Give a number from 0 to 60.")
    if len(signature) > LONGEST_SIGNATURE:
        fields["signature"] = N_("This text is too long.")
    if undo_s is None or fields:
        raise Invalid("These settings cannot be used.", fields)
    agent.undo_s, agent.signature = undo_s, signature.strip()
    tx.emit("agent.answering_set", agent=agent, data={"undo_s": undo_s})


def settle_idle(tx: Tx, agent: Agent) -> None:
    """An agent with nothing in hand is idle from now: the longest idle is asked first."""
    if agent.used == 0:
        agent.idle_since = tx.now


def check_roles(roles: list[str]) -> None:
    """Raises `Invalid` for a role that does not exist."""
    wrong = [role for role in roles if role not in ROLES]
    if wrong or not roles:
        raise Invalid("Roles are: %(roles)s.", roles=", ".join(ROLES))


def check_skill(skill: str) -> None:
    """Raises `Invalid` for what cannot be the name of a skill; names that begin with “team:” are the desk's own."""
    if not SKILL_NAME.fullmatch(skill):
        raise Invalid("A skill is named by small letters, digits, “:”, “-” and “_”.")
    if skill.startswith(TEAM_PREFIX):
        raise Invalid("Names that begin with “team:” are kept for teams. Choose another name.")


def check_password(password: str) -> None:
    """Raises `Invalid` for a password that is too short."""
    if len(password) < MIN_PASSWORD:
        raise Invalid("A password has at least %(count)s characters.", count=MIN_PASSWORD)


def _spells(tx: Tx, agent: Agent, skill: str) -> list[tuple[int, datetime, datetime | None]]:
    """Level, beginning and end of each time in which the agent has the skill, in order."""
    tx.session.flush()
    query = select(AgentSkill.level, AgentSkill.since, AgentSkill.until)
    rows = tx.session.execute(query.where(AgentSkill.agent_id == agent.id, AgentSkill.skill == skill).order_by(AgentSkill.since))
    return [(level, since, until) for level, since, until in rows]


def _cut(tx: Tx, agent: Agent, skill: str, begins: datetime, ends: datetime | None) -> None:
    """Make room: nothing of the skill is left between `begins` and `ends`."""
    meets = [or_(AgentSkill.until.is_(None), AgentSkill.until > begins)]
    if ends is not None:
        meets.append(AgentSkill.since < ends)
    rests = []
    for spell in tx.session.scalars(select(AgentSkill).where(AgentSkill.agent_id == agent.id, AgentSkill.skill == skill, *meets)):
        if ends is not None and (spell.until is None or spell.until > ends):
            rests.append(AgentSkill(agent_id=agent.id, skill=skill, level=spell.level, since=ends, until=spell.until))
        if spell.since < begins:
            spell.until = begins
        else:
            tx.session.delete(spell)
    tx.session.flush()
    tx.session.add_all(rests)


def _add_spell(tx: Tx, agent: Agent, skill: str, level: int, begins: datetime, ends: datetime | None) -> None:
    """Add a time with the skill, or lengthen the one that it goes on from at the same level."""
    before = select(AgentSkill).where(
        AgentSkill.agent_id == agent.id, AgentSkill.skill == skill, AgentSkill.until == begins, AgentSkill.level == level
    )
    goes_on = tx.session.scalar(before)
    if goes_on is not None:
        goes_on.until = ends
    else:
        tx.session.add(AgentSkill(agent_id=agent.id, skill=skill, level=level, since=begins, until=ends))


def _plan_turn(tx: Tx, agent: Agent) -> None:
    """Have the next planned change of the agent's skills noticed when it comes."""
    moments = [
        select(func.min(column)).where(AgentSkill.agent_id == agent.id, column > tx.now)
        for column in (AgentSkill.since, AgentSkill.until)
    ]
    next_at = min((moment for query in moments if (moment := tx.session.scalar(query)) is not None), default=None)
    if next_at is None:
        clear_timer(tx, SKILL_TIMER, str(agent.id))
    else:
        set_timer(tx, SKILL_TIMER, str(agent.id), next_at, {"agent_id": agent.id, "last": tx.now.isoformat()})
