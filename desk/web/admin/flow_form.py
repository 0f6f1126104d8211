"""The form of menus: what was typed as a flow, and the buttons that add, remove and move its parts before anything is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count

from desk.http.incoming import whole
from routing.call_flow import LANGUAGES, Flow, FlowMenu, Option

MOST_OPTIONS, MOST_MENUS = 9, 12  # a form has no more; what may be published is fewer
_KEYS = "123456789"


def typed_flow(form: Mapping[str, str]) -> Flow:
    """The flow that the form says; whatever is missing is empty. A form without a menu has one that is empty."""
    menus = []
    for at in count():
        if f"menus.{at}.key" not in form or at >= MOST_MENUS:
            break
        menus.append(_typed_menu(form, f"menus.{at}", at))
    return Flow(
        tuple(menus) or (_new_menu(()),),
        language_first="language_first" in form,
        speech="speech" in form,
        person=_text(form, "person"),
        music=0 if "music.ours" in form else whole(form.get("music", "")) or 0,
    )


def changed(flow: Flow, act: str) -> Flow:
    """The flow after one of the buttons: "menu", "drop:1", "option:0", "drop:0:2", "up:0:2", "down:0:2". Others do nothing."""
    verb, *numbers = act.split(":")
    at, *rest = [whole(number) if whole(number) is not None else -1 for number in numbers] or [-1]
    if verb == "menu" and len(flow.menus) < MOST_MENUS:
        return replace(flow, menus=(*flow.menus, _new_menu(flow.menus)))
    if not 0 <= at < len(flow.menus):
        return flow
    menu = flow.menus[at]
    if verb == "drop" and not rest and at:
        return replace(flow, menus=tuple(each for each in flow.menus if each is not menu))
    options = _options(menu.options, verb, rest)
    return replace(flow, menus=tuple(replace(each, options=options) if each is menu else each for each in flow.menus))


def _options(options: tuple[Option, ...], verb: str, rest: list[int]) -> tuple[Option, ...]:
    if verb == "option" and len(options) < MOST_OPTIONS:
        free = next((key for key in _KEYS if key not in {option.key for option in options}), "")
        return (*options, Option(free))
    if not rest or not 0 <= rest[0] < len(options):
        return options
    at, moved = rest[0], list(options)
    option = moved.pop(at)
    if verb == "drop":
        return tuple(moved)
    if verb in ("up", "down"):
        moved.insert(max(0, at - 1) if verb == "up" else at + 1, option)
        return tuple(moved)
    return options


def _typed_menu(form: Mapping[str, str], name: str, at: int) -> FlowMenu:
    options = []
    for number in range(MOST_OPTIONS):
        if f"{name}.options.{number}.key" not in form:
            break
        options.append(_typed_option(form, f"{name}.options.{number}"))
    audio = {
        lang: 0 if f"{name}.spoken.{lang}" in form else whole(form.get(f"{name}.audio.{lang}", "")) or 0 for lang in LANGUAGES
    }
    key = _text(form, f"{name}.key") or f"menu{at}"
    return FlowMenu(key, _text(form, f"{name}.name"), _both(form, f"{name}.prompt"), tuple(options), audio)


def _typed_option(form: Mapping[str, str], name: str) -> Option:
    return Option(
        key=_text(form, f"{name}.key"),
        label=_both(form, f"{name}.label"),
        words=_both(form, f"{name}.words"),
        say=_both(form, f"{name}.say"),
        **{part: _text(form, f"{name}.{part}") for part in ("do", "queue", "topic", "skill", "menu", "number")},
    )


def _new_menu(others: tuple[FlowMenu, ...]) -> FlowMenu:
    keys = {menu.key for menu in others}
    key = next(f"menu{number}" for number in count(1) if f"menu{number}" not in keys)
    return FlowMenu(key, "", {"zh": "", "en": ""}, (Option("1"),))


def _both(form: Mapping[str, str], name: str) -> dict[str, str]:
    return {lang: _text(form, f"{name}.{lang}") for lang in LANGUAGES}


def _text(form: Mapping[str, str], name: str) -> str:
    """One line of what can be seen."""
    return "".join(letter for letter in " ".join(form.get(name, "").split()) if letter.isprintable())
