"""One thing done to many tickets: each by its own right and its own rules, the whole once, and back again as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from desk.access import Viewer, access_ticket
from desk.actions.tickets import following, snoozing, solving, tags, tickets
from desk.errors import Conflict, DeskError, Invalid, NotFound
from desk.models import Agent, BulkAct, Queue, Tag, Ticket
from desk.models.ticket import LIVE, SOLVED
from desk.store import Tx

MOST = 300
LONGEST_KEY = 64
UNDONE_WITHIN = timedelta(days=1)
_WEIGHED = ("impact", "urgency", "priority")


@dataclass(frozen=True)
class Verb:
    """`do` changes one ticket and says what stood before, None when nothing changed; `undo` puts that back if it still stands."""

    do: Callable[[Tx, Ticket, Agent, Any], Any]
    undo: Callable[[Tx, Ticket, Agent, Any, Any], None]


def act_on_many(
    tx: Tx, viewer: Viewer, agent: Agent, *, key: str, verb: str, value: Mapping[str, Any], numbers: Sequence[int]
) -> BulkAct:
    """Do it to each of these tickets. The same `key` again is the same act, whatever became of it.

    What a ticket refuses stays undone there alone. Raises `Invalid` for an unknown verb, no tickets or too many, and for a value
    that no ticket could take.
    """
    if verb not in VERBS:
        raise Invalid("Choose what to do with these tickets.")
    if not key or len(key) > LONGEST_KEY:
        raise Invalid("This form came without its id. Load the page again.")
    wanted = list(dict.fromkeys(numbers))
    if not 0 < len(wanted) <= MOST:
        raise Invalid("Choose from one to %(most)s tickets.", most=MOST)
    act = BulkAct(agent_id=agent.id, key=key, verb=verb, value=dict(value), at=tx.now, done={}, refused=[])
    same = select(BulkAct).where(BulkAct.agent_id == agent.id, BulkAct.key == key)
    before = tx.session.scalar(same)
    if before is not None:
        return before
    try:
        with tx.session.begin_nested():
            tx.session.add(act)
    except IntegrityError:  # the other click came first
        return tx.session.scalars(same).one()
    given = _given(tx, verb, value)
    done: dict[str, Any] = {}
    refused: list[dict[str, Any]] = []
    for number in sorted(wanted):  # in one order, so that two acts on the same tickets wait for each other and do not collide

        def one(number: int = number) -> None:
            ticket = access_ticket(tx.session, viewer, number)
            old = VERBS[verb].do(tx, ticket, agent, given)
            if old is not None:
                done[str(ticket.id)] = old

        fault = _try(tx, one)
        if fault is not None:
            refused.append({"number": number, "sentence": fault.sentence, "values": fault.values})
    act.done, act.refused = done, refused
    tx.emit("bulk.done", agent=agent, data={"act": act.id, "verb": verb, "done": len(done), "refused": len(refused)})
    return act


def undo_act(tx: Tx, viewer: Viewer, agent: Agent, act_id: int) -> BulkAct:
    """Put back what it changed where nobody has changed it since; once. Raises `Conflict` when it is too late or done already."""
    act = tx.session.scalar(select(BulkAct).where(BulkAct.id == act_id, BulkAct.agent_id == agent.id).with_for_update())
    if act is None:
        raise NotFound("There is nothing to undo here.")
    if act.undone_at is not None or tx.now - act.at > UNDONE_WITHIN:
        raise Conflict("It is too late to undo this.")
    given = _given(tx, act.verb, act.value)
    kept = []
    for ticket_id, old in sorted(act.done.items(), key=lambda item: int(item[0])):

        def one(ticket_id: int = int(ticket_id), old: Any = old) -> None:
            ticket = access_ticket(tx.session, viewer, tx.session.get_one(Ticket, ticket_id).number or 0)
            VERBS[act.verb].undo(tx, ticket, agent, given, old)

        fault = _try(tx, one)
        if fault is not None:
            number = tx.session.get_one(Ticket, int(ticket_id)).number
            kept.append({"number": number, "sentence": fault.sentence, "values": fault.values})
    act.undone_at, act.refused = tx.now, kept
    tx.emit("bulk.undone", agent=agent, data={"act": act.id, "verb": act.verb})
    return act


def _try(tx: Tx, act: Callable[[], None]) -> DeskError | None:
    """Do it to the end or not at all; what it would have told is not told then."""
    told = len(tx.pending)
    try:
        with tx.session.begin_nested():
            act()
    except (Invalid, Conflict, NotFound) as fault:
        del tx.pending[told:]
        return fault
    return None


def _given(tx: Tx, verb: str, value: Mapping[str, Any]) -> Any:
    """The value as the verb takes it: rows for ids. Raises what is wrong with it for every ticket."""
    match verb:
        case "assign":
            if value["agent"] is not None and tx.session.get(Agent, value["agent"]) is None:
                raise NotFound("There is no such agent.")
            return value["agent"]
        case "queue":
            queue = tx.session.get(Queue, value["queue"])
            if queue is None:
                raise NotFound("There is no such queue.")
            return queue
        case "tag" | "untag":
            return tags.tag_named(tx, value["tag"])
        case "snooze":
            return datetime.fromisoformat(value["until"])
    return value


def _assign(tx: Tx, ticket: Ticket, _agent: Agent, agent_id: int | None) -> Any:
    _check_live(ticket)
    old = ticket.owner_id
    tickets.assign(tx, ticket, agent_id)
    return {"owner": old} if old != agent_id else None


def _unassign(tx: Tx, ticket: Ticket, _agent: Agent, agent_id: int | None, old: Any) -> None:
    if ticket.owner_id == agent_id:
        tickets.assign(tx, ticket, old["owner"])


def _move(tx: Tx, ticket: Ticket, _agent: Agent, queue: Queue) -> Any:
    _check_live(ticket)
    old = {"queue": ticket.queue_id, "owner": ticket.owner_id}
    tickets.move(tx, ticket, queue)
    return old if old["queue"] != queue.id else None


def _move_back(tx: Tx, ticket: Ticket, _agent: Agent, queue: Queue, old: Any) -> None:
    if ticket.queue_id == queue.id:
        tickets.move(tx, ticket, tx.session.get_one(Queue, old["queue"]))
        tickets.assign(tx, ticket, old["owner"])


def _set_priority(tx: Tx, ticket: Ticket, _agent: Agent, value: Mapping[str, Any]) -> Any:
    """Whom it touches, how urgent it is, or the priority itself and why; why it was set otherwise before is not kept here."""
    _check_live(ticket)
    old = {name: getattr(ticket, name) for name in _WEIGHED}
    tickets.set_fields(tx, ticket, **{name: value[name] for name in ("impact", "urgency", "priority", "reason") if name in value})
    made = {name: getattr(ticket, name) for name in _WEIGHED}
    return {**old, "made": made} if old != made else None


def _unset_priority(tx: Tx, ticket: Ticket, _agent: Agent, value: Mapping[str, Any], old: Any) -> None:
    made = old.get("made", {"priority": value.get("priority")})  # an earlier release kept the priority alone
    if all(getattr(ticket, name) == each for name, each in made.items()):
        tickets.set_fields(tx, ticket, **{name: old[name] for name in made})


def _tag(tx: Tx, ticket: Ticket, _agent: Agent, tag: Tag) -> Any:
    return {} if tags.tag_ticket(tx, ticket, tag) else None


def _untag(tx: Tx, ticket: Ticket, _agent: Agent, tag: Tag) -> Any:
    return {} if tags.untag_ticket(tx, ticket, tag) else None


def _snooze(tx: Tx, ticket: Ticket, agent: Agent, until: datetime) -> Any:
    old = {"until": ticket.snoozed_until.isoformat() if ticket.snoozed_until else None, "owner": ticket.owner_id}
    snoozing.snooze(tx, ticket, agent, until)
    return old


def _unsnooze(tx: Tx, ticket: Ticket, agent: Agent, until: datetime, old: Any) -> None:
    if ticket.snoozed_until != until:
        return
    before = datetime.fromisoformat(old["until"]) if old["until"] else None
    if old["owner"] is None and ticket.owner_id == agent.id:
        tickets.assign(tx, ticket, None)
    if before is not None and before > tx.now:
        snoozing.snooze(tx, ticket, None, before)
    else:
        snoozing.wake(tx, ticket, reason="undone")


def _follow(tx: Tx, ticket: Ticket, agent: Agent, _value: Any) -> Any:
    return {} if following.follow(tx, ticket, agent) else None


def _unfollow(tx: Tx, ticket: Ticket, agent: Agent, _value: Any) -> Any:
    return {} if following.unfollow(tx, ticket, agent) else None


def _solve(tx: Tx, ticket: Ticket, agent: Agent, value: Mapping[str, str]) -> Any:
    old = {"category": ticket.category, "owner": ticket.owner_id}
    answers = {name: value.get(name, "") for name in ("category", "wrap_up_code", "resolution", "no_article")}
    solving.solve(tx, ticket, agent, **{**answers, "category": answers["category"] or ticket.category})
    return old


def _unsolve(tx: Tx, ticket: Ticket, agent: Agent, _value: Any, old: Any) -> None:
    """Open again, with its work in the line; a question sheet that has left cannot be called back."""
    if ticket.status != SOLVED:
        return
    tickets.reopen(tx, ticket, reason="undone")
    ticket.category, ticket.resolution, ticket.wrap_up_code = old["category"], "", ""
    if old["owner"] is None and ticket.owner_id == agent.id:
        tickets.assign(tx, ticket, None)
    tickets.queue_work(tx, ticket, tx.session.get_one(Queue, ticket.queue_id))


def _check_live(ticket: Ticket) -> None:
    if ticket.status not in LIVE:
        raise Conflict("This ticket is not open.")


VERBS = {
    "assign": Verb(_assign, _unassign),
    "queue": Verb(_move, _move_back),
    "priority": Verb(_set_priority, _unset_priority),
    "tag": Verb(_tag, lambda tx, ticket, agent, tag, _old: _untag(tx, ticket, agent, tag)),
    "untag": Verb(_untag, lambda tx, ticket, agent, tag, _old: _tag(tx, ticket, agent, tag)),
    "snooze": Verb(_snooze, _unsnooze),
    "follow": Verb(_follow, lambda tx, ticket, agent, value, _old: _unfollow(tx, ticket, agent, value)),
    "unfollow": Verb(_unfollow, lambda tx, ticket, agent, value, _old: _follow(tx, ticket, agent, value)),
    "solve": Verb(_solve, _unsolve),
}
