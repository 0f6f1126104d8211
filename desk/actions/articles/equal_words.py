"""Words that mean the same, kept by the editors; the search follows at once, without its index being made anew."""

from __future__ import annotations

import re

from sqlalchemy import func, select

from desk.actions.editing import check_same
from desk.errors import Invalid, NotFound
from desk.models import EqualWords
from desk.sentences import N_
from desk.store import Tx

MOST_GROUPS, MOST_WORDS, LONGEST = 2_000, 20, 40
_BETWEEN = re.compile(r"[,，、;；\n]+")


def words_of(text: str) -> list[str]:
    """The words of a group as they were typed, with commas or on lines of their own."""
    words = [" ".join(word.split()) for word in _BETWEEN.split(text)]
    return list({word.casefold(): word for word in words if word}.values())


def set_words(tx: Tx, group: EqualWords | None, text: str, seen: str | None = None) -> EqualWords:
    """Add a group, or write it anew; raises `Conflict` when somebody else has meanwhile."""
    words = words_of(text)
    if not 2 <= len(words) <= MOST_WORDS:
        raise Invalid(
            "Write two to twenty words that mean the same, with commas between them.", {"words": N_("Please change this.")}
        )
    if any(len(word) > LONGEST or not re.search(r"\w", word) for word in words):
        raise Invalid("A word or phrase has at most 40 characters.", {"words": N_("Please change this.")})
    if group is None:
        if (tx.session.scalar(select(func.count()).select_from(EqualWords)) or 0) >= MOST_GROUPS:
            raise Invalid("There are too many groups of equal words already.")
        group = EqualWords(words=[], updated_at=tx.now)
        tx.session.add(group)
    else:
        check_same({"words": group.words}, seen)
    if group.words != words:
        tx.session.flush()
        tx.emit("article.words_set", data={"group": group.id, "old": group.words, "new": words})
        group.words, group.updated_at = words, tx.now
        group.author_id = tx.actor.agent_id
    return group


def drop_words(tx: Tx, group: EqualWords) -> None:
    """They are no longer the same."""
    tx.emit("article.words_set", data={"group": group.id, "old": group.words, "new": []})
    tx.session.delete(group)


def access_words(tx: Tx, group_id: int) -> EqualWords:
    """The group with this id; raises `NotFound`."""
    group = tx.session.get(EqualWords, group_id)
    if group is None:
        raise NotFound("There is no such group of words.")
    return group
