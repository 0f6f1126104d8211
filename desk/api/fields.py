"""Reading a JSON body: every wrong field is told at once, and unknown ones are wrong too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Request

from desk.errors import Invalid
from desk.http.incoming import LARGEST_ID


class Fields:
    """The fields of a request's JSON object. Read them, then `check` with the names of all that are known."""

    def __init__(self, request: Request) -> None:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise Invalid("Send a JSON object with Content-Type: application/json.")
        self._body: dict[str, Any] = body
        self._wrong: dict[str, str] = {}

    def text(self, name: str, *, required: bool = False, most: int = 500) -> str:
        value = self._body.get(name)
        if value is None:
            value = ""
        if not isinstance(value, str) or len(value) > most:
            self._wrong[name] = f"a text of at most {most} characters"
            return ""
        if required and not value.strip():
            self._wrong[name] = "is needed"
        return value.strip()

    def has(self, name: str) -> bool:
        """Whether the body says anything of it; null says nothing."""
        return self._body.get(name) is not None

    def flag(self, name: str) -> bool:
        value = self._body.get(name)
        if value not in (None, True, False) or (isinstance(value, int) and not isinstance(value, bool)):
            self._wrong[name] = "true or false"
        return value is True

    def texts(self, name: str) -> list[str]:
        value = self._body.get(name) or []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._wrong[name] = "a list of texts"
            return []
        return value

    def values(self, name: str) -> dict[str, Any]:
        """An object of texts, numbers and truths."""
        value = self._body.get(name) or {}
        if not isinstance(value, dict) or not all(each is None or isinstance(each, str | int | float) for each in value.values()):
            self._wrong[name] = "an object of texts, numbers and truths"
            return {}
        return value

    def number(self, name: str) -> int | None:
        value = self._body.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_ID):
            self._wrong[name] = "a whole number"
            return None
        return value

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        value = self._body.get(name)
        if value is None:
            return default
        if value not in allowed:
            self._wrong[name] = "one of " + ", ".join(each for each in allowed if each)
            return default
        return value

    def check(self, *known: str) -> None:
        """Raises `Invalid` with all that is wrong."""
        for name in self._body:
            if name not in known:
                self._wrong[name] = "is not known here"
        if self._wrong:
            raise Invalid("These fields cannot be used.", self._wrong)
