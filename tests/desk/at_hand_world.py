"""What the tests of merging, snoozing and acting on many share: tickets with mail, and mail that comes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, select

from channels.message import Contact, Inbound
from desk.access import Viewer, viewer_of
from desk.actions import intake
from desk.actions.tickets import tickets
from desk.models import (
    Agent,
    Call,
    Draft,
    Mention,
    Message,
    OutboxMail,
    RawMail,
    Ticket,
    TicketFollower,
    TicketParticipant,
    TicketTag,
)
from tests.desk.house import House

HELD_BY_A_TICKET = (Message, RawMail, OutboxMail, Call, Draft, Mention, TicketFollower, TicketParticipant, TicketTag)
NOT_COMPARED = {"updated_at"}


def mail(house: House, who: str = "li.na", name: str = "1", subject: str = "My bill", **more: Any) -> Ticket:
    """What became of a mail of this customer; its Message-ID is `<name>@mail.example`."""
    with house.tx() as tx:
        inbound = Inbound(
            "email", name, Contact("email", f"{who}@customers.example", who), subject=subject, text="Hello",
            message_id=f"{name}@mail.example", **more,
        )  # fmt: skip
        return intake.receive(tx, inbound).ticket


def viewer(house: House, agent: Agent) -> Viewer:
    return viewer_of(house.again(agent))


def answer(house: House, ticket: Ticket, agent: Agent, text: str = "Here it is.") -> Message:
    with house.tx() as tx:
        return tickets.reply(
            tx, tx.session.get_one(Ticket, ticket.id), tx.session.get_one(Agent, agent.id), text, channel="email"
        )


def where(house: House) -> dict[str, dict[int, int]]:
    """On which ticket each row stands."""
    with house.store.read() as reading:
        return {
            model.__tablename__: dict(list(map(tuple, reading.execute(select(model.id, model.ticket_id)))))
            for model in HELD_BY_A_TICKET
        }


def shape(house: House, ticket: Ticket) -> dict[str, Any]:
    """All that the ticket's row says, but when it was changed."""
    row = house.again(ticket)
    return {each.key: getattr(row, each.key) for each in inspect(Ticket).column_attrs if each.key not in NOT_COMPARED}
