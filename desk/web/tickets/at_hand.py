"""What is done with a ticket besides working on it: snoozing, following, tags, own fields, links, merging and splitting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask_babel import format_datetime, gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from desk.access import Right, access_ticket
from desk.actions.mail import unsent
from desk.actions.tickets import following, linking, merging, own_fields, snoozing, spam, splitting, tags
from desk.errors import Invalid
from desk.http.context import change, installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import Tag, Ticket
from desk.models.ticket import MERGED
from desk.queries.tickets.belongings import Belongings
from desk.queries.tickets.following import followers_of
from desk.queries.tickets.links import links_of, merged_into, moves_to_undo
from desk.queries.tickets.own_fields import fields_asked
from desk.queries.tickets.page import next_due
from desk.queries.tickets.snoozing import snooze_moments
from desk.queries.tickets.tags import tags_of, tags_to_choose
from desk.queries.tickets.timeline import messages_to_split
from desk.sentences import N_
from desk.store import Tx
from desk.web import words
from desk.web.console import done
from desk.web.tickets.own_answers import answers_sent

pages = Blueprint("ticket_at_hand", __name__, url_prefix="/desk/tickets/<int:number>")


def of_head(session: Session, ticket: Ticket, has: Belongings) -> dict[str, Any]:
    """What the head of a ticket shows of all this."""
    now = installation().clock.now()
    followers = followers_of(session, ticket) if has.followers else []
    into = merged_into(session, [ticket.id]).get(ticket.id) if ticket.status == MERGED else None
    return {
        "tags": tags_of(session, [ticket.id]).get(ticket.id, []) if has.tags else [],
        "snooze_moments": snooze_moments(session, ticket, now),
        "followers": followers,
        "follows": viewer().agent_id in [agent_id for agent_id, _ in followers],
        "moves": moves_to_undo(session, viewer(), ticket, now) if has.moves else [],
        "merged_into": into,
    }


def of_marks(
    session: Session,
    ticket: Ticket,
    has: Belongings,
    *,
    tags: Sequence[Tag] | None = None,
    followers: list[tuple[int, str]] | None = None,
) -> dict[str, Any]:
    """Tags, own fields, links and followers in the pane beside it; some the head may have read already."""
    tags = tags if tags is not None else tags_of(session, [ticket.id]).get(ticket.id, []) if has.tags else []
    followers = followers if followers is not None else followers_of(session, ticket) if has.followers else []
    return {
        "ticket": ticket,
        "tags": tags,
        "tags_to_choose": tags_to_choose(session) if viewer().can(Right.REPLY) else [],
        "fields": fields_asked(session),
        "answers": ticket.answers or {},
        "links": links_of(session, viewer(), ticket) if has.links else [],
        "followers": followers,
    }


@pages.post("/snooze")
@needs(Right.REPLY)
def snooze(number: int) -> Response:
    """Until one of the moments that the page offers, or another one, written in the desk's time zone."""
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        until = snooze_moment(tx, ticket, request.form.get("until", ""), request.form.get("at", ""))
        unsent.leave_all(tx, ticket, me(tx))
        snoozing.snooze(tx, ticket, me(tx), until)
        due = next_due(ticket)
    said = gettext("Snoozed until %(time)s.", time=format_datetime(until, "short"))
    if due is not None and due < until:
        said = gettext("Snoozed until %(time)s. Something is due before that.", time=format_datetime(until, "short"))
    return _stay(number, said)


@pages.post("/wake")
@needs(Right.REPLY)
def wake(number: int) -> Response:
    with writing() as tx:
        snoozing.wake(tx, access_ticket(tx.session, viewer(), number), reason="by_hand")
    return _stay(number)


@pages.post("/spam")
@needs(Right.REPLY)
def junk(number: int) -> Response:
    """Mark it as junk, or with `stop` no more."""
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        if request.form.get("stop"):
            spam.unmark(tx, ticket)
        else:
            unsent.leave_all(tx, ticket, me(tx))
            spam.mark(tx, ticket)
    if request.form.get("stop"):
        return _stay(number)
    return _stay(number, gettext("Marked as junk. What its sender writes next is sorted out too."))


@pages.post("/follow")
@needs(Right.REPLY)
def follow(number: int) -> Response:
    """Hear of it from now on, or with `stop` no more."""
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        if request.form.get("stop"):
            following.unfollow(tx, ticket, me(tx))
        else:
            following.follow(tx, ticket, me(tx))
    return _stay(number)


@pages.post("/tags")
@needs(Right.REPLY)
def tag(number: int) -> Response:
    """Mark it with a word, known or new."""
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        tags.tag_ticket(tx, ticket, tags.tag_named(tx, request.form.get("word", "")))
    return _stay(number)


@pages.post("/tags/<int:tag_id>/remove")
@needs(Right.REPLY)
def untag(number: int, tag_id: int) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        tags.untag_ticket(tx, ticket, tags.tag_of(tx, tag_id))
    return _stay(number)


@pages.post("/answers")
@needs(Right.REPLY)
def answer(number: int) -> Response:
    """Answer the installation's own questions; those that are not sent stay as they are."""
    with writing() as tx:
        own_fields.set_answers(tx, access_ticket(tx.session, viewer(), number), answers_sent())
    return _stay(number, gettext("Saved."))


@pages.post("/links")
@needs(Right.REPLY)
def link(number: int) -> Response:
    with writing() as tx:
        ticket = access_ticket(tx.session, viewer(), number)
        linking.link(tx, ticket, _other(tx), request.form.get("how", ""), me(tx))
    return _stay(number, gettext("Linked."))


@pages.post("/links/<int:link_id>/remove")
@needs(Right.REPLY)
def unlink(number: int, link_id: int) -> Response:
    with writing() as tx:
        linking.unlink(tx, access_ticket(tx.session, viewer(), number), link_id)
    return _stay(number)


@pages.post("/merge")
@needs(Right.REPLY)
def merge(number: int) -> Response:
    """Everything goes to the other ticket; both must be the viewer's to read."""

    def act(tx: Tx) -> int:
        ticket, other = access_ticket(tx.session, viewer(), number), _other(tx)
        merging.merge(tx, ticket, other, me(tx))
        return other.number or 0

    other = change(act)
    return done(url_for("tickets.one", number=other), toast=gettext("Merged. For a day it can be undone here."))


@pages.post("/unmerge")
@needs(Right.REPLY)
def unmerge(number: int) -> Response:
    """The merged ticket with this number is its own again."""

    def act(tx: Tx) -> None:
        into = merging.undo_merge(tx, access_ticket(tx.session, viewer(), number))
        access_ticket(tx.session, viewer(), into.number or 0)

    change(act)
    return done(url_for("tickets.one", number=number), toast=gettext("The two are apart again."))


@pages.get("/split")
@needs(Right.REPLY)
def what_to_split(number: int) -> str:
    """The messages that can be chosen, for the dialog."""
    with reading() as session:
        ticket = access_ticket(session, viewer(), number)
        return render_template(
            "tickets/_split.html", ticket=ticket, messages=messages_to_split(session, ticket), words=words.everything()
        )


@pages.post("/split")
@needs(Right.REPLY)
def split(number: int) -> Response:
    chosen = [found for each in request.form.getlist("message") if (found := whole(each)) is not None]

    def act(tx: Tx) -> int:
        ticket = access_ticket(tx.session, viewer(), number)
        return splitting.split(tx, ticket, chosen, request.form.get("subject", ""), me(tx)).number or 0

    new = change(act)
    return done(url_for("tickets.one", number=new), toast=gettext("Split off. For a day it can be undone here."))


@pages.post("/unsplit")
@needs(Right.REPLY)
def unsplit(number: int) -> Response:
    """What was split off as this ticket goes back."""

    def act(tx: Tx) -> int:
        old = splitting.undo_split(tx, access_ticket(tx.session, viewer(), number), me(tx))
        return access_ticket(tx.session, viewer(), old.number or 0).number or 0

    old = change(act)
    return done(url_for("tickets.one", number=old), toast=gettext("The messages are back."))


def snooze_moment(tx: Tx, ticket: Ticket, name: str, at: str) -> datetime:
    """The moment of this name in the days of the ticket's queue, or the one written as local time."""
    offered = dict(snooze_moments(tx.session, ticket, tx.now))
    if name in offered:
        return offered[name]
    return written_moment(at)


def written_moment(at: str) -> datetime:
    """What a field for a day and a time says, in the desk's time zone; raises `Invalid` for nothing."""
    try:
        return datetime.fromisoformat(at[:19]).replace(tzinfo=ZoneInfo(installation().settings.timezone))
    except (ValueError, OverflowError):
        wrong = N_("Choose a day and a time.")
        raise Invalid(wrong, {"at": wrong}) from None


def _other(tx: Tx) -> Ticket:
    """The other ticket that the form names, if the viewer may read it."""
    other = whole(request.form.get("other", "").strip().lstrip("#＃"))
    if other is None:
        wrong = N_("Write the number of the other ticket.")
        raise Invalid(wrong, {"other": wrong})
    return access_ticket(tx.session, viewer(), other)


def _stay(number: int, toast: str = "") -> Response:
    return done(url_for("tickets.one", number=number), toast=toast, stay=True)
