"""Due times, bands and targets, and what is told to somebody who waits."""

from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from routing.choice import DEFAULT_CHOICE, MODES
from routing.estimate import expected_wait_s, spoken_minutes
from routing.hours import Calendar
from routing.order import HANDLING_S, TARGETS_S, TIERS, band, due_at, head_start_s, promote_at, target_s
from routing.values import CHANNEL_RULES, DEFERRED, ESCALATED, LIVE, Item

DAY = (("09:00", "18:00"),)
OFFICE = Calendar("Asia/Shanghai", (DAY, DAY, DAY, DAY, DAY, (), ()))


def test_live_work_is_due_by_the_clock_and_deferred_work_by_opening_hours():
    assert due_at(1000.0, 80.0) == 1080.0
    friday = datetime(2026, 11, 20, 17, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    monday_noon = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    assert due_at(friday, 4 * 3600.0, OFFICE) == monday_noon


def test_every_channel_has_targets_a_handling_time_and_a_way_to_choose():
    assert set(TARGETS_S) == set(CHANNEL_RULES) == set(HANDLING_S) == set(DEFAULT_CHOICE)
    assert set(DEFAULT_CHOICE.values()) <= set(MODES)
    for channel, tiers in TARGETS_S.items():
        assert set(tiers) == set(TIERS)
        targets = [tiers[tier] for tier in TIERS]
        assert targets == sorted(targets), channel


def test_a_higher_tier_has_a_head_start_except_with_a_complaint():
    assert head_start_s("voice", "vip") == 60.0
    assert head_start_s("voice", "standard") == 0.0
    assert {head_start_s("complaint", tier) for tier in TIERS} == {0.0}


def test_an_unknown_channel_or_tier_has_no_target():
    for channel, tier in (("fax", "vip"), ("voice", "royal")):
        with pytest.raises(ValueError, match="no target"):
            target_s(channel, tier)


def test_the_band_tells_live_from_deferred_and_escalated():
    assert [band("voice"), band("chat"), band("email"), band("complaint")] == [LIVE, LIVE, DEFERRED, DEFERRED]
    assert band("email", escalated=True) == ESCALATED


def test_the_rank_of_deferred_work_changes_only_at_its_promotion():
    item = Item(5, "email", frozenset(), DEFERRED, 1000.0, 0.0, promote_at=promote_at(1000.0, 600.0))
    assert item.rank_key == item.key_at(399.9) == (DEFERRED, 1000.0, 5)
    assert item.key_at(400.0) == (LIVE, 1000.0, 5)


def test_without_patience_the_wait_grows_with_the_queue():
    assert expected_wait_s(0, 10, 300.0, None) == 30.0
    assert expected_wait_s(9, 10, 300.0, None) == 300.0


def test_those_ahead_who_give_up_shorten_the_wait():
    expected = math.fsum(1 / (2 / 60 + j / 120) for j in range(4))
    assert expected_wait_s(3, 2, 60.0, 120.0) == pytest.approx(expected)
    assert expected_wait_s(3, 2, 60.0, 120.0) < expected_wait_s(3, 2, 60.0, None)
    assert expected_wait_s(3, 2, 60.0, 1e12) == pytest.approx(expected_wait_s(3, 2, 60.0, None))


def test_no_wait_is_promised_when_nobody_serves_or_nothing_is_known():
    assert expected_wait_s(3, 0, 300.0, None) is None
    assert expected_wait_s(3, 2, 0.0, 60.0) is None


def test_an_estimate_from_impossible_figures_is_refused():
    with pytest.raises(ValueError, match="-1"):
        expected_wait_s(-1, 2, 300.0, None)
    with pytest.raises(ValueError, match="patience"):
        expected_wait_s(1, 2, 300.0, 0.0)


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 1), (1, 1), (60, 1), (61, 2), (599.5, 10), (600, 10)])
def test_minutes_are_spoken_rounded_up(seconds, minutes):
    assert spoken_minutes(seconds) == minutes
