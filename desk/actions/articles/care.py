"""Looking after articles: how sure we are, who owns one and looks again when, faults, two made one, what happens by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update

from desk.actions.articles.articles import ARCHIVE_TIMER, PUBLISH_TIMER, set_state
from desk.actions.articles.files import merge_files
from desk.actions.articles.health import renew_health
from desk.actions.timers import clear_timer, set_timer
from desk.errors import Conflict, Invalid, NotFound
from desk.models import Agent, Article, ArticleFlag, ArticleLink, ArticleVote, Ticket
from desk.models.article import ARCHIVED, COMPLIANCE, CONFIDENCES, EXPERIENCE, PUBLISHED, VALIDATED
from desk.models.knowledge import FLAG_REASONS, VOTE_REASONS
from desk.sentences import N_
from desk.store import Tx

REVIEW_EVERY = timedelta(days=180)
MOST_NOTE = 1000
MOST_AHEAD = timedelta(days=5 * 366)


def set_confidence(tx: Tx, article: Article, confidence: str) -> None:
    """Say how sure we are of it. Validated, it is due for its next look; anything else hides it from customers at once."""
    if confidence not in CONFIDENCES:
        raise Invalid("An article is in progress, not validated or validated.")
    if article.confidence == confidence:
        return
    tx.emit("article.confidence_set", article=article, data={"old": article.confidence, "new": confidence})
    article.confidence, article.updated_at = confidence, tx.now
    if confidence == VALIDATED and (article.review_at is None or article.review_at <= tx.now):
        article.review_at = tx.now + REVIEW_EVERY
    renew_health(tx, [article])


def look_after(tx: Tx, article: Article, *, owner_id: int | None, review_at: datetime | None, governance: str) -> None:
    """Who owns the article, when somebody looks at it again, and whether only its owner and editors may change it."""
    if governance not in (EXPERIENCE, COMPLIANCE):
        raise Invalid("Choose who may change the article.", {"governance": N_("Please change this.")})
    owner = tx.session.get(Agent, owner_id) if owner_id is not None else None
    if owner_id is not None and (owner is None or not owner.active):
        raise Invalid("Choose a colleague who works here.", {"owner": N_("Please change this.")})
    _check_ahead(tx, review_at, "review_at")
    new = {"owner_id": owner_id, "review_at": review_at, "governance": governance}
    old = {name: getattr(article, name) for name in new}
    if old == new:
        return
    for name, value in new.items():
        setattr(article, name, value)
    renew_health(tx, [article])
    tx.emit("article.care_set", article=article, data={"old": old, "new": new})


def reviewed(tx: Tx, article: Article) -> None:
    """Somebody has looked: it still holds, until half a year from now."""
    article.review_at = tx.now + REVIEW_EVERY
    renew_health(tx, [article])
    tx.emit("article.reviewed", article=article)


def schedule(tx: Tx, article: Article, *, publish_at: datetime | None, archive_at: datetime | None) -> None:
    """Publish it, or put it away, at a time to come; None: not by itself."""
    if publish_at is not None and article.state == PUBLISHED:
        raise Invalid("It is published already.", {"publish_at": N_("Please change this.")})
    for name, at in (("publish_at", publish_at), ("archive_at", archive_at)):
        if at != getattr(article, name):
            _check_ahead(tx, at, name)
    if publish_at is not None and archive_at is not None and archive_at <= publish_at:
        raise Invalid("It cannot be put away before it is published.", {"archive_at": N_("Please change this.")})
    if (article.publish_at, article.archive_at) == (publish_at, archive_at):
        return
    for timer, at in ((PUBLISH_TIMER, publish_at), (ARCHIVE_TIMER, archive_at)):
        if at is None:
            clear_timer(tx, timer, str(article.id))
        else:
            set_timer(tx, timer, str(article.id), at, {"article_id": article.id})
    article.publish_at, article.archive_at = publish_at, archive_at
    tx.emit("article.scheduled", article=article, data={"publish_at": publish_at, "archive_at": archive_at})


def publish_due(tx: Tx, article_id: int) -> None:
    """Its time to appear has come, unless it was put away meanwhile."""
    article = tx.session.get_one(Article, article_id)
    if article.state != ARCHIVED:
        set_state(tx, article, PUBLISHED)


def archive_due(tx: Tx, article_id: int) -> None:
    """Its time is over."""
    set_state(tx, tx.session.get_one(Article, article_id), ARCHIVED)


def flag(tx: Tx, article: Article, *, reason: str, note: str = "", ticket: Ticket | None = None) -> ArticleFlag:
    """Somebody found a fault; it stands on the editors' list until somebody has looked."""
    note = note.strip()
    if reason not in FLAG_REASONS:
        raise Invalid("Say what is wrong with the article.", {"reason": N_("Please change this.")})
    if len(note) > MOST_NOTE:
        raise Invalid("This text is too long.", {"note": N_("This text is too long.")})
    agent_id = tx.actor.agent_id
    found = ArticleFlag(
        article_id=article.id, agent_id=agent_id, ticket_id=ticket.id if ticket else None, reason=reason, note=note, at=tx.now
    )
    tx.session.add(found)
    renew_health(tx, [article])
    tx.emit("article.flagged", article=article, ticket=ticket, data={"reason": reason})
    return found


def close_flag(tx: Tx, article: Article, flag_id: int) -> None:
    """Somebody has looked at the fault; raises `NotFound` for one of another article."""
    found = tx.session.get(ArticleFlag, flag_id)
    if found is None or found.article_id != article.id:
        raise NotFound("There is no such fault.")
    if found.closed_at is None:
        found.closed_at, found.closed_by_id = tx.now, tx.actor.agent_id
        renew_health(tx, [article])
        tx.emit("article.flag_closed", article=article, data={"reason": found.reason})


def say_why(tx: Tx, vote_id: int, *, reason: str, note: str) -> None:
    """Why the article did not help. With words of the reader's own it becomes a fault that somebody looks at."""
    said = tx.session.get(ArticleVote, vote_id)
    if said is None or said.helpful or said.reason:
        return
    if reason not in VOTE_REASONS:
        raise Invalid("Say what is wrong with the article.", {"reason": N_("Please change this.")})
    said.reason, said.note = reason, note.strip()[:MOST_NOTE]
    article = tx.session.get_one(Article, said.article_id)
    if said.note or reason == "wrong":
        flag(tx, article, reason={"wrong": "wrong", "unclear": "unclear"}.get(reason, "other"), note=said.note)
    else:
        tx.emit("article.voted", article=article, data={"helpful": False, "reason": reason})


def merge(tx: Tx, article: Article, into: Article) -> bool:
    """Two answers to one question: `into` stays and answers for both; who asks for the other is led there.

    False: its files stayed behind, because more people may read the other one.
    """
    if article.id == into.id:
        raise Invalid("An article cannot be merged with itself.", {"into": N_("Please change this.")})
    if into.state == ARCHIVED or into.merged_into_id is not None:
        raise Conflict("The other article has been put away. Merge with one that is in use.")
    if article.lang != into.lang:
        raise Invalid("Only articles in the same language can be merged.", {"into": N_("Please change this.")})
    linked = select(ArticleLink.ticket_id).where(ArticleLink.article_id == into.id)
    own = (ArticleLink.article_id == article.id, ArticleLink.ticket_id.not_in(linked))
    tx.session.execute(
        update(ArticleLink).where(*own).values(article_id=into.id), execution_options={"synchronize_session": False}
    )
    tx.session.execute(update(Article).where(Article.merged_into_id == article.id).values(merged_into_id=into.id))
    files_go_along = merge_files(tx, article, into)
    set_state(tx, article, ARCHIVED)
    article.merged_into_id = into.id
    for open_flag in tx.session.scalars(
        select(ArticleFlag).where(ArticleFlag.article_id == article.id, ArticleFlag.closed_at.is_(None))
    ):
        open_flag.closed_at = tx.now
    renew_health(tx, [into])
    tx.emit("article.merged", article=article, data={"into": into.key})
    return files_go_along


def _check_ahead(tx: Tx, at: datetime | None, field: str) -> None:
    if at is not None and not tx.now < at < tx.now + MOST_AHEAD:
        raise Invalid("Choose a time in the next five years.", {field: N_("Please change this.")})
