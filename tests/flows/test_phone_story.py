"""A phone call from the first ring to the wrap-up, over signed webhooks and a carrier with all the faults of a network."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk.actions.calls import calls
from desk.events import Event
from desk.models import Agent, Call, CallLeg, CallRecording, Offer, Ticket, WorkItem
from tests.flows.phone_world import BILLING, CHINESE, telephones

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
