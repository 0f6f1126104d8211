"""API tokens: made once, shown once, revoked for good."""

from __future__ import annotations

from desk.access import ROLES, Viewer
from desk.actions.people.sessions import hash_token
from desk.errors import Invalid
from desk.models import Agent, ApiToken
from desk.store import Tx


def create(tx: Tx, *, name: str, role: str, secret: str, made_by: Agent | None = None, held_by_id: int | None = None) -> ApiToken:
    """Let a program use the API with the rights of this role. Only the hash of `secret` is kept.

    `held_by_id` is who has the program in hand, where that is another person than who made the token.
    """
    if role not in ROLES:
        raise Invalid("Roles are: %(roles)s.", roles=", ".join(ROLES))
    if not name.strip():
        raise Invalid("Please give a name.")
    if held_by_id is not None and tx.session.get(Agent, held_by_id) is None:
        raise Invalid("Choose a person.")
    token = ApiToken(name=name.strip()[:100], role=role, token_hash=hash_token(secret), created_at=tx.now)
    token.made_by_id, token.held_by_id = made_by.id if made_by else None, held_by_id
    tx.session.add(token)
    tx.emit("token.created", agent=held_by_id, data={"name": token.name, "role": role})
    return token


def revoke(tx: Tx, token: ApiToken) -> None:
    """The token opens nothing any more."""
    if token.revoked_at is None:
        token.revoked_at = tx.now
        tx.emit("token.revoked", data={"name": token.name})


def viewer_of_token(token: ApiToken) -> Viewer:
    """The viewer that a program with this token is."""
    people = tuple(each for each in (token.made_by_id, token.held_by_id) if each is not None)
    return Viewer(None, token.name, (token.role,), token_id=token.id, token_people=people)
