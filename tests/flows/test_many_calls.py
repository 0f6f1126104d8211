"""Many calls at once against a desk with scripted agents: none is lost, none is answered twice, and the figures hold."""

from __future__ import annotations

import pytest

from desk.bench.calls import Load, figures, measure
from desk.bench.telephony import ALL_THERE
from desk.config import Settings
from desk.queries.figures import service_level


def test_twelve_calls_at_once_are_all_accounted_for(tmp_path):
    """Everybody twenty times as fast as people; how long anything takes is not asked."""
    outcome = measure(
        Settings.from_env({"DESK_DATA_DIR": str(tmp_path)}),
        Load(calls=12, agents=3, minutes=0.5, talk_s=10, hurry=20, answered=4),
    )

    assert outcome.carrier.answered >= 4
    assert_accounted_for(outcome)


@pytest.mark.nightly  # what it says holds for a machine that has time for it
@pytest.mark.timeout(1800)
def test_three_hundred_calls_at_once_are_all_accounted_for_and_the_carrier_never_waits(tmp_path):
    outcome = measure(Settings.from_env({"DESK_DATA_DIR": str(tmp_path)}), Load(calls=300, agents=60, minutes=10))

    assert outcome.most_at_once == 300
    assert_accounted_for(outcome)
    assert abs(service_level(outcome.desk) - service_level(outcome.carrier)) < 0.005
    # While all are there: three hundred come within a minute, and go within another, which is five times what agents can take.
    assert outcome.took(0.99, ALL_THERE) < 0.25, figures(outcome)


def assert_accounted_for(outcome):
    """The desk and the carrier tell the same story of every call."""
    assert outcome.lost == outcome.differing == []
    assert outcome.errors == {}
    assert (outcome.twice, outcome.agents["refused"]) == (0, [])
    known, told = outcome.desk, outcome.carrier
    assert (known.offered, known.answered, known.abandoned) == (told.offered, told.answered, told.abandoned)
    assert outcome.agents["wrapped_up"] == told.answered
