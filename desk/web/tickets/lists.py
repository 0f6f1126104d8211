"""Lists of tickets: what is asked for by the address, the views kept under a name, and what is done to many at once."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, NoReturn

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from channels.paper import KINDS
from desk.access import Right, viewer_of
from desk.actions.tickets import bulk, saved_views
from desk.db import Moment
from desk.errors import Conflict, Invalid
from desk.http.context import change, installation, me, reading, viewer, writing
from desk.http.guard import needs
from desk.http.incoming import moment, whole
from desk.http.problems import say
from desk.models import Agent, BulkAct, Queue, SavedView, Ticket
from desk.queries.tickets.saved_views import counted, question_of, usable_by, views_of
from desk.queries.tickets.snoozing import day_moments
from desk.queries.tickets.tags import tags_to_choose
from desk.queries.tickets.tickets import LATEST, ORDERS, PAGE, VIEWS, orders_of, place_of, ticket_list
from desk.sentences import N_
from desk.store import Tx
from desk.web import words
from desk.web.console import done, may_enter, small
from desk.web.tickets.at_hand import written_moment
from desk.web.tickets.lines import lines_of
from desk.web.tickets.priorities import priority_asked
from routing.clocks import TICKET_TARGETS

pages = Blueprint("ticket_lists", __name__)

CHANNELS = ("voice", "email", "chat", "form")
ALL_CHANNELS = (*CHANNELS, *KINDS)
COLUMNS = ("customer", "status", "priority", "queue", "owner", "due", "changed")
USUAL = ("customer", "status", "queue", "owner", "due", "changed")
TOLD_FOR = timedelta(minutes=30)  # the result of what was done to many stands above the list
KEY = re.compile(r"[A-Za-z0-9-]{8,64}")


def rows_of(session: Session) -> dict[str, Any]:
    """The page of the list that the address asks for, in as many queries however much is waiting."""
    args = request.args
    asked, sort, columns = _asked()
    found = ticket_list(session, viewer(), before=_cursor(args.get("before", ""), sort), sort=sort, **asked)
    more = found[PAGE - 1].ticket if len(found) > PAGE else None
    kept = {key: value for key, value in args.items() if key != "before" and value}
    return {
        "rows": lines_of(found[:PAGE], viewer()),
        "view": asked["view"],
        "columns": columns,
        "kept": kept,
        "is_later_page": "before" in args,
        "next_page": url_for("tickets.all_of_them", **{**kept, "before": _told_place(more, sort)}) if more else "",
    }


def filters_of(session: Session) -> dict[str, Any]:
    """What stands above the list: by what it can be narrowed, its orders and columns, and under which name it is kept."""
    asked, sort, _columns = _asked()
    kept_id = request.args.get("saved", type=small)
    saved = session.scalar(select(SavedView).where(SavedView.id == kept_id, usable_by(viewer()))) if kept_id else None
    return {
        "views": VIEWS,
        "asked": asked,
        "sort": sort,
        "orders": orders_of(asked["view"]),
        "owners": _owners(session),
        "all_columns": COLUMNS,
        "saved": saved,
        "may_keep": saved is not None and (saved.owner_id == viewer().agent_id or viewer().can(Right.SUPERVISE)),
        "queues": session.scalars(select(Queue).order_by(Queue.position, Queue.id)).all(),
        "tags_to_choose": tags_to_choose(session),
        "channels_to_choose": ALL_CHANNELS,
    }


def of_many(session: Session) -> dict[str, Any]:
    """What can be done to many tickets, and what was done a moment ago."""
    if not viewer().can(Right.REPLY):
        return {"act": None}
    agents = session.scalars(select(Agent).where(Agent.active).order_by(Agent.name)).all()
    return {
        "agents": [(each.id, each.name) for each in agents if viewer_of(each).can(Right.REPLY)],
        "moments": day_moments(session, installation().clock.now()),
        **_last_act(session),
    }


@pages.get("/desk/views")
@needs(Right.SIGNED_IN)
def views() -> str:
    """The viewer's kept lists with how much is in each, for the side."""
    may_enter()
    with reading() as session:
        found = counted(session, viewer(), views_of(session, viewer())) if viewer().agent_id is not None else []
        addresses = {row.view.id: address_of(row.view) for row in found}
        return render_template("tickets/_views.html", rows=found, addresses=addresses)


@pages.post("/desk/views")
@needs(Right.SIGNED_IN)
def keep() -> Response:
    """Keep the list that the form describes, under a name; with `saved` in the place of that one."""
    may_enter()
    form = request.form
    with writing() as tx:
        view_id = whole(form.get("saved", ""))
        before = saved_views.own_view(tx, viewer(), view_id) if view_id is not None else None
        asked, sort, _ = _asked(form)
        columns = [name for name in COLUMNS if name in form.getlist("column")]
        view = saved_views.save_view(
            tx,
            viewer(),
            before,
            name=form.get("name", ""),
            shared=bool(form.get("shared")),
            filters={name: value for name, value in asked.items() if value not in ("", None)},
            columns=columns,
            sort=sort,
        )
        tx.session.flush()
        address = address_of(view)
    return done(address, toast=gettext("Kept. It stands in the list on the left."))


@pages.post("/desk/views/<int:view_id>/remove")
@needs(Right.SIGNED_IN)
def remove(view_id: int) -> Response:
    may_enter()
    with writing() as tx:
        saved_views.remove_view(tx, saved_views.own_view(tx, viewer(), view_id))
    return done(url_for("tickets.all_of_them"), toast=gettext("Removed."))


@pages.post("/desk/tickets/many")
@needs(Right.REPLY)
def many() -> Response:
    """Do one thing to the chosen tickets; each as if by itself, the whole once for each `key`."""
    form = request.form
    key = form.get("key", "")
    if not KEY.fullmatch(key):
        raise Invalid("This form came without its id. Load the page again.")
    numbers = [found for each in form.getlist("number") if (found := whole(each)) is not None]
    verb = form.get("verb", "")

    def act(tx: Tx) -> BulkAct:
        return bulk.act_on_many(tx, viewer(), me(tx), key=key, verb=verb, value=_value(tx, verb), numbers=numbers)

    made = change(act)
    return done(url_for("tickets.all_of_them"), toast=_told(made), kind="waiting" if made.refused else "good", stay=True)


@pages.post("/desk/tickets/many/<int:act_id>/undo")
@needs(Right.REPLY)
def undo(act_id: int) -> Response:
    undone = change(lambda tx: bulk.undo_act(tx, viewer(), me(tx), act_id))
    count = len(undone.done) - len(undone.refused)
    said = ngettext("Put back on %(num)s ticket.", "Put back on %(num)s tickets.", count)
    return done(url_for("tickets.all_of_them"), toast=said, stay=True)


@pages.get("/desk/tickets/many")
@needs(Right.REPLY)
def last() -> str:
    """What was done to many a moment ago, with what was refused and why."""
    with reading() as session:
        return render_template("tickets/_many_done.html", **_last_act(session))


def address_of(view: SavedView) -> str:
    """The list's own address with all that it asks for: whoever gets it sees it with their own rights."""
    names = {"view": "view", "search": "q", "channel": "channel", "type": "type", "queue_id": "queue", "tag_id": "tag"}
    asked = question_of(view)
    names |= {name: name for name in ("priority", "impact", "urgency", "owner")}
    found = {short: asked[name] for name, short in names.items() if asked.get(name) not in (None, "")}
    return url_for("tickets.all_of_them", **found, sort=view.sort or None, cols=",".join(view.columns) or None, saved=view.id)


def _asked(given: Any = None) -> tuple[dict[str, Any], str, list[str]]:
    """What the address, or the form, asks for: the question, the order and the columns."""
    args = request.args if given is None else given
    view = args.get("view", "mine" if viewer().can(Right.TAKE_WORK) else "open")
    kind, _, chosen = args.get("weight", "").partition(":")  # a priority, or one of what makes it
    weights = {**args, kind: chosen}
    priority = whole(weights.get("priority", ""))
    asked = {
        "view": view if view in VIEWS else "open",
        "search": args.get("q", "").replace("\0", "")[:200],
        "channel": args.get("channel", "") if args.get("channel", "") in ALL_CHANNELS else "",
        "type": args.get("type", "") if args.get("type", "") in words.TYPES else "",
        "queue_id": args.get("queue", type=small),
        "tag_id": args.get("tag", type=small),
        "priority": priority if f"P{priority}" in TICKET_TARGETS else None,
        "impact": weights["impact"] if weights.get("impact") in words.IMPACTS else "",
        "urgency": weights["urgency"] if weights.get("urgency") in words.URGENCIES else "",
        "owner": _owner(args.get("owner", "")),
    }
    wanted = args.get("cols", "").split(",")
    columns = [name for name in COLUMNS if name in wanted] or list(USUAL)
    sort = args.get("sort", LATEST)
    return asked, sort if sort in orders_of(asked["view"]) else LATEST, columns


def _value(tx: Tx, verb: str) -> dict[str, Any]:
    """What the form says for this verb, checked as far as one can without a ticket."""
    form = request.form
    match verb:
        case "assign":
            agent = form.get("agent", "")
            if agent not in ("", "me") and whole(agent) is None:
                raise Invalid("Choose who takes them.")
            return {"agent": me(tx).id if agent == "me" else whole(agent)}
        case "queue":
            return {"queue": form.get("queue", 0, type=small)}
        case "priority":
            return priority_asked(form) or _nothing_chosen()
        case "tag" | "untag":
            return {"tag": form.get("word", "")}
        case "snooze":
            offered = dict(day_moments(tx.session, tx.now))
            until = offered.get(form.get("until", "")) or written_moment(form.get("at", ""))
            return {"until": until.isoformat()}
        case "solve":
            answers = {name: form.get(name, "") for name in ("category", "wrap_up_code", "resolution", "no_article")}
            if not answers["resolution"].strip():
                wrong = N_("Write in a sentence what settled it.")
                raise Invalid(wrong, {"resolution": wrong})
            return answers
    return {}


def _nothing_chosen() -> NoReturn:
    raise Invalid("Choose what to do with these tickets.")


def _last_act(session: Session) -> dict[str, Any]:
    query = select(BulkAct).where(BulkAct.agent_id == viewer().agent_id).order_by(BulkAct.id.desc()).limit(1)
    act = session.scalar(query)
    now = installation().clock.now()
    if act is None or act.undone_at is not None or now - act.at > TOLD_FOR:
        return {"act": None}
    refused = [(each["number"], _said(**each)) for each in act.refused]
    return {"act": act, "told": _told(act), "refused": refused}


def _said(sentence: str, values: dict[str, Any], **_number: Any) -> str:
    return say(Conflict(sentence, **values))


def _told(act: BulkAct) -> str:
    changed, refused = len(act.done), len(act.refused)
    said = ngettext("%(num)s ticket changed.", "%(num)s tickets changed.", changed)
    if refused:
        left = ngettext("%(num)s was not.", "%(num)s were not.", refused)
        return gettext("%(changed)s %(left)s", changed=said, left=left)
    return said


def _owners(session: Session) -> list[tuple[int, str]]:
    """Colleagues whose tickets the viewer may find: all of them, or those of their own team."""
    who = viewer()
    colleagues = select(Agent.id, Agent.name).where(Agent.active)
    if not who.can(Right.READ_ALL_TICKETS) and not who.can(Right.READ_COMPLAINTS):
        colleagues = colleagues.where(Agent.team_id == who.team_id)
    return [(each.id, each.name) for each in session.execute(colleagues.order_by(Agent.name, Agent.id))]


def _owner(text: str) -> str:
    """`me`, `none` or somebody's id; empty for everybody's."""
    if text == "me" and viewer().agent_id is None:
        return ""
    return text if text in ("me", "none") else str(whole(text) or "")


def _told_place(ticket: Ticket, sort: str) -> str:
    return "~".join(each.isoformat() if isinstance(each, datetime) else str(each) for each in place_of(ticket, sort))


def _cursor(text: str, sort: str) -> tuple[Any, ...] | None:
    """The place that a page's address names; None for what is none in this order."""
    parts, columns = text.split("~"), ORDERS[sort].columns
    if len(parts) != len(columns):
        return None
    place = tuple(
        (moment if isinstance(column.type, Moment) else whole)(part) for column, part in zip(columns, parts, strict=True)
    )
    return None if None in place else place
