"""Asking the next support level (L1 → L2 → L3) and getting its answer back.

Whoever is asked answers the desk, never the customer: the ticket's owner stays the one voice, the customer's clocks run on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from desk.access import Right, viewer_of
from desk.actions.tickets import tickets
from desk.actions.timers import clear_timer, set_timer
from desk.actions.work import escalating, work_items
from desk.errors import Conflict, Invalid, NotFound
from desk.models import Agent, Complaint, HandUp, Queue, Ticket, WorkItem
from desk.models.hand_up import ANSWERED, HANDED_ON, OPEN, RETURNED, WITHDRAWN
from desk.models.ticket import LIVE, PENDING_INTERNAL
from desk.models.work_item import ACTIVE
from desk.sentences import N_
from desk.store import Tx
from routing.order import HANDLING_S

SKILL = "support"  # its level is the support level: somebody of L2 has it at 2
HIGHEST = 3
SOONEST = timedelta(minutes=5)
LATEST = timedelta(days=90)
LONGEST = 4000
DUE_TIMER = "hand_up.due"
SILENT = timedelta(days=1)  # so long after the answer was due the highest level is asked instead


def hand_up(
    tx: Tx,
    ticket: Ticket,
    agent: Agent,
    *,
    problem: str,
    tried: str,
    question: str,
    needed_by: datetime | None,
    to_level: int | None = None,
) -> HandUp:
    """Ask the next level, saying what is the matter, what was tried, what is asked and by when it is needed.

    The asker becomes owner of a ticket that has none. Somebody who was asked himself hands the question on: his own part ends.
    Raises `Invalid` with the fields that are missing, `Conflict` for a ticket that is not open, a second open hand-up, or a leap
    over a level that neither the priority nor the role allows.
    """
    said = _packet(tx, problem, tried, question, needed_by)
    if ticket.status not in LIVE:
        raise Conflict("This ticket is not open.")
    before = open_one(tx, ticket.id)
    if before is not None and not _holds(tx, before, agent):
        raise Conflict("The next level has been asked already. Wait for the answer, or take the question back first.")
    from_level = before.to_level if before is not None else 1
    to_level = from_level + 1 if to_level is None else to_level
    _check_level(tx, ticket, agent, from_level, to_level)
    if before is None and ticket.owner_id is None:
        tickets.assign(tx, ticket, agent.id)
    return _ask(tx, ticket, agent, before, to_level, said)


def ask_highest(tx: Tx, ticket: Ticket, agent: Agent, *, problem: str, question: str, needed_by: datetime) -> HandUp | None:
    """By rule the highest level is asked now, in this agent's name, whoever was asked before. None when it has been already."""
    before = open_one(tx, ticket.id)
    if ticket.status not in LIVE or (before is not None and before.to_level == HIGHEST):
        return None
    said: dict[str, object] = {"problem": problem[:LONGEST], "tried": "—", "question": question, "needed_by": needed_by}
    return _ask(tx, ticket, agent, before, HIGHEST, said)


def _ask(tx: Tx, ticket: Ticket, agent: Agent, before: HandUp | None, to_level: int, said: dict[str, object]) -> HandUp:
    """Put the question; what the level before was asked ends with it."""
    from_level = before.to_level if before is not None else 1
    if before is not None:
        _close(tx, before, HANDED_ON, agent, "")
    asked = HandUp(
        ticket_id=ticket.id, from_level=from_level, to_level=to_level, created_at=tx.now, created_by_id=agent.id, **said
    )
    item = _queue(tx, ticket, asked, agent)
    asked.item_id = item.id
    tx.session.add(asked)
    _wait_inside(tx, ticket)
    ticket.level = to_level
    set_timer(tx, DUE_TIMER, str(item.id), asked.needed_by, {"item_id": item.id})
    tx.emit("hand_up.asked", ticket=ticket, item=item, agent=agent, data={"from": from_level, "to": to_level})
    return asked


def answer(tx: Tx, asked: HandUp, agent: Agent, text: str) -> None:
    """The level that was asked answers. The answer stands on the ticket as a note, and its owner has the work again.

    Raises `Invalid` without text, `Conflict` when the question is settled or somebody else has it.
    """
    _give_back(tx, asked, agent, ANSWERED, text)


def send_back(tx: Tx, asked: HandUp, agent: Agent, reason: str) -> None:
    """The question cannot be answered as it is: back to the owner with what is missing. Raises as `answer`."""
    _give_back(tx, asked, agent, RETURNED, reason)


def withdraw(tx: Tx, asked: HandUp, agent: Agent) -> None:
    """The answer is not needed any more. The owner goes on. Raises `Conflict` when it is settled, or for anybody else."""
    ticket = tx.session.get_one(Ticket, asked.ticket_id)
    if agent.id not in (ticket.owner_id, asked.created_by_id) and not viewer_of(agent).can(Right.SUPERVISE):
        raise Conflict("Only the owner of the ticket can take the question back.")
    _close(tx, asked, WITHDRAWN, agent, "")
    _go_on(tx, ticket)


def overdue(tx: Tx, item_id: int) -> None:
    """The answer is late: the question goes before all other work, and the owner sees it. A day later level 3 has it."""
    asked = tx.session.scalar(select(HandUp).where(HandUp.item_id == item_id, HandUp.state == OPEN))
    if asked is None:
        return
    if asked.to_level < HIGHEST and tx.now >= asked.needed_by + SILENT:
        _pass_up(tx, asked)
        return
    if asked.to_level < HIGHEST:
        set_timer(tx, DUE_TIMER, str(item_id), asked.needed_by + SILENT, {"item_id": item_id})
    escalating.put_first(tx, tx.session.get_one(WorkItem, item_id), N_("The answer is late."))
    tx.emit("hand_up.overdue", ticket=asked.ticket_id, item=item_id, data={"to": asked.to_level})


def _pass_up(tx: Tx, asked: HandUp) -> None:
    """Who was asked has kept silent: the same question goes to the highest level, in the name of who asked it."""
    ticket, asker = tx.session.get_one(Ticket, asked.ticket_id), tx.session.get_one(Agent, asked.created_by_id)
    again = min(asked.needed_by - asked.created_at, SILENT)
    said: dict[str, object] = {"problem": asked.problem, "tried": asked.tried, "question": asked.question}
    tx.emit("hand_up.passed_up", ticket=ticket, item=asked.item_id, data={"from": asked.to_level, "to": HIGHEST})
    _ask(tx, ticket, asker, asked, HIGHEST, {**said, "needed_by": tx.now + again})


def open_one(tx: Tx, ticket_id: int) -> HandUp | None:
    """The ticket's question that is not settled yet."""
    return tx.session.scalar(select(HandUp).where(HandUp.ticket_id == ticket_id, HandUp.state == OPEN))


def require_open(tx: Tx, ticket: Ticket) -> HandUp:
    """The ticket's open question; raises `NotFound` when there is none."""
    asked = open_one(tx, ticket.id)
    if asked is None:
        raise NotFound("Nobody is asked on this ticket now.")
    return asked


def _packet(tx: Tx, problem: str, tried: str, question: str, needed_by: datetime | None) -> dict[str, object]:
    said = {"problem": problem.strip()[:LONGEST], "tried": tried.strip()[:LONGEST], "question": question.strip()[:LONGEST]}
    wrong = {
        field: sentence
        for field, sentence in (
            ("problem", N_("Say what is the matter.")),
            ("tried", N_("Say what has been tried already.")),
            ("question", N_("Say what you ask for.")),
        )
        if not said[field]
    }
    if needed_by is None or not tx.now + SOONEST <= needed_by <= tx.now + LATEST:
        wrong["needed_by"] = N_("Say by when the answer is needed: between five minutes and ninety days from now.")
    if wrong:
        raise Invalid("Something is missing before the next level can be asked.", wrong)
    return {**said, "needed_by": needed_by}


def _check_level(tx: Tx, ticket: Ticket, agent: Agent, from_level: int, to_level: int) -> None:
    if not from_level < to_level <= HIGHEST:
        raise Conflict("There is no level above this one.") if from_level >= HIGHEST else Invalid("Choose level 2 or 3.")
    severity = tx.session.scalar(select(Complaint.severity).where(Complaint.ticket_id == ticket.id))
    urgent = ticket.priority == 1 or severity == 1
    if to_level > from_level + 1 and not urgent and "complaint_officer" not in agent.roles:
        raise Conflict("Ask level 2 first. Only what is most urgent, or a complaint officer, goes to level 3 at once.")


def _queue(tx: Tx, ticket: Ticket, asked: HandUp, agent: Agent) -> WorkItem:
    """The work of whoever is asked. It is due when the answer is needed, whatever the queue's usual target."""
    queue = tx.session.get_one(Queue, ticket.queue_id)
    item = work_items.enqueue(
        tx, "hand_up", "ticket", ticket, queue, skills=((SKILL, asked.to_level),), excluded_agent_ids=(agent.id,)
    )
    item.due_at = asked.needed_by
    item.promote_at = asked.needed_by - timedelta(seconds=HANDLING_S["ticket"])
    tx.session.flush()
    return item


def _wait_inside(tx: Tx, ticket: Ticket) -> None:
    if ticket.status != PENDING_INTERNAL:
        tickets.set_pending(tx, ticket, PENDING_INTERNAL)


def _give_back(tx: Tx, asked: HandUp, agent: Agent, state: str, text: str) -> None:
    if not text.strip():
        raise Invalid("Please write something before sending.", {"answer": N_("Please write something before sending.")})
    if not _holds(tx, asked, agent):
        raise Conflict("Somebody else has this question, or nobody has taken it yet.")
    ticket = tx.session.get_one(Ticket, asked.ticket_id)
    tickets.note(tx, ticket, agent, text.strip()[:LONGEST])
    _close(tx, asked, state, agent, text)
    _go_on(tx, ticket)


def _holds(tx: Tx, asked: HandUp, agent: Agent) -> bool:
    item = tx.session.get_one(WorkItem, asked.item_id)
    return item.state == ACTIVE and item.agent_id == agent.id


def _close(tx: Tx, asked: HandUp, state: str, agent: Agent, text: str) -> None:
    item = tx.session.get_one(WorkItem, asked.item_id)
    work_items.finish(tx, item)  # takes the locks of both rows: who comes second finds the question settled
    tx.session.refresh(asked)
    if asked.state != OPEN:
        raise Conflict("This question has been settled meanwhile.")
    asked.state, asked.answer, asked.answered_at, asked.answered_by_id = state, text.strip()[:LONGEST], tx.now, agent.id
    clear_timer(tx, DUE_TIMER, str(item.id))
    tx.emit(f"hand_up.{state}", ticket=asked.ticket_id, item=item, agent=agent, data={"to": asked.to_level})
    tx.session.flush()


def _go_on(tx: Tx, ticket: Ticket) -> None:
    """The owner has the ticket again; the customer's clocks have not stopped meanwhile."""
    reopened = tx.session.scalar(select(Complaint.reopened).where(Complaint.ticket_id == ticket.id)) or 0
    ticket.level = min(1 + reopened, HIGHEST)  # a case that was opened again stays as high as that took it
    tickets.go_on(tx, ticket)
