"""Answers to the installation's own questions, as forms send them."""

from __future__ import annotations

import re

from flask import request

ANSWER = re.compile(r"answer-([a-z][a-z0-9_]{0,39})")


def answers_sent() -> dict[str, str]:
    """The answers of the form by key; a box that is not ticked sends only that it was there."""
    sent = {found[1]: "" for name in request.form.getlist("asked") if (found := ANSWER.fullmatch(f"answer-{name}"))}
    return sent | {found[1]: value for name, value in request.form.items() if (found := ANSWER.fullmatch(name))}
