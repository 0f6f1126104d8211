"""The stories of test_call_broken_lines with a made-up Twilio account: each REST request is held against Twilio's definition."""

import pytest

from tests.flows.test_call_broken_lines import *  # noqa: F403 - its tests and their fixtures

pytestmark = [pytest.mark.usefixtures("over_twilio"), pytest.mark.nightly]

# It compares the words of the simulated carrier's failure, which here are Twilio's.
del test_a_carrier_that_is_away_is_noticed_and_so_is_its_return  # noqa: F821
