"""Writing menus, publishing them, bringing an old version back; our numbers, and the numbers that are refused.

Callers hear what is published. A call goes on with the version that it began with: nothing changes under a caller's
fingers.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.actions.calls.voice_texts import phone_number
from desk.actions.editing import check_same, differences, fingerprint
from desk.errors import Conflict, Invalid
from desk.models import BlockedNumber, CallFlow, CallFlowVersion, OurNumber, VoiceAudio
from desk.queries.calls.menus import queue_keys
from desk.queries.people.skills import known_skills
from desk.sentences import N_
from desk.store import Tx
from routing.call_flow import BUILT_IN, LANGUAGES, Flow, Problem, problems

LONGEST_NAME, LONGEST_REASON = 60, 120

SENTENCES = {
    "no_person": N_("Choose a queue that is open for who wants a person."),
    "too_many_menus": N_("There can be at most eight menus."),
    "not_reached": N_("No key of the first menu leads to the menu “%(menu)s”."),
    "name": N_("A menu needs a name of at most 40 characters."),
    "prompt": N_("Write what the menu “%(menu)s” begins with, in both languages, at most 500 characters."),
    "empty_menu": N_("The menu “%(menu)s” has no keys."),
    "too_many_options": N_("The menu “%(menu)s” announces more than four choices, the person on 0 included."),
    "same_key": N_("In the menu “%(menu)s” the key %(key)s is there twice."),
    "key": N_("In the menu “%(menu)s” a key is missing: one of 1 to 9. The 0 is for a person."),
    "label": N_("Name what key %(key)s of “%(menu)s” is for, in both languages or in none, at most 40 characters."),
    "say": N_("What key %(key)s of “%(menu)s” says is there in both languages or in none, at most 500 characters."),
    "words": N_("The words for key %(key)s of “%(menu)s” are too many: at most 200 characters."),
    "do": N_("Choose what key %(key)s of “%(menu)s” does."),
    "queue": N_("Key %(key)s of “%(menu)s” leads to a queue that is not there or closed."),
    "skill": N_("Key %(key)s of “%(menu)s” asks for a skill that nobody has."),
    "number": N_("Key %(key)s of “%(menu)s” needs a phone number with its country, such as +862155501234."),
    "nothing_told": N_("Write what key %(key)s of “%(menu)s” says; then the menu is read again."),
    "no_menu": N_("Key %(key)s of “%(menu)s” leads to a menu that is not there: callers would be lost."),
    "loop": N_("Key %(key)s of “%(menu)s” leads back to where the caller came from: they would go round in circles."),
    "too_deep": N_("Key %(key)s of “%(menu)s” leads to a third level. Callers lose their way after two."),
    "audio": N_("The audio of the menu “%(menu)s” is not there any more."),
    "music": N_("The music is not there any more."),
}


def add_flow(tx: Tx, name: str) -> CallFlow:
    """Begin menus, with the built-in ones as their draft. Nobody hears them before they are published."""
    name = _name(name)
    if tx.session.scalar(select(CallFlow.id).where(CallFlow.name == name)) is not None:
        raise Conflict("There are menus of this name already.")
    flow = CallFlow(name=name, draft=BUILT_IN.to_dict(), published=0, created_at=tx.now)
    tx.session.add(flow)
    tx.session.flush()
    tx.emit("voice.menus_added", data={"flow": flow.id, "name": name})
    return flow


def seen_of(flow: CallFlow) -> str:
    """What a form carries to say which draft it was made from."""
    return fingerprint(_kept(flow))


def save_draft(tx: Tx, flow: CallFlow, draft: Flow, name: str, *, seen: str | None = None) -> bool:
    """Keep what has been written so far, sound or not; callers go on hearing what is published."""
    tx.session.refresh(flow, with_for_update=True)
    old = _kept(flow)
    check_same(old, seen)
    new = {"name": _name(name), "draft": draft.to_dict()}
    data = differences(old, new)
    if not data:
        return False
    if new["name"] != flow.name and tx.session.scalar(select(CallFlow.id).where(CallFlow.name == new["name"])) is not None:
        raise Conflict("There are menus of this name already.")
    flow.name, flow.draft = new["name"], new["draft"]
    tx.emit("voice.menus_saved", data={"flow": flow.id, **data})
    return True


def publish(tx: Tx, flow: CallFlow) -> CallFlowVersion:
    """Let callers hear the draft from the next call on. Raises `Invalid` while anything is wrong with it (`found_in`)."""
    tx.session.refresh(flow, with_for_update=True)
    draft = Flow.from_dict(flow.draft)
    if found_in(tx.session, draft):
        raise Invalid("These menus cannot be published yet.")
    highest = select(func.max(CallFlowVersion.number)).where(CallFlowVersion.flow_id == flow.id)
    number = (tx.session.scalar(highest) or 0) + 1
    version = CallFlowVersion(
        flow_id=flow.id, number=number, content=draft.to_dict(), published_by=tx.actor.name, published_at=tx.now
    )
    tx.session.add(version)
    tx.session.flush()
    tx.emit("voice.menus_published", data={"flow": flow.id, "old": {"published": flow.published}, "new": {"published": number}})
    flow.published = number
    return version


def restore(tx: Tx, flow: CallFlow, version: CallFlowVersion) -> None:
    """Make an old version the draft again; publishing it is another step."""
    tx.session.refresh(flow, with_for_update=True)
    data = differences({"draft": flow.draft}, {"draft": version.content})
    if data:
        flow.draft = version.content
        tx.emit("voice.menus_restored", data={"flow": flow.id, "version": version.number, **data})


def found_in(session: Session, draft: Flow) -> tuple[Problem, ...]:
    """What keeps a draft from being published."""
    missing = [
        Problem("audio", f"menus.{at}.name", {"menu": menu.name})
        for at, menu in enumerate(draft.menus)
        for lang in LANGUAGES
        if menu.audio[lang] and session.get(VoiceAudio, menu.audio[lang]) is None
    ]
    if draft.music and session.get(VoiceAudio, draft.music) is None:
        missing.append(Problem("music", "music"))
    return (*problems(draft, queue_keys(session), known_skills(session)), *missing)


def set_number(
    tx: Tx, row: OurNumber | None, *, number: str, name: str, flow_id: int, locale: str, seen: str | None = None
) -> OurNumber:
    """Add a number of ours, or change it. Raises `Invalid` with the fields, `Conflict` when it is there already."""
    wrong = {}
    try:
        number = phone_number(number)
    except Invalid as bad:
        wrong["number"] = bad.sentence
    if not name.strip() or len(name.strip()) > LONGEST_NAME:
        wrong["name"] = N_("Write a name of at most 60 characters.")
    if tx.session.get(CallFlow, flow_id) is None:
        wrong["flow"] = N_("Choose menus for this number.")
    if locale not in ("", *LANGUAGES):
        wrong["locale"] = N_("Choose a language, or let callers choose.")
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    same = tx.session.scalar(select(OurNumber).where(OurNumber.number == number))
    if same is not None and same is not row:
        raise Conflict("This number is one of ours already.")
    new = {"number": number, "name": name.strip(), "flow_id": flow_id, "locale": locale}
    if row is None:
        row = OurNumber(**new)
        tx.session.add(row)
        tx.session.flush()
        tx.emit("voice.number_added", data={"id": row.id, "new": new})
        return row
    tx.session.refresh(row, with_for_update=True)
    old = values_of(row)
    check_same(old, seen)
    data = differences(old, new)
    for field, value in new.items():
        setattr(row, field, value)
    if data:
        tx.emit("voice.number_changed", data={"id": row.id, **data})
    return row


def values_of(row: OurNumber) -> dict[str, Any]:
    """Everything about a number that can be changed."""
    return {"number": row.number, "name": row.name, "flow_id": row.flow_id, "locale": row.locale}


def remove_number(tx: Tx, row: OurNumber) -> None:
    """Forget a number of ours; calls to it go by the first menus."""
    tx.emit("voice.number_removed", data={"id": row.id, "old": values_of(row)})
    tx.session.delete(row)


def block(tx: Tx, number: str, reason: str) -> BlockedNumber:
    """Refuse calls from this number from now on. Blocking it again changes nothing."""
    number, reason = phone_number(number), " ".join(reason.split())[:LONGEST_REASON]
    if not reason:
        raise Invalid("Say why calls from this number are refused.")
    row = tx.session.scalar(select(BlockedNumber).where(BlockedNumber.number == number))
    if row is not None:
        return row
    row = BlockedNumber(number=number, reason=reason, created_by=tx.actor.name, created_at=tx.now)
    tx.session.add(row)
    tx.session.flush()
    tx.emit("voice.number_blocked", data={"id": row.id, "number": number, "reason": reason})
    return row


def unblock(tx: Tx, row: BlockedNumber) -> None:
    """Take calls from this number again."""
    tx.emit("voice.number_unblocked", data={"id": row.id, "number": row.number})
    tx.session.delete(row)


def _kept(flow: CallFlow) -> dict[str, Any]:
    return {"name": flow.name, "draft": flow.draft}


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise Invalid("Please check these answers.", {"name": N_("Write a name of at most 60 characters.")})
    return name
