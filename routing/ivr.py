"""The telephone menu as data and one pure step: where the caller is and what he pressed give what to say next.

Options are read as option, then key ("For billing, press 1"). Silence or a wrong key is answered once with the menu again and
then with its default, a person: the caller is never hung up on and never sent round in circles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

Say = tuple[tuple[str, str], ...]
"""What to speak, in order: (language, text)."""

TRIES = 2
"""How often a menu is read before its default is taken."""

OPTION_FORMS: Mapping[str, str] = MappingProxyType({"zh-CN": "{label}，请按 {digit}。", "en": "For {label}, press {digit}."})


@dataclass(frozen=True)
class Choice:
    """What a key does: what it sets, the menu it leads to (None: the menus are done), how it is announced, what is said on it.

    A choice without a label is accepted but not announced.
    """

    set: Mapping[str, str]
    goto: str | None
    label: Mapping[str, str] = field(default_factory=dict)
    say: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Menu:
    """One menu: an opening prompt by language, choices by digit, and what follows on repeated silence or wrong keys."""

    key: str
    prompts: Mapping[str, str]
    choices: Mapping[str, Choice]
    default: Choice
    on_silence: Mapping[str, str]
    on_wrong: Mapping[str, str]


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
    pressed = (digits or "").strip().rstrip("#")
    choice = menu.choices.get(pressed)
    if choice is not None:
        return _follow(menus, position, choice)
    if position.tries >= TRIES:
        return _follow(menus, position, menu.default)
    sorry = () if position.tries == 0 else _spoken(menu.on_wrong if pressed else menu.on_silence, position)
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
    moved = Position(choice.goto or position.menu, {**position.chosen, **choice.set})
    said = _spoken(choice.say, moved)
    if choice.goto is None:
        return Step(moved, said, gather=False, done=True)
    return _read(menus[choice.goto], moved, before=said)


def _read(menu: Menu, position: Position, before: Say) -> Step:
    languages = _languages(position, menu.prompts)
    said = [(language, menu.prompts[language]) for language in languages if menu.prompts.get(language)]
    for digit, choice in menu.choices.items():
        said += [
            (language, OPTION_FORMS[language].format(label=choice.label[language], digit=digit))
            for language in languages
            if language in choice.label
        ]
    # One language after the other: a caller should not have to listen to both interleaved.
    said.sort(key=lambda pair: languages.index(pair[0]))
    return Step(replace(position, tries=position.tries + 1), before + tuple(said), gather=True, done=False)


def _spoken(texts: Mapping[str, str], position: Position) -> Say:
    return tuple((language, texts[language]) for language in _languages(position, texts) if texts.get(language))


def _languages(position: Position, texts: Mapping[str, str]) -> list[str]:
    """The chosen language if the texts have it; before the choice, or without it, all of them in their order."""
    chosen = position.chosen.get("language")
    return [chosen] if chosen in texts else list(texts)


_CONNECTING = {"zh-CN": "正在为您转接。", "en": "Connecting you now."}
_NOTHING_HEARD = {"zh-CN": "没有听到您的选择。", "en": "We did not hear a choice."}
_NOT_AN_OPTION = {"zh-CN": "没有这个选项。", "en": "That is not one of the options."}
_PERSON = Choice(
    {"topic": "general"},
    None,
    {"zh-CN": "人工服务", "en": "a person"},
    {"zh-CN": "正在为您转接人工服务。", "en": "Connecting you to a person."},
)


def _topic(topic: str, chinese: str, english: str) -> Choice:
    return Choice({"topic": topic}, None, {"zh-CN": chinese, "en": english}, _CONNECTING)


MENUS: Mapping[str, Menu] = MappingProxyType(
    {
        "language": Menu(
            "language",
            {"zh-CN": "您好。", "en": "Welcome."},
            {
                "1": Choice({"language": "zh-CN"}, "topic", {"zh-CN": "中文服务"}),
                "2": Choice({"language": "en"}, "topic", {"en": "English"}),
                "0": replace(_PERSON, label={}),
            },
            replace(_PERSON, label={}),
            _NOTHING_HEARD,
            _NOT_AN_OPTION,
        ),
        "topic": Menu(
            "topic",
            {"zh-CN": "请选择您需要的服务。", "en": "Please choose what we can help with."},
            {
                "1": _topic("billing", "账单问题", "billing"),
                "2": _topic("technical", "技术支持", "technical help"),
                "3": _topic("complaint", "投诉", "a complaint"),
                "0": _PERSON,
            },
            _PERSON,
            _NOTHING_HEARD,
            _NOT_AN_OPTION,
        ),
    }
)

START = Position("language")
"""Where a call begins: `step(MENUS, START, None)` reads the first menu."""
