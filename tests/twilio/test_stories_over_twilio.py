"""The phone's stories once more, with a made-up Twilio account: every REST request is held against Twilio's definition."""

from __future__ import annotations

import inspect

import pytest

from tests.flows import test_phone_story

STORIES = [
    pytest.param(story, id=name)
    for module in (test_phone_story,)
    for name, story in vars(module).items()
    if name.startswith("test_") and list(inspect.signature(story).parameters) == ["tmp_path"]
]


@pytest.mark.parametrize("story", STORIES)
def test_what_the_story_asks_of_twilio_is_as_twilio_takes_it(over_twilio, tmp_path, story):
    story(tmp_path)
