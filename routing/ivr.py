"""The telephone menu as data and one pure step: where the caller is and what he pressed or said give what to say next.

Options are read as option, then key ("For billing, press 1"). Silence or a wrong key is answered once with the menu again and
then with its default, a person: the caller is never hung up on and never sent round in circles. The star key changes the
language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

Say = tuple[tuple[str, str], ...]
"""What to speak, in order: (language, text), or (`AUDIO`, the number of a recording)."""

Texts = Mapping[str, str | int]
"""A text by language; a number is that of a recording which is played instead."""

AUDIO = "audio"
STAR = "*"

TRIES = 2
"""How often a menu is read before its default is taken."""

OPTION_FORMS: Mapping[str, str] = MappingProxyType({"zh": "{label}，请按 {digit}。", "en": "For {label}, press {digit}."})


@dataclass(frozen=True)
class Choice:
    """What a key does: what it sets, the menu it leads to (None: the menus are done), how it is announced, what is said on it.

    A choice without a label is accepted but not announced. `words` choose it when they are spoken. Leading to its own menu it
    says something and reads the menu again.
    """

    set: Mapping[str, str]
    goto: str | None
    label: Mapping[str, str] = field(default_factory=dict)
    say: Texts = field(default_factory=dict)
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Menu:
    """One menu: an opening prompt by language, choices by digit, and what follows on repeated silence or wrong keys.

    A prompt that is a recording is the whole of the menu in its language: its choices are not announced besides.
    """

    key: str
    prompts: Texts
    choices: Mapping[str, Choice]
    default: Choice
    on_silence: Texts
    on_wrong: Texts


@dataclass(frozen=True)
class Position:
    """Where a caller is: the menu, what he has chosen, and how often the menu was read to him (0: not yet)."""

    menu: str
    chosen: Mapping[str, str] = field(default_factory=dict)
    tries: int = 0

    def to_dict(self) -> dict[str, object]:
        return {"menu": self.menu, "chosen": dict(self.chosen), "tries": self.tries}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Position:
        """The position that `to_dict` wrote. Raises ValueError for anything else."""
        menu, chosen, tries = data.get("menu"), data.get("chosen"), data.get("tries")
        if not isinstance(menu, str) or not isinstance(chosen, Mapping) or not isinstance(tries, int) or tries < 0:
            raise ValueError("not a position in a menu")
        return cls(menu, {str(name): str(value) for name, value in chosen.items()}, tries)


@dataclass(frozen=True)
class Step:
    """The answer to the caller: what to say, whether to wait for a key, or that the menus are `done`, `position.chosen` final."""

    position: Position
    say: Say
    gather: bool
    done: bool


def step(menus: Mapping[str, Menu], position: Position, digits: str | None) -> Step:
    """Take what the caller pressed (None or empty: nothing) one step further. A menu not read yet is read.

    Raises KeyError for a position in a menu that does not exist.
    """
    menu = menus[position.menu]
    pressed = (digits or "").strip()
    pressed = pressed.rstrip("#") or pressed
    choice = menu.choices.get(pressed)
    if choice is not None:
        return _follow(menus, position, choice)
    other = _other_language(menu, position) if pressed == STAR else ""
    if other:
        position = replace(position, chosen={**position.chosen, "language": other})
    if position.tries >= TRIES:
        return _follow(menus, position, menu.default)
    sorry = () if other or position.tries == 0 else _spoken(menu.on_wrong if pressed else menu.on_silence, position)
    return _read(menu, position, before=sorry)


def problems(menus: Mapping[str, Menu]) -> tuple[str, ...]:
    """What is wrong with a set of menus, as sentences; empty if nothing is."""
    found = []
    for key, menu in menus.items():
        if menu.key != key:
            found.append(f"menu {key} calls itself {menu.key}")
        if menu.default.goto is not None:
            found.append(f"the default of menu {key} must lead to a person, not to another menu")
        for digit, choice in menu.choices.items():
            if len(digit) != 1 or digit not in "0123456789*":
                found.append(f"{digit!r} in menu {key} is not a key")
            if choice.goto is not None and choice.goto not in menus:
                found.append(f"key {digit} of menu {key} leads to {choice.goto}, which does not exist")
        if sum(1 for choice in menu.choices.values() if choice.label) > 4:
            found.append(f"menu {key} announces more than four options")
        if not any(choice == menu.default for choice in menu.choices.values()):
            found.append(f"no key of menu {key} leads to a person")
    return tuple(found)


def _follow(menus: Mapping[str, Menu], position: Position, choice: Choice) -> Step:
    stays = choice.goto == position.menu
    moved = Position(choice.goto or position.menu, {**position.chosen, **choice.set}, position.tries if stays else 0)
    said = _spoken(choice.say, moved)
    if choice.goto is None:
        return Step(moved, said, gather=False, done=True)
    return _read(menus[choice.goto], moved, before=said)


def _read(menu: Menu, position: Position, before: Say) -> Step:
    """One language after the other: a caller should not have to listen to both interleaved."""
    said: list[tuple[str, str]] = []
    for language in _languages(position, menu.prompts):
        prompt = menu.prompts[language]
        said += _spoken({language: prompt}, position)
        if isinstance(prompt, int):
            continue
        for digit, choice in menu.choices.items():
            if choice.label.get(language):
                said.append((language, OPTION_FORMS[language].format(label=choice.label[language], digit=digit)))
    return Step(replace(position, tries=position.tries + 1), before + tuple(said), gather=True, done=False)


def _spoken(texts: Texts, position: Position) -> Say:
    said = [(language, texts[language]) for language in _languages(position, texts)]
    return tuple((AUDIO, str(text)) if isinstance(text, int) else (language, text) for language, text in said if text)


def _languages(position: Position, texts: Texts) -> list[str]:
    """The chosen language if the texts have it; before the choice, or without it, all of them in their order."""
    chosen = position.chosen.get("language")
    return [chosen] if chosen in texts else list(texts)


def _other_language(menu: Menu, position: Position) -> str:
    """The language that the star key changes to; empty before one is chosen, and where there is no other."""
    others = [language for language in menu.prompts if language != position.chosen.get("language")]
    return others[0] if len(others) == 1 and len(menu.prompts) == 2 else ""
