"""The stories of agents' calls with every webhook delivered twice and many overtaken: the same states after every step."""

import pytest

from tests.flows.phone_world import Between
from tests.flows.test_call_agents_story import *  # noqa: F403 - their tests and fixtures
from tests.flows.test_call_broken_lines import *  # noqa: F403
from tests.flows.test_call_passing_story import *  # noqa: F403
from tests.flows.test_callback_story import *  # noqa: F403
from tests.flows.test_long_waits import *  # noqa: F403
from tests.flows.test_number_outside import *  # noqa: F403
from tests.flows.test_phone_survey import *  # noqa: F403
from tests.flows.test_voicemail_story import *  # noqa: F403

pytestmark = [pytest.mark.usefixtures("bad_line"), pytest.mark.nightly]


@pytest.fixture
def bad_line(monkeypatch):
    monkeypatch.setattr(Between, "faults", {"duplicate": 1.0, "reorder": 0.5, "seed": 7})
