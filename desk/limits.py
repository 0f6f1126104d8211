"""How long the database lets a process take: less where somebody waits for the answer."""

from __future__ import annotations

from desk.config import Settings
from desk.db import Limits


def web_limits(settings: Settings) -> Limits:
    """Of a process that answers people."""
    return Limits(settings.web_statement_s, settings.lock_wait_s, settings.idle_transaction_s)


def report_limits(settings: Settings) -> Limits:
    """Of the pages that reckon over much."""
    return Limits(settings.report_statement_s, settings.lock_wait_s, settings.idle_transaction_s)


def work_limits(settings: Settings) -> Limits:
    """Of a process that works in the background: nobody waits, so a lock may take as long as a statement."""
    return Limits(settings.work_statement_s, 0.0, settings.idle_transaction_s)
