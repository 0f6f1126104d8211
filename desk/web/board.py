"""The supervisor's board and the wallboard: what waits, who is there, how today goes; and taking a hand in it."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.work import escalating, presence, supervising
from desk.actions.work.presence import AWAY_REASONS, PRESENCES
from desk.errors import Invalid, NotFound
from desk.http.context import installation, is_fragment, reading, viewer, writing
from desk.http.guard import needs
from desk.models import Agent, Customer, Queue, WorkItem
from desk.models.work_item import WAITING
from desk.queries.board import board as figures_of
from desk.queries.board.rows import FIGURES, rows_of
from desk.queries.calls.carrier_state import carrier_state
from desk.queries.calls.closures import current_closure
from desk.queries.figures import abandonment, service_level
from desk.sentences import N_
from desk.store import Tx
from desk.web import chat_report, floor_notes, staffing, wall_link, what_if, why
from desk.web.wall import turning
from desk.web.words import everything

pages = Blueprint("board", __name__)
pages.register_blueprint(why.pages)
pages.register_blueprint(what_if.pages)
pages.register_blueprint(staffing.pages)
pages.register_blueprint(wall_link.pages)
pages.register_blueprint(floor_notes.pages)
pages.register_blueprint(chat_report.pages)


@pages.get("/board")
@needs(Right.SUPERVISE)
def show() -> str:
    page = "board/_board.html" if is_fragment() else "board/index.html"
    with reading() as session:
        closure, carrier = current_closure(session, installation().clock.now()), carrier_state(session)
    return render_template(
        page,
        board=_now(),
        closure=closure,
        carrier=carrier,
        presences=PRESENCES,
        reasons=AWAY_REASONS,
        level_of=service_level,
        terms=everything(),
    )


@pages.get("/wallboard")
@needs(Right.SUPERVISE)
def wall() -> str:
    page = "board/_wall.html" if is_fragment() else "board/wall.html"
    with reading() as session:
        link = wall_link.link_of_viewer(session)
    seen = _now()
    return render_template(
        page, board=seen, turning=turning(seen.all_queues), zone=installation().settings.timezone, terms=everything(), link=link
    )


@pages.get("/board/rows")
@needs(Right.SUPERVISE)
def rows() -> str:
    """The rows that a figure is made of, with their sum."""
    figure = request.args.get("figure", "")
    if figure not in FIGURES:
        raise NotFound("There is no such figure.")
    queue_id, channel = request.args.get("queue", type=int), request.args.get("channel", "")
    half = request.args.get("half", type=int)
    desk = installation()
    now, zone = desk.clock.now(), desk.settings.timezone
    with reading() as session:
        found = rows_of(session, viewer(), now, zone, figure, queue_id=queue_id, channel=channel, half=half)
        queue = session.get(Queue, queue_id) if queue_id else None
    return render_template(
        "board/rows.html",
        figure=figure,
        found=found,
        queue=queue,
        channel=channel,
        level=service_level(found.counts),
        lost=abandonment(found.counts),
        terms=everything(),
    )


@pages.get("/board/items/<int:item_id>")
@needs(Right.SUPERVISE)
def item(item_id: int) -> str:
    """Why this work waits, and what can be done about it."""
    with reading() as session:
        work, ticket = figures_of.access_item(session, viewer(), item_id)
        customer = session.get_one(Customer, work.customer_id)
        queues = list(session.scalars(select(Queue).where(Queue.closed.is_(False)).order_by(Queue.position, Queue.id)))
        people = select(Agent).where(figures_of.visible_agents(viewer()), Agent.active.is_(True)).order_by(Agent.name)
        agents = [agent for agent in session.scalars(people) if figures_of.takes_work(agent)]
        told = why.about(session, work)
    return render_template(
        "board/_item.html",
        item=work,
        ticket=ticket,
        customer=customer,
        queues=queues,
        names={agent.id: agent.name for agent in agents},
        waits=work.state == WAITING,
        terms=everything(),
        **told,
    )


@pages.post("/board/items/<int:item_id>/give")
@needs(Right.SUPERVISE)
def give(item_id: int) -> Response:
    agent_id = request.form.get("agent", type=int)
    if agent_id is None:
        raise Invalid("Choose who is to have this work.", {"agent": N_("Choose who is to have this work.")})
    with writing() as tx:
        agent = figures_of.access_agent(tx.session, viewer(), agent_id)
        theirs = supervising.give(tx, _work(tx, item_id), agent)
    if theirs:
        return _done(gettext("%(name)s has it now.", name=agent.name))
    return _done(gettext("%(name)s is asked first.", name=agent.name))


@pages.post("/board/items/<int:item_id>/back")
@needs(Right.SUPERVISE)
def back(item_id: int) -> Response:
    with writing() as tx:
        work = _work(tx, item_id)
        if work.agent_id is not None:
            figures_of.access_agent(tx.session, viewer(), work.agent_id)
        supervising.send_back(tx, work)
    return _done(gettext("It waits in the queue again."))


@pages.post("/board/items/<int:item_id>/move")
@needs(Right.SUPERVISE)
def move(item_id: int) -> Response:
    with writing() as tx:
        queue = tx.session.get(Queue, request.form.get("queue", type=int) or 0)
        if queue is None:
            raise Invalid("Choose a queue.", {"queue": N_("Choose a queue.")})
        supervising.move(tx, _work(tx, item_id), queue)
    return _done(gettext("It waits in the other queue now."))


@pages.post("/board/items/<int:item_id>/first")
@needs(Right.SUPERVISE)
def put_first(item_id: int) -> Response:
    with writing() as tx:
        escalating.escalate(tx, _work(tx, item_id), request.form.get("reason", ""))
    return _done(gettext("It goes first now."))


@pages.post("/board/items/<int:item_id>/usual")
@needs(Right.SUPERVISE)
def put_back(item_id: int) -> Response:
    with writing() as tx:
        escalating.put_back(tx, _work(tx, item_id))
    return _done(gettext("It has its usual place again."))


@pages.post("/board/agents/<int:agent_id>/presence")
@needs(Right.SUPERVISE)
def set_presence(agent_id: int) -> Response:
    chosen, _, reason = request.form.get("presence", "").partition(":")
    with writing() as tx:
        agent = figures_of.access_agent(tx.session, viewer(), agent_id)
        presence.set_presence(tx, agent, chosen, reason)
    return _done(gettext("%(name)s: changed.", name=agent.name))


def _now() -> figures_of.Board:
    desk = installation()
    with reading() as session:
        return figures_of.board(session, viewer(), desk.clock.now(), desk.settings.timezone)


def _work(tx: Tx, item_id: int) -> WorkItem:
    work, _ticket = figures_of.access_item(tx.session, viewer(), item_id)
    return work


def _done(sentence: str) -> Response:
    """Nothing to show but a line; the board itself follows by its own hint."""
    response = current_app.response_class(status=204)
    response.headers["HX-Trigger"] = current_app.json.dumps({"toast": {"text": sentence, "kind": "good"}}, ensure_ascii=True)
    return response
