"""Why work waits or went to somebody, in the reader's words: the same sentences on pages and in the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask_babel import format_datetime, format_time, get_locale, gettext, lazy_gettext, ngettext

from desk.http.nouns import AWAY_REASONS, PRESENCES, skill_word
from desk.models import Team
from desk.queries.board.estimates import WINDOW_S, Expected
from desk.queries.work.why import FAR_OFF, Help, Person, Why
from routing.order import LIVE_CHANNELS
from routing.values import DEFERRED, ESCALATED, Skill

Teams = Mapping[str, Team]
NEAR_S = 20 * 3600

MODES = {
    "least_flexible": lazy_gettext("the fewest other kinds of work"),
    "longest_idle": lazy_gettext("free the longest"),
    "proficiency": lazy_gettext("the highest level in what is asked"),
    "least_loaded": lazy_gettext("the least work in hand"),
    "sticky": lazy_gettext("knows this matter, so was asked first"),
    "by_hand": lazy_gettext("given by hand"),
}
# What a mode looks at, the first the most.
DECIDES = {
    "least_flexible": ("flexibility", "idle_since"),
    "longest_idle": ("idle_since",),
    "proficiency": ("proficiency", "load", "flexibility", "idle_since"),
    "least_loaded": ("load", "idle_since"),
}
RULES = {
    "": lazy_gettext("could take it now"),
    "not_available": lazy_gettext("not available"),
    "skill_missing": lazy_gettext("a skill is missing"),
    "level_too_low": lazy_gettext("level too low"),
    "excluded": lazy_gettext("not asked again yet"),
    "sticky_hold": lazy_gettext("kept for somebody else"),
    "channel_maximum": lazy_gettext("as many at once as allowed"),
    "voice_exclusive": lazy_gettext("a call needs somebody alone"),
    "capacity": lazy_gettext("no room"),
    "composing": lazy_gettext("writes an answer"),
}
OFFER_STATES = {
    "offered": lazy_gettext("not answered yet"),
    "accepted": lazy_gettext("accepted"),
    "completed": lazy_gettext("accepted and finished"),
    "rejected": lazy_gettext("declined"),
    "timeout": lazy_gettext("not answered in time"),
    "canceled": lazy_gettext("the customer left"),
    "rescinded": lazy_gettext("taken back"),
}
PROFICIENCY = (lazy_gettext("usual"), lazy_gettext("skilled"), lazy_gettext("expert"))


def rule_words(person: Person, why: Why) -> str:
    """Why this person cannot take it, with the figures of the rule; for who is able that they can."""
    d: Mapping[str, Any] = person.detail
    match person.rule:
        case "not_available":
            return _absent(person)
        case "skill_missing":
            return gettext("lacks %(skill)s (level %(needs)s is asked)", skill=skill_word(d["skill"]), needs=d["needs"])
        case "level_too_low":
            return gettext(
                "%(skill)s at level %(has)s, needs %(needs)s", skill=skill_word(d["skill"]), has=d["has"], needs=d["needs"]
            )
        case "excluded":
            return _excluded(d, why.at)
        case "sticky_hold":
            return _held(why)
        case "channel_maximum":
            return _at_most(d, why)
        case "voice_exclusive" if why.item.channel == "voice":
            return gettext("in a chat; a call needs somebody who is free of live work")
        case "voice_exclusive":
            return gettext("on a call")
        case "capacity":
            return gettext("no room: %(used)s of %(capacity)s used, this needs %(weight)s", **d)
        case "composing":
            return gettext("writes to a customer just now and usually takes over a minute; no new chat until that is sent")
    return str(RULES[""])


def step_words(done: Mapping[str, Any], teams: Teams) -> str:
    """What one overflow step changes."""
    skill = skill_word(str(done.get("skill", "")))
    match done.get("do"):
        case "drop_skill":
            return gettext("%(skill)s is asked for no longer", skill=skill)
        case "lower_level":
            return gettext("level %(level)s in %(skill)s will do", level=done.get("level"), skill=skill)
        case "also_team":
            return gettext("people of %(team)s may take it too", team=team_word(str(done.get("team", "")), teams))
        case "raise_band":
            return gettext("it goes before other waiting work")
        case "offer_callback":
            return gettext("a caller is offered a call back")
        case "to_voicemail":
            return gettext("a caller is led to leave a message")
    return str(done.get("do", ""))


def next_step_words(why: Why, teams: Teams) -> str:
    """What the queue does next and when; empty when nothing is left to do."""
    step = why.next_step
    if step is None or step.at.timestamp() >= FAR_OFF:
        return ""
    seconds = max(0, round((step.at - why.at).total_seconds()))
    return gettext("In %(time)s: %(what)s.", time=span(seconds), what=step_words(step.done, teams))


def help_words(found: Help, why: Why) -> str:
    """What would get the work moving."""
    match found.code:
        case "come_back":
            return ngettext(
                "%(num)s person has what it asks for but is not available.",
                "%(num)s people have what it asks for but are not available.",
                found.count,
            )
        case "finish":
            return ngettext(
                "%(num)s person who could do it is busy with other work.",
                "%(num)s people who could do it are busy with other work.",
                found.count,
            )
        case "ask_again":
            return ngettext(
                "%(num)s person who gave it back is asked again from %(time)s.",
                "%(num)s people who gave it back are asked again, the first from %(time)s.",
                found.count,
                time=clock_time(found.detail["at"], why.at),
            )
        case "raise_level":
            return ngettext(
                "%(num)s person has the skill, but at too low a level.",
                "%(num)s people have the skill, but at too low a level.",
                found.count,
            )
        case "nobody_has":
            skill = skill_word(found.detail["skill"])
            return gettext("Nobody at all has %(skill)s at level %(level)s.", skill=skill, level=found.detail["level"])
    return gettext("Nobody at all has everything that it asks for.")


def needs_words(requires: Sequence[Skill], also: Sequence[Sequence[Skill]], teams: Teams) -> str:
    """What is asked for."""
    said = gettext(", ").join(_need(skill, level) for skill, level in requires) or gettext("no special skill")
    for other in also:
        named = gettext(", ").join(
            team_word(skill.removeprefix("team:"), teams) if skill.startswith("team:") else _need(skill, level)
            for skill, level in other
        )
        said = gettext("%(this)s, or %(that)s", this=said, that=named)
    return said


def place_words(why: Why) -> str:
    """The place in the line."""
    if why.place is None:
        return ""
    return gettext("%(place)s of %(all)s that ask for the same", place=why.place.position, all=why.place.size)


def band_words(why: Why) -> str:
    """How urgent it counts as."""
    if why.band == ESCALATED:
        return gettext("before all other work")
    if why.band == DEFERRED:
        if why.item.promote_at is None:
            return gettext("can wait behind calls and chats")
        return gettext("can wait behind calls and chats until %(time)s", time=clock_time(why.item.promote_at, why.at))
    if why.item.channel not in LIVE_CHANNELS:
        return gettext("now among calls and chats, because its time is near or it has waited long")
    return gettext("live: calls and chats")


def held_words(why: Why) -> str:
    """For whom it is kept; empty when for nobody."""
    return "" if why.held_until is None else _held(why)


def expected_words(expected: Expected | None) -> str:
    """How much longer it will take, as a range."""
    if expected is None or expected.estimate is None:
        return gettext("not known") if expected is None or expected.line.agents else gettext("not known: nobody is there for it")
    if expected.estimate.method == "free":
        return gettext("at once")
    low, high = expected.estimate.minutes
    return (
        gettext("about %(minutes)s min", minutes=low) if low == high else gettext("%(low)s to %(high)s min", low=low, high=high)
    )


def method_words(expected: Expected | None) -> str:
    """How that was estimated, with the figures it was estimated from."""
    if expected is None or expected.estimate is None:
        return ""
    line = expected.line
    match expected.estimate.method:
        case "QLm":
            return gettext(
                "By the length of the line: %(ahead)s ahead; those who are there finished %(done)s such in %(minutes)s min.",
                ahead=line.ahead,
                done=line.completions,
                minutes=WINDOW_S // 60,
            )
        case "HOL":
            return gettext(
                "By the wait of the first in line, %(time)s: too few (%(done)s) were finished lately to measure a speed.",
                time=span(line.oldest_wait_s or 0),
                done=line.completions,
            )
        case "LES":
            return gettext("By the wait of the last one served, %(time)s.", time=span(line.last_wait_s or 0))
        case "handling":
            return gettext("By the usual handling time, %(time)s: nothing was measured lately.", time=span(line.handle_s or 0))
    return gettext("Somebody who can do it is free.")


def mode_words(reason: Mapping[str, Any]) -> str:
    """How the agent was chosen among those who could."""
    if reason.get("by_hand"):
        return gettext("given by hand by %(name)s", name=reason["by_hand"])
    return str(MODES.get(str(reason.get("mode", "")), ""))


def order_words(mode: str) -> str:
    """In which order those who are able are asked."""
    return str(MODES.get(mode, mode))


def score_words(scores: Mapping[str, float], mode: str, at: datetime) -> str:
    """The figures by which the mode chooses, the first the most; `at` is when they were looked at."""
    figures = DECIDES.get(mode, DECIDES["proficiency"])
    return " · ".join(_score(figure, scores[figure], at) for figure in figures if figure in scores)


def team_word(key: str, teams: Teams) -> str:
    """A team by its name in the reader's language."""
    team = teams.get(key)
    if team is None:
        return key
    return (team.name_zh or team.name) if str(get_locale()).startswith("zh") else team.name


def clock_time(at: datetime, now: datetime) -> str:
    """A moment: by the clock if it is near, else with its day."""
    return format_time(at, "HH:mm:ss") if abs((at - now).total_seconds()) < NEAR_S else format_datetime(at, "short")


def span(seconds: float) -> str:
    """A length of time."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _score(figure: str, value: float, at: datetime) -> str:
    match figure:
        case "proficiency":
            return str(PROFICIENCY[int(value)])
        case "load":
            return gettext("%(share)s%% in use", share=round(value * 100))
        case "idle_since":
            return gettext("free for %(time)s", time=span(max(0.0, at.timestamp() - value)))
    return ngettext("%(num)s skill", "%(num)s skills", int(value))


def _at_most(detail: Mapping[str, Any], why: Why) -> str:
    if why.item.channel == "voice":
        return gettext("on a call")
    if "halves" not in detail:
        return gettext("has %(count)s of this channel, as many as allowed", count=detail["count"])
    return ngettext(
        "has as many as allowed: %(count)s of %(maximum)s, %(num)s of them counted half as its customer is silent",
        "has as many as allowed: %(count)s of %(maximum)s, %(num)s of them counted half as their customers are silent",
        detail["halves"],
        count=f"{detail['count']:g}",
        maximum=detail["maximum"],
    )


def _absent(person: Person) -> str:
    state = AWAY_REASONS.get(person.presence_reason) if person.presence == "away" else None
    word = str(state or PRESENCES.get(person.presence, person.presence))
    if person.otherwise is None:
        return gettext("%(state)s; has what it asks for", state=word)
    if person.otherwise in ("skill_missing", "level_too_low"):
        return gettext("%(state)s; lacks a skill as well", state=word)
    return word


def _excluded(detail: Mapping[str, Any], now: datetime) -> str:
    until = detail.get("until")
    if until is None:
        return gettext("has only just let go of it")
    if until >= FAR_OFF:
        return gettext("is not to have this work")
    return gettext("gave it back; asked again from %(time)s", time=clock_time(datetime.fromtimestamp(until, UTC), now))


def _held(why: Why) -> str:
    until = clock_time(why.held_until, why.at) if why.held_until else ""
    if why.held_for:
        return gettext("kept for %(name)s until %(time)s", name=why.held_for, time=until)
    return gettext("kept for somebody of another team until %(time)s", time=until)


def _need(skill: str, level: int) -> str:
    return f"{skill_word(skill)} ≥ {level}"
