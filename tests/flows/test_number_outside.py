"""A menu that leads to a number outside, over the simulated carrier: who answers there has the caller, else one of us."""

from __future__ import annotations

import pytest

from desk.actions.calls import menus
from desk.voice_texts import TEXTS
from routing.call_flow import Flow, FlowMenu, Option
from tests.flows.phone_world import ENGLISH, telephones

ANSWERS, NO_ANSWER = "+15005550101", "+15005550103"
REFUSED = "+15005550001"


def lead_to(phones, number):
    option = Option("1", {"zh": "分店", "en": "our shop"}, do="number", number=number)
    with phones.world.tx() as tx:
        flow = menus.add_flow(tx, "Shop")
        menus.save_draft(tx, flow, Flow((FlowMenu("main", "Main", {"zh": "请选择。", "en": "Choose."}, (option,)),)), flow.name)
        menus.publish(tx, flow)


def press(phones, sid, *keys):
    for key in keys:
        assert phones.carrier.press(sid, key)
        phones.settle()


def test_who_answers_outside_has_the_caller_until_either_hangs_up(tmp_path):
    with telephones(tmp_path) as phones:
        lead_to(phones, ANSWERS)
        sid = phones.ring_in()
        press(phones, sid, ENGLISH, "1")
        phones.carrier.advance(15)
        phones.settle()
        call = phones.call(sid)
        assert (call.state, call.flow_out, call.ticket_id) == ("overflow", "transfer", None)
        phones.hang_up(sid)
        assert phones.call(sid).state == "overflow"
        assert phones.carrier.live_calls() == []


@pytest.mark.parametrize("number", [NO_ANSWER, REFUSED])
def test_a_caller_whom_nobody_answers_outside_is_ours_again(tmp_path, number):
    with telephones(tmp_path) as phones:
        lead_to(phones, number)
        sid = phones.ring_in()
        press(phones, sid, ENGLISH, "1")
        for _ in range(8):
            phones.carrier.advance(10)
            phones.settle()
        assert any(text == TEXTS["not_reached"]["en"] for text in phones.ear.texts(sid))
        assert any(text == TEXTS["recording"]["en"] for text in phones.ear.texts(sid))
        call = phones.call(sid)
        assert (call.state, call.topic) == ("queued", "general")


def test_a_caller_who_leaves_while_it_rings_leaves_no_ringing_phone(tmp_path):
    with telephones(tmp_path) as phones:
        lead_to(phones, "+8613900139000")
        sid = phones.ring_in()
        press(phones, sid, ENGLISH, "1")
        phones.carrier.advance(5)
        phones.settle()
        phones.hang_up(sid)
        for _ in range(4):
            phones.carrier.advance(10)
            phones.settle()
        assert phones.call(sid).state == "abandoned"
        assert phones.carrier.live_calls() == []
