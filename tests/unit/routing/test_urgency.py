"""The table of impact and urgency."""

from __future__ import annotations

import pytest

from routing.urgency import IMPACTS, NORMAL, ONE, URGENCIES, priority_of


def test_each_step_up_of_either_is_one_of_priority():
    table = [[priority_of(impact, urgency) for urgency in URGENCIES] for impact in IMPACTS]
    assert table == [[4, 3, 2], [3, 2, 1], [2, 1, 1]]


def test_what_nobody_has_weighed_is_of_the_third_priority():
    assert priority_of(ONE, NORMAL) == 3


def test_a_tier_raises_by_one_step_and_never_above_the_first():
    raised = [[priority_of(impact, urgency, raised=True) for urgency in URGENCIES] for impact in IMPACTS]
    assert raised == [[3, 2, 1], [2, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize(("impact", "urgency"), [("all", "high"), ("one", "urgent"), ("", "")])
def test_another_word_is_refused(impact, urgency):
    with pytest.raises(ValueError, match="not in"):
        priority_of(impact, urgency)
