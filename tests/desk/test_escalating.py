"""Putting one piece of work before all other, and taking that back."""

from __future__ import annotations

import pytest

from desk.actions.work import escalating, work_items
from desk.errors import Conflict, Invalid
from desk.models import WorkItem


def escalate(house, item, reason="The minister calls."):
    with house.tx() as tx:
        escalating.escalate(tx, tx.session.get_one(WorkItem, item.id), reason)


def test_escalated_work_goes_first_keeps_its_due_time_and_says_why(house):
    item = house.item()
    escalate(house, item)
    escalate(house, item)
    now = house.again(item)
    assert (now.band, now.due_at, now.enqueued_at) == (0, item.due_at, item.enqueued_at)
    assert house.kinds("item.esc") == ["item.escalated"]


def test_work_takes_its_usual_place_again(house):
    for channel, usual in (("email", 2), ("voice", 1)):
        item = house.item(channel)
        escalate(house, item)
        with house.tx() as tx:
            escalating.put_back(tx, tx.session.get_one(WorkItem, item.id))
        assert house.again(item).band == usual


def test_escalating_without_a_reason_or_what_somebody_has_is_refused(house):
    item = house.item()
    with pytest.raises(Invalid):
        escalate(house, item, "  ")
    li = house.agent("Li")
    with house.tx() as tx:
        work_items.take(tx, item.id, li.id)
    with pytest.raises(Conflict):
        escalate(house, item)
    assert house.again(item).band == 2
