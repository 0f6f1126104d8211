"""Why a piece of work waits and who could take it: explained from the rows alone, so that any process can, router or not.

The rules are the router's own (`routing.able`, `routing.choice`, `routing.overflow`), applied to everybody who takes work. The
number of queries does not depend on how many people or items there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.access import ROLE_RIGHTS, Right, Viewer
from desk.models import Agent, AgentSkill, Offer, Queue, WorkItem
from desk.models.agent import AVAILABLE
from desk.models.work_item import IS_HOLDING, WAITING
from desk.queries.board.estimates import Expected, Measured, expected_wait, hand, measured
from desk.queries.calendars import calendar_of
from desk.queries.people.skills import in_force, skills_at
from desk.queries.work.channel_rules import rules_of
from desk.queries.work.line import Place, place_of
from desk.queries.work.matching import COMPOSING_UNTIL, HELD_AS, held_at, item_of, team_skills
from routing.able import failure, has_skills, holder, is_qualified
from routing.choice import figures
from routing.reasons import preference
from routing.values import DEFERRED, ChannelRule, Item, Load, Skill, Step, load_of
from routing.values import Agent as Seat

MOST_NAMED = 25
NOTHING_HELD = Load(0, 0, False, {})
# From who is nearest to being able to who is farthest.
RULES = (
    *("composing", "sticky_hold", "excluded", "channel_maximum", "voice_exclusive", "capacity"),
    *("not_available", "level_too_low", "skill_missing"),
)
FULL_RULES = ("channel_maximum", "voice_exclusive", "capacity", "composing")
FAR_OFF = datetime(9999, 1, 1, tzinfo=UTC).timestamp()  # an exclusion for good, a step that never comes


@dataclass(frozen=True)
class Person:
    """Somebody who takes work, seen from the item: able now (`scores` say in which order), or kept from it by `rule`.

    For who is not available `otherwise` is the rule that would fail next, or None when they could take it once they are there.
    """

    agent_id: int
    name: str
    presence: str
    presence_reason: str
    presence_since: datetime
    rule: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    otherwise: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StepLine:
    """One overflow step of the queue: what it does (`done`, as stored), when, and whether that has been."""

    at: datetime
    done: Mapping[str, Any]
    taken: bool


@dataclass(frozen=True)
class Help:
    """What would get the work moving: a code, how many people it is about, and its figures."""

    code: str
    count: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Why:
    """Why an item is where it is, at `at`.

    `requires` and `also` are in force now; `asked` is what the item itself added to its queue's. `people` are the first of them
    by name; `unnamed` counts the others by rule ("" for those who are able), because they are many or of another team.
    """

    at: datetime
    item: WorkItem
    queue: Queue
    waits: bool
    requires: list[Skill]
    also: list[list[Skill]]
    steps: list[StepLine]
    band: int
    people: list[Person]
    unnamed: Mapping[str, int]
    totals: Mapping[str, int]
    helps: list[Help]
    place: Place | None
    expected: Expected | None
    held_for: str
    held_until: datetime | None
    next_change_at: datetime | None

    @property
    def able(self) -> list[Person]:
        return [person for person in self.people if person.rule is None]

    @property
    def unable(self) -> list[Person]:
        return [person for person in self.people if person.rule is not None]

    @property
    def next_step(self) -> StepLine | None:
        return next((step for step in self.steps if not step.taken), None)

    @property
    def people_total(self) -> int:
        return sum(self.totals.values())


def why_waits(session: Session, viewer: Viewer, item: WorkItem, now: datetime) -> Why:
    """Explain one item to this viewer; of other teams' people they hear how many, not who."""
    queue = session.get_one(Queue, item.queue_id)
    wanted, moment, waits = item_of(item, queue, calendar_of(session, queue)), now.timestamp(), item.state == WAITING
    asked, rules = wanted.asked_at(moment), rules_of(session)
    floor = _floor(session, now, _names_of(asked), rules) if waits else []
    own = next((each.seat for each in floor if each.seat.id == wanted.sticky_agent), None)
    held_for = holder(wanted, own, moment)
    seen = _in_order(session, now, wanted, [_judged(wanted, each, moment, rules, held_for) for each in floor])
    may_name = names_for(viewer)
    named = [each for each in seen if may_name(each.who.team_id)]
    shown = named[:MOST_NAMED]
    totals = Counter(each.rule or "" for each in seen)
    place = place_of(session, item, now) if waits else None
    return Why(
        at=now,
        item=item,
        queue=queue,
        waits=waits,
        requires=sorted(asked.requires),
        also=sorted(sorted(each) for each in asked.also),
        steps=[StepLine(_moment(step.at), step.done, step.at <= moment) for step in wanted.steps],
        band=wanted.key_at(moment)[0],
        people=_people(session, shown),
        unnamed=totals - Counter(each.rule or "" for each in shown),
        totals=totals,
        helps=_helps(wanted, seen, moment) if waits else [],
        place=place,
        expected=_expected(measured(session, now), rules, now, queue, wanted, place, floor) if place is not None else None,
        held_for=next((each.who.name for each in named if each.who.seat.id == held_for), ""),
        held_until=item.sticky_until if held_for is not None else None,
        next_change_at=_next_change(wanted, held_for, moment) if waits else None,
    )


def names_for(viewer: Viewer) -> Callable[[int | None], bool]:
    """Whether the viewer looks after people of a team, and so may be told who they are; a program with the right sees all."""
    if viewer.token_id is not None or viewer.can(Right.ADMINISTER):
        return lambda _team_id: True
    return lambda team_id: team_id is not None and team_id == viewer.team_id


@dataclass(frozen=True, slots=True)
class _Present:
    """Somebody whom work is offered to, with those of their skills that matter here and what they hold."""

    seat: Seat
    name: str
    team_id: int | None
    load: Load
    in_hand: Sequence[tuple[int, str, datetime | None]]


@dataclass(slots=True)
class _Judged:
    """Somebody and the rule that keeps them from the item, if any; `otherwise` as in `Person`."""

    who: _Present
    rule: str | None
    detail: Mapping[str, Any]
    otherwise: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


def _floor(session: Session, now: datetime, skills: Collection[str], rules: Mapping[str, ChannelRule]) -> list[_Present]:
    """Everybody who takes work, by name."""
    columns = (Agent.id, Agent.name, Agent.team_id, Agent.roles, Agent.presence, Agent.capacity, Agent.idle_since)
    agents = session.execute(select(*columns).where(Agent.active.is_(True)).order_by(Agent.name, Agent.id)).all()
    has: dict[int, dict[str, int]] = {}
    matters = select(AgentSkill.agent_id, AgentSkill.skill, AgentSkill.level).where(in_force(now), AgentSkill.skill.in_(skills))
    for agent_id, skill, level in session.execute(matters):
        has.setdefault(agent_id, {})[skill] = level
    in_hand: dict[int, list[tuple[int, str, datetime | None]]] = {}
    held = select(Offer.agent_id, Offer.item_id, HELD_AS, COMPOSING_UNTIL, Offer.answered_at).where(IS_HOLDING)
    for agent_id, item_id, held_as, until, answered_at in session.execute(held):
        in_hand.setdefault(agent_id, []).append((item_id, held_at(now, held_as, until), answered_at))
    team_of = team_skills(session)
    floor = []
    for agent_id, name, team_id, roles, presence, capacity, idle_since in agents:
        if any(Right.TAKE_WORK in ROLE_RIGHTS.get(role, ()) for role in roles):
            holds = in_hand.get(agent_id, ())
            seat = Seat(
                id=agent_id,
                available=presence == AVAILABLE,
                skills={**has.get(agent_id, {}), **team_of.get(team_id, {})},
                capacity=capacity,
                held={item_id: held_as for item_id, held_as, _ in holds},
                idle_since=idle_since.timestamp(),
            )
            floor.append(_Present(seat, name, team_id, load_of(seat.held, rules) if holds else NOTHING_HELD, holds))
    return floor


def _names_of(asked: Step) -> set[str]:
    return {skill for requires in (asked.requires, *asked.also) for skill, _ in requires}


def _judged(item: Item, who: _Present, now: float, rules: Mapping[str, ChannelRule], held_for: int | None) -> _Judged:
    failed = failure(item, who.seat, who.load, now, rules, held_for)
    if failed is None:
        return _Judged(who, None, {})
    rule, detail = failed
    if rule != "not_available":
        return _Judged(who, rule, detail)
    there = failure(item, replace(who.seat, available=True), NOTHING_HELD, now, rules, held_for)
    return _Judged(who, rule, detail, there[0] if there is not None else None)


def _in_order(session: Session, now: datetime, item: Item, judged: list[_Judged]) -> list[_Judged]:
    """Who is able first, in the order of choice; the others by rule, then by name."""
    able, requires = [each for each in judged if each.rule is None], item.asked_at(now.timestamp()).requires
    skills = skills_at(session, now, [each.who.seat.id for each in able]) if able else {}

    def choice(each: _Judged) -> tuple[Any, ...]:
        seat = replace(each.who.seat, skills={**each.who.seat.skills, **skills.get(each.who.seat.id, {})})
        each.scores = figures(seat, each.who.load, requires)
        return preference(item, seat, each.who.load, requires)

    unable = [each for each in judged if each.rule is not None]
    return sorted(able, key=choice) + sorted(unable, key=lambda each: (RULES.index(each.rule), each.otherwise is not None))


def _people(session: Session, shown: Sequence[_Judged]) -> list[Person]:
    columns = (Agent.id, Agent.presence, Agent.presence_reason, Agent.presence_since)
    rows = session.execute(select(*columns).where(Agent.id.in_([each.who.seat.id for each in shown])))
    presence = {agent_id: (state, reason, since) for agent_id, state, reason, since in rows}
    return [
        Person(
            each.who.seat.id,
            each.who.name,
            *presence[each.who.seat.id],
            rule=each.rule,
            detail=each.detail,
            otherwise=each.otherwise,
            scores=each.scores,
        )
        for each in shown
    ]


def _helps(item: Item, seen: Sequence[_Judged], now: float) -> list[Help]:
    """What would get the work moving, the nearest first; nothing when somebody can take it."""
    if any(each.rule is None for each in seen):
        return []
    asked = item.asked_at(now)
    cooling = [float(each.detail["until"]) for each in seen if each.rule == "excluded" and "until" in each.detail]
    lacking = [
        Help("nobody_has", 1, {"skill": skill, "level": level})
        for skill, level in sorted(asked.requires)
        if not any(has_skills(each.who.seat.skills, [(skill, level)]) for each in seen)
    ]
    if not lacking and not any(has_skills(each.who.seat.skills, asked.requires) for each in seen):
        lacking.append(Help("nobody_has_all", 1))
    found = [
        Help("come_back", sum(each.rule == "not_available" and each.otherwise is None for each in seen)),
        Help("finish", sum(each.rule in FULL_RULES for each in seen)),
        Help("ask_again", len(cooling), {"at": _moment(min(cooling))} if cooling else {}),
        Help("raise_level", sum("level_too_low" in (each.rule, each.otherwise) for each in seen)),
        *lacking,
    ]
    return [each for each in found if each.count]


def _expected(
    seen: Measured,
    rules: Mapping[str, ChannelRule],
    now: datetime,
    queue: Queue,
    item: Item,
    place: Place,
    floor: Sequence[_Present],
) -> Expected:
    asked = item.asked_at(now.timestamp())
    hands = [
        hand(each.seat.id, each.seat.capacity, item.channel, each.in_hand, now, rules)
        for each in floor
        if is_qualified(each.seat, asked.requires, asked.also)
    ]
    return expected_wait(
        seen,
        rules,
        now,
        queue,
        item.channel,
        hands,
        requires=item.requires,
        tier=item.tier,
        ahead=place.ahead,
        oldest=place.oldest,
        since=_moment(item.enqueued_at),
    )


def _next_change(item: Item, held_for: int | None, now: float) -> datetime | None:
    """When time alone next changes something for the item."""
    moments = [until for until in item.excluded.values() if now < until < FAR_OFF]
    step = item.next_step(now)
    if step is not None:
        moments.append(step.at)
    if item.band == DEFERRED and item.promote_at is not None and now < item.promote_at:
        moments.append(item.promote_at)
    if held_for is not None and item.sticky_until is not None:
        moments.append(item.sticky_until)
    return min((_moment(at) for at in moments), default=None)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(min(at, FAR_OFF), UTC)
