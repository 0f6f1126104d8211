"""Writing canned replies and macros, and doing what a macro says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import select

from desk.access import Right, Viewer
from desk.actions.tickets import tags, tickets
from desk.errors import Conflict, Invalid, NotAllowed, NotFound
from desk.events import Event
from desk.letter_texts import places_in
from desk.models import Agent, CannedReply, Queue, Ticket
from desk.models.canned import ALL, LANGUAGES, OWN, TEAM
from desk.models.ticket import CATEGORIES, PENDING_CUSTOMER, PENDING_INTERNAL
from desk.queries.mail.unsent import UNDO_S
from desk.queries.tickets.canned import PLACES, may_change, usable_by
from desk.sentences import N_
from desk.store import Tx

LONGEST_TEXT = 8000
LONGEST_NAME = 80
MOST_OWN = 200
MOST_TAGS = 10
_COMMAS = re.compile(r"[,，、;；]")
_KEY = re.compile(r"[\w-]{1,30}")


def write_canned(
    tx: Tx,
    viewer: Viewer,
    canned: CannedReply | None,
    *,
    whose: str,
    key: str,
    name: str,
    texts: Mapping[str, str],
    steps: Mapping[str, Any],
    version: int = 0,
) -> CannedReply:
    """A new one, or another wording of one that is there.

    Raises `Invalid` with `fields`, `Conflict` when somebody else has changed it since `version`, `NotAllowed` for what the viewer
    may not share or change.
    """
    if canned is not None and canned.version != version:
        raise Conflict("Somebody else has changed this meanwhile. Load the page again.")
    owner_id, team_id = _of_whom(viewer, whose)
    key, name = key.strip().lstrip("/／").lower(), name.strip()
    texts = {lang: texts.get(lang, "").replace("\r\n", "\n").strip() for lang in LANGUAGES}
    _check(tx, canned, key, name, texts, steps, owner_id, team_id)
    what = "canned_reply.changed"
    if canned is None:
        _check_room(tx, owner_id)
        canned, what = CannedReply(version=0), "canned_reply.added"
        tx.session.add(canned)
    canned.key, canned.name, canned.owner_id, canned.team_id = key, name, owner_id, team_id
    canned.texts = {lang: text for lang, text in texts.items() if text}
    canned.steps, canned.changed_at = dict(steps), tx.now
    canned.version += 1
    tx.emit(what, data={"key": key, "whose": whose})
    return canned


def remove_canned(tx: Tx, canned: CannedReply) -> None:
    """Nobody can use it any more; what was written with it stays."""
    tx.emit("canned_reply.removed", data={"key": canned.key})
    tx.session.delete(canned)


def canned_for(tx: Tx, viewer: Viewer, canned_id: int) -> CannedReply:
    """One that the viewer may use; raises `NotFound` for any other."""
    canned = tx.session.scalar(select(CannedReply).where(CannedReply.id == canned_id, usable_by(viewer)))
    if canned is None:
        raise NotFound("There is no such canned reply.")
    return canned


def changeable(tx: Tx, viewer: Viewer, canned_id: int) -> CannedReply:
    """One that the viewer may change; raises `NotFound` for what they do not see, `NotAllowed` for what is others' to change."""
    canned = canned_for(tx, viewer, canned_id)
    if not may_change(viewer, canned):
        raise NotAllowed("What is shared is changed by supervisors.")
    return canned


def take_steps(tx: Tx, ticket: Ticket, agent: Agent, name: str, steps: Mapping[str, Any]) -> None:
    """Do what a macro says, and remember what was before. The step `then` is what comes after an answer: see `unsent.send_soon`.

    A queue that is gone or closed is left out rather than losing the rest.
    """
    queue = tx.session.get(Queue, steps["queue"]) if "queue" in steps else None
    old = _as_it_is(ticket)
    tickets.set_fields(tx, ticket, priority=steps.get("priority"), reason=_reason(steps, name), category=steps.get("category"))
    if queue is not None and not queue.closed:
        tickets.move(tx, ticket, queue)
    if steps.get("owner") == "me":
        tickets.assign(tx, ticket, agent.id)
    new = _as_it_is(ticket)
    changed = [field for field in old if old[field] != new[field]]
    added = _add_tags(tx, ticket, steps.get("tags", ()))
    if changed or added:
        data = {
            "name": name,
            "tags": added,
            "old": {each: old[each] for each in changed},
            "new": {each: new[each] for each in changed},
        }
        tx.emit("macro.used", ticket=ticket, agent=agent, data=data)


def undo_steps(tx: Tx, ticket: Ticket, agent: Agent, event_id: int) -> None:
    """Put back what a macro changed and nobody has changed since; raises `Conflict` when it is too late or done already."""
    event = tx.session.get(Event, event_id)
    if event is None or event.kind != "macro.used" or event.ticket_id != ticket.id or event.agent_id != agent.id:
        raise NotFound("There is nothing to undo here.")
    undone = select(Event.id).where(Event.ticket_id == ticket.id, Event.kind == "macro.undone", Event.id > event.id)
    if (tx.now - event.at).total_seconds() > UNDO_S or tx.session.scalar(undone.limit(1)) is not None:
        raise Conflict("It is too late to undo this.")
    old, new = event.data["old"], event.data["new"]
    now = _as_it_is(ticket)
    back = {field: value for field, value in old.items() if now[field] == new[field]}
    tickets.set_fields(
        tx, ticket, priority=back.get("priority"), reason=back.get("priority_reason"), category=back.get("category") or None
    )
    if back.get("category") == "":
        ticket.category = ""
    if "queue" in back:
        tickets.move(tx, ticket, tx.session.get_one(Queue, back["queue"]))
    if "owner" in back:
        tickets.assign(tx, ticket, back["owner"])
    for tag_id in event.data.get("tags", ()):
        tags.untag_ticket(tx, ticket, tags.tag_of(tx, tag_id))
    tx.emit("macro.undone", ticket=ticket, agent=agent, data={"name": event.data["name"]})


def _as_it_is(ticket: Ticket) -> dict[str, Any]:
    said = {"priority": ticket.priority, "priority_reason": ticket.priority_reason, "category": ticket.category}
    return {**said, "owner": ticket.owner_id, "queue": ticket.queue_id}


def _reason(steps: Mapping[str, Any], name: str) -> str | None:
    """Why the priority is what a macro sets it to: its name."""
    return name if "priority" in steps else None


def steps_from(values: Mapping[str, str]) -> dict[str, Any]:
    """The steps that a form names; what is empty is none. Raises `Invalid` for what there is not."""
    steps: dict[str, Any] = {}
    if values.get("priority"):
        steps["priority"] = int(values["priority"]) if values["priority"] in ("1", "2", "3", "4") else _no_step()
    if values.get("category"):
        steps["category"] = values["category"] if values["category"] in CATEGORIES else _no_step()
    if values.get("queue"):
        is_id = values["queue"].isascii() and values["queue"].isdigit() and len(values["queue"]) < 19
        steps["queue"] = int(values["queue"]) if is_id else _no_step()
    if values.get("owner"):
        steps["owner"] = "me"
    if words := [word for word in _COMMAS.split(values.get("tags", "")) if word.strip()]:
        try:
            steps["tags"] = [tags.tidy(word) for word in words[:MOST_TAGS]]
        except Invalid as wrong:
            raise Invalid(wrong.sentence, {"tags": wrong.sentence}) from None
    if values.get("then"):
        steps["then"] = values["then"] if values["then"] in (PENDING_CUSTOMER, PENDING_INTERNAL) else _no_step()
    return steps


def _add_tags(tx: Tx, ticket: Ticket, words: Sequence[str]) -> list[int]:
    """Mark the ticket; a tag that is retired or one too many is left out rather than losing the rest. The ids that are new."""
    added = []
    for word in words:
        with suppress(Conflict):
            tag = tags.tag_named(tx, word)
            if tags.tag_ticket(tx, ticket, tag):
                added.append(tag.id)
    return added


def _no_step() -> Any:
    raise Invalid("Choose steps from the lists.")


def _of_whom(viewer: Viewer, whose: str) -> tuple[int | None, int | None]:
    if whose == OWN:
        return viewer.agent_id, None
    if whose not in (TEAM, ALL):
        raise Invalid("Choose who may use it.")
    if not viewer.can(Right.SUPERVISE):
        raise NotAllowed("What is shared is changed by supervisors.")
    if whose == TEAM and viewer.team_id is None:
        raise Invalid("You belong to no team.")
    return None, viewer.team_id if whose == TEAM else None


def _check(
    tx: Tx,
    canned: CannedReply | None,
    key: str,
    name: str,
    texts: Mapping[str, str],
    steps: Mapping[str, Any],
    owner_id: int | None,
    team_id: int | None,
) -> None:
    fields = {}
    if not _KEY.fullmatch(key):
        fields["key"] = N_("One short word: letters, numbers and hyphens.")
    elif _is_taken(tx, canned, key, owner_id, team_id):
        fields["key"] = N_("This word stands for another one already.")
    if not name or len(name) > LONGEST_NAME:
        fields["name"] = N_("Give it a name of at most 80 characters.")
    if not any(texts.values()) and not steps:
        fields["text_en"] = N_("Write a text, or choose a step.")
    for lang, text in texts.items():
        if len(text) > LONGEST_TEXT:
            fields[f"text_{lang}"] = N_("This text is too long.")
        elif places_in(text) - set(PLACES):
            fields[f"text_{lang}"] = N_("There is a name in braces that we do not know.")
    if "queue" in steps and tx.session.get(Queue, steps["queue"]) is None:
        fields["queue"] = N_("There is no such queue.")
    if fields:
        raise Invalid("This cannot be saved yet.", fields)


def _is_taken(tx: Tx, canned: CannedReply | None, key: str, owner_id: int | None, team_id: int | None) -> bool:
    same = select(CannedReply.id).where(
        CannedReply.key == key,
        CannedReply.owner_id.is_not_distinct_from(owner_id),
        CannedReply.team_id.is_not_distinct_from(team_id),
    )
    return tx.session.scalar(same.where(CannedReply.id != (canned.id if canned else 0)).limit(1)) is not None


def _check_room(tx: Tx, owner_id: int | None) -> None:
    own = select(CannedReply.id).where(CannedReply.owner_id.is_not_distinct_from(owner_id)).limit(MOST_OWN)
    if len(tx.session.scalars(own).all()) >= MOST_OWN:
        raise Conflict("There are 200 already. Remove some that nobody needs.")
