"""The four ways in which a request can be wrong. Edges map them once: HTTP status, socket answer, SMTP code, exit code."""

from __future__ import annotations

from typing import Any


class DeskError(Exception):
    """A failure that the person can understand and act on: the message is one sentence, with `%(name)s` for `values`.

    The sentence is written in English and is the key of its translation; edges translate, then fill in the values.
    """

    status = 500
    retry_after: int | None = None  # seconds after which trying again may help, where that is known

    def __init__(self, sentence: str, **values: Any) -> None:
        super().__init__(sentence % values if values else sentence)
        self.sentence = sentence
        self.values = values


class NotFound(DeskError):
    """There is no such thing, or it is not for this viewer: the two must look alike."""

    status = 404


class NotSignedIn(DeskError):
    """Nobody is known here, and somebody must be."""

    status = 401


class NotAllowed(DeskError):
    """The viewer is known, and may not do this."""

    status = 403


class Invalid(DeskError):
    """The input cannot be used; `fields` names what is wrong where, for forms."""

    status = 422

    def __init__(self, sentence: str, fields: dict[str, str] | None = None, **values: Any) -> None:
        super().__init__(sentence, **values)
        self.fields = fields or {}


class Conflict(DeskError):
    """The input is fine, but the state has moved on; `allowed` lists what can be done now."""

    status = 409

    def __init__(self, sentence: str, allowed: tuple[str, ...] = (), **values: Any) -> None:
        super().__init__(sentence, **values)
        self.allowed = allowed


class TooMany(DeskError):
    """The same was asked too often; `retry_after` is in seconds."""

    status = 429

    def __init__(self, sentence: str, retry_after: int = 60, **values: Any) -> None:
        super().__init__(sentence, **values)
        self.retry_after = retry_after
