"""What callers are told who cannot be put through: closed with the hours and the next opening, an emergency, a full line."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from desk.config import Settings
from desk.models import Calendar, LineClosure, Queue
from desk.queries.calendars import to_calendar
from desk.queries.calls.closures import current_closure
from desk.queries.calls.voice_policy import VoicePolicy, voice_policy
from desk.queries.calls.voice_texts import Prompts, Value, joined, spoken
from desk.voice_texts import LANGUAGES
from desk.voice_words import digits_in_words, hours_in_words, moment_in_words

IN_WRITING = "writing"  # a limit holds for this customer, see `desk.models.contact_limit`


def dismissal(
    session: Session, settings: Settings, now: datetime, why: str, queue: Queue | None, locale: str, *, withheld: bool = False
) -> Prompts:
    """The message, and the ways left. `why` is closed | full | closure | writing; without a `locale` in both languages."""
    base, policy = settings.base_url, voice_policy(session)
    parts = []
    if why == "closure":
        closure = current_closure(session, now)
        if closure is not None:
            parts.append(closure_words(session, settings, now, closure, locale))
    elif why == "closed" and queue is not None:
        calendar = session.get_one(Calendar, queue.calendar_id)
        parts.append(spoken(session, base, "closed", locale, **_hours(calendar, now)))
    elif why == IN_WRITING:
        parts.append(spoken(session, base, "in_writing", locale))
    else:
        parts.append(spoken(session, base, "full", locale))
    if policy.emergency_number and why != "full":
        number = {lang: digits_in_words(policy.emergency_number, lang) for lang in LANGUAGES}
        parts.append(spoken(session, base, "emergency", locale, number=number))
    no_calls = withheld or why == IN_WRITING
    return joined(*parts, *(spoken(session, base, key, locale) for key in offers(policy, no_calls)))


def offers(policy: VoicePolicy, withheld: bool) -> list[str]:
    """The texts that say which keys lead on."""
    return [*(["offer_voicemail"] if policy.voicemail else []), *(["offer_callback"] if policy.callback and not withheld else [])]


def closure_words(session: Session, settings: Settings, now: datetime, closure: LineClosure, locale: str = "") -> Prompts:
    """The emergency closure as callers hear it."""
    values: dict[str, Value] = {"reason": {"zh": closure.reason_zh, "en": closure.reason_en}}
    if closure.expected_at is None:
        return spoken(session, settings.base_url, "closure_open_end", locale, **values)
    zone = settings.timezone
    values["time"] = {lang: moment_in_words(closure.expected_at, now, zone, lang) for lang in LANGUAGES}
    return spoken(session, settings.base_url, "closure", locale, **values)


def _hours(row: Calendar, now: datetime) -> dict[str, Value]:
    """The hours and the next opening in words; for a calendar that never opens again, the hours alone."""
    calendar = to_calendar(row)
    opens = calendar.next_open(now)
    later = {"zh": "之后", "en": "later"}
    said = later if opens is None else {lang: moment_in_words(opens, now, row.zone, lang) for lang in LANGUAGES}
    return {"hours": {lang: hours_in_words(calendar, lang) for lang in LANGUAGES}, "opens": said}
