"""Mails nobody would write: reading them raises nothing, takes no time and no memory to speak of."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.email import charset
from channels.email.parse import parse
from channels.email.reply_text import reply_text
from channels.email.screen import screen
from tests.mail.mutation import TOKENS, mutated, seeds
from tests.unit.channels.email.mails import mail

ROOT = Path(__file__).parents[2]
SEEDS = seeds()
SAMPLE = 300
# No figure, a guard against a rule that stalls: it takes hours at these sizes. How fast reading is, is for the benchmarks to say.
MOST_SECONDS = 60.0  # by this thread's own clock, which counts the collector's work in a large process too


def read(raw: bytes) -> None:
    began = time.thread_time()
    parsed = parse(raw)
    screen(parsed)
    assert not any(problem.startswith("unreadable") for problem in parsed.problems)
    assert time.thread_time() - began < MOST_SECONDS
    assert bool(parsed.text.strip()) == bool(parsed.reply_text.strip())
    (parsed.subject + parsed.text + parsed.reply_text + "".join(file.name for file in parsed.files)).encode()


def test_mutated_mails_are_read():
    rng = random.Random(20260305)
    for _ in range(SAMPLE):
        read(mutated(rng, SEEDS, largest=200_000))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(TOKENS), max_size=60))
def test_any_run_of_what_rules_look_for_is_read(tokens):
    read(b"".join(tokens))
    read(mail("Content-Type: multipart/mixed; boundary=edge", body=b"".join(tokens)))


LINES = (
    ">",
    " ",
    "-",
    "=",
    "> ",
    "|",
    "*",
    "_",
    "- ",
    "\t",
    "　",
    "—",
    "On 1 ",
    "a@",
    "<",
    "1:1",
    "：",
    "在",
    "From:",
    "发件人：",
    "&lt;",
    "Re: ",
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("unit", LINES)
def test_megabytes_of_one_sign_in_a_line_or_in_lines_stall_no_rule(unit):
    for body in (unit * (1_000_000 // len(unit)), (unit * 70 + "\n") * 5_000, (unit + "\n") * 100_000, unit * 300_000 + "x:"):
        began = time.thread_time()
        reply_text(body)
        assert time.thread_time() - began < MOST_SECONDS
    read(mail(f"Subject: {unit * 5_000}", "From: MAILER-DAEMON@x.example", f"To: {unit * 5_000}", body=unit * 5_000_000))


@pytest.mark.parametrize(
    "body",
    [
        ("-" * 590 + "\n") * 1_500,
        "\x1b$B" * 1_000_000,
        "\x1b$B!!~\x00\n" * 600_000,
        "抱歉 To: a@b.example Date: 5 Mar 2024 14:25 Message-ID: x 1 wrote y:\n" * 5_000,
        "".join(f"On {number} a@a.example wrote b@b.example {number}:{number} :\n" for number in range(8_000)),
        "(" * 3_000 + "\n\n---------- Forwarded message ----------\nFrom: a\n",
    ],
    ids=["dashes", "escapes", "broken escapes", "labels", "attributions", "brackets"],
)
def test_what_once_stalled_a_rule_is_read_at_once(body):
    read(mail(body=body))


@pytest.mark.parametrize("name", ["Date", "Message-ID", "Received", "To", "Subject", "References", "From"])
def test_a_field_that_comes_again_and_again_in_no_charset_is_not_guessed_at_each_time(name, monkeypatch):
    guessed: list[bytes] = []
    guess = charset._as_detected
    monkeypatch.setattr(charset, "_as_detected", lambda data: guessed.append(data) or guess(data))
    read(f"{name}: ".encode() + (b"\xd0\xbf\x9f\xe1\x88 2024\r\n" + f"{name}: ".encode()) * 30_000 + b"\r\n\r\nhi")
    assert 0 < len(guessed) < 200


@pytest.mark.nightly
@pytest.mark.timeout(1_500)
def test_ten_minutes_of_mutated_mails_stay_within_time_and_memory():
    seconds, seed = float(os.environ.get("FUZZ_SECONDS", "600")), int(os.environ.get("FUZZ_SEED", "1"))
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.mail.fuzz_child", str(seed + number), str(seconds), str(largest)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, largest in enumerate((100_000, 5_000_000, 25_000_000))
    ]
    reports = [json.loads(worker.communicate(timeout=seconds + 300)[0]) for worker in workers]
    sys.stdout.write("".join(f"{report}\n" for report in reports))
    assert [report["bad"] for report in reports] == [[], [], []]
    assert all(report["mails"] > seconds / 5 for report in reports)
