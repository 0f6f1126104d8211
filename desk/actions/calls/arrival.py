"""A caller on the way to a person: known by their number, through the menus of the number they called, into the queue.

Each function answers what the caller hears next (`Answer`); where a caller is stands in `Call.menu`, with the version of the
menus that the call began with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import select

from channels.voice.events import CallEvent
from desk.actions import intake
from desk.actions.calls import callbacks
from desk.actions.calls.locks import lock_call
from desk.actions.calls.queueing import AWAY, is_full, queue_call, send_elsewhere
from desk.actions.editing import fingerprint
from desk.actions.people import customers
from desk.errors import Invalid
from desk.models import Call, CallLeg, Customer, Queue
from desk.models.call import CUSTOMER, DECLINED, FAILED, IVR, NOT_RECORDED, QUEUED
from desk.models.contact_limit import CHANNEL
from desk.queries.calendars import calendar_of
from desk.queries.calls.closures import current_closure
from desk.queries.calls.dismissal import IN_WRITING, dismissal
from desk.queries.calls.menus import entry_of, flow_of, is_blocked, menu_texts
from desk.queries.calls.voice_policy import voice_policy
from desk.queries.calls.voice_texts import PLAY, Prompts, address_of, as_kept, company, joined, spoken, text_of
from desk.queries.people.contact_limits import running_limit
from desk.store import Tx
from desk.voice_texts import LANGUAGES
from routing.call_flow import NUMBER, QUEUE, VOICEMAIL, menus_of, start_of
from routing.ivr import AUDIO, Menu, Position, Say, Step, step
from routing.spoken_choice import key_said

NO_RECORDING = "9"
ASK, ROOM, GOODBYE, LEAVE_MESSAGE, RING_BACK, OUTSIDE = "ask", "room", "goodbye", "voicemail", "callback", "outside"
# What a carrier says in place of a number that is withheld: a word, or the word on a keypad.
WITHHELD = {
    "",
    "anonymous",
    "restricted",
    "unknown",
    "unavailable",
    "+266696687",
    "+7378742833",
    "+8656696",
    "+2562533",
    "+86282452253",
}
MOST_HINTS = 100


@dataclass(frozen=True)
class Answer:
    """What a caller hears, and what then: an answer is asked for, they enter the room, hang up, or go another way.

    Keys are asked for at step `at`, and words in the language `speech`, helped by `hints`. `why` says why they were turned away.
    """

    then: str
    say: Prompts = ()
    at: int = 0
    speech: str = ""
    hints: tuple[str, ...] = ()
    why: str = ""


def arrive(tx: Tx, event: CallEvent) -> Call:
    """A call comes in: known by its number, or as a caller without one. The same call again is the same row."""
    call = tx.session.scalar(select(Call).where(Call.sid == event.call_sid))
    if call is not None:
        return lock_call(tx, call.id)
    customer = _caller(tx, event)
    entry, policy = entry_of(tx.session, event.to), voice_policy(tx.session)
    known = customer.locale in LANGUAGES and policy.identify_callers
    locale = customer.locale if known else entry.locale
    call = Call(
        sid=event.call_sid,
        state=IVR,
        from_number="" if is_withheld(event.from_) else event.from_,
        to_number=event.to,
        conference=f"call-{event.call_sid}",
        customer_id=customer.id,
        menu={**start_of(entry.flow, locale).to_dict(), "version": entry.version_id, "stage": "menu", "n": 0},
        locale=locale,
        recording="" if policy.recording else NOT_RECORDED,
        arrived_at=tx.now,
    )
    tx.session.add(call)
    tx.session.flush()
    tx.session.add(CallLeg(call_id=call.id, sid=event.call_sid, party=CUSTOMER, status="in-progress", started_at=tx.now))
    tx.emit("call.arrived", call=call, customer=customer, data={"version": entry.version_id})
    return call


def begin(tx: Tx, call: Call) -> Answer:
    """The first words: the lines may be closed, the caller refused; else the first menu, in the caller's language if known."""
    if call.from_number and is_blocked(tx.session, call.from_number):
        return _refuse(tx, call)
    closure = current_closure(tx.session, tx.now)
    if closure is not None:
        return _turn_away(tx, call, "closure")
    limit = running_limit(tx.session, call.customer_id, tx.now)
    if limit is not None and limit.kind == CHANNEL:
        return _turn_away(tx, call, IN_WRITING)
    if callbacks.recognise(tx, call):
        return _to_kept_place(tx, call)
    flow = flow_of(tx.session, call.menu["version"])
    queues = tx.session.scalars(select(Queue).where(Queue.key.in_(flow.queues))).all()
    if queues and not any(calendar_of(tx.session, queue).is_open(tx.now) for queue in queues):
        return _turn_away(tx, call, "closed", intake.find_queue(tx, flow.person))
    greeting = _greeting(tx, call) if call.locale else ()
    return _through_menus(tx, call, None, greeting)


def press(tx: Tx, call: Call, digits: str | None, speech: str = "", confidence: float | None = None) -> Answer:
    """The caller pressed a key, said something or kept silent, wherever on the way they are."""
    stage = str(call.menu["stage"])
    if call.state != IVR:
        return Answer(ROOM if call.state == QUEUED else GOODBYE)
    if stage == "notice":
        return _after_notice(tx, call, digits or "")
    if stage == "outside":
        return _not_reached(tx, call)
    if stage.startswith(AWAY):
        return _after_offer(tx, call, digits or "", stage.removeprefix(AWAY))
    if not digits and speech:
        menu = _menus(tx, call)[Position.from_dict(call.menu).menu]
        digits = key_said({key: choice.words for key, choice in menu.choices.items()}, speech, confidence) or "?"
    return _through_menus(tx, call, digits)


def is_withheld(number: str) -> bool:
    """Whether the carrier says that the caller does not show their number."""
    return number.strip().lower() in WITHHELD


def put_in_queue(tx: Tx, call: Call, say: Prompts = ()) -> Answer:
    """Into the line that was chosen, whatever the way there; the caller waits in the room."""
    queue_call(tx, call, {str(name): str(value) for name, value in call.menu.get("chosen", {}).items()})
    return Answer(ROOM, say)


def _through_menus(tx: Tx, call: Call, digits: str | None, before: Prompts = ()) -> Answer:
    menus = _menus(tx, call)
    taken = step(menus, Position.from_dict(call.menu), digits)
    call.menu = {**call.menu, **taken.position.to_dict(), "n": call.menu["n"] + 1}
    call.locale = taken.position.chosen.get("language", call.locale)
    say = (*before, *_spoken(tx, taken.say))
    if taken.done:
        return _chosen(tx, call, taken, say)
    answer = Answer(ASK, say, call.menu["n"])
    if not flow_of(tx.session, call.menu["version"]).speech:
        return answer
    return replace(answer, speech=call.locale or LANGUAGES[0], hints=_hints(menus[taken.position.menu]))


def _chosen(tx: Tx, call: Call, taken: Step, say: Prompts) -> Answer:
    """The menus are done: where to?"""
    chosen = taken.position.chosen
    call.topic = chosen.get("topic", "general")
    if chosen.get("do") == VOICEMAIL and voice_policy(tx.session).voicemail:
        return Answer(LEAVE_MESSAGE, say, why="menu")
    if chosen.get("do") == NUMBER:
        call.menu = {**call.menu, "stage": "outside"}
        return Answer(OUTSIDE, (*say, *_text(tx, call, "transferring")))
    return _to_line(tx, call, say)


def _to_line(tx: Tx, call: Call, say: Prompts) -> Answer:
    """To whoever answers for what was chosen, if they are there; else the caller is told."""
    policy, chosen = voice_policy(tx.session), call.menu["chosen"]
    queue = intake.find_queue(tx, chosen.get("queue", "general"))
    if not calendar_of(tx.session, queue).is_open(tx.now):
        return _turn_away(tx, call, "closed", queue)
    if is_full(tx, queue, policy.queue_limit):
        return _turn_away(tx, call, "full", queue)
    if call.recording == NOT_RECORDED:
        return put_in_queue(tx, call, say)
    return _notice(tx, call, say)


def _not_reached(tx: Tx, call: Call) -> Answer:
    """Nobody answers at the outside number: one of us does."""
    chosen = {name: value for name, value in call.menu["chosen"].items() if name not in ("do", "number")}
    person = flow_of(tx.session, call.menu["version"]).person
    call.menu = {**call.menu, "chosen": {**chosen, "do": QUEUE, "queue": person}, "n": call.menu["n"] + 1}
    return _to_line(tx, call, _text(tx, call, "not_reached"))


def _to_kept_place(tx: Tx, call: Call) -> Answer:
    """We had promised to ring this caller: they are in the line, and hear of the recording once more, in short."""
    say = _text(tx, call, "place_kept")
    if call.recording in (NOT_RECORDED, DECLINED):
        return Answer(ROOM, say)
    call.announced_at = tx.now
    call.announcement = f"recorded@{fingerprint(as_kept(text_of(tx.session, 'recorded')))}"
    tx.emit("call.announced", call=call, customer=call.customer_id, data={"text": call.announcement, "language": call.locale})
    return Answer(ROOM, (*say, *_text(tx, call, "recorded")))


def _notice(tx: Tx, call: Call, say: Prompts) -> Answer:
    """Nobody talks with an agent before they have heard that calls are recorded, and how not to be."""
    call.menu = {**call.menu, "stage": "notice", "n": call.menu["n"] + 1}
    call.announced_at = tx.now
    call.announcement = f"recording@{fingerprint(as_kept(text_of(tx.session, 'recording')))}"
    tx.emit("call.announced", call=call, customer=call.customer_id, data={"text": call.announcement, "language": call.locale})
    return Answer(ASK, (*say, *_text(tx, call, "recording")), call.menu["n"])


def _after_notice(tx: Tx, call: Call, digits: str) -> Answer:
    if digits == NO_RECORDING:
        call.recording = DECLINED
        tx.emit("call.recording_declined", call=call, customer=call.customer_id)
        return put_in_queue(tx, call, _text(tx, call, "not_recorded"))
    # A key that cut the notice short is no reason for not having heard it.
    return put_in_queue(tx, call, _text(tx, call, "recorded") if digits else ())


def _after_offer(tx: Tx, call: Call, digits: str, why: str) -> Answer:
    """What a caller who cannot be put through chose instead."""
    policy = voice_policy(tx.session)
    if digits == "1" and policy.voicemail:
        return Answer(LEAVE_MESSAGE, why=why)
    if digits == "2" and policy.callback and call.from_number and why != IN_WRITING:
        return Answer(RING_BACK, why=why)
    send_elsewhere(tx, call, tx.now)
    return Answer(GOODBYE, _text(tx, call, "other_ways"))


def _turn_away(tx: Tx, call: Call, why: str, queue: Queue | None = None) -> Answer:
    """The lines are closed or full: say so, say when they are not, and offer another way."""
    call.menu = {**call.menu, "stage": f"{AWAY}{why}", "n": call.menu["n"] + 1}
    tx.emit("call.turned_away", call=call, customer=call.customer_id, queue=queue, data={"why": why})
    locale = "" if why == "closure" else call.locale
    say = dismissal(tx.session, tx.settings, tx.now, why, queue, locale, withheld=not call.from_number)
    return Answer(ASK, say, call.menu["n"], why=why)


def _refuse(tx: Tx, call: Call) -> Answer:
    call.state, call.ended_at = FAILED, tx.now
    tx.emit("call.refused", call=call, customer=call.customer_id)
    return Answer(GOODBYE, _text(tx, call, "refused"))


def _greeting(tx: Tx, call: Call) -> Prompts:
    """For a caller who is not asked for their language: a greeting in it, and in the other one how to change."""
    other = next(lang for lang in LANGUAGES if lang != call.locale)
    base = tx.settings.base_url
    return (*_text(tx, call, "greeting"), *spoken(tx.session, base, "other_language", other))


def _text(tx: Tx, call: Call, key: str) -> Prompts:
    return joined(spoken(tx.session, tx.settings.base_url, key, call.locale))


def _menus(tx: Tx, call: Call) -> dict[str, Menu]:
    names = {lang: company(tx.session, lang) for lang in LANGUAGES}
    return menus_of(flow_of(tx.session, call.menu["version"]), menu_texts(tx.session, names))


def _spoken(tx: Tx, say: Say) -> Prompts:
    """Recordings by their address."""
    base = tx.settings.base_url
    found = ((PLAY, address_of(tx.session, base, int(text))) if lang == AUDIO else (lang, text) for lang, text in say)
    return tuple(prompt for prompt in found if prompt[1])


def _hints(menu: Menu) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for choice in menu.choices.values() for word in choice.words))[:MOST_HINTS]


def _caller(tx: Tx, event: CallEvent) -> Customer:
    if not is_withheld(event.from_):
        try:
            return customers.identify(tx, "phone", event.from_, name=event.caller_name)
        except Invalid:
            pass  # a number that is none: an extension, a name, nonsense
    return customers.identify(tx, "chat", f"call:{event.call_sid}", name="?")
