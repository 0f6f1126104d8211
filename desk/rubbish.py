"""How often Python looks for rubbish: while it does, every thread of the process stands still."""

from __future__ import annotations

import gc

WHEN = (20_000, 10, 200)  # new objects before the young ones are looked through, and how often before older ones are


def seldom() -> None:
    """Take what is there now as what stays, and look through the rest less often.

    A web process with a thousand screens would otherwise stand still for a third of a second every few seconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*WHEN)
