"""Counts of what may not be done too often, kept in this process."""

from __future__ import annotations

from limits.storage import MemoryStorage

from desk.counts import open_counts


def test_one_thread_at_a_time_counts_and_may_begin_the_clean_up(monkeypatch):
    alone = []
    monkeypatch.setattr(MemoryStorage, "_MemoryStorage__schedule_expiry", lambda self: alone.append(self._counting.locked()))
    counts = open_counts("")
    assert [counts.incr("a", 60), counts.incr("a", 60)] == [1, 2]
    assert [counts.acquire_entry("b", 1, 60), counts.acquire_entry("b", 1, 60)] == [True, False]
    assert alone == [True] * 4
