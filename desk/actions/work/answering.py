"""Taking an offer, whatever kind of work it is: the work item first, then what the kind asks for."""

from __future__ import annotations

from dataclasses import dataclass

from desk.actions.calls import callbacks, calls, outbound, transfers
from desk.actions.calls.locks import lock_calls_of_item
from desk.actions.chats import chats
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.models import Agent, Call, Ticket, WorkItem
from desk.models.ticket import NEW, OPEN
from desk.store import Tx


@dataclass(frozen=True)
class Answer:
    """What was taken. `call` is set when the agent's own leg must be rung now, outside the transaction."""

    item: WorkItem
    ticket: Ticket
    call: Call | None = None


def accept_offer(tx: Tx, offer_id: int, agent: Agent) -> Answer:
    """The agent takes what was offered to them. Raises `Conflict` when the offer has gone, or the customer has."""
    return begin(tx, work_items.accept(tx, offer_id), agent)


def take_item(tx: Tx, item_id: int, agent: Agent) -> Answer:
    """The agent takes waiting work by hand. Raises `Conflict` when somebody else has it."""
    lock_calls_of_item(tx, item_id, agent.id)
    return begin(tx, tx.session.get_one(WorkItem, work_items.take(tx, item_id, agent.id).item_id), agent)


def begin(tx: Tx, item: WorkItem, agent: Agent) -> Answer:
    """What each kind of work asks for when it begins. An owner stays owner: they are the face the customer knows.

    Who goes to the phone does not hear the rest: what else was offered to them is offered to others, and not missed.
    """
    if item.channel == "voice":
        work_items.rescind_offers(tx, agent.id, "on_call")
    ticket = tx.session.get_one(Ticket, item.ticket_id)
    if item.kind == "call":
        return Answer(item, ticket, calls.accepted(tx, item, agent.id))
    if item.kind == "consult":
        return Answer(item, ticket, transfers.consult_accepted(tx, item, agent.id))
    if item.kind == "callback":
        return Answer(item, ticket, _ring_back(tx, item, agent))
    if item.kind == "chat":
        chats.chat_accepted(tx, item, agent)
    elif item.kind in ("ticket", "complaint") and ticket.owner_id is None:
        tickets.assign(tx, ticket, agent.id)
    if ticket.status == NEW and item.kind != "follow_up":
        tickets.set_status(tx, ticket, OPEN)
    return Answer(item, ticket)


def _ring_back(tx: Tx, item: WorkItem, agent: Agent) -> Call:
    """The call that keeps a promise: the agent's phone first, then the customer's."""
    asked = callbacks.accepted(tx, item, agent)
    return outbound.dial(
        tx,
        agent,
        asked.callback.number,
        asked.customer,
        ticket=asked.ticket,
        item=item,
        callback_id=asked.callback.id,
    )
