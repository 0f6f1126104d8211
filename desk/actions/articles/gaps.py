"""What should be written next: found in contacts and searches, taken by somebody, closed when its article is published."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from desk.actions.articles.health import renew_all
from desk.actions.timers import set_timer
from desk.errors import NotFound
from desk.models import Agent, Article, ArticleLink, KnowledgeGap, Timer
from desk.models.article import PUBLISHED, WRITTEN
from desk.models.knowledge import CONTACTS, SEARCHES
from desk.queries.articles.knowledge_window import asked_lately, opened_after, searched_in_vain
from desk.store import Tx
from knowledge.gaps import Topic, topics

LOOK_TIMER, HEALTH_TIMER = "article.look_for_gaps", "article.renew_health"
LOOK_EVERY = timedelta(hours=6)
MOST_KEPT = 200  # ids of tickets with each gap


def find_gaps(tx: Tx) -> list[KnowledgeGap]:
    """Look at the last four weeks again; returns the gaps that are open now."""
    open_gaps = list(tx.session.scalars(select(KnowledgeGap).where(KnowledgeGap.closed_at.is_(None))))
    for gap in open_gaps:
        article = tx.session.get(Article, gap.article_id) if gap.article_id else None
        if article is not None and article.state == PUBLISHED:
            _close(tx, gap, article)
    tx.session.flush()
    still = [gap for gap in open_gaps if gap.closed_at is None]
    seen = _from_contacts(tx, still) + _from_searches(tx, still)
    for gap in still:
        if gap not in seen:
            _close(tx, gap, None)
    return seen


def take(tx: Tx, gap: KnowledgeGap, agent: Agent | None) -> None:
    """Somebody will see to it; None: nobody any more."""
    if gap.owner_id != (agent.id if agent else None):
        gap.owner_id = agent.id if agent else None
        tx.emit("article.gap_taken", agent=agent, data={"gap": gap.id, "topic": gap.topic})


def answer(tx: Tx, gap: KnowledgeGap, article: Article) -> None:
    """With this article the gap is to be closed: it is, once the article is published."""
    gap.article_id = article.id
    tx.emit("article.gap_answered", article=article, data={"gap": gap.id, "topic": gap.topic})
    if article.state == PUBLISHED:
        _close(tx, gap, article)


def answer_by_ticket(tx: Tx, ticket_id: int, article: Article) -> None:
    """The article was written from this ticket: if it stands for a topic, for that topic."""
    for gap in tx.session.scalars(
        select(KnowledgeGap).where(KnowledgeGap.closed_at.is_(None), KnowledgeGap.article_id.is_(None))
    ):
        if ticket_id in gap.ticket_ids:
            answer(tx, gap, article)


def article_published(tx: Tx, article: Article) -> None:
    """Close what waited for it, and the topics of the tickets that it was written from, be another one begun for them or not."""
    links = select(ArticleLink.ticket_id).where(ArticleLink.article_id == article.id, ArticleLink.how == WRITTEN)
    written_from = set(tx.session.scalars(links))
    for gap in tx.session.scalars(select(KnowledgeGap).where(KnowledgeGap.closed_at.is_(None))):
        if gap.article_id == article.id or written_from.intersection(gap.ticket_ids):
            gap.article_id = article.id
            _close(tx, gap, article)


def access_gap(tx: Tx, gap_id: int) -> KnowledgeGap:
    """An open gap; raises `NotFound`."""
    gap = tx.session.get(KnowledgeGap, gap_id)
    if gap is None or gap.closed_at is not None:
        raise NotFound("This gap is closed already.")
    return gap


def keep_looking(tx: Tx) -> None:
    """At the start of the worker: see to it that somebody looks, from now on and for good."""
    if tx.session.scalar(select(Timer.id).where(Timer.kind == LOOK_TIMER, Timer.done_at.is_(None))) is None:
        set_timer(tx, LOOK_TIMER, "", tx.now + LOOK_EVERY)


def look(tx: Tx, _data: dict[str, Any]) -> None:
    """Every few hours: gaps, and the health of the articles, which sinks with time alone."""
    find_gaps(tx)
    set_timer(tx, HEALTH_TIMER, "", tx.now, {"after": 0})
    set_timer(tx, LOOK_TIMER, "", tx.now + LOOK_EVERY)


def renew_next(tx: Tx, data: dict[str, Any]) -> None:
    """Some articles at a time, so that nobody who writes has to wait."""
    last = renew_all(tx, data["after"])
    if last is not None:
        set_timer(tx, HEALTH_TIMER, "", tx.now, {"after": last})


def _from_contacts(tx: Tx, known: list[KnowledgeGap]) -> list[KnowledgeGap]:
    seen = []
    for topic in topics(asked_lately(tx.session, tx.now)):
        gap = _same_topic(known, topic, seen)
        if gap is None:
            if any((each.category, each.topic) == (topic.group, topic.label) for each in [*known, *seen]):
                continue  # two topics of one name: the larger one stands for both
            gap = _open(tx, kind=CONTACTS, topic=topic.label, category=topic.group, lang=topic.lang)
        gap.seen, gap.answered, gap.updated_at = len(topic.ids), topic.answered, tx.now
        gap.ticket_ids = list(topic.ids[:MOST_KEPT])
        seen.append(gap)
    return seen


def _from_searches(tx: Tx, known: list[KnowledgeGap]) -> list[KnowledgeGap]:
    waiting = {gap.topic: gap for gap in known if gap.kind == SEARCHES}
    in_vain = searched_in_vain(tx.session, tx.now)
    answered = opened_after(tx.session, [words for words, _, _ in in_vain], tx.now)
    seen = []
    for words, lang, count in in_vain:
        if words in answered or _written_since(tx, words):
            continue
        gap = waiting.get(words) or _open(tx, kind=SEARCHES, topic=words, category="", lang=lang)
        gap.seen, gap.updated_at = count, tx.now
        seen.append(gap)
    return seen


def _written_since(tx: Tx, words: str) -> bool:
    """Whether a search gap for these words was closed by an article: it must be searched in vain again to come back."""
    query = select(KnowledgeGap.id).where(
        KnowledgeGap.kind == SEARCHES,
        KnowledgeGap.topic == words,
        KnowledgeGap.article_id.is_not(None),
        KnowledgeGap.closed_at >= tx.now - timedelta(days=28),
    )
    return tx.session.scalar(query.limit(1)) is not None


def _same_topic(known: list[KnowledgeGap], topic: Topic, taken: list[KnowledgeGap]) -> KnowledgeGap | None:
    """The gap of that name, or with most of these tickets: words come and go as people write, the questions are the same."""
    ids = set(topic.ids)
    best, most = None, 0
    for gap in known:
        if gap.kind != CONTACTS or gap.category != topic.group or gap in taken:
            continue
        if gap.topic == topic.label:
            return gap
        shared = len(ids.intersection(gap.ticket_ids))
        if shared > most and shared * 2 >= min(len(ids), len(gap.ticket_ids)):
            best, most = gap, shared
    return best


def _open(tx: Tx, **what: Any) -> KnowledgeGap:
    gap = KnowledgeGap(seen=0, found_at=tx.now, updated_at=tx.now, **what)
    tx.session.add(gap)
    tx.emit("article.gap_found", data={"topic": what["topic"], "kind": what["kind"]})
    return gap


def _close(tx: Tx, gap: KnowledgeGap, article: Article | None) -> None:
    gap.closed_at = gap.updated_at = tx.now
    tx.emit("article.gap_closed", article=article, data={"gap": gap.id, "topic": gap.topic})
