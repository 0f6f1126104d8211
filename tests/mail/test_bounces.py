"""Delivery reports and notices of failing servers; each file says itself what is to be read from it."""

from __future__ import annotations

import fnmatch
import re

import pytest

from channels.email.parse import parse
from channels.email.screen import screen
from tests.mail.corpus_files import cases

BOUNCES = cases("bounces")


@pytest.mark.parametrize("raw", BOUNCES.values(), ids=BOUNCES.keys())
def test_a_notice_of_a_server_names_whom_it_could_not_reach_why_and_which_mail(raw):
    expected = [line.split() for line in re.findall(r"^X-Expected: (.*)$", raw.decode(), re.MULTILINE)]
    returned = re.findall(r"^X-Expected-Returned: (.*)$", raw.decode(), re.MULTILINE)
    parsed = parse(raw)
    found = [(one.action, one.status, one.address) for one in parsed.bounced]
    assert len(found) == len(expected), found
    for one, (action, status, address) in zip(found, expected, strict=True):
        assert fnmatch.fnmatch(" ".join(one), f"{action} {status} {address}")
    assert [parsed.returned_message_id] == (returned or [""])
    kind = {"failed": "bounce", "delayed": "delay", "relayed": "receipt"}[expected[0][0]]
    assert (screen(parsed).kind, parsed.bounce, parsed.auto_reply) == (kind, kind != "receipt", kind == "receipt")


def test_a_server_that_gave_up_after_trying_for_days_has_failed():
    (recipient,) = parse(BOUNCES["qmail gave up after a week"]).bounced
    assert (recipient.action, recipient.status, recipient.temporary, recipient.waiting) == ("failed", "4.4.1", True, False)
    (waiting,) = parse(BOUNCES["postfix delay"]).bounced
    assert waiting.waiting
