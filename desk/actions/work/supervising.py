"""What a supervisor does with work that is not theirs: give it to somebody, send it back, move it to another queue."""

from __future__ import annotations

from desk.actions.chats import chats
from desk.actions.tickets import tickets
from desk.actions.work import answering, work_items
from desk.errors import Conflict
from desk.models import Agent, Queue, Ticket, WorkItem
from desk.models.work_item import ACTIVE, OFFERED, WAITING
from desk.store import Tx


def give(tx: Tx, item: WorkItem, agent: Agent) -> bool:
    """Give waiting work to this agent. True when it is theirs at once; False for a call, which they are asked for first.

    A call cannot be put into somebody's hands: they have to pick it up, so it is kept for them and their screen rings.
    Raises `Conflict` when somebody has it already.
    """
    if item.state != WAITING:
        raise Conflict("Somebody else has taken this work.")
    _note(tx, item, "given", {"to": agent.name}, agent)
    if item.kind == "call":
        work_items.hand_back(tx, item, to_agent_id=agent.id)
        return False
    answering.take_item(tx, item.id, agent)
    return True


def send_back(tx: Tx, item: WorkItem) -> None:
    """Take work out of somebody's hands: it waits again with its due time, and is no longer theirs.

    Raises `Conflict` for a call that is on, and for work that nobody has.
    """
    if item.state not in (OFFERED, ACTIVE):
        raise Conflict("Nobody has this work in hand now.")
    if item.kind == "call" and item.state == ACTIVE:
        raise Conflict("A call that is on cannot be sent back. Ask the agent to pass it on.")
    agent_id, was_active = item.agent_id, item.state == ACTIVE
    _note(tx, item, "sent_back", {}, agent_id)
    work_items.hand_back(tx, item)
    if item.kind == "chat" and was_active:
        chats.chat_handed_back(tx, item)
    ticket = tx.session.get_one(Ticket, item.ticket_id)
    if ticket.owner_id is not None and ticket.owner_id == agent_id:
        tickets.assign(tx, ticket, None)


def move(tx: Tx, item: WorkItem, queue: Queue) -> None:
    """Put waiting work, and its ticket, into another queue; its due time stays. Raises `Conflict` when it does not wait."""
    if item.state != WAITING:
        raise Conflict("Somebody else has taken this work.")
    ticket = tx.session.get_one(Ticket, item.ticket_id)
    if queue.id != item.queue_id:
        tickets.check_open(queue)
    if item.kind in tickets.TICKET_WORK:
        tickets.move(tx, ticket, queue)
    elif item.kind == "hand_up":
        work_items.hand_back(tx, item, queue=queue)  # other people are asked; the ticket stays with its owner
    elif queue.id != item.queue_id:
        tx.emit("ticket.moved", ticket=ticket, queue=queue, data={"old": ticket.queue_id, "new": queue.id})
        work_items.hand_back(tx, item, queue=queue)
        ticket.queue_id, ticket.team_id, ticket.updated_at = queue.id, queue.team_id, tx.now


def _note(tx: Tx, item: WorkItem, what: str, data: dict[str, str], agent: Agent | int | None) -> None:
    tx.emit(f"item.{what}", item=item, ticket=item.ticket_id, customer=item.customer_id, agent=agent, data=data)
