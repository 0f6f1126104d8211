"""Letters and faxes: they come in through somebody's hands, and count from the day that their date stamp says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from channels.form import MAX_LINE, MAX_TEXT
from channels.paper import KINDS, MAX_ADDRESS, Kind, Paper, to_inbound
from desk.actions import intake
from desk.actions.calendars import calendar_of
from desk.actions.complaints import complaints
from desk.actions.people import customers
from desk.actions.tickets import clocks
from desk.config import LOCALES
from desk.days import day_begins
from desk.errors import Invalid
from desk.files import KeptFile
from desk.models import Agent, Complaint, Customer, Ticket
from desk.sentences import N_
from desk.store import Tx

OLDEST = timedelta(days=730)
GENERAL = "general"


def take_in(tx: Tx, agent: Agent, paper: Paper, files: Sequence[KeptFile] = ()) -> Ticket:
    """What came on paper is a message of its sender: on the ticket that its subject names, else on a new one.

    The ticket's clocks count from the date stamp. Raises `Invalid` with `fields` when it cannot be taken as it is.
    """
    return _take_in(tx, agent, paper, files, GENERAL)[0]


def take_in_complaint(
    tx: Tx, agent: Agent, paper: Paper, files: Sequence[KeptFile] = (), *, remedy_wanted: str = "", category: str = ""
) -> Complaint:
    """The same, where the sender is not content: the case runs from the date stamp. Raises as `take_in`."""
    ticket, received_at = _take_in(tx, agent, paper, files, complaints.QUEUE_KEY)
    return complaints.register_from_ticket(
        tx,
        ticket,
        paper.text,
        remedy_wanted=remedy_wanted,
        category=category,
        received_at=received_at,
        anonymous=paper.anonymous,
    )


def _take_in(tx: Tx, agent: Agent, paper: Paper, files: Sequence[KeptFile], queue_key: str) -> tuple[Ticket, datetime]:
    queue = intake.find_queue(tx, queue_key)
    received_at = _check(tx, paper, calendar_of(tx.session, queue).zone)
    inbound = to_inbound(paper, cast(Kind, paper.kind), date.fromisoformat(paper.day))
    receipt = intake.receive(tx, inbound, files, queue_key=queue_key)
    if receipt.duplicate:
        return receipt.ticket, received_at
    customer = tx.session.get_one(Customer, receipt.ticket.customer_id)
    if customer.created_at == tx.now:  # only of a new customer: nobody's record is changed by what a paper claims
        _keep_ways(tx, customer, paper)
    if receipt.opened:
        receipt.ticket.created_at = received_at  # it has been waiting since then, wherever in the house it lay
        clocks.start(tx, receipt.ticket, queue)
    tx.emit(
        "ticket.paper_entered",
        ticket=receipt.ticket,
        message=receipt.message,
        agent=agent,
        data={"kind": paper.kind, "received": paper.day, "files": len(files)},
    )
    return receipt.ticket, received_at


def _check(tx: Tx, paper: Paper, zone: str) -> datetime:
    """When it came: the beginning of its day, or now if that is today. Raises `Invalid`."""
    came, fields = day_begins(paper.day, zone), {}
    if paper.kind not in KINDS:
        fields["kind"] = N_("Choose whether it is a letter or a fax.")
    if came is None or not tx.now - OLDEST <= came <= tx.now:
        fields["day"] = N_("Choose the day on which it came: today or before, within two years.")
    if not paper.anonymous and (not paper.name or len(paper.name) > MAX_LINE):
        fields["name"] = N_("Write who it is from.")
    reachable = paper.anonymous or paper.email or paper.phone or paper.address
    if not reachable or len(paper.address) > MAX_ADDRESS:
        fields["address"] = N_("Write where an answer goes: a postal address, an e-mail address or a phone number.")
    fields |= {kind: sentence for kind, sentence in _WRONG.items() if getattr(paper, kind) and not _is_way(kind, paper)}
    if not paper.text or len(paper.text) > MAX_TEXT:
        fields["text"] = N_("Write down what it says, or the gist of it.")
    if paper.locale and paper.locale not in LOCALES:
        fields["locale"] = N_("Choose a language.")
    if len(paper.token) < 16:
        raise Invalid("This form is incomplete. Load the page again and send it once more.")
    if fields or came is None:
        raise Invalid("Something is missing before this paper can be recorded.", fields)
    return tx.now if came.date() == tx.now.astimezone(ZoneInfo(zone)).date() else came


_WRONG = {
    "email": N_("This is no e-mail address. It should look like name@example.com."),
    "phone": N_("This is no phone number. Write it with its country code, such as +86 138 0013 8000."),
}


def _is_way(kind: str, paper: Paper) -> bool:
    try:
        customers.normal(kind, getattr(paper, kind))
    except Invalid:
        return False
    return True


def _keep_ways(tx: Tx, customer: Customer, paper: Paper) -> None:
    for kind in ("email", "phone"):
        if getattr(paper, kind):
            customers.add_contact_point(tx, customer, kind, getattr(paper, kind))
