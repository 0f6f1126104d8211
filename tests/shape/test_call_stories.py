"""Every story of a call is also told over Twilio's REST API, as its official definition has it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ASKS_NOTHING = "test_phone_door"  # what comes in by webhooks alone
TOLD_AGAIN = "test_stories_on_a_bad_line"  # the same stories


def test_each_story_has_its_counterpart_over_twilio():
    stories = {
        path.stem for path in (TESTS / "flows").glob("test_*.py") if "tests.flows.phone_world import" in path.read_text("utf-8")
    }
    assert len(stories) > 8
    told = set()
    for path in (TESTS / "twilio").glob("test_*_over_twilio.py"):
        source = path.read_text("utf-8")
        assert 'usefixtures("over_twilio")' in source or "(over_twilio" in source, path.name
        told |= set(re.findall(r"from tests\.flows\.(test_\w+) import \*", source))
    assert stories - told == {ASKS_NOTHING, TOLD_AGAIN}
