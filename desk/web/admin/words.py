"""Settings in words: the fields of queues, calendars and channels, their values, and what a change changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_babel import format_date, gettext, lazy_gettext, lazy_pgettext

from desk.http.nouns import TIERS, skill_word
from desk.sentences import N_
from desk.web.public.reader import language
from desk.web.spans import span

Names = Mapping[str, Mapping[Any, str]]
"""What numbers stand for in the reader's language: {"team_id": {1: "Customer service"}, "team": {"service": …}, …}."""

LABELS = {
    "name": lazy_gettext("Name in English"),
    "name_zh": lazy_gettext("Name in Chinese"),
    "team_id": lazy_gettext("Team"),
    "calendar_id": lazy_gettext("Opening hours"),
    "closed": lazy_gettext("Takes new work"),
    "requires": lazy_gettext("Skills it asks for"),
    "overflow": lazy_gettext("When nobody takes it"),
    "targets": lazy_gettext("Targets"),
    "choice": lazy_gettext("Of several free agents, ask first"),
    "offer_timeout_s": lazy_gettext("An offer rings for"),
    "wrap_up_s": lazy_gettext("Wrap-up after a call"),
    "sticky_s": lazy_gettext("Kept for who knows it"),
    "music": lazy_gettext("Music in the line and on hold"),
    "asks_article": lazy_gettext("Asks for the article that helped"),
    "position": lazy_gettext("Place in the list"),
    "zone": lazy_gettext("Time zone"),
    "week": lazy_gettext("Week"),
    "holidays": lazy_gettext("Holidays"),
    "workdays": lazy_gettext("Make-up working days"),
    "notes": lazy_gettext("Notes on days"),
    "years": lazy_gettext("Years that are complete"),
    "codes": lazy_gettext("Policies of every complaint"),
    "capacity": lazy_gettext("Capacity"),
    "used": lazy_gettext("In use"),
    "level": lazy_gettext("Level"),
    "items": lazy_gettext("Waiting work that goes by the new rules"),
    "roles": lazy_gettext("Roles"),
    "voice": lazy_gettext("Phone"),
    "chat": lazy_gettext("Chat"),
    "email": lazy_gettext("E-mail"),
    "complaint": lazy_gettext("Complaint"),
    "followup": lazy_gettext("Follow-up"),
    "ticket": lazy_gettext("Ticket"),
}
MODES = {
    "least_flexible": lazy_gettext("who has the fewest other skills"),
    "longest_idle": lazy_gettext("who has been free the longest"),
    "least_loaded": lazy_gettext("who has the least in hand"),
    "proficiency": lazy_gettext("who knows it best"),
}
WEEKDAYS = (
    *(lazy_gettext("Monday"), lazy_gettext("Tuesday"), lazy_gettext("Wednesday"), lazy_gettext("Thursday")),
    *(lazy_gettext("Friday"), lazy_gettext("Saturday"), lazy_gettext("Sunday")),
)
CLOSED = lazy_pgettext("opening hours", "closed")
OF_DAYS = ("holidays", "workdays", "notes")


def happened(kind: str, data: Mapping[str, Any], names: Names) -> list[tuple[str, str, str]]:
    """What an event about settings changed: label, before, after; empty for events that are about something else."""
    if kind in ("agent.skill_set", "agent.skill_turned"):
        days = " ".join(
            gettext(sentence, day=str(data[name])[:10])
            for name, sentence in (("since", N_("from %(day)s")), ("until", N_("until %(day)s")))
            if name in data
        )
        level = f"{told('level', data['level'], names)} {days}".strip()
        return [(skill_word(data["skill"]), told("level", data.get("old"), names), level)]
    if kind == "item.relaxed":
        return [(label("overflow"), "", step_words(data["step"], names))]
    if kind == "queue.requeued":
        return [(label("items"), "", str(data["items"]))]
    if kind == "queue.hours_changed":
        return [(label("calendar_id"), "", told("calendar_id", data["calendar"], names))]
    if isinstance(data.get("new"), Mapping) or isinstance(data.get("old"), Mapping):
        return changes(data, names)
    return []


def changes(data: Mapping[str, Any], names: Names) -> list[tuple[str, str, str]]:
    """What differs between `data["old"]` and `data["new"]`: label, before, after. Of days only those that came or went."""
    found = []
    before, after = data.get("old") or {}, data.get("new") or {}
    for field in after or before:
        old, now = before.get(field), after.get(field)
        new = now
        if field in OF_DAYS:
            old, new = _only(field, old or (), now or ()), _only(field, now or (), old or ())
        found.append((label(field), told(field, old, names), told(field, new, names)))
    return found


def label(field: str) -> str:
    """What the field is called."""
    return str(LABELS.get(field, field))


def told(field: str, value: Any, names: Names) -> str:
    """The value in words."""
    if value is None or value == "":
        return "–"
    if field in names:
        return names[field].get(value, str(value))
    return _TELL[field](value, names) if field in _TELL else str(value)


def step_words(step: Mapping[str, Any], names: Names) -> str:
    """One overflow step as a sentence."""
    after = span(step["after_s"])
    skill = skill_word(str(step.get("skill", "")))
    if step["do"] == "drop_skill":
        return gettext("After %(time)s: no longer asks for %(skill)s.", time=after, skill=skill)
    if step["do"] == "lower_level":
        return gettext("After %(time)s: %(skill)s from level %(level)s is enough.", time=after, skill=skill, level=step["level"])
    if step["do"] == "also_team":
        team = names["team"].get(step["team"], step["team"])
        return gettext("After %(time)s: people of %(team)s may take it too, whatever their skills.", time=after, team=team)
    if step["do"] == "offer_callback":
        return gettext("After %(time)s: callers are offered a call back, with their place kept.", time=after)
    if step["do"] == "to_voicemail":
        return gettext("After %(time)s: callers are led to leave a message.", time=after)
    return gettext("After %(time)s: goes before other waiting work.", time=after)


def hours_words(hours: Sequence[Sequence[str]]) -> str:
    """The open hours of one day."""
    if list(map(list, hours)) == [["00:00", "24:00"]]:
        return gettext("all day")
    return gettext(", ").join(f"{start}–{end}" for start, end in hours) or str(CLOSED)


def _only(field: str, these: Any, those: Any) -> Any:
    """What is among `these` days and not the same among `those`."""
    if field == "holidays":
        return [day for day in these if day not in those]
    return {day: value for day, value in dict(these).items() if dict(those).get(day) != value}


def _requires(value: list[list[Any]], _names: Names) -> str:
    return gettext(", ").join(f"{skill_word(skill)} ≥ {level}" for skill, level in value) or gettext("no special skill")


def _overflow(value: list[dict[str, Any]], names: Names) -> str:
    gap = "" if language() == "zh" else " "
    return gap.join(step_words(step, names) for step in value) or gettext("asks for the same as long as it waits")


def _targets(value: dict[str, dict[str, int]], _names: Names) -> str:
    parts = [f"{label(channel)} {TIERS[tier]} {span(s)}" for channel, tiers in value.items() for tier, s in tiers.items()]
    return gettext(", ").join(parts) or gettext("as usual")


def _sticky(value: dict[str, int], _names: Names) -> str:
    return gettext(", ").join(f"{label(channel)} {span(seconds)}" for channel, seconds in value.items()) or gettext("as usual")


def _week(value: list[list[list[str]]], _names: Names) -> str:
    return gettext("; ").join(f"{day} {hours_words(hours)}" for day, hours in zip(WEEKDAYS, value, strict=True))


def _rule(value: dict[str, Any], _names: Names) -> str:
    parts = [gettext("weighs %(weight)s, at most %(maximum)s", weight=value["weight"], maximum=value["maximum"])]
    if value.get("interruptible"):
        parts.append(gettext("can be set aside"))
    if value.get("exclusive"):
        parts.append(gettext("nothing live beside it"))
    return gettext(", ").join(parts)


def _days(value: Any, _names: Names) -> str:
    """Days as they are written everywhere in settings; with hours or a note where they have one."""
    if isinstance(value, Mapping):
        return (
            gettext(", ").join(f"{day} {each if isinstance(each, str) else hours_words(each)}" for day, each in value.items())
            or "–"
        )
    return gettext(", ").join(value) or "–"


def month_name(day: Any) -> str:
    """Year and month in the reader's language."""
    return format_date(day, "y年M月" if language() == "zh" else "MMMM y")


_TELL: Mapping[str, Callable[[Any, Names], str]] = {
    "requires": _requires,
    "overflow": _overflow,
    "targets": _targets,
    "sticky_s": _sticky,
    "week": _week,
    **dict.fromkeys(OF_DAYS, _days),
    **dict.fromkeys(("voice", "chat", "email", "complaint", "followup", "ticket"), _rule),
    "choice": lambda value, _names: str(MODES.get(value, value)),
    "closed": lambda value, _names: gettext("no") if value else gettext("yes"),
    "asks_article": lambda value, _names: gettext("yes") if value else gettext("no"),
    "offer_timeout_s": lambda value, _names: span(value),
    "wrap_up_s": lambda value, _names: span(value),
    "music": lambda value, _names: gettext("its own (no. %(number)s)", number=value) if value else gettext("that of the menus"),
}
