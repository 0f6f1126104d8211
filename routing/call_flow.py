"""The menus of a phone number as a person edits them, what is wrong with them, and the menus that callers are led through."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from routing.ivr import Choice, Menu, Position, Texts

LANGUAGES = ("zh", "en")
QUEUE, SUB_MENU, VOICEMAIL, NUMBER, TELL = "queue", "menu", "voicemail", "number", "tell"
DOES = (QUEUE, SUB_MENU, VOICEMAIL, NUMBER, TELL)
MOST_ANNOUNCED = 4  # with the person on 0
MOST_MENUS = 8
LONGEST_LABEL, LONGEST_TEXT, LONGEST_WORDS = 40, 500, 200
_KEYS = "123456789"
_E164 = re.compile(r"\+[1-9]\d{6,14}")

Words = Mapping[str, str]
"""A text in both languages."""

NOTHING: Words = {"zh": "", "en": ""}


@dataclass(frozen=True)
class Option:
    """One key of a menu. `words` are what callers may say instead, separated by commas; `say` is heard when it is chosen.

    `do` says which of the others counts: the `queue` with `topic` and `skill`, the `menu` below, the outside `number`.
    """

    key: str
    label: Words = field(default_factory=lambda: NOTHING)
    words: Words = field(default_factory=lambda: NOTHING)
    say: Words = field(default_factory=lambda: NOTHING)
    do: str = QUEUE
    queue: str = "general"
    topic: str = "general"
    skill: str = ""
    menu: str = ""
    number: str = ""


@dataclass(frozen=True)
class FlowMenu:
    """A menu: what it begins with, its keys, and audio that is played in place of all that in a language (0: spoken)."""

    key: str
    name: str
    prompt: Words
    options: tuple[Option, ...] = ()
    audio: Mapping[str, int] = field(default_factory=lambda: {"zh": 0, "en": 0})


@dataclass(frozen=True)
class Flow:
    """The way of a caller: the language first if so wished, then the first menu; 0 and repeated silence lead to `person`.

    `person` is the key of a queue. `speech`: whether callers may speak instead of pressing keys. `music` is the audio that who
    waits hears between the words, 0 for ours.
    """

    menus: tuple[FlowMenu, ...]
    language_first: bool = True
    speech: bool = True
    person: str = "general"
    music: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Flow:
        """The flow that `to_dict` wrote. Raises KeyError or TypeError for anything else."""
        menus = tuple(
            FlowMenu(**{**menu, "options": tuple(Option(**option) for option in menu["options"])}) for menu in kept["menus"]
        )
        return cls(menus, bool(kept["language_first"]), bool(kept["speech"]), str(kept["person"]), int(kept.get("music", 0)))

    def menu(self, key: str) -> FlowMenu | None:
        return next((menu for menu in self.menus if menu.key == key), None)

    @property
    def queues(self) -> frozenset[str]:
        """The queues that callers may come into."""
        return frozenset({self.person, *(each.queue for menu in self.menus for each in menu.options if each.do == QUEUE)})


@dataclass(frozen=True)
class Problem:
    """What is wrong: `code` is one of a few, `field` where ("menus.0.options.1.label.zh"), `values` what it is about."""

    code: str
    field: str
    values: Mapping[str, str] = field(default_factory=dict)


def menus_of(flow: Flow, texts: Mapping[str, Texts]) -> dict[str, Menu]:
    """The menus to step through. `texts` has "greeting", "connecting", "nothing_heard" and "not_an_option" by language."""
    person = _person(flow, texts)
    made = {menu.key: _menu(menu, person, texts) for menu in flow.menus}
    if flow.language_first:
        made["language"] = _language_menu(flow, person, texts)
    return made


def start_of(flow: Flow, language: str = "") -> Position:
    """Where a call begins; a caller whose language is known is not asked for it."""
    if language:
        return Position(flow.menus[0].key, {"language": language})
    return Position("language" if flow.language_first else flow.menus[0].key)


def problems(flow: Flow, queues: Collection[str], skills: Collection[str] = ()) -> tuple[Problem, ...]:
    """Everything that must be mended before callers may hear it. `queues` are the keys of those that there are."""
    found = [] if flow.person in queues else [Problem("no_person", "person")]
    if len(flow.menus) > MOST_MENUS:
        found.append(Problem("too_many_menus", "menus"))
    reached = [option.menu for menu in flow.menus[:1] for option in menu.options if option.do == SUB_MENU]
    for at, menu in enumerate(flow.menus):
        found += _of_menu(menu, f"menus.{at}")
        if at and menu.key not in reached:
            found.append(Problem("not_reached", f"menus.{at}.name", {"menu": menu.name}))
        for number, option in enumerate(menu.options):
            found += _of_option(flow, menu, option, f"menus.{at}.options.{number}", queues, skills)
    return tuple(found)


def _of_menu(menu: FlowMenu, at: str) -> Iterator[Problem]:
    if not menu.name or len(menu.name) > LONGEST_LABEL:
        yield Problem("name", f"{at}.name")
    for language in LANGUAGES:
        if not menu.prompt[language] or len(menu.prompt[language]) > LONGEST_TEXT:
            yield Problem("prompt", f"{at}.prompt.{language}", {"menu": menu.name})
    if not menu.options:
        yield Problem("empty_menu", f"{at}.name", {"menu": menu.name})
    if sum(1 for option in menu.options if any(option.label.values())) + 1 > MOST_ANNOUNCED:
        yield Problem("too_many_options", f"{at}.name", {"menu": menu.name})
    keys = [option.key for option in menu.options]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            yield Problem("same_key", f"{at}.options.{number}.key", {"menu": menu.name, "key": key})


def _of_option(
    flow: Flow, menu: FlowMenu, option: Option, at: str, queues: Collection[str], skills: Collection[str]
) -> Iterator[Problem]:
    where = {"menu": menu.name, "key": option.key}
    if len(option.key) != 1 or option.key not in _KEYS:
        yield Problem("key", f"{at}.key", where)
    for language in LANGUAGES:
        if len(option.label[language]) > LONGEST_LABEL or bool(option.label[language]) != any(option.label.values()):
            yield Problem("label", f"{at}.label.{language}", where)
        if len(option.say[language]) > LONGEST_TEXT or (bool(option.say[language]) != any(option.say.values())):
            yield Problem("say", f"{at}.say.{language}", where)
        if len(option.words[language]) > LONGEST_WORDS:
            yield Problem("words", f"{at}.words.{language}", where)
    yield from _of_action(flow, menu, option, at, where, queues, skills)


def _of_action(
    flow: Flow,
    menu: FlowMenu,
    option: Option,
    at: str,
    where: Mapping[str, str],
    queues: Collection[str],
    skills: Collection[str],
) -> Iterator[Problem]:
    if option.do not in DOES:
        yield Problem("do", f"{at}.do", where)
    elif option.do == QUEUE and option.queue not in queues:
        yield Problem("queue", f"{at}.queue", where)
    elif option.do == QUEUE and option.skill and option.skill not in skills:
        yield Problem("skill", f"{at}.skill", where)
    elif option.do == NUMBER and not _E164.fullmatch(option.number):
        yield Problem("number", f"{at}.number", where)
    elif option.do == TELL and not any(option.say.values()):
        yield Problem("nothing_told", f"{at}.say.zh", where)
    elif option.do == SUB_MENU:
        below = flow.menu(option.menu)
        if below is None:
            yield Problem("no_menu", f"{at}.menu", where)
        elif below.key == menu.key or below.key == flow.menus[0].key:
            yield Problem("loop", f"{at}.menu", where)
        elif menu.key != flow.menus[0].key:
            yield Problem("too_deep", f"{at}.menu", where)


def _menu(menu: FlowMenu, person: Choice, texts: Mapping[str, Texts]) -> Menu:
    choices = {option.key: _choice(menu, option, texts) for option in menu.options}
    prompts: dict[str, str | int] = {lang: menu.audio[lang] or menu.prompt[lang] for lang in LANGUAGES}
    return Menu(menu.key, prompts, {**choices, "0": person}, person, texts["nothing_heard"], texts["not_an_option"])


def _choice(menu: FlowMenu, option: Option, texts: Mapping[str, Texts]) -> Choice:
    words = tuple(word.strip() for text in option.words.values() for word in re.split(r"[,，、;；]", text) if word.strip())
    named = tuple(label for label in option.label.values() if label)
    say: Texts = option.say if any(option.say.values()) else {}
    goto = option.menu if option.do == SUB_MENU else menu.key if option.do == TELL else None
    leads_on = goto is not None or option.do == VOICEMAIL
    return Choice(_chosen(option), goto, option.label, say if say or leads_on else texts["connecting"], (*named, *words))


def _chosen(option: Option) -> dict[str, str]:
    """What is remembered of a choice that ends the menus."""
    if option.do in (SUB_MENU, TELL):
        return {}
    fields = {QUEUE: ("queue", "skill"), NUMBER: ("number",), VOICEMAIL: ()}[option.do]
    about = {f"about_{lang}": option.label[lang] for lang in LANGUAGES if option.label[lang]}
    return {
        "do": option.do,
        "topic": option.topic,
        **about,
        **{name: getattr(option, name) for name in fields if getattr(option, name)},
    }


PERSON_LABEL: Words = {"zh": "人工服务", "en": "a person"}
PERSON_WORDS = ("人工", "人工服务", "转人工", "客服", "person", "agent", "operator", "human", "somebody", "representative")


def _person(flow: Flow, texts: Mapping[str, Texts]) -> Choice:
    chosen = {"do": QUEUE, "queue": flow.person, "topic": "general"}
    return Choice(chosen, None, PERSON_LABEL, texts["connecting"], PERSON_WORDS)


def _language_menu(flow: Flow, person: Choice, texts: Mapping[str, Texts]) -> Menu:
    first = flow.menus[0].key
    choices = {
        "1": Choice({"language": "zh"}, first, {"zh": "中文服务"}, words=("中文", "普通话", "Chinese", "Mandarin")),
        "2": Choice({"language": "en"}, first, {"en": "English"}, words=("英文", "英语", "English")),
        "0": Choice(person.set, None, {}, person.say, PERSON_WORDS),
    }
    return Menu("language", texts["greeting"], choices, choices["0"], texts["nothing_heard"], texts["not_an_option"])


def _to_queue(key: str, topic: str, queue: str, chinese: str, english: str, words: tuple[str, str]) -> Option:
    return Option(key, {"zh": chinese, "en": english}, {"zh": words[0], "en": words[1]}, queue=queue, topic=topic)


BUILT_IN = Flow(
    (
        FlowMenu(
            "main",
            "Main menu",
            {"zh": "请选择您需要的服务。", "en": "Please choose what we can help with."},
            (
                _to_queue(
                    "1", "billing", "billing", "账单问题", "billing", ("账单,扣费,发票,退款", "bill,invoice,refund,charge")
                ),
                _to_queue(
                    "2",
                    "technical",
                    "technical",
                    "技术支持",
                    "technical help",
                    ("技术,故障,维修", "technical,broken,repair"),
                ),
                _to_queue("3", "complaint", "complaints", "投诉", "a complaint", ("投诉,不满", "complaint,complain")),
            ),
        ),
    )
)
"""What callers hear before anybody has written menus."""
