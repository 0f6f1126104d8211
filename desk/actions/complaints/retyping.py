"""Not a complaint after all: the record stays and is counted, its clocks stop, and the matter goes on as an ordinary ticket."""

from __future__ import annotations

from desk.actions import intake
from desk.actions.complaints.clocks import resume
from desk.actions.complaints.letters import write_letter
from desk.actions.tickets import clocks, linking, solving, tickets
from desk.errors import Invalid
from desk.models import Complaint, Customer, Queue, Ticket
from desk.models.complaint import RETYPED
from desk.models.ticket_link import RELATED
from desk.sentences import N_
from desk.store import Tx

ORDINARY, GENERAL = "enquiry", "general"
LONGEST = 4000


def make_ordinary(tx: Tx, complaint: Complaint, ticket: Ticket, told: str) -> None:
    """Nobody was discontent: the customer is told so in these words, and that they may complain all the same.

    Raises `Invalid` without them.
    """
    if not told.strip():
        sentence = N_("Say why this is no complaint; the customer reads it.")
        raise Invalid(sentence, {"reason": sentence})
    resume(tx, complaint, why="ended")
    complaint.outcome, complaint.decision, complaint.closed_at = RETYPED, told.strip()[:LONGEST], tx.now
    queue = intake.find_queue(tx, GENERAL)
    tx.emit("ticket.changed", ticket=ticket, data={"old": {"type": ticket.type}, "new": {"type": ORDINARY}})
    solving.finish_work(tx, ticket)
    tickets.assign(tx, ticket, None)
    ticket.type, ticket.queue_id, ticket.team_id, ticket.updated_at = ORDINARY, queue.id, queue.team_id, tx.now
    clocks.start(tx, ticket, queue)
    tickets.queue_work(tx, ticket, queue)
    write_letter(tx, complaint, ticket, "retyped", reason=complaint.decision)  # without an address it stands on the page


def ticket_of_its_own(tx: Tx, ticket: Ticket) -> Ticket:
    """The customer complains after all: a new complaint with a new number, beside the one that was none."""
    made = tickets.open_ticket(
        tx,
        customer=tx.session.get_one(Customer, ticket.customer_id),
        queue=tx.session.get_one(Queue, ticket.queue_id),
        subject=ticket.subject,
        channel=ticket.channel,
        locale=ticket.locale,
    )
    linking.link(tx, made, ticket, RELATED, None)
    return made
