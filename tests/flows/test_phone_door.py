"""What strangers post at the carrier's door, and what the carrier posts twice: by the library that it gives to its customers."""

from __future__ import annotations

import itertools

import pytest
import requests
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from desk.events import Event
from desk.models import Call, Ticket, Webhook, WorkItem
from tests.flows.phone_world import A_PERSON, BILLING, CALLER, ENGLISH, NUMBER, TOKEN, Phones, telephones

INCOMING = "/hooks/twilio/voice/incoming"
_calls = itertools.count(1)


@pytest.fixture(scope="module")
def phones(tmp_path_factory) -> Phones:
    """One desk for all: each test is a call, or a caller, of its own."""
    with telephones(tmp_path_factory.mktemp("door")) as phones:
        yield phones


class Caller:
    """What the carrier posts of one call, and what is known of it."""

    def __init__(self, phones, key=""):
        self.phones, self.key = phones, key
        self.sid, self.number = f"CA{next(_calls)}", f"+86138001380{next(_calls):02}"

    def form(self, **more):
        about = {"CallSid": self.sid, "From": self.number, "To": NUMBER, "CallStatus": "ringing", "Direction": "inbound"}
        return {**about, **more}

    def calls(self, **more):
        return post(self.phones.world.url + INCOMING, self.form(**more), key=self.key)

    def presses(self, heard, key, step=""):
        return post(menu_of(heard), self.form(CallStatus="in-progress", Digits=key), key=self.key and self.key + step)

    def call(self):
        return self.phones.call(self.sid)

    def kinds(self):
        return self.phones.world.all(select(Event.kind).where(Event.call_id == self.call().id))


def post(url: str, form: dict[str, str], *, token: str = TOKEN, key: str = "") -> requests.Response:
    """Post like the carrier; `key` is what names one request whatever the number of its deliveries."""
    headers = {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, form)}
    if key:
        headers["I-Twilio-Idempotency-Token"] = key
    return requests.post(url, data=form, headers=headers, timeout=60)


def menu_of(answer: requests.Response) -> str:
    """The address that the document sends the caller's keys to."""
    return answer.text.split('action="', 1)[1].split('"', 1)[0].replace("&amp;", "&")


def counts(phones):
    return [len(phones.world.all(select(kind))) for kind in (Call, Webhook)]


@pytest.mark.parametrize("path", ["incoming", "menu", "wait", "hold", "conference", "status"])
def test_what_the_carrier_has_not_signed_is_refused_and_nothing_is_stored(phones, path):
    before = counts(phones)
    url = f"{phones.world.url}/hooks/twilio/voice/{path}"
    form = Caller(phones).form(ConferenceSid="CF7", StatusCallbackEvent="conference-end")
    assert requests.post(url, data=form, timeout=60).status_code == 403
    assert post(url, form, token="somebody else's token").status_code == 403
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    for changed_url, changed_form in ((url, {**form, "From": "+15550001"}), (url + "?call=1", form)):
        answer = requests.post(changed_url, data=changed_form, headers={"X-Twilio-Signature": signature}, timeout=60)
        assert answer.status_code == 403
    assert counts(phones) == before


def test_a_caller_without_a_number_is_served_like_any_other(phones):
    caller = Caller(phones)
    assert caller.calls(From="anonymous").status_code == 200
    assert caller.call().state == "ivr"
    assert caller.call().customer_id is not None


@pytest.mark.parametrize("key", ["", "one-and-the-same-request"])
def test_the_same_webhook_twice_has_one_effect_and_one_answer(phones, key):
    caller, world = Caller(phones, key), phones.world
    first, again = (caller.calls() for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.text == again.text
    pressed = [caller.presses(first, ENGLISH, "2") for _ in range(3)]
    assert len({answer.text for answer in pressed}) == 1
    assert "billing" in pressed[0].text
    chosen = [caller.presses(pressed[0], BILLING, "3") for _ in range(3)]
    assert len({answer.text for answer in chosen}) == 1
    heard = [caller.presses(chosen[0], "", "n") for _ in range(3)]
    assert len({answer.text for answer in heard}) == 1
    assert "<Conference" in heard[0].text
    call = caller.call()
    assert (call.topic, caller.kinds().count("call.queued")) == ("billing", 1)
    mine = select(Ticket.id).where(Ticket.customer_id == call.customer_id)
    assert world.all(mine) == [call.ticket_id]
    assert world.all(select(WorkItem.id).where(WorkItem.ticket_id == call.ticket_id)) == [call.item_id]
    for _ in range(2):
        ended = caller.form(CallStatus="completed", SequenceNumber="0")
        assert post(f"{world.url}/hooks/twilio/voice/status", ended, key=key and key + "4").status_code == 204
    assert caller.kinds().count("call.abandoned") == 1


def test_the_same_key_in_two_menus_counts_in_both(phones):
    caller = Caller(phones)
    third = caller.presses(caller.presses(caller.calls(), "1"), "1")
    assert "<Conference" in caller.presses(third, "").text
    assert (caller.call().locale, caller.call().topic) == ("zh", "billing")


def test_whoever_presses_nothing_gets_to_a_person(phones):
    caller = Caller(phones)
    answer = caller.calls()
    for _ in range(4):
        if "<Gather" in answer.text:
            answer = caller.presses(answer, "")
    assert "<Conference" in answer.text
    assert caller.call().topic == "general"


def test_a_caller_may_ask_for_a_person_in_any_language(phones):
    caller = Caller(phones)
    second = caller.presses(caller.calls(), A_PERSON)
    assert "<Conference" in caller.presses(second, "").text
    assert phones.item(caller.sid).requires == [["lang:en", 1]]


def test_word_of_a_call_that_nobody_knows_changes_nothing(phones):
    caller, base = Caller(phones), phones.world.url + "/hooks/twilio/voice"
    before = phones.world.all(select(Call.id).order_by(Call.id))
    ended = caller.form(CallStatus="completed", SequenceNumber="3")
    assert post(f"{base}/status?call=99999&agent=99999", ended).status_code == 204
    event = {"ConferenceSid": "CF9", "FriendlyName": "call-none", "StatusCallbackEvent": "conference-end", "SequenceNumber": "1"}
    assert post(f"{base}/conference", event).status_code == 204
    assert post(f"{base}/status", {"From": CALLER}).status_code == 422
    assert phones.world.all(select(Call.id).order_by(Call.id)) == before
