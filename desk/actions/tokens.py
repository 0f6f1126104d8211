"""API tokens: made once, shown once, revoked for good."""

from __future__ import annotations

from desk.access import ROLES, Viewer
from desk.actions.sessions import hash_token
from desk.errors import Invalid
from desk.models import ApiToken
from desk.store import Tx


def create(tx: Tx, *, name: str, role: str, secret: str) -> ApiToken:
    """Let a program use the API with the rights of this role. Only the hash of `secret` is kept."""
    if role not in ROLES:
        raise Invalid("Roles are: %(roles)s.", roles=", ".join(ROLES))
    if not name.strip():
        raise Invalid("Please give a name.")
    token = ApiToken(name=name.strip()[:100], role=role, token_hash=hash_token(secret), created_at=tx.now)
    tx.session.add(token)
    tx.emit("token.created", data={"name": token.name, "role": role})
    return token


def revoke(tx: Tx, token: ApiToken) -> None:
    """The token opens nothing any more."""
    if token.revoked_at is None:
        token.revoked_at = tx.now
        tx.emit("token.revoked", data={"name": token.name})


def viewer_of_token(token: ApiToken) -> Viewer:
    """The viewer that a program with this token is."""
    return Viewer(None, token.name, (token.role,), token_id=token.id)
