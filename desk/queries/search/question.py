"""What somebody typed, taken apart: words, phrases in quotes, what must not be there, and filters such as `status:open`.

Whatever cannot be understood counts as words: no question is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import rjieba

from desk.models.complaint import number_in
from desk.models.ticket import LIVE, MERGED, NEW, OPEN, PENDING_CUSTOMER, PENDING_INTERNAL, SPAM
from desk.queries.search.tokens import RUN, bare, in_one_piece, phrase_of, stems_begun
from knowledge import stop_words
from knowledge.fold import fold

LONGEST = 300  # characters that are looked at
MOST_TERMS = 12
KEYS = {
    "from": ("from", "customer", "来自", "发件人", "客户"),
    "status": ("status", "is", "state", "状态"),
    "queue": ("queue", "in", "队列"),
    "assigned": ("assigned", "owner", "assignee", "负责人", "分配给", "受理人"),
    "tag": ("tag", "tags", "标签"),
}
_KEY = {word: key for key, words in KEYS.items() for word in words}
PENDING = (PENDING_CUSTOMER, PENDING_INTERNAL)
STATUSES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("new", "新建", "新"), (NEW,)),
    **dict.fromkeys(("open", "处理中", "打开", "进行中"), (NEW, OPEN)),
    **dict.fromkeys(("live", "active", "unsolved", "未解决", "未完成"), LIVE),
    **dict.fromkeys(("pending", "waiting", "等待", "等待中", "待处理"), PENDING),
    **dict.fromkeys(("pending_customer", "pending customer", "等待客户", "待客户"), (PENDING_CUSTOMER,)),
    **dict.fromkeys(("pending_internal", "pending internal", "等待内部", "待内部"), (PENDING_INTERNAL,)),
    **dict.fromkeys(("solved", "resolved", "已解决"), ("solved",)),
    **dict.fromkeys(("closed", "已关闭", "关闭", "已结案", "结案"), ("closed",)),
    **dict.fromkeys(("done", "已完成"), ("solved", "closed")),
    **dict.fromkeys(("merged", "已合并"), (MERGED,)),
    **dict.fromkeys(("spam", "垃圾", "垃圾信息", "垃圾邮件"), (SPAM,)),
}
ME = ("me", "我", "自己")
NOBODY = ("nobody", "none", "no", "无", "无人", "未分配", "没有")
_PIECE = re.compile(r'(?P<minus>-)?(?:(?P<key>[^\s":]{1,12}):)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>[^\s"]+))')
_QUOTES = str.maketrans({**dict.fromkeys("“”„«»「」『』＂", '"'), "：": ":", "－": "-", "−": "-", "–": "-", "　": " "})
_SPACED_NUMBER = re.compile(r"(?<![\w:\"-])\+?\d[\d ()-]{5,22}\d(?![\w\"])")


@dataclass(frozen=True)
class Term:
    """One thing that must be there: one of these rows of neighbouring words; with `starts` the last row's last word may go on."""

    phrases: tuple[tuple[str, ...], ...]
    starts: bool = False


@dataclass(frozen=True)
class Question:
    """`contact` is what may be an address or a number, bare; `number` a ticket's; `statuses` None where any will do."""

    text: str
    must: tuple[Term, ...] = ()
    must_not: tuple[Term, ...] = ()
    number: int | None = None
    contact: str = ""
    statuses: tuple[str, ...] | None = None
    queue: str = ""
    assigned: str = ""
    sender: str = ""
    tag: str = ""
    typed: tuple[str, ...] = field(default=(), compare=False)  # the pieces that are words, for marking them where they stand

    @property
    def asks_something(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.must or self.must_not or self.number is not None or self.has_filter)

    @property
    def has_filter(self) -> bool:
        return bool(self.statuses is not None or self.queue or self.assigned or self.sender or self.tag)


def question_of(typed: str) -> Question:
    """The question in what was typed."""
    text = " ".join(typed[:LONGEST].translate(_QUOTES).split())
    must: list[Term] = []
    must_not: list[Term] = []
    words: list[str] = []
    given: dict[str, str] = {}
    pieces = list(_PIECE.finditer(_SPACED_NUMBER.sub(lambda found: re.sub(r"[ ()-]", "", found[0]), text)))
    for piece in pieces:
        key = _KEY.get(fold(piece["key"])) if piece["key"] else None
        said = piece["quoted"] if piece["quoted"] is not None else piece["plain"]
        if key is not None and not piece["minus"] and _understood(key, said):
            given[key] = said.strip()
            continue
        if piece["key"]:
            said = f"{piece['key']}:{said}"
        terms = list(_terms(said, whole=piece["quoted"] is not None))
        (must_not if piece["minus"] else must).extend(terms)
        if not piece["minus"]:
            words.append(said)
    must = _without_stop_words(must)[:MOST_TERMS]
    if must and pieces and not text.endswith('"'):
        must[-1] = _going_on(must[-1])
    alone = words[0] if len(words) == 1 else ""
    return Question(
        text=text,
        must=tuple(must),
        must_not=tuple(must_not[:MOST_TERMS]),
        number=_number(alone),
        contact=_contact(" ".join(words)),
        statuses=STATUSES[fold(given["status"])] if "status" in given else None,
        queue=given.get("queue", ""),
        assigned=given.get("assigned", ""),
        sender=given.get("from", ""),
        tag=given.get("tag", ""),
        typed=tuple(words),
    )


def _understood(key: str, said: str) -> bool:
    return bool(said.strip()) and (key != "status" or fold(said.strip()) in STATUSES)


def _terms(said: str, *, whole: bool) -> Iterator[Term]:
    """A phrase as it stands; otherwise each word, Chinese by the dictionary, a code in its parts or in one piece."""
    if whole:
        phrase = phrase_of(said)
        if phrase:
            yield Term((phrase,))
        return
    folded = fold(said)
    if re.fullmatch(r"[^\s]*[._@/+#&-][^\s]*", said) and not any(run.lastgroup == "cjk" for run in RUN.finditer(folded)):
        phrases = [phrase_of(said), *((piece,) for piece in in_one_piece(folded))]
        if phrases[0]:
            yield Term(tuple(dict.fromkeys(phrases)))
        return
    for run in RUN.finditer(folded):
        for word in rjieba.cut(run[0]) if run.lastgroup == "cjk" else [run[0]]:
            phrase = phrase_of(word)
            if phrase:
                exact = (bare(word),) if run.lastgroup == "word" and bare(word) != phrase[0] else phrase
                yield Term(tuple(dict.fromkeys((phrase, exact))), starts=run.lastgroup == "cjk" and len(word) == 1)


def _without_stop_words(terms: list[Term]) -> list[Term]:
    telling = [term for term in terms if not all(len(phrase) == 1 and phrase[0] in _STOP for phrase in term.phrases)]
    return telling or terms


_STOP = stop_words.ENGLISH | {word for word in stop_words.CHINESE if len(word) <= 2}


def _going_on(term: Term) -> Term:
    """What was typed last may be the beginning of a word; not a letter or two, which begin too many."""
    last = term.phrases[-1][-1]
    begun = [(each,) for each in sorted(stems_begun(last))] if len(term.phrases[-1]) == 1 else []
    starts = term.starts or not last.isascii() or len(last) > 2 or last.isdigit()
    return Term((*(each for each in begun if each not in term.phrases), *term.phrases), starts=starts)


def _number(alone: str) -> int | None:
    return number_in(alone)


def _contact(words: str) -> str:
    """The bare form of what can be an address, a part of one, or at least four digits of a number."""
    if "@" in words or re.fullmatch(r"[\w+-]+(?:\.[\w-]+)+", words):
        return bare(words)
    digits = re.sub(r"[\s()+.-]", "", words)
    if digits.isdecimal() and digits.isascii():
        return digits if 4 <= len(digits) <= 20 else ""
    return bare(words) if re.fullmatch(r"[A-Za-z0-9_+-]{3,40}", words) else ""
