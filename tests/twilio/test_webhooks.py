"""Our webhooks with what Twilio documents that it posts: all of it, what always comes, more than is known, wrongly signed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import urlencode

import pytest
import requests
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from desk.events import Event
from desk.models import Call, CallRecording, Webhook
from tests.flows.phone_world import TOKEN
from tests.twilio import webhooks as sent
from tests.twilio.twiml_rules import faults_of
from tests.twilio.webhooks import HOOKS, IN_ROOMS, KINDS
from tests.world import World, running, settings_for

CASES = [(path, at) for path, kinds in KINDS.items() for at in range(len(kinds))]
PUBLIC = "https://calls.example:8443/desk"  # as Twilio calls us, through a proxy that takes off the path and the encryption
_turns = itertools.count(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """A desk behind a proxy, without anybody who works in it."""
    settings = settings_for(tmp_path_factory.mktemp("hooks"), TWILIO_AUTH_TOKEN=TOKEN, DESK_BASE_URL=PUBLIC)
    with running(settings, background=False) as world:
        yield world


def new_sid() -> str:
    return f"CA{next(_turns):032x}"


def post(world: World, path: str, form: object, *, query: str = "", signed: str | None = None, **headers: str):
    """Post to the desk's own port what was signed for its public address."""
    tail = HOOKS + path + (f"?{query}" if query else "")
    if signed is None:
        signed = RequestValidator(TOKEN).compute_signature(PUBLIC + tail, dict(form) if isinstance(form, dict) else {})
    headers = {"X-Twilio-Signature": signed, **headers}
    return requests.post(f"http://127.0.0.1:{world.desk.settings.http_port}{tail}", data=form, headers=headers, timeout=60)


def stored(world: World) -> tuple[int, ...]:
    return tuple(world.one(select(func.count()).select_from(table)) for table in (Webhook, Call, CallRecording, Event))


def test_every_webhook_of_ours_has_its_kinds(world):
    rules = {rule.rule.removeprefix(HOOKS) for rule in world.app.url_map.iter_rules() if "POST" in rule.methods}
    assert {rule for rule in rules if rule.startswith("/") and HOOKS + rule in map(str, world.app.url_map.iter_rules())} == set(
        KINDS
    )


@pytest.mark.parametrize("known_call", [False, True], ids=["of a call we never heard of", "of a call that is here"])
@pytest.mark.parametrize("amount", ["all", "least", "more"])
@pytest.mark.parametrize(("path", "at"), CASES)
def test_what_twilio_documents_is_taken(world, path, at, amount, known_call):
    sid = new_sid()
    if known_call:
        assert post(world, "/incoming", sent.INCOMING.form(sid, all_of_it=False)).status_code == 200
    form = KINDS[path][at].form(sid, all_of_it=amount != "least")
    if amount == "more":
        form |= {"SomethingNew": "值", "Empty": "", "CallSids": "CA1", "Digits2": "9" * 200}
    call = world.one(select(Call.id).where(Call.sid == sid))
    answer = post(world, path, form, query=urlencode({"call": call or 999_999, "at": "1", "digits": "12#"}))
    assert answer.status_code in (200, 204), answer.text
    if answer.status_code == 200:
        assert answer.headers["Content-Type"].startswith("text/xml")
        assert faults_of(answer.text, in_a_room=path in IN_ROOMS) == [], answer.text


@pytest.mark.parametrize(("path", "at"), CASES)
def test_a_webhook_without_what_it_is_about_is_refused_and_nothing_breaks(world, path, at):
    for form in ({}, {"CallSid": ""}, {"CallSid": "x" * 5000, "Digits": "\x00", "SequenceNumber": "-1", "Confidence": "NaN"}):
        assert post(world, path, form).status_code < 500, form
    for query in ("call=x", "call=-1", "call=" + "9" * 40, "at=%00", "call=1&call=2", "%ff=%fe"):
        assert post(world, path, KINDS[path][at].form(new_sid(), all_of_it=True), query=query).status_code < 500, query


# Signatures, by Twilio's own library


@pytest.mark.parametrize("path", KINDS)
def test_what_is_not_signed_by_twilio_is_refused_and_nothing_is_stored(world, path):
    form = KINDS[path][0].form(new_sid(), all_of_it=True)
    before = stored(world)
    signer = RequestValidator(TOKEN)
    wrong = (
        "",
        "é",
        "A" * 28,
        RequestValidator("another token").compute_signature(PUBLIC + HOOKS + path, form),
        signer.compute_signature(PUBLIC + HOOKS + path, {**form, "From": "+15550001"}),
        signer.compute_signature(PUBLIC + HOOKS + path + "?call=1", form),
        signer.compute_signature(f"http://127.0.0.1:{world.desk.settings.http_port}{HOOKS}{path}", form),
    )
    for signature in wrong:
        assert post(world, path, form, signed=signature.encode("utf-8").decode("latin-1")).status_code == 403, signature
    assert stored(world) == before


def test_the_public_address_counts_and_not_what_the_sender_says_of_it(world):
    form, forged = sent.INCOMING.form(new_sid(), all_of_it=True), "evil.example"
    elsewhere = RequestValidator(TOKEN).compute_signature(f"https://{forged}{HOOKS}/incoming", form)
    headers = {"Host": forged, "X-Forwarded-Host": forged, "X-Forwarded-Proto": "https", "X-Original-URL": "/x"}
    assert post(world, "/incoming", form, signed=elsewhere, **headers).status_code == 403
    assert post(world, "/incoming", form, **headers).status_code == 200


@pytest.mark.parametrize("base", [PUBLIC, "https://calls.example/desk"], ids=["port in the address", "port left out"])
def test_a_port_may_be_in_the_signed_address_or_left_out(world, base):
    form = sent.INCOMING.form(new_sid(), all_of_it=False)
    signature = RequestValidator(TOKEN).compute_signature(base + HOOKS + "/incoming", form)
    assert post(world, "/incoming", form, signed=signature).status_code == 200


@pytest.mark.parametrize("query", ["a=1&b=%E5%BC%A0+%2B", "why=back&locale=zh", "q=%7B%22a%22%3A%201%7D&&x", "plus=a+b&blank="])
def test_the_query_counts_as_it_was_sent(world, query):
    form = sent.ROOM_DOCUMENT.form(new_sid(), all_of_it=True)
    assert post(world, "/hold", form, query=query).status_code == 200
    other = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}{HOOKS}/hold?{query}&more=1", form)
    assert post(world, "/hold", form, query=query, signed=other).status_code == 403


def test_values_of_every_script_empty_ones_and_repeated_ones_are_signed(world):
    form = sent.ROOM_DOCUMENT.form(new_sid(), all_of_it=True) | {"CallerName": "王 娜 & Söhne €😀", "Note": "", "Lines": "a\r\nb"}
    assert post(world, "/hold", form).status_code == 200
    pairs = [*form.items(), ("Event", "start"), ("Event", "end"), ("Event", "start")]
    text = PUBLIC + HOOKS + "/hold"
    many = _Many(pairs)
    assert post(world, "/hold", pairs, signed=RequestValidator(TOKEN).compute_signature(text, many)).status_code == 200
    assert post(world, "/hold", pairs, signed=RequestValidator(TOKEN).compute_signature(text, form)).status_code == 403


class _Many(dict):
    """Repeated parameters as the library wants them."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def getlist(self, name: str) -> list[str]:
        return [value for each, value in self._pairs if each == name]


def test_a_json_body_counts_by_its_signed_hash(world):
    """No voice webhook is JSON; one that is gets no further than the door unless its body was signed, and then says nothing."""
    body = json.dumps({"CallSid": new_sid(), "From": "+8613800138000", "name": "王"}, ensure_ascii=False).encode()
    kind = {"Content-Type": "application/json"}
    before = stored(world)
    assert post(world, "/incoming", body, **kind).status_code == 403  # signed, but the body is not part of it
    query = "bodySHA256=" + sha256(body).hexdigest()
    assert post(world, "/incoming", body, query=query, **kind).status_code == 422  # believed, and holds nothing that we read
    assert post(world, "/incoming", body.replace(b"+86", b"+87"), query=query, **kind).status_code == 403
    assert post(world, "/incoming", body, query="bodySHA256=", **kind).status_code == 403
    assert stored(world) == before
