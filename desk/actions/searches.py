"""Remembering what was searched: what finds nothing is what should be written next."""

from __future__ import annotations

from desk.models import SearchLog
from desk.store import Tx

PLACES = ("console", "help_centre", "api")


def log_search(tx: Tx, place: str, query: str, lang: str, hits: int) -> None:
    """Note one search with the number of its hits."""
    tx.session.add(SearchLog(at=tx.now, place=place, query=query[:200], lang=lang, hits=hits))
