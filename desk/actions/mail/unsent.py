"""Between “send” and leaving: an answer by mail waits a few seconds in which its writer can take it back.

While it waits nothing has happened: no message stands on the ticket, no clock has stopped, no work is finished. What it does,
it does when it leaves, in one transaction and in its writer's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from desk.actions.complaints.representatives import write_unproven
from desk.actions.tickets import canned, tickets
from desk.actions.timers import clear_timer, set_timer
from desk.errors import Conflict, Invalid
from desk.events import Actor
from desk.files import KeptFile
from desk.models import Agent, Message, Ticket, UnsentReply
from desk.models.ticket import LIVE
from desk.models.unsent import REFUSED, TAKEN_BACK, WAITING
from desk.store import Tx

LEAVE_TIMER = "reply.leave"
LONGEST_S = 60


def send_soon(
    tx: Tx,
    ticket: Ticket,
    agent: Agent,
    text: str,
    *,
    client_id: str,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    files: Sequence[KeptFile] = (),
    then: str = "",
    macro: Mapping[str, Any] | None = None,
    unproven: str = "",
) -> UnsentReply | Message:
    """Let an answer by mail leave after the writer's `undo_s`, at once when that is 0.

    `unproven` says why it may go to somebody of whom it is not proven that they speak for the complainant.

    When it leaves, what `macro` ({"id", "name", "steps"}) says is done, and the ticket waits in the status `then`.
    Raises what `tickets.reply` raises. The same `client_id` again changes nothing.
    """
    before = _before(tx, client_id)
    if before is not None:
        return before
    write_unproven(tx, ticket, agent, unproven)
    tx.session.execute(delete(UnsentReply).where(*_of(ticket, agent), UnsentReply.state == TAKEN_BACK))
    if agent.undo_s <= 0:
        return _leave(tx, ticket, agent, text, client_id, to, cc, files, then, macro or {})
    draft = tickets.draft_reply(tx, ticket, agent, text, channel="email", to=to, cc=cc)
    unsent = UnsentReply(
        ticket_id=ticket.id,
        agent_id=agent.id,
        client_id=client_id,
        text=text.strip(),
        to=draft.to,  # as it was shown to the writer: a mail that comes meanwhile changes nothing
        cc=draft.cc,
        files=[asdict(file) for file in files],
        then=then,
        macro=dict(macro or {}),
        created_at=tx.now,
        send_at=tx.now + timedelta(seconds=agent.undo_s),
    )
    tx.session.add(unsent)
    tx.session.flush()
    set_timer(tx, LEAVE_TIMER, str(unsent.id), unsent.send_at, {"unsent_id": unsent.id})
    tx.emit("reply.held", ticket=ticket, agent=agent)
    return unsent


def leave(tx: Tx, data: dict[str, Any]) -> None:
    """The time to take it back is over: now it happens.

    What the ticket no longer takes is kept for its writer, with the reason.
    """
    unsent = tx.session.get(UnsentReply, data["unsent_id"], with_for_update=True)
    if unsent is None or unsent.state != WAITING:
        return
    ticket, agent = tx.session.get_one(Ticket, unsent.ticket_id), tx.session.get_one(Agent, unsent.agent_id)
    tx.actor = Actor("agent", agent.id, agent.name)
    try:
        tickets.draft_reply(tx, ticket, agent, unsent.text, channel="email", to=unsent.to, cc=unsent.cc)
    except (Conflict, Invalid) as refused:
        unsent.state, unsent.error = REFUSED, str(refused)[:500]
        tx.emit("reply.refused", ticket=ticket, agent=agent)
        return
    _leave(tx, ticket, agent, unsent.text, unsent.client_id, unsent.to, unsent.cc, files_of(unsent), unsent.then, unsent.macro)
    tx.session.delete(unsent)


def leave_now(tx: Tx, unsent: UnsentReply) -> None:
    """Its writer will not take it back."""
    clear_timer(tx, LEAVE_TIMER, str(unsent.id))
    leave(tx, {"unsent_id": unsent.id})


def leave_all(tx: Tx, ticket: Ticket, agent: Agent) -> None:
    """Before the next thing its writer does to the ticket, so that the two happen in the order in which they were meant."""
    waiting = select(UnsentReply).where(*_of(ticket, agent), UnsentReply.state == WAITING).order_by(UnsentReply.id)
    for unsent in tx.session.scalars(waiting).all():
        leave_now(tx, unsent)


def take_back(tx: Tx, unsent: UnsentReply) -> UnsentReply:
    """Its writer has it again. Only the files are kept, for the next answer; raises `Conflict` when it has left."""
    if unsent.state not in (WAITING, REFUSED):
        raise Conflict("This answer has left already.")
    clear_timer(tx, LEAVE_TIMER, str(unsent.id))
    unsent.state = TAKEN_BACK
    tx.emit("reply.taken_back", ticket=unsent.ticket_id, agent=unsent.agent_id)
    if not unsent.files:
        tx.session.delete(unsent)
    return unsent


def kept_files(tx: Tx, ticket: Ticket, agent: Agent, wanted: Sequence[tuple[int, int]]) -> list[KeptFile]:
    """Files of answers that this agent took back on this ticket, named by (answer, place)."""
    rows = {
        unsent.id: files_of(unsent)
        for unsent in tx.session.scalars(select(UnsentReply).where(*_of(ticket, agent), UnsentReply.state == TAKEN_BACK))
    }
    return [rows[row][place] for row, place in wanted if row in rows and 0 <= place < len(rows[row])]


def files_of(unsent: UnsentReply) -> list[KeptFile]:
    """The files of an answer that has not left."""
    return [KeptFile(**file) for file in unsent.files]


def _leave(
    tx: Tx,
    ticket: Ticket,
    agent: Agent,
    text: str,
    client_id: str,
    to: Sequence[str],
    cc: Sequence[str],
    files: Sequence[KeptFile],
    then: str,
    macro: Mapping[str, Any],
) -> Message:
    message = tickets.reply(
        tx, ticket, agent, text, channel="email", to=to, cc=cc, files=files, external_id=f"desk:{client_id}"
    )  # fmt: skip
    if macro:
        canned.take_steps(tx, ticket, agent, macro["name"], macro["steps"])
    if then and ticket.status in LIVE:
        tickets.set_pending(tx, ticket, then)
    return message


def _before(tx: Tx, client_id: str) -> UnsentReply | Message | None:
    sent = select(Message).where(Message.channel == "email", Message.external_id == f"desk:{client_id}")
    return tx.session.scalar(select(UnsentReply).where(UnsentReply.client_id == client_id)) or tx.session.scalar(sent)


def _of(ticket: Ticket, agent: Agent) -> tuple[Any, ...]:
    return UnsentReply.ticket_id == ticket.id, UnsentReply.agent_id == agent.id
