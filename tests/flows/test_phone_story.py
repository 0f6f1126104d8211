"""A phone call from the first ring to the wrap-up, over signed webhooks and a carrier with all the faults of a network."""

from __future__ import annotations

import pytest
import requests
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from desk.actions import calls
from desk.events import Event
from desk.models import Agent, Call, CallLeg, CallRecording, Offer, Ticket, Webhook, WorkItem
from tests.flows.phone_world import A_PERSON, BILLING, CALLER, CHINESE, ENGLISH, NUMBER, TOKEN, telephones

INCOMING = "/hooks/twilio/voice/incoming"


def test_a_call_is_answered_held_ended_and_wrapped_up(tmp_path):
    with telephones(tmp_path) as phones:
        world, carrier = phones.world, phones.carrier
        maya = world.agent(available=True)
        sid = phones.queue()
        assert any(text.startswith("You are next") for text in phones.ear.texts(sid))
        offer = phones.offered(maya)
        assert phones.states() == ("queued", "offered")
        assert offer.reason

        leg = phones.accept(maya)
        assert phones.states() == ("offered", "active")
        assert carrier.call_state(leg) == "ringing"
        carrier.answer(leg, f"agent-{maya.id}")
        phones.settle()
        assert phones.states() == ("talking", "active")
        assert carrier.speak(sid, "You charged me twice.") == 1

        console, call = phones.console(maya), phones.call()
        assert console.post(f"/desk/calls/{call.id}/hold").ok
        phones.settle()
        assert phones.call().state == "hold"
        assert carrier.speak(leg, "Nobody hears this.") == 0
        assert console.post(f"/desk/calls/{call.id}/hold").ok
        assert console.post(f"/desk/calls/{call.id}/mute").ok
        phones.settle()
        assert (phones.call().state, phones.call().muted) == ("talking", True)
        assert carrier.speak(leg, "Nobody hears this either.") == 0

        phones.hang_up(sid)
        assert phones.states() == ("wrap_up", "wrap_up")
        assert carrier.live_calls() == []
        assert world.one(select(Agent.used).where(Agent.id == maya.id)) == 100

        assert console.post(f"/desk/calls/{call.id}/wrap-up", data={"code": "solved", "note": "Paid back."}).ok
        assert phones.states() == ("done", "done")
        assert world.one(select(Agent.used).where(Agent.id == maya.id)) == 0
        call = phones.call()
        assert call.arrived_at <= call.queued_at <= call.offered_at <= call.answered_at <= call.ended_at <= call.wrap_ended_at
        assert all(end for _start, end in call.hold)
        ticket = world.ticket()
        assert (ticket.channel, ticket.owner_id, ticket.locale, ticket.subject) == ("voice", maya.id, "en", "Call about billing")


def test_the_agent_can_end_the_call(tmp_path):
    with telephones(tmp_path) as phones:
        maya = phones.world.agent(available=True)
        phones.queue()
        phones.pick_up(maya)
        assert phones.console(maya).post(f"/desk/calls/{phones.call().id}/hang-up").ok
        phones.settle()
        assert phones.states() == ("wrap_up", "wrap_up")
        assert phones.call().agent_id == maya.id
        assert phones.carrier.live_calls() == []


@pytest.mark.parametrize("moment", ["menu", "queue", "offered", "ringing"])
def test_a_caller_who_leaves_before_an_answer_leaves_no_work_and_no_ringing_phone(tmp_path, moment):
    with telephones(tmp_path) as phones:
        maya = phones.world.agent(available=moment != "queue")
        sid = phones.ring_in() if moment == "menu" else phones.queue()
        if moment == "offered":
            phones.offered(maya)
        elif moment == "ringing":
            phones.accept(maya)
        phones.hang_up(sid)
        call = phones.call()
        assert call.state == "abandoned"
        assert call.abandon_point == {"menu": "ivr", "offered": "queue"}.get(moment, moment)
        assert phones.world.one(select(WorkItem).where(WorkItem.state.in_(("waiting", "offered", "active", "wrap_up")))) is None
        assert phones.world.one(select(Offer).where(Offer.state.in_(("offered", "accepted")))) is None
        assert phones.world.one(select(Agent.used)) == 0
        assert phones.carrier.live_calls() == []


@pytest.mark.parametrize("moment", ["talking", "hold"])
def test_a_caller_who_leaves_after_an_answer_leaves_the_wrap_up(tmp_path, moment):
    with telephones(tmp_path) as phones:
        maya = phones.world.agent(available=True)
        sid = phones.queue()
        phones.pick_up(maya)
        if moment == "hold":
            assert phones.console(maya).post(f"/desk/calls/{phones.call().id}/hold").ok
            phones.settle()
        phones.hang_up(sid)
        assert phones.states() == ("wrap_up", "wrap_up")
        assert phones.call().agent_id == phones.item().agent_id == maya.id
        assert all(end for _start, end in phones.call().hold)
        assert phones.carrier.live_calls() == []


def test_an_agent_who_does_not_pick_up_after_accepting_is_left_out_and_the_caller_keeps_their_place(tmp_path):
    with telephones(tmp_path) as phones:
        maya = phones.world.agent("Maya", available=True)
        sid = phones.queue()
        leg = phones.accept(maya)
        tom = phones.world.agent("Tom", available=True)
        phones.carrier.reject(leg, f"agent-{maya.id}")
        phones.settle()
        assert phones.offered(tom)
        phones.pick_up(tom)
        assert phones.call(sid).agent_id == tom.id
        assert phones.states() == ("talking", "active")


def test_a_caller_without_a_number_is_served_like_any_other(tmp_path):
    with telephones(tmp_path) as phones:
        url = phones.world.url + INCOMING
        form = {"CallSid": "CA1", "From": "anonymous", "To": NUMBER, "CallStatus": "ringing", "Direction": "inbound"}
        assert post(url, form).status_code == 200
        assert phones.call().state == "ivr"
        assert phones.call().customer_id is not None


@pytest.mark.parametrize("seed", range(6))
def test_webhooks_that_come_twice_and_out_of_order_lead_to_the_same_end(tmp_path, seed):
    with telephones(tmp_path, duplicate=0.6, reorder=0.6, seed=seed) as phones:
        maya = phones.world.agent(available=True)
        sid = phones.queue(language=CHINESE, topic=BILLING)
        phones.pick_up(maya)
        assert phones.states() == ("talking", "active")
        console = phones.console(maya)
        phones.world.until(lambda: phones.world.one(select(CallRecording.id)))
        for _ in range(2):
            assert console.post(f"/desk/calls/{phones.call().id}/hold").ok
            phones.settle()
        if seed % 2:
            phones.hang_up(sid)
        else:
            assert console.post(f"/desk/calls/{phones.call().id}/hang-up").ok
            phones.settle()
        assert phones.states() == ("wrap_up", "wrap_up")
        assert phones.item().agent_id == maya.id
        assert console.post(f"/desk/calls/{phones.call().id}/wrap-up", data={"code": "solved"}).ok
        assert phones.states() == ("done", "done")
        world = phones.world
        assert world.one(select(Agent.used)) == 0
        kinds = world.all(select(Event.kind).where(Event.kind.startswith("call.")).order_by(Event.id))
        assert kinds == [
            *("call.arrived", "call.announced", "call.queued", "call.accepted", "call.answered", "call.recording_began"),
            *("call.held", "call.resumed", "call.ended", "call.wrapped_up"),
        ]
        assert (phones.call().locale, phones.call().topic) == ("zh", "billing")
        assert len(world.all(select(Call))) == len(world.all(select(Ticket))) == len(world.all(select(WorkItem))) == 1
        assert len(world.all(select(CallLeg))) == 2
        assert phones.carrier.live_calls() == []


# What strangers post, and what the carrier posts twice: by the library that the carrier itself gives to its customers.


def post(url: str, form: dict[str, str], *, token: str = TOKEN, key: str = "") -> requests.Response:
    """Post like the carrier; `key` is what names one request whatever the number of its deliveries."""
    headers = {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, form)}
    if key:
        headers["I-Twilio-Idempotency-Token"] = key
    return requests.post(url, data=form, headers=headers, timeout=60)


def caller(**more: str) -> dict[str, str]:
    return {"CallSid": "CA7", "From": CALLER, "To": NUMBER, "CallStatus": "ringing", "Direction": "inbound", **more}


@pytest.mark.parametrize("path", ["incoming", "menu", "wait", "hold", "conference", "status"])
def test_what_the_carrier_has_not_signed_is_refused_and_nothing_is_stored(tmp_path, path):
    with telephones(tmp_path) as phones:
        url, form = (
            f"{phones.world.url}/hooks/twilio/voice/{path}",
            caller(ConferenceSid="CF7", StatusCallbackEvent="conference-end"),
        )
        assert requests.post(url, data=form, timeout=60).status_code == 403
        assert post(url, form, token="somebody else's token").status_code == 403
        signature = RequestValidator(TOKEN).compute_signature(url, form)
        for changed_url, changed_form in ((url, {**form, "From": "+15550001"}), (url + "?call=1", form)):
            answer = requests.post(changed_url, data=changed_form, headers={"X-Twilio-Signature": signature}, timeout=60)
            assert answer.status_code == 403
        assert phones.world.all(select(Event.kind).where(Event.kind.startswith("c"))) == []
        assert phones.world.all(select(Webhook)) == phones.world.all(select(Call)) == []


@pytest.mark.parametrize("key", ["", "one-and-the-same-request"])
def test_the_same_webhook_twice_has_one_effect_and_one_answer(tmp_path, key):
    with telephones(tmp_path) as phones:
        base = phones.world.url + "/hooks/twilio/voice"
        first, again = (post(f"{base}/incoming", caller(), key=key) for _ in range(2))
        assert first.status_code == again.status_code == 200
        assert first.text == again.text
        pressed = [
            post(menu_of(first), caller(CallStatus="in-progress", Digits=ENGLISH), key=key and key + "2") for _ in range(3)
        ]
        assert len({answer.text for answer in pressed}) == 1
        assert "billing" in pressed[0].text
        chosen = [
            post(menu_of(pressed[0]), caller(CallStatus="in-progress", Digits=BILLING), key=key and key + "3") for _ in range(3)
        ]
        assert len({answer.text for answer in chosen}) == 1
        heard = [post(menu_of(chosen[0]), caller(CallStatus="in-progress", Digits=""), key=key and key + "n") for _ in range(3)]
        assert len({answer.text for answer in heard}) == 1
        assert "<Conference" in heard[0].text
        world = phones.world
        assert len(world.all(select(Call))) == len(world.all(select(Ticket))) == len(world.all(select(WorkItem))) == 1
        assert phones.call().topic == "billing"
        for _ in range(2):
            ended = caller(CallStatus="completed", SequenceNumber="0")
            assert post(f"{base}/status", ended, key=key and key + "4").status_code == 204
        assert world.all(select(Event.kind).where(Event.kind == "call.abandoned")) == ["call.abandoned"]


def test_the_same_key_in_two_menus_counts_in_both(tmp_path):
    with telephones(tmp_path) as phones:
        first = post(phones.world.url + INCOMING, caller())
        second = post(menu_of(first), caller(Digits="1"))
        third = post(menu_of(second), caller(Digits="1"))
        assert "<Conference" in post(menu_of(third), caller(Digits="")).text
        assert (phones.call().locale, phones.call().topic) == ("zh", "billing")


def test_whoever_presses_nothing_gets_to_a_person(tmp_path):
    with telephones(tmp_path) as phones:
        answer = post(phones.world.url + INCOMING, caller())
        for _ in range(4):
            if "<Gather" in answer.text:
                answer = post(menu_of(answer), caller(Digits=""))
        assert "<Conference" in answer.text
        assert phones.call().topic == "general"


def test_word_of_a_call_that_nobody_knows_changes_nothing(tmp_path):
    with telephones(tmp_path) as phones:
        base = phones.world.url + "/hooks/twilio/voice"
        assert post(f"{base}/status?call=99&agent=99", caller(CallStatus="completed", SequenceNumber="3")).status_code == 204
        event = {
            "ConferenceSid": "CF9",
            "FriendlyName": "call-CA9",
            "StatusCallbackEvent": "conference-end",
            "SequenceNumber": "1",
        }
        assert post(f"{base}/conference", event).status_code == 204
        assert post(f"{base}/status", {"From": CALLER}).status_code == 422
        assert phones.world.all(select(Call)) == []


def menu_of(answer: requests.Response) -> str:
    """The address that the document sends the caller's keys to."""
    return answer.text.split('action="', 1)[1].split('"', 1)[0].replace("&amp;", "&")


def test_a_caller_may_ask_for_a_person_in_any_language(tmp_path):
    with telephones(tmp_path) as phones:
        first = post(phones.world.url + INCOMING, caller())
        second = post(menu_of(first), caller(Digits=A_PERSON))
        assert "<Conference" in post(menu_of(second), caller(Digits="")).text
        assert phones.item().requires == [["lang:en", 1]]


def test_a_caller_whose_agents_line_breaks_is_told_so_and_talks_on_with_the_next(tmp_path):
    with telephones(tmp_path) as phones:
        carrier, maya = phones.carrier, phones.world.agent(available=True)
        sid = phones.queue()
        leg = phones.pick_up(maya)
        tom = phones.world.agent("Tom", available=True)
        phones.console(maya).post("/desk/presence", data={"presence": "offline"})
        phones.hang_up(leg)
        phones.settle()
        assert phones.ear.texts(sid)[-1].startswith("We lost your agent's line.")
        with phones.world.tx() as tx:  # the time is over for which the caller is kept for the agent
            call = tx.session.get_one(Call, phones.call().id)
            call.lost_until = tx.now
            calls.give_up_on_agent(tx, call)
        again = phones.pick_up(tom)
        phones.settle()
        assert phones.states() == ("talking", "active")
        assert carrier.speak(sid, "Are you there?") == 1
        assert carrier.speak(again, "I am, go on.") == 1
        phones.hang_up(sid)
        assert phones.states() == ("wrap_up", "wrap_up")
        assert phones.call().agent_id == tom.id
