"""Menus as people write them: nothing is published that loops, ends nowhere or hides the person; words choose like keys."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.call_flow import BUILT_IN, DOES, Flow, FlowMenu, Option, menus_of, problems, start_of
from routing.ivr import problems as unsound
from routing.ivr import step
from routing.spoken_choice import key_said
from tests.unit.routing.test_ivr import TEXTS

QUEUES = ("general", "billing", "technical", "complaints")
BOTH = {"zh": "好", "en": "good"}


def flow(*options, below=(), **more):
    """A first menu with these options, and menus below."""
    return Flow((FlowMenu("main", "Main", BOTH, options), *below), **more)


def codes(made):
    return {problem.code for problem in problems(made, QUEUES, ("billing",))}


def test_the_menus_that_ship_can_be_published_and_come_back_from_storage():
    assert problems(BUILT_IN, QUEUES) == ()
    assert Flow.from_dict(json.loads(json.dumps(BUILT_IN.to_dict()))) == BUILT_IN
    assert unsound(menus_of(BUILT_IN, TEXTS)) == ()


SUB = FlowMenu("sub", "Sub", BOTH, (Option("1", BOTH),))


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (flow(Option("1", BOTH), person="gone"), "no_person"),
        (flow(), "empty_menu"),
        (flow(Option("0", BOTH)), "key"),
        (flow(Option("1", BOTH), Option("1", BOTH)), "same_key"),
        (flow(*(Option(str(key), BOTH) for key in range(1, 5))), "too_many_options"),
        (flow(Option("1", {"zh": "", "en": "only"})), "label"),
        (flow(Option("1", BOTH, queue="gone")), "queue"),
        (flow(Option("1", BOTH, skill="juggling")), "skill"),
        (flow(Option("1", BOTH, do="number", number="12")), "number"),
        (flow(Option("1", BOTH, do="tell")), "nothing_told"),
        (flow(Option("1", BOTH, do="dance")), "do"),
        (flow(Option("1", BOTH, do="menu", menu="gone")), "no_menu"),
        (flow(Option("1", BOTH, do="menu", menu="main")), "loop"),
        (flow(Option("1", BOTH), below=(SUB,)), "not_reached"),
        (
            flow(
                Option("1", BOTH, do="menu", menu="sub"),
                below=(replace(SUB, options=(Option("1", BOTH, do="menu", menu="deep"),)), replace(SUB, key="deep", name="Deep")),
            ),
            "too_deep",
        ),
        (
            flow(
                Option("1", BOTH, do="menu", menu="sub"),
                below=(replace(SUB, options=(Option("1", BOTH, do="menu", menu="main"),)),),
            ),
            "loop",
        ),
        (Flow((FlowMenu("main", "Main", {"zh": "好", "en": ""}, (Option("1", BOTH),)),)), "prompt"),
    ],
)
def test_what_would_lose_a_caller_is_named(made, code):
    assert code in codes(made)


def test_a_sub_menu_that_leads_to_a_queue_is_sound():
    assert codes(flow(Option("1", BOTH, do="menu", menu="sub"), below=(SUB,))) == set()


OPTION = st.builds(
    Option,
    key=st.sampled_from("123"),
    label=st.just(BOTH),
    say=st.sampled_from([BOTH, {"zh": "", "en": ""}]),
    do=st.sampled_from(DOES),
    menu=st.sampled_from(["sub", "main", ""]),
    number=st.just("+862155501234"),
)


@given(
    first=st.lists(OPTION, min_size=1, max_size=3),
    below=st.lists(OPTION, min_size=1, max_size=3),
    keys=st.lists(st.sampled_from(["", "0", "1", "2", "3", "9", "*", "#"]), min_size=12, max_size=12),
)
def test_whatever_can_be_published_leads_every_caller_somewhere(first, below, keys):
    made = flow(*first, below=(FlowMenu("sub", "Sub", BOTH, tuple(below)),))
    if problems(made, QUEUES):
        return
    menus = menus_of(made, TEXTS)
    answer = step(menus, start_of(made), None)
    tells = 0
    for key in keys:
        if answer.done:
            break
        menu = menus[answer.position.menu]
        tells += key in menu.choices and menu.choices[key].goto == menu.key  # who asks to be told again is told again
        answer = step(menus, answer.position, key)
    if not answer.done:
        assert tells >= 6
        answer = step(menus, step(menus, answer.position, "").position, "")
    assert answer.done
    assert answer.position.chosen["do"] in ("queue", "voicemail", "number")


WORDS = {key: choice.words for key, choice in menus_of(BUILT_IN, TEXTS)["main"].choices.items()}


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("I have a question about my bill.", "1"),
        ("my bills are wrong", "1"),
        ("我要查账单", "1"),
        ("我想投诉", "3"),
        ("Complaints, please!", "3"),
        ("转人工", "0"),
        ("I want to speak to an AGENT", "0"),
        ("two", "2"),
        ("press two please", "2"),
        ("二", "2"),
        ("按三号键", "3"),
        ("２", "2"),
        ("billable hours of a builder", ""),
        ("a complaint about my bill", "3"),
        ("umm", ""),
        ("", ""),
    ],
)
def test_what_is_said_chooses_the_key_that_is_meant_or_none(said, key):
    assert key_said(WORDS, said) == key


def test_what_was_hardly_understood_chooses_nothing():
    assert key_said(WORDS, "bill", 0.1) == ""
    assert key_said(WORDS, "bill", 0.9) == "1"


@given(said=st.text(max_size=60))
def test_nothing_that_is_said_breaks_the_ear(said):
    assert key_said(WORDS, said) in {"", "*", *WORDS}
