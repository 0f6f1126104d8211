"""The stories of test_phone_survey with a made-up Twilio account: each REST request is held against Twilio's definition."""

import pytest

from tests.flows.test_phone_survey import *  # noqa: F403 - its tests and their fixtures

pytestmark = [pytest.mark.usefixtures("over_twilio"), pytest.mark.nightly]
