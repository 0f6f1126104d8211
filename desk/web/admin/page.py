"""What all pages of the administration share: the words, and how a form is shown again after something was wrong with it."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask_babel import gettext

from desk.errors import DeskError, Invalid
from desk.http.incoming import whole
from desk.http.problems import say
from desk.queries.audit import masked_data
from desk.web.spans import span
from desk.web.words import everything


def page(template: str, **values: Any) -> str:
    """A page of the administration."""
    return render_template(template, terms=everything(), span=span, mask=masked_data, **values)


def field_errors(wrong: DeskError, field: str = "") -> dict[str, str]:
    """Field to sentence in the reader's language; what is about no field of its own is about `field`."""
    if isinstance(wrong, Invalid) and wrong.fields:
        return {name: gettext(sentence) for name, sentence in wrong.fields.items()}
    return {field: say(wrong)}


def number(text: str) -> int:
    """The number that was typed; what is none becomes -1, which no answer allows."""
    found = whole(text.strip())
    return -1 if found is None else found
