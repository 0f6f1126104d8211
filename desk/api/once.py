"""A POST with an `Idempotency-Key` has its effect once; sent again it is answered as the first time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import g, jsonify, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from desk.errors import Conflict, Invalid
from desk.http.context import reading, writing
from desk.models import IdempotentAnswer
from desk.store import Tx

LONGEST_KEY = 200


def once(act: Callable[[Tx], dict[str, Any]], *, status: int = 201) -> Response:
    """Do `act` in a transaction and answer with what it returns; the answer is kept in the same transaction."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY:
        raise Invalid("An idempotency key has at most %(most)s characters.", most=LONGEST_KEY)
    if not key:
        with writing() as tx:
            body = act(tx)
        return _answer(body, status)
    asked = hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.get_data()).hexdigest()
    try:
        with writing() as tx:
            before = tx.session.scalar(_kept(key))
            if before is not None:
                return _again(before, asked)
            kept = IdempotentAnswer(token_id=g.token.id, key=key, request_hash=asked, status=status, body={}, at=tx.now)
            tx.session.add(kept)
            tx.session.flush()
            kept.body = act(tx)
            body = kept.body
    except IntegrityError:
        with reading() as session:
            before = session.scalar(_kept(key))
        if before is None:
            raise
        return _again(before, asked)
    return _answer(body, status)


def _kept(key: str) -> Any:
    return select(IdempotentAnswer).where(IdempotentAnswer.token_id == g.token.id, IdempotentAnswer.key == key)


def _again(before: IdempotentAnswer, asked: str) -> Response:
    if before.request_hash != asked:
        raise Conflict("This idempotency key was used for another request.")
    return _answer(before.body, before.status)


def _answer(body: dict[str, Any], status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response
