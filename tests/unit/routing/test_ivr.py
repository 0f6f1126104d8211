"""The telephone menu: every way through it ends with a person or a topic, in the language chosen."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.call_flow import BUILT_IN, menus_of, start_of
from routing.ivr import AUDIO, Choice, Menu, Position, problems, step

TEXTS = {
    "greeting": {"zh": "您好。", "en": "Welcome."},
    "connecting": {"zh": "正在为您转接。", "en": "Connecting you now."},
    "nothing_heard": {"zh": "没有听到您的选择。", "en": "We did not hear a choice."},
    "not_an_option": {"zh": "没有这个选项。", "en": "That is not one of the options."},
}
MENUS, START = menus_of(BUILT_IN, TEXTS), start_of(BUILT_IN)


def walk(*keys):
    """The step after the greeting and these keys, through JSON each time as a stored call would go."""
    answer = step(MENUS, START, None)
    for key in keys:
        assert answer.gather
        position = Position.from_dict(json.loads(json.dumps(answer.position.to_dict())))
        assert position == answer.position
        answer = step(MENUS, position, key)
    return answer


def texts(answer, language):
    return [text for spoken, text in answer.say if spoken == language]


def test_the_call_begins_with_the_choice_of_language_each_in_its_own():
    answer = walk()
    assert answer.gather
    assert not answer.done
    assert answer.say == (
        ("zh", "您好。"),
        ("zh", "中文服务，请按 1。"),
        ("en", "Welcome."),
        ("en", "For English, press 2."),
    )


def test_the_second_menu_speaks_the_chosen_language_only_and_says_the_option_before_the_key():
    answer = walk("2")
    assert {language for language, _ in answer.say} == {"en"}
    assert "For billing, press 1." in texts(answer, "en")
    assert texts(answer, "en")[-1] == "For a person, press 0."
    assert "账单问题，请按 1。" in texts(walk("1"), "zh")


@pytest.mark.parametrize(
    ("keys", "language", "topic"),
    [
        (("1", "1"), "zh", "billing"),
        (("2", "2"), "en", "technical"),
        (("2", "3"), "en", "complaint"),
        (("1", "0"), "zh", "general"),
        (("2", None, None), "en", "general"),
        (("2", "9", "8"), "en", "general"),
        (("2", None, "1"), "en", "billing"),
        (("0",), None, "general"),
        ((None, None), None, "general"),
        ((None, "2", None, "3"), "en", "complaint"),
        (("2#", "1#"), "en", "billing"),
        (("2", "*", "1"), "zh", "billing"),
        (("1", "*", "*"), "zh", "general"),
    ],
)
def test_each_way_through_the_menus_ends_where_it_should(keys, language, topic):
    answer = walk(*keys)
    assert answer.done
    assert not answer.gather
    assert (answer.position.chosen.get("language"), answer.position.chosen["topic"]) == (language, topic)
    assert answer.position.chosen["do"] == "queue"
    assert answer.say


def test_silence_is_answered_with_the_menu_again_and_a_wrong_key_is_named():
    assert texts(walk("2", None), "en")[:2] == ["We did not hear a choice.", "Please choose what we can help with."]
    assert texts(walk("2", "12"), "en")[0] == "That is not one of the options."
    assert texts(walk("9"), "zh")[0] == "没有这个选项。"


def test_who_never_chose_a_language_is_spoken_to_in_both():
    assert {language for language, _ in walk(None, None).say} == {"zh", "en"}


@given(keys=st.lists(st.none() | st.text("0123456789*#", max_size=3), min_size=4, max_size=4))
def test_whatever_is_pressed_four_keys_reach_an_end(keys):
    answer = step(MENUS, START, None)
    for key in keys:
        if not answer.done:
            answer = step(MENUS, answer.position, key)
    assert answer.done
    assert answer.position.chosen["topic"]


def test_the_star_key_reads_the_same_menu_in_the_other_language():
    assert {language for language, _ in walk("2", "*").say} == {"zh"}
    assert walk("2", "*").position.menu == walk("2").position.menu


def test_a_recording_is_the_whole_of_a_menu_in_its_language():
    menu = replace(MENUS["main"], prompts={"zh": 7, "en": "Choose."})
    menus = {**MENUS, "main": menu}
    assert step(menus, Position("main", {"language": "zh"}), None).say == ((AUDIO, "7"),)
    assert texts(step(menus, Position("main", {"language": "en"}), None), "en")[0] == "Choose."


def test_a_choice_that_leads_to_its_own_menu_says_something_and_reads_it_again_but_not_for_ever():
    tells = Choice({}, "main", {"en": "our address"}, {"en": "We are in Main Street."})
    menus = {**MENUS, "main": replace(MENUS["main"], choices={**MENUS["main"].choices, "4": tells})}
    answer = step(menus, Position("main", {"language": "en"}), None)
    answer = step(menus, answer.position, "4")
    assert answer.gather
    assert texts(answer, "en")[0] == "We are in Main Street."
    assert step(menus, answer.position, None).done


def test_the_menus_that_ship_are_sound():
    assert problems(MENUS) == ()


def test_unsound_menus_are_described():
    person = Choice({}, None, {"en": "a person"})
    menu = Menu("main", {"en": "Hello."}, {str(n): person for n in range(5)}, person, {}, {})
    assert problems({"main": menu}) == ("menu main announces more than four options",)
    assert problems({"other": replace(menu, choices={"1": person})}) == ("menu other calls itself main",)
    assert problems({"main": replace(menu, choices={"12": replace(person, goto="gone")})}) == (
        "'12' in menu main is not a key",
        "key 12 of menu main leads to gone, which does not exist",
        "no key of menu main leads to a person",
    )
    looping = replace(person, goto="main")
    assert problems({"main": replace(menu, choices={"0": looping}, default=looping)}) == (
        "the default of menu main must lead to a person, not to another menu",
    )


@pytest.mark.parametrize("data", [{}, {"menu": 1, "chosen": {}, "tries": 0}, {"menu": "topic", "chosen": {}, "tries": -1}])
def test_a_position_that_was_not_written_by_us_is_refused(data):
    with pytest.raises(ValueError, match="position"):
        Position.from_dict(data)
