"""What there is to do for the knowledge: lists of articles that need somebody, the gaps, and what the last four weeks say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from desk.models import Agent, Article, ArticleFlag, ArticleLink, KnowledgeGap, SearchLog, Ticket
from desk.models.article import ARCHIVED, DRAFT, NOT_VALIDATED, WIP
from desk.models.ticket import CLOSED, SOLVED
from desk.queries.articles.knowledge_window import WINDOW, first_since, with_a_question
from desk.queries.articles.sources import subjects_of
from knowledge.health import LOW

PAGE = 50
MOST_COUNTED = 500
FINISH_WITHIN = timedelta(days=30)
FLAGS_WITHIN = timedelta(days=7)
BACK_WITHIN = timedelta(hours=24)  # whoever asks us so soon after a search was not helped by it
LISTS = ("stale", "flagged", "unhealthy", "unfinished", "unvalidated", "behind")
USE_SHARE = 0.2


@dataclass(frozen=True)
class Gap:
    """A gap with what stands around it: how customers asked, who sees to it, what was written."""

    row: KnowledgeGap
    asked: list[str]
    owner: str
    article: Article | None


@dataclass(frozen=True)
class Figures:
    """The last four weeks. Shares are 0 to 1, None where there was nothing to share."""

    solved: int
    linked: int
    uses: int
    top_share: float | None
    searches: int
    zero: int
    not_opened: int
    visits: int
    helped_visits: int
    old_flags: int
    past_review: int

    @property
    def link_rate(self) -> float | None:
        """Of the tickets that were settled, how many with an article."""
        return self.linked / self.solved if self.solved else None

    @property
    def portal_success(self) -> float | None:
        """Of the visits that searched, how many ended with help, or at least without a contact within a day."""
        return self.helped_visits / self.visits if self.visits else None


def work_list(session: Session, name: str, now: datetime) -> list[tuple[Article, str]]:
    """The articles of one list with their owners, the most pressing first; one more than `PAGE` says that there are others."""
    query = _lists(now)[name].outerjoin(Agent, Agent.id == Article.owner_id).add_columns(func.coalesce(Agent.name, ""))
    return [(article, owner) for article, owner in session.execute(query.limit(PAGE + 1))]


def list_sizes(session: Session, now: datetime) -> dict[str, int]:
    """How long each list is; 500 means that or more."""
    sizes = {
        name: session.scalar(select(func.count()).select_from(query.with_only_columns(Article.id).limit(MOST_COUNTED).subquery()))
        for name, query in _lists(now).items()
    }
    sizes["gaps"] = session.scalar(select(func.count()).where(KnowledgeGap.closed_at.is_(None)))
    return {name: size or 0 for name, size in sizes.items()}


def open_gaps(session: Session) -> list[Gap]:
    """What people ask and no article answers, the most asked first."""
    query = select(KnowledgeGap).where(KnowledgeGap.closed_at.is_(None)).order_by(KnowledgeGap.seen.desc(), KnowledgeGap.id)
    return _with_people(session, session.scalars(query.limit(PAGE)).all())


def closed_gaps(session: Session, now: datetime) -> list[Gap]:
    """Those that were closed in the last four weeks, the latest first."""
    query = select(KnowledgeGap).where(KnowledgeGap.closed_at >= now - WINDOW).order_by(KnowledgeGap.closed_at.desc())
    return _with_people(session, session.scalars(query.limit(PAGE)).all())


def figures(session: Session, now: datetime) -> Figures:
    """What became of questions, searches and articles."""
    since, first = now - WINDOW, first_since(session, now - WINDOW)
    linked = exists().where(ArticleLink.ticket_id == Ticket.id)
    settled = (*with_a_question(first), Ticket.status.in_((SOLVED, CLOSED)))
    solved, with_article = session.execute(
        select(func.count(), func.coalesce(func.sum(case((linked, 1), else_=0)), 0)).where(*settled).select_from(Ticket)
    ).one()
    use = select(ArticleLink.article_id, func.count().label("uses")).where(ArticleLink.at >= since)
    uses = [count for _, count in session.execute(use.group_by(ArticleLink.article_id).order_by(func.count().desc()))]
    searches, zero, not_opened = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((SearchLog.hits == 0, 1), else_=0)), 0),
            func.coalesce(func.sum(case((and_(SearchLog.hits > 0, SearchLog.opened_id.is_(None)), 1), else_=0)), 0),
        ).where(SearchLog.at >= since)
    ).one()
    visits, helped = session.execute(_visits(session, since)).one()
    old_flags = select(func.count()).where(ArticleFlag.closed_at.is_(None), ArticleFlag.at < now - FLAGS_WITHIN)
    past_review = select(func.count()).where(Article.review_at <= now, Article.state != ARCHIVED).select_from(Article)
    return Figures(
        solved=solved,
        linked=with_article,
        uses=sum(uses),
        top_share=_top_share(uses),
        searches=searches,
        zero=zero,
        not_opened=not_opened,
        visits=visits,
        helped_visits=helped or 0,
        old_flags=session.scalar(old_flags) or 0,
        past_review=session.scalar(past_review) or 0,
    )


def _lists(now: datetime) -> dict[str, Select[Any]]:
    source = aliased(Article)
    in_use = select(Article).where(Article.state != ARCHIVED)
    opened = select(ArticleFlag.id, ArticleFlag.article_id).where(ArticleFlag.closed_at.is_(None))
    latest = opened.order_by(ArticleFlag.at, ArticleFlag.id).limit(MOST_COUNTED).subquery()
    flagged = select(latest.c.article_id, func.min(latest.c.id).label("first")).group_by(latest.c.article_id).subquery()
    return {
        "stale": in_use.where(Article.review_at <= now).order_by(Article.review_at, Article.id),
        "flagged": in_use.join(flagged, flagged.c.article_id == Article.id).order_by(flagged.c.first),
        "unhealthy": in_use.where(Article.health < LOW, Article.state != DRAFT).order_by(Article.health, Article.id),
        "unfinished": in_use.where(Article.confidence == WIP, Article.updated_at < now - FINISH_WITHIN).order_by(
            Article.updated_at, Article.id
        ),
        "unvalidated": in_use.where(Article.confidence == NOT_VALIDATED).order_by(Article.updated_at, Article.id),
        "behind": in_use.join(source, source.key == Article.twin_key)
        .where(Article.source_version >= 1, Article.source_version < source.version)
        .order_by(Article.source_version, Article.id),
    }


def _with_people(session: Session, rows: Sequence[KnowledgeGap]) -> list[Gap]:
    people = {row.owner_id for row in rows} - {None}
    names = dict(session.execute(select(Agent.id, Agent.name).where(Agent.id.in_(people))).all())
    written = {row.article_id for row in rows} - {None}
    articles = {each.id: each for each in session.scalars(select(Article).where(Article.id.in_(written)))}
    asked = subjects_of(session, rows)
    return [Gap(row, asked[row.id], names.get(row.owner_id, ""), articles.get(row.article_id)) for row in rows]


def _visits(session: Session, since: datetime) -> Select[Any]:
    """(visits of the help centre that searched, those of them that ended well)."""
    if session.get_bind().dialect.name == "sqlite":
        away = func.julianday(SearchLog.asked_at) - func.julianday(SearchLog.at) > BACK_WITHIN.total_seconds() / 86_400
    else:
        away = SearchLog.asked_at - SearchLog.at > BACK_WITHIN
    asked = func.max(case((or_(SearchLog.asked_at.is_(None), away), 0), else_=1)).label("asked")
    helped = func.max(case((SearchLog.helped, 1), else_=0)).label("helped")
    visit = (
        select(asked, helped).where(SearchLog.at >= since, SearchLog.place == "help_centre").group_by(SearchLog.visit).subquery()
    )
    well = case((or_(visit.c.helped == 1, visit.c.asked == 0), 1), else_=0)
    return select(func.count(), func.sum(well)).select_from(visit)


def _top_share(uses: Sequence[int]) -> float | None:
    """How much of all use falls on the fifth of the articles that are used most."""
    if not uses:
        return None
    return sum(uses[: max(1, round(len(uses) * USE_SHARE))]) / sum(uses)
