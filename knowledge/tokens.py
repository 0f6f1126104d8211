"""Cut Chinese and English text into search tokens; documents and queries use the same cuts, a query weighs them.

Chinese gives single characters, pairs and the longer words of the dictionary; other words give their exact form and their stem;
codes (`LK-2024-0815`, `400-810`, `wi-fi`) stay whole and also give their parts. A long number, of a phone or an order, is known
as it is dialled, however it is written, and by its last digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import rjieba
from whoosh.lang.porter import stem

from knowledge import stop_words
from knowledge.fold import fold

VERSION = 3
"""Changes when the same text gives other tokens: an index written with another version has to be rebuilt."""

MAX_TOKEN = 64

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_KANA_HANGUL = "\u3041-\u30ff\u31f0-\u31ff\uac00-\ud7af"
_CJK = f"{_HAN}{_KANA_HANGUL}々〇"
_RUN = re.compile(rf"(?P<cjk>[{_CJK}]+)|(?P<word>[^\W_{_CJK}]+(?:['’._@/+#&-]+[^\W_{_CJK}]+)*)")
_JOINT = re.compile(r"['’._@/+#&-]+")
_LETTERS_DIGITS = re.compile(r"[0-9]+|[^0-9]+")
_POSSESSIVE = re.compile(r"['’]s?$|['’]s(?![^\W_])")
_ENGLISH = re.compile(r"[a-z]{3,}")
_NUMBER = re.compile(r"(?<!\d)\d(?:[ ()-]{0,2}\d){6,19}(?!\d)")
_NO_DIGIT = re.compile(r"\D+")
_TAILS = (11, 8, 7, 6, 4)  # without the country, without the area, what people are asked for

# What a token of a query is worth. Everything counts for something as it stands, each character, pair and written word; what is
# known of it comes on top: a word of the dictionary more than a pair that straddles two (货退 in 退货退款), though such a pair
# rescues words that the dictionary lacks; the stem more than the exact form; the pieces of a code together no more than the words
# around it. Stop words are worth little but not nothing: 到账多久 is told from 多久 by what else is asked. Measured by
# `bench search` on the judged questions, and on manuals of others (docs/decisions/0019-chinese-ranking.md).
_PLAIN, _PLAIN_CHARACTER = 0.3, 0.2
_STOP_WORD, _CHINESE_STOP_WORD = 0.3, 0.15
_WORD, _EXACT, _JOINED = 1.0, 0.4, 0.8
_WORD_INSIDE, _PAIR_INSIDE, _PAIR_ACROSS, _CHARACTER, _PIECE = 0.4, 0.25, 0.3, 0.8, 0.2
_MOST = 3.0


def tokens(text: str) -> list[str]:
    """Every token of a document, in order and with repeats: what goes into an index."""
    found: list[str] = []
    for kind, run in _runs(text):
        if kind == "cjk":
            found.extend(run)
            found.extend(_pairs(run))
            found.extend(word for word in rjieba.cut_for_search(run) if len(word) > 2)
        else:
            found.extend(_word_tokens(run))
    for number in _numbers(text):
        found.append(number)
        found.extend(number[-size:] for size in _TAILS if size < len(number))
    return [token for token in found if len(token) <= MAX_TOKEN]


def telling_tokens(text: str) -> list[str]:
    """What to mark in a text that was found: the distinct words of a query, without stop words unless there is nothing else."""
    found: dict[str, bool] = {}
    for kind, run in _runs(text):
        for token, _, is_stop in _chinese_query(run) if kind == "cjk" else _word_query(run):
            found[token] = found.get(token, True) and is_stop
    return [token for token, is_stop in found.items() if not is_stop] or list(found)


def topic_words(text: str) -> dict[str, str]:
    """What a text is about: each telling word's stem and the word itself; Chinese words as they are. No single characters."""
    found: dict[str, str] = {}
    for kind, run in _runs(text):
        if kind == "cjk":
            found.update((word, word) for word in rjieba.cut(run) if len(word) > 1 and word not in stop_words.CHINESE)
        else:
            for part in _JOINT.split(_POSSESSIVE.sub("", run)):
                if _ENGLISH.fullmatch(part) and part not in stop_words.ENGLISH:
                    found.setdefault(_stem(part), part)
    return found


def weighted_query_tokens(text: str) -> dict[str, float]:
    """Query token to its weight, a repeated token adding up to at most 3."""
    weights: dict[str, float] = {}
    for kind, run in _runs(text):
        if kind == "cjk":
            plain = dict.fromkeys(run, _PLAIN_CHARACTER) | dict.fromkeys(_pairs(run), _PLAIN)
            stop_word, known = _CHINESE_STOP_WORD, _chinese_query(run)
        else:
            plain, stop_word, known = dict.fromkeys(_JOINT.split(run), _PLAIN), _STOP_WORD, _word_query(run)
        weights = plain | weights
        for token, weight, is_stop in known:
            weights[token] = weights.get(token, 0.0) + (weight * stop_word if is_stop else weight)
    for number in _numbers(text):
        weights[number] = max(weights.get(number, 0.0), _WORD)
    return {token: min(weight, _MOST) for token, weight in weights.items() if token and len(token) <= MAX_TOKEN}


def _chinese_query(run: str) -> Iterator[tuple[str, float, bool]]:
    before = ""
    for word in rjieba.cut(run):
        is_stop = word in stop_words.CHINESE
        yield word, _WORD if len(word) > 1 or word == run else _CHARACTER, is_stop
        if len(word) > 2:
            words_inside = set(rjieba.cut_for_search(word)) - {word}
            for piece in words_inside.union(_pairs(word)):
                yield piece, _WORD_INSIDE if piece in words_inside else _PAIR_INSIDE, is_stop
        if before and not is_stop:
            # Two single characters side by side are most often a word that the dictionary lacks.
            yield before[-1] + word[0], _WORD if len(before) == len(word) == 1 else _PAIR_ACROSS, False
        before = "" if is_stop else word


def _word_query(run: str) -> Iterator[tuple[str, float, bool]]:
    whole, *others = _word_tokens(run)
    is_stop = whole in stop_words.ENGLISH
    if not others:
        yield whole, _WORD, is_stop
    elif _ENGLISH.fullmatch(whole):
        yield whole, _EXACT, is_stop
        yield others[0], _WORD, is_stop
    else:
        yield whole, _WORD, False
        joined = "".join(_JOINT.split(whole))
        for piece in others:
            yield piece, _JOINED if piece == joined else _PIECE, piece in stop_words.ENGLISH


def _word_tokens(run: str) -> list[str]:
    """The whole form first; then the stem of a plain word, or the joined form, parts, letters and digits of a code."""
    run = _POSSESSIVE.sub("", run).replace("'", "").replace("’", "")
    if _ENGLISH.fullmatch(run):
        return list(dict.fromkeys([run, _stem(run)]))
    parts = _JOINT.split(run)
    found = [run, "".join(parts), *parts]
    for part in parts:
        pieces = _LETTERS_DIGITS.findall(part)
        if len(pieces) > 1:
            found.extend(piece for piece in pieces if len(piece) > 1)
        elif _ENGLISH.fullmatch(part):
            found.append(_stem(part))
    return list(dict.fromkeys(found))


def _numbers(text: str) -> Iterator[str]:
    """The digits of each number of seven digits and more."""
    return (_NO_DIGIT.sub("", match[0]) for match in _NUMBER.finditer(fold(text)))


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    return stem(word)


def _runs(text: str) -> Iterator[tuple[str, str]]:
    for match in _RUN.finditer(fold(text)):
        yield match.lastgroup or "", match[0]


def _pairs(run: str) -> Iterator[str]:
    return (run[place : place + 2] for place in range(len(run) - 1))
