"""Snoozing, tags, links and merging for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, g, jsonify, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.tickets import linking, merging, snoozing, tags
from desk.api import shapes
from desk.api.fields import Fields
from desk.api.lists import page
from desk.errors import Invalid
from desk.http.context import change, reading, writing
from desk.http.guard import needs
from desk.models import Tag, Ticket, TicketLink
from desk.models.ticket_link import LINKS
from desk.queries.tickets.links import links_of
from desk.queries.tickets.tags import tags_of
from desk.store import Tx

pages = Blueprint("at_hand", __name__)


@pages.get("/tags")
@needs(Right.READ_TICKETS)
def list_tags() -> Response:
    """Those in use."""
    with reading() as session:
        query = select(Tag).where(Tag.retired_at.is_(None))
        return jsonify(
            page(session, query, Tag.id, lambda rows: [shapes.tag_shape(row[0]) | {"_key": row[0].id} for row in rows])
        )


@pages.put("/tickets/<int:number>/tags")
@needs(Right.REPLY)
def set_tags(number: int) -> Response:
    """The ticket has these tags and no others; new words become tags."""
    fields = Fields(request)
    words = fields.texts("tags")
    fields.check("tags")
    with writing() as tx:
        ticket = access_ticket(tx.session, g.viewer, number)
        tags.set_tags(tx, ticket, words)
    with reading() as session:
        found = tags_of(session, [ticket.id]).get(ticket.id, [])
        return jsonify(items=[shapes.tag_shape(each) for each in found], next=None)


@pages.post("/tickets/<int:number>/snooze")
@needs(Right.REPLY)
def snooze(number: int) -> Response:
    fields = Fields(request)
    until = _moment(fields.text("until", required=True, most=40))
    fields.check("until")
    with writing() as tx:
        ticket = access_ticket(tx.session, g.viewer, number)
        snoozing.snooze(tx, ticket, None, until)
    return jsonify(number=ticket.number, snoozed_until=shapes.moment(ticket.snoozed_until))


@pages.post("/tickets/<int:number>/wake")
@needs(Right.REPLY)
def wake(number: int) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, g.viewer, number)
        snoozing.wake(tx, ticket, reason="by_hand")
    return jsonify(number=ticket.number, snoozed_until=None)


@pages.get("/tickets/<int:number>/links")
@needs(Right.READ_TICKETS)
def list_links(number: int) -> Response:
    """To tickets that the program may read."""
    with reading() as session:
        return jsonify(items=_links(session, access_ticket(session, g.viewer, number)), next=None)


@pages.post("/tickets/<int:number>/links")
@needs(Right.REPLY)
def add_link(number: int) -> tuple[Response, int]:
    fields = Fields(request)
    kind, other = fields.choice("kind", LINKS, LINKS[0]), fields.number("ticket")
    fields.check("kind", "ticket")
    with writing() as tx:
        ticket = access_ticket(tx.session, g.viewer, number)
        made = linking.link(tx, ticket, access_ticket(tx.session, g.viewer, other or 0), kind, None)
    return jsonify(_link(made.id, kind, other)), 201


@pages.delete("/tickets/<int:number>/links/<int:link_id>")
@needs(Right.REPLY)
def remove_link(number: int, link_id: int) -> tuple[str, int]:
    with writing() as tx:
        ticket = access_ticket(tx.session, g.viewer, number)
        drawn = tx.session.get(TicketLink, link_id)
        other = None if drawn is None else tx.session.get(Ticket, drawn.to_id if drawn.from_id == ticket.id else drawn.from_id)
        if other is not None:
            access_ticket(tx.session, g.viewer, other.number or 0)
        linking.unlink(tx, ticket, link_id)
    return "", 204


@pages.post("/tickets/<int:number>/merge")
@needs(Right.REPLY)
def merge(number: int) -> Response:
    """Everything of the ticket goes to the one named as `into`."""
    fields = Fields(request)
    other = fields.number("into")
    fields.check("into")

    def act(tx: Tx) -> None:
        ticket = access_ticket(tx.session, g.viewer, number)
        merging.merge(tx, ticket, access_ticket(tx.session, g.viewer, other or 0), None)

    change(act)
    return jsonify(number=number, merged_into=other)


@pages.post("/tickets/<int:number>/unmerge")
@needs(Right.REPLY)
def unmerge(number: int) -> Response:
    """The ticket is its own again, for a day after it was merged."""

    def act(tx: Tx) -> None:
        into = merging.undo_merge(tx, access_ticket(tx.session, g.viewer, number))
        access_ticket(tx.session, g.viewer, into.number or 0)

    change(act)
    return jsonify(number=number, merged_into=None)


def _links(session: Session, ticket: Ticket) -> list[dict[str, Any]]:
    return [_link(row.id, row.how, row.ticket.number) for row in links_of(session, g.viewer, ticket)]


def _link(link_id: int, kind: str, number: int | None) -> dict[str, Any]:
    return {"id": link_id, "kind": kind, "ticket": number}


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid("These fields cannot be used.", {"until": "a moment with its zone, such as 2026-11-20T10:00:00Z"})
    return at
