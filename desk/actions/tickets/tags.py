"""Marking tickets with tags, and looking after the tags themselves: renaming, merging, retiring."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from desk.errors import Conflict, Invalid, NotFound
from desk.models import Tag, Ticket, TicketTag
from desk.models.tag import COLOURS, LONGEST_TAG
from desk.sentences import N_
from desk.store import Tx
from knowledge.fold import fold

MOST_TAGS = 1000  # of an installation
MOST_ON_A_TICKET = 20
_SPACES = re.compile(r"\s+")


def tag_named(tx: Tx, word: str) -> Tag:
    """The tag with this word, however it is written; a new one if there is none. What was merged is the one it became.

    Raises `Invalid` for what is no word, `Conflict` for one that was retired or when there are too many.
    """
    word = tidy(word)
    found = tx.session.scalar(select(Tag).where(Tag.folded == folded(word)))
    if found is None:
        return add_tag(tx, word)
    if found.merged_into_id is not None:
        return tx.session.get_one(Tag, found.merged_into_id)
    if found.retired_at is not None:
        raise Conflict("“%(word)s” is not used any more.", word=found.word)
    return found


def add_tag(tx: Tx, word: str) -> Tag:
    """A new tag; its colour goes round by itself until somebody chooses one."""
    count = tx.session.scalar(select(func.count()).select_from(Tag)) or 0
    if count >= MOST_TAGS:
        raise Conflict("There are too many tags. Merge or retire some first.")
    tag = Tag(word=word, folded=folded(word), colour=COLOURS[count % len(COLOURS)], created_at=tx.now)
    try:
        with tx.session.begin_nested():
            tx.session.add(tag)
    except IntegrityError:  # somebody else made it in this moment
        return tx.session.scalars(select(Tag).where(Tag.folded == folded(word))).one()
    tx.emit("tag.added", data={"tag": tag.id, "word": word})
    return tag


def tag_ticket(tx: Tx, ticket: Ticket, tag: Tag) -> bool:
    """Mark it; False when it was. Raises `Conflict` when it has too many."""
    there = tx.session.scalars(select(TicketTag.tag_id).where(TicketTag.ticket_id == ticket.id)).all()
    if tag.id in there:
        return False
    if len(there) >= MOST_ON_A_TICKET:
        raise Conflict("A ticket has at most %(most)s tags.", most=MOST_ON_A_TICKET)
    tx.session.add(TicketTag(ticket_id=ticket.id, tag_id=tag.id, at=tx.now))
    ticket.updated_at = tx.now
    tx.emit("ticket.tagged", ticket=ticket, data={"tag": tag.id, "word": tag.word})
    return True


def untag_ticket(tx: Tx, ticket: Ticket, tag: Tag) -> bool:
    """Take the mark off; False when there was none."""
    gone = tx.session.execute(delete(TicketTag).where(TicketTag.ticket_id == ticket.id, TicketTag.tag_id == tag.id))
    if not gone.rowcount:  # type: ignore[attr-defined]
        return False
    ticket.updated_at = tx.now
    tx.emit("ticket.untagged", ticket=ticket, data={"tag": tag.id, "word": tag.word})
    return True


def set_tags(tx: Tx, ticket: Ticket, words: Iterable[str]) -> None:
    """The ticket has these tags and no others."""
    wanted = {tag.id: tag for tag in (tag_named(tx, word) for word in words)}
    there = tx.session.scalars(select(Tag).join(TicketTag, TicketTag.tag_id == Tag.id).where(TicketTag.ticket_id == ticket.id))
    for tag in there.all():
        if wanted.pop(tag.id, None) is None:
            untag_ticket(tx, ticket, tag)
    for tag in wanted.values():
        tag_ticket(tx, ticket, tag)


def change_tag(tx: Tx, tag: Tag, *, word: str, colour: str) -> None:
    """Another writing or colour; raises `Invalid` when the word is another tag's."""
    word = tidy(word)
    if colour not in COLOURS:
        wrong = N_("Choose a colour from the list.")
        raise Invalid(wrong, {"colour": wrong})
    same = select(Tag.id).where(Tag.folded == folded(word), Tag.id != tag.id)
    if tx.session.scalar(same) is not None:
        wrong = N_("There is such a tag already. Merge the two.")
        raise Invalid(wrong, {"word": wrong})
    if (word, colour) != (tag.word, tag.colour):
        old = {"word": tag.word, "colour": tag.colour}
        tag.word, tag.folded, tag.colour = word, folded(word), colour
        tx.emit("tag.changed", data={"tag": tag.id, "old": old, "new": {"word": word, "colour": colour}})


def retire_tag(tx: Tx, tag: Tag) -> None:
    """It is offered no more; tickets that have it keep it."""
    if tag.retired_at is None:
        tag.retired_at = tx.now
        tx.emit("tag.retired", data={"tag": tag.id, "word": tag.word})


def bring_back(tx: Tx, tag: Tag) -> None:
    """It is offered again; what was merged into another stays with it."""
    if tag.merged_into_id is not None:
        raise Conflict("This tag has become another one.")
    if tag.retired_at is not None:
        tag.retired_at = None
        tx.emit("tag.brought_back", data={"tag": tag.id, "word": tag.word})


def merge_tags(tx: Tx, tag: Tag, into: Tag) -> None:
    """Every ticket of the one has the other instead, and whoever writes the old word gets the new one."""
    if tag.id == into.id or into.retired_at is not None or tag.merged_into_id is not None:
        raise Conflict("Choose another tag that is in use.")
    both = select(TicketTag.ticket_id).where(TicketTag.tag_id == into.id)
    tx.session.execute(delete(TicketTag).where(TicketTag.tag_id == tag.id, TicketTag.ticket_id.in_(both)))
    tx.session.query(TicketTag).where(TicketTag.tag_id == tag.id).update({"tag_id": into.id}, synchronize_session=False)
    for before in tx.session.scalars(select(Tag).where(Tag.merged_into_id == tag.id)).all():
        before.merged_into_id = into.id
    tag.retired_at, tag.merged_into_id = tag.retired_at or tx.now, into.id
    tx.emit("tag.merged", data={"tag": tag.id, "word": tag.word, "into": into.id, "new": into.word})


def tag_of(tx: Tx, tag_id: int | None) -> Tag:
    """The tag with this id; raises `NotFound`."""
    tag = tx.session.get(Tag, tag_id) if tag_id is not None else None
    if tag is None:
        raise NotFound("There is no such tag.")
    return tag


def tidy(word: str) -> str:
    """The word as it is kept; raises `Invalid` for none."""
    word = _SPACES.sub(" ", word.strip().lstrip("#＃").replace(",", " ").replace("，", " ")).strip()
    if not word or len(word) > LONGEST_TAG or not folded(word):
        wrong = N_("A tag is a word of at most 40 characters.")
        raise Invalid(wrong, {"word": wrong})
    return word


def folded(word: str) -> str:
    """What tells tags apart: not case, not width, not Traditional or Simplified."""
    return _SPACES.sub(" ", fold(word)).strip()
