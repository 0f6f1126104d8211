"""The door of the carrier's webhooks: signed or refused, one effect for each, one answer however often it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import wraps
from typing import Any

from flask import request
from sqlalchemy import bindparam, select, text, update
from werkzeug.wrappers import Response

from channels.voice.events import BadWebhook, CallEvent, read_call
from channels.voice.signature import check, public_url
from desk.db import Moment, Words
from desk.errors import Invalid, NotAllowed
from desk.events import SYSTEM
from desk.http.context import change, installation
from desk.http.guard import signed
from desk.models import Webhook
from desk.store import Tx

FORMS = ("", "application/x-www-form-urlencoded", "multipart/form-data")  # what is signed field by field; else the whole body
GRAIN = timedelta(microseconds=999_999)  # of the carrier's clock
LATEST, AHEAD = timedelta(minutes=15), timedelta(seconds=5)  # a time further off was not written by a clock that is right


def from_carrier(view: Callable[..., Any]) -> Callable[..., Any]:
    """Only with the carrier's signature over exactly this request; else 403 and nothing happens."""

    @signed
    @wraps(view)
    def checked(**values: Any) -> Any:
        desk = installation()
        url = public_url(desk.settings.base_url, request.path, request.query_string.decode("ascii", "replace"))
        body = request.form if request.mimetype in FORMS else request.get_data()
        if not check(desk.voice_token, url, body, request.headers.get("X-Twilio-Signature")):
            raise NotAllowed("This request is not signed by our carrier.")
        try:
            return view(**values)
        except BadWebhook as error:
            raise Invalid("This request lacks what it should say.") from error

    return checked


def call_event() -> CallEvent:
    """The webhook as a call's. Raises `BadWebhook`."""
    return read_call(request.form, request.headers.get("I-Twilio-Idempotency-Token", ""))


def said_at() -> datetime:
    """When what the carrier tells us happened, as it says; our own clock where it says nothing that could be.

    The carrier's word comes late, so that moments are measured by its clock, which has a grain of a second.
    """
    now = installation().clock.now()
    try:
        said = parsedate_to_datetime(request.form.get("Timestamp", ""))
    except ValueError:
        return now
    said = said.replace(tzinfo=UTC) if said.tzinfo is None else said
    # A word that comes within its own second is measured by our clock, which is finer.
    return min(said + GRAIN, now) if now - LATEST <= said <= now + AHEAD else now


def once(key: str, call_sid: str, act: Callable[[Tx], str]) -> Response:
    """The document that `act` makes, or made when this webhook came before."""
    return xml(effect_once(key, call_sid, act))


def effect_once(key: str, call_sid: str, act: Callable[[Tx], str | None]) -> str:
    """Act unless this webhook has had its effect already; its answer is kept and given again.

    The carrier tells most things once: what collided with somebody else's change in the database is done again.
    """

    def take_in(tx: Tx) -> str:
        # A second delivery at this very moment waits here for us.
        if tx.session.execute(_FIRST, {"key": key, "at": tx.now, "call_sid": call_sid}).rowcount == 0:  # type: ignore[attr-defined]
            return tx.session.scalar(select(Webhook.answer).where(Webhook.key == key)) or ""
        answer = act(tx) or ""
        if answer:
            tx.session.execute(_ANSWERED, {"of": key, "said": answer})
        return answer

    return change(take_in, SYSTEM)


_FIRST = text(
    "INSERT INTO webhook (key, at, call_sid, answer) VALUES (:key, :at, :call_sid, '') ON CONFLICT DO NOTHING"
).bindparams(bindparam("key", type_=Words()), bindparam("at", type_=Moment()), bindparam("call_sid", type_=Words()))
_ANSWERED = update(Webhook.__table__).where(Webhook.key == bindparam("of")).values(answer=bindparam("said"))  # type: ignore[arg-type]


def xml(document: str) -> Response:
    """A document for the carrier to act on."""
    return Response(document, mimetype="text/xml")


def absolute(path: str) -> str:
    """The address of a path as the world reaches us; the path begins with `/`."""
    return installation().settings.base_url + path
