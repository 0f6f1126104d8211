"""Somebody who calls over signed webhooks, and the desk that they reach at noon on a Friday."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
import requests
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from channels.voice.simulated.script import parse
from channels.voice.simulated.verbs import Dial, Gather, Hangup, Play, Redirect, Say
from desk.clock import Clock
from desk.models import Call
from tests.twilio.twiml_rules import faults_of
from tests.world import running, settings_for

TOKEN = "the token that signs"
OURS, OTHERS = "+862155501234", "+862155501999"
INCOMING = "/hooks/twilio/voice/incoming"
numbers = itertools.count(13_800_000_001)


class FridayNoon(Clock):
    """Noon in Shanghai, on a day when everything is open; `now` can be set."""

    at = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)

    def now(self):
        return self.at


@pytest.fixture(scope="module")
def clock():
    return FridayNoon()


@pytest.fixture(scope="module")
def world(tmp_path_factory, clock):
    settings = settings_for(tmp_path_factory.mktemp("callers"), TWILIO_AUTH_TOKEN=TOKEN)
    with running(settings, clock=clock, background=False) as world:
        yield world


class Caller:
    """Somebody on the phone: what they hear, and the address that waits for what they press."""

    def __init__(self, world, number=None, to=OURS, *, gone_already=False):
        self.world, self.to = world, to
        self.number = f"+86{next(numbers)}" if number is None else number
        self.sid = f"CA{next(numbers):032x}"
        if gone_already:
            self.hang_up()
        self._ask(f"{world.url}{INCOMING}")

    def press(self, digits="", **more):
        assert self.gather is not None, self.heard
        self._ask(self.gather.action, Digits=digits, **more)
        return self

    def say(self, words, confidence="0.9"):
        return self.press("", SpeechResult=words, Confidence=confidence)

    def wait(self, turn=0):
        """What is heard in the room, so many turns into the music."""
        self._ask(f"{self.world.url}/hooks/twilio/voice/wait?call={self.call.id}&n={turn}")

    def ask_held(self):
        """What is heard on hold."""
        self._ask(f"{self.world.url}/hooks/twilio/voice/hold?call={self.call.id}&locale=en")

    def hang_up(self):
        told = self._post(f"{self.world.url}/hooks/twilio/voice/status", CallStatus="completed", SequenceNumber="9")
        assert told.status_code == 204

    def _ask(self, url, **more):
        answer = self._post(url, **more)
        assert answer.status_code == 200, answer.text
        self.document = answer.text
        assert faults_of(answer.text) == []
        verbs = parse(answer.text)
        self.gather = next((verb for verb in verbs if isinstance(verb, Gather)), None)
        self.room = next((verb for verb in verbs if isinstance(verb, Dial)), None)
        self.over = any(isinstance(verb, Hangup) for verb in verbs)
        self.on_to = next((verb.url for verb in verbs if isinstance(verb, Redirect)), "")
        spoken = [*(self.gather.prompts if self.gather else ()), *verbs]
        self.said = [(verb.lang[:2], verb.text) for verb in spoken if isinstance(verb, Say)]
        self.played = [verb.url for verb in spoken if isinstance(verb, Play)]

    def _post(self, url, **more):
        form = {
            "CallSid": self.sid,
            "From": self.number,
            "To": self.to,
            "CallStatus": "in-progress",
            "Direction": "inbound",
            **more,
        }
        self.form, self.url = form, url
        signature = RequestValidator(TOKEN).compute_signature(url, form)
        return requests.post(url, data=form, headers={"X-Twilio-Signature": signature}, timeout=60)

    @property
    def heard(self):
        return " ".join(text for _lang, text in self.said)

    @property
    def languages(self):
        return {lang for lang, _text in self.said}

    @property
    def call(self):
        return self.world.one(select(Call).where(Call.sid == self.sid))
