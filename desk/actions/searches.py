"""Remembering what was searched and what came of it: what finds nothing, or nothing worth opening, is to be written next."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.models import Article, SearchLog
from desk.store import Tx
from knowledge.private import without_personal

PLACES = ("console", "help_centre", "api")
GOES_ON = timedelta(seconds=60)  # within which a longer form of the same words is the same search, typed on
MOST_QUERY = 200


def log_search(tx: Tx, place: str, query: str, lang: str, hits: int, visit: str = "") -> int:
    """Note one search with the number of its hits; returns its id. Addresses and numbers of people are not kept.

    `visit` tells readers apart; while one of them types on, it stays one search.
    """
    words = " ".join(without_personal(query[:MOST_QUERY]).split())
    last = None
    if visit:
        last = tx.session.scalar(select(SearchLog).where(SearchLog.visit == visit).order_by(SearchLog.id.desc()).limit(1))
    if last is None or not _types_on(last, words, tx):
        last = SearchLog(place=place, visit=visit)
        tx.session.add(last)
    last.at, last.query, last.lang, last.hits = tx.now, words, lang, hits
    tx.session.flush()
    return last.id


def note_opened(tx: Tx, search_id: int, article: Article, visit: str) -> None:
    """The reader went on from that search of theirs to this article. The first one counts; another's search is left alone."""
    search = tx.session.get(SearchLog, search_id)
    if search is not None and search.visit == visit and search.opened_id is None:
        search.opened_id = article.id


def note_asked(tx: Tx, search_id: int) -> None:
    """Whoever searched wrote or called all the same."""
    search = tx.session.get(SearchLog, search_id)
    if search is not None and search.asked_at is None:
        search.asked_at = tx.now


def _types_on(last: SearchLog, words: str, tx: Tx) -> bool:
    begun, now = last.query.casefold(), words.casefold()
    goes_on = begun.startswith(now) or now.startswith(begun)
    return goes_on and last.opened_id is None and not last.helped and tx.now - last.at <= GOES_ON
