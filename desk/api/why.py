"""Why work waits and why it was offered to somebody, as codes and figures, and in words of the language that is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, g, jsonify
from flask_babel import get_locale
from sqlalchemy import select
from werkzeug.wrappers import Response

from desk.access import Right
from desk.api.lists import page
from desk.api.shapes import moment
from desk.http import why_words as told
from desk.http.context import installation, reading
from desk.http.guard import needs
from desk.models import Offer, Ticket
from desk.models.work_item import offers_of_items
from desk.queries.board.board import access_item
from desk.queries.work.why import FAR_OFF, Person, StepLine, Why, why_waits
from desk.queries.work.why_offer import OfferWhy, teams_by_key, tell_offers, why_offered
from routing.values import DEFERRED, ESCALATED, LIVE, Skill

pages = Blueprint("why", __name__)

BANDS = {ESCALATED: "escalated", LIVE: "live", DEFERRED: "deferred"}


@pages.get("/work-items/<int:item_id>/why")
@needs(Right.SUPERVISE)
def why_item(item_id: int) -> Response:
    with reading() as session:
        item, ticket = access_item(session, g.viewer, item_id)
        why = why_waits(session, g.viewer, item, installation().clock.now())
        return _in_words(_why_shape(why, ticket, teams_by_key(session)))


@pages.get("/work-items/<int:item_id>/offers")
@needs(Right.SUPERVISE)
def list_offers(item_id: int) -> Response:
    with reading() as session:
        item, ticket = access_item(session, g.viewer, item_id)
        teams = teams_by_key(session)

        def shape(rows: Sequence[Any]) -> list[dict[str, Any]]:
            found = tell_offers(session, g.viewer, [(row[0], item) for row in rows])
            return [_offer_shape(each, ticket, teams) | {"_key": each.offer.id} for each in found]

        query = select(Offer).where(offers_of_items([item.id]))
        return _in_words(page(session, query, Offer.id, shape, newest_first=True))


@pages.get("/offers/<int:offer_id>/why")
@needs(Right.SUPERVISE)
def why_offer(offer_id: int) -> Response:
    with reading() as session:
        found = why_offered(session, g.viewer, offer_id)
        return _in_words(_offer_shape(found, session.get_one(Ticket, found.item.ticket_id), teams_by_key(session)))


def _in_words(answer: dict[str, Any]) -> Response:
    response = jsonify(answer)
    response.headers["Content-Language"] = str(get_locale()).replace("_", "-")
    response.headers["Vary"] = "Accept-Language"
    return response


def _why_shape(why: Why, ticket: Ticket, teams: told.Teams) -> dict[str, Any]:
    return {
        "item": why.item.id,
        "ticket": ticket.number,
        "state": why.item.state,
        "channel": why.item.channel,
        "queue": why.queue.key,
        "at": moment(why.at),
        "enqueued_at": moment(why.item.enqueued_at),
        "due_at": moment(why.item.due_at),
        "promote_at": moment(why.item.promote_at),
        "band": {"code": BANDS[why.band], "words": told.band_words(why)},
        "place": None
        if why.place is None
        else {"position": why.place.position, "size": why.place.size, "words": told.place_words(why)},
        "requires": _skills(why.requires),
        "also": [_skills(each) for each in why.also],
        "steps": [_step_shape(step, teams) for step in why.steps],
        "next_step": None
        if why.next_step is None
        else _step_shape(why.next_step, teams) | {"words": told.next_step_words(why, teams)},
        "held": None if why.held_until is None else {"until": moment(why.held_until), "words": told.held_words(why)},
        "expected": _expected_shape(why),
        "choice": why.queue.choice,
        "candidates": [_person_shape(person, why) for person in why.people],
        "others": _counts(why.unnamed),
        "totals": _counts(why.totals),
        "helps": [
            {"code": each.code, "count": each.count, "detail": _plain(each.detail), "words": told.help_words(each, why)}
            for each in why.helps
        ],
        "next_change_at": moment(why.next_change_at),
    }


def _expected_shape(why: Why) -> dict[str, Any] | None:
    if why.expected is None:
        return None
    found, line = why.expected.estimate, why.expected.line
    return {
        "method": None if found is None else found.method,
        "mean_s": None if found is None else round(found.mean_s, 1),
        "p50_s": None if found is None else round(found.p50_s, 1),
        "p80_s": None if found is None else round(found.p80_s, 1),
        "words": told.expected_words(why.expected),
        "figures": {
            "ahead": line.ahead,
            "places": line.agents,
            "completions": line.completions,
            "busy_s": round(line.busy_s, 1),
            "giving_up_per_s": round(line.theta, 6),
            "oldest_wait_s": line.oldest_wait_s,
            "last_wait_s": line.last_wait_s,
            "handle_s": line.handle_s,
        },
    }


def _step_shape(step: StepLine, teams: told.Teams) -> dict[str, Any]:
    at = None if step.at.timestamp() >= FAR_OFF else moment(step.at)
    return {**step.done, "at": at, "taken": step.taken, "words": told.step_words(step.done, teams)}


def _person_shape(person: Person, why: Why) -> dict[str, Any]:
    return {
        "agent": {"id": person.agent_id, "name": person.name},
        "able": person.rule is None,
        "rule": person.rule,
        "otherwise": person.otherwise,
        "detail": _plain(person.detail),
        "scores": _plain(person.scores),
        "presence": person.presence,
        "presence_reason": person.presence_reason or None,
        "presence_since": moment(person.presence_since),
        "words": told.rule_words(person, why),
    }


def _offer_shape(found: OfferWhy, ticket: Ticket, teams: told.Teams) -> dict[str, Any]:
    offer, reason = found.offer, found.reason
    return {
        "id": offer.id,
        "item": offer.item_id,
        "ticket": ticket.number,
        "agent": {"id": offer.agent_id, "name": found.agent_name},
        "state": {"code": offer.state, "words": str(told.OFFER_STATES[offer.state])},
        "offered_at": moment(offer.offered_at),
        "deadline": moment(offer.deadline),
        "answered_at": moment(offer.answered_at),
        "ended_at": moment(offer.ended_at),
        "mode": {"code": "by_hand" if reason.get("by_hand") else reason.get("mode"), "words": told.mode_words(reason)},
        "waited_s": reason.get("waited_s"),
        "requires": _skills(reason.get("requires", ())),
        "also": [_skills(each) for each in reason.get("also", ())],
        "relaxed": [{**step, "words": told.step_words(step, teams)} for step in reason.get("relaxed", ())],
        "promoted": bool(reason.get("promoted")),
        "waiting": reason.get("waiting"),
        "passed_over": reason.get("passed_over"),
        "able": reason.get("able"),
        "free": reason.get("free"),
        "scores": _plain(reason.get("scores", {})),
        "candidates": [
            {"agent": {"id": each.agent_id, "name": each.name or None}, "chosen": each.chosen, "scores": _plain(each.scores)}
            for each in found.chances
        ],
        "kept_away": dict(found.kept_away),
    }


def _skills(skills: Sequence[Skill]) -> list[dict[str, Any]]:
    return [{"skill": skill, "level": level} for skill, level in skills]


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {rule or "able": count for rule, count in counts.items()}


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures fit for JSON: moments as everywhere in the API, none for what never comes."""
    return {name: _moment_of(value) if name in ("until", "at", "idle_since") else value for name, value in figures.items()}


def _moment_of(value: Any) -> str | None:
    at = value.timestamp() if isinstance(value, datetime) else value
    return None if at is None or at >= FAR_OFF else moment(datetime.fromtimestamp(at, UTC))
