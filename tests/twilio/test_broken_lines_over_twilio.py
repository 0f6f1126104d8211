"""The stories of test_call_broken_lines with a made-up Twilio account: each REST request is held against Twilio's definition."""

import pytest

from tests.flows.test_call_broken_lines import *  # noqa: F403 - its tests and their fixtures

pytestmark = [pytest.mark.usefixtures("over_twilio"), pytest.mark.nightly]
