"""Taking and ending work: offers, waiting items, chats, asking a customer again."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from desk.access import Right, access_held_item, access_offer, access_ticket
from desk.actions.chats import chats
from desk.actions.surveys import follow_ups
from desk.actions.work import answering, work_items
from desk.actions.work.answering import Answer
from desk.errors import Conflict, NotAllowed, NotFound
from desk.http.context import me, viewer, writing
from desk.http.guard import needs
from desk.models import Chat, FollowUp, Ticket, WorkItem
from desk.models.work_item import WAITING, WRAP_UP
from desk.web.calls.calls import ring_agent
from desk.web.console import done
from desk.web.tickets.at_hand import written_moment
from desk.web.voice.waiting import fetch_back

pages = Blueprint("work", __name__)


@pages.post("/desk/offers/<int:offer_id>/accept")
@needs(Right.TAKE_WORK)
def accept(offer_id: int) -> Response:
    with writing() as tx:
        access_offer(tx.session, viewer(), offer_id)
        answer = answering.accept_offer(tx, offer_id, me(tx))
    return _begun(answer)


@pages.post("/desk/offers/<int:offer_id>/decline")
@needs(Right.TAKE_WORK)
def decline(offer_id: int) -> Response:
    with writing() as tx:
        access_offer(tx.session, viewer(), offer_id)
        work_items.decline(tx, offer_id, request.form.get("reason", ""))
    return done(url_for("console.index"), stay=True)


@pages.post("/desk/tickets/<int:number>/take")
@needs(Right.TAKE_WORK)
def take(number: int) -> Response:
    """Take what waits on this ticket, by hand."""
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        query = select(WorkItem).where(WorkItem.ticket_id == ticket.id, WorkItem.state == WAITING)
        item = tx.session.scalar(query.order_by(WorkItem.id).limit(1))
        if item is None:
            raise Conflict("Somebody else has taken this work.")
        if item.kind == "complaint":
            viewer().require(Right.HANDLE_COMPLAINT)
        if item.kind == "follow_up" and str(viewer().agent_id) in item.excluded:
            raise NotAllowed("You handled this matter yourself; somebody else has to ask the customer.")
        answer = answering.take_item(tx, item.id, me(tx))
    return _begun(answer)


@pages.post("/desk/chats/<int:chat_id>/end")
@needs(Right.TAKE_WORK)
def end_chat(chat_id: int) -> Response:
    with writing() as tx:
        chat = tx.session.get(Chat, chat_id)
        if chat is None or chat.agent_id != viewer().agent_id:
            raise NotFound("You do not have this chat.")
        chats.end_chat(tx, chat, "agent")
        number = tx.session.get_one(Ticket, chat.ticket_id).number or 0
    return done(url_for("tickets.one", number=number), stay=True)


@pages.post("/desk/items/<int:item_id>/finish")
@needs(Right.TAKE_WORK)
def finish(item_id: int) -> Response:
    """The wrap-up of a chat is done; the ticket stays as it is."""
    with writing() as tx:
        item = access_held_item(tx.session, viewer(), item_id)
        if item.kind != "chat" or item.state != WRAP_UP:
            raise Conflict("End the conversation first, or solve the ticket.")
        work_items.finish(tx, item)
        number = tx.session.get_one(Ticket, item.ticket_id).number or 0
    return done(url_for("tickets.one", number=number), toast=gettext("Your hands are free again."), stay=True)


@pages.post("/desk/follow-ups/<int:follow_up_id>")
@needs(Right.TAKE_WORK)
def record_follow_up(follow_up_id: int) -> Response:
    with writing() as tx:
        follow_up = tx.session.get(FollowUp, follow_up_id)
        ticket = tx.session.get(Ticket, follow_up.ticket_id) if follow_up else None
        if follow_up is None or ticket is None:
            raise NotFound("There is no such follow-up.")
        access_ticket(tx.session, viewer(), ticket.number or 0)
        form = request.form
        said = form.get("outcome", ""), form.get("note", ""), form.get("channel", "phone")
        typed = form.get("at", "").strip()
        follow_ups.record(tx, follow_up, me(tx), *said, told_at=written_moment(typed) if typed else None)
    return done(url_for("tickets.one", number=ticket.number), toast=gettext("Recorded."), stay=True)


def _begun(answer: Answer) -> Response:
    """The work is the agent's: a call rings their leg now, outside the transaction; then the ticket is shown."""
    if answer.call is not None:
        ring_agent(answer.call)
        fetch_back(answer.call)
    return done(url_for("tickets.one", number=answer.ticket.number))
