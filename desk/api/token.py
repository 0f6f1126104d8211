"""Who is asking: a bearer token, looked up for every request, so that a revoked one is worth nothing at once."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, g, request
from sqlalchemy import select

from desk.actions.people.sessions import hash_token
from desk.actions.people.tokens import viewer_of_token
from desk.events import SYSTEM
from desk.http.context import installation
from desk.models import ApiToken

SEEN_EVERY = timedelta(minutes=5)  # “last used” need not be exact, and must not cost a write for each request


def install(app: Flask) -> None:
    """Set the viewer of API requests before the guard asks for it. A browser's session opens nothing here."""

    @app.before_request
    def load_token() -> None:
        if not request.path.startswith("/api/"):
            return
        g.viewer = g.token = None
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            return
        desk = installation()
        with desk.store.read() as reading:
            query = select(ApiToken).where(ApiToken.token_hash == hash_token(secret.strip()), ApiToken.revoked_at.is_(None))
            token = reading.scalar(query)
        if token is None:
            return
        g.viewer, g.token = viewer_of_token(token), token
        if token.last_used_at is None or desk.clock.now() - token.last_used_at > SEEN_EVERY:
            with desk.store.tx(SYSTEM) as tx:
                tx.session.get_one(ApiToken, token.id).last_used_at = tx.now
