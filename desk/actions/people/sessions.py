"""Signing in and out. The browser holds a random token; the database holds its hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotAllowed, TooMany
from desk.models import Agent, SignIn, StaffSession
from desk.passwords import NOBODY, check_password
from desk.sentences import N_
from desk.store import Tx

SESSION_HOURS = 12
WINDOW = timedelta(minutes=10)
PER_EMAIL, PER_ADDRESS = 6, 30  # failed attempts within the window


class WrongSignIn(NotAllowed):
    """Not signed in; the same words whether the address, the password or the account was the reason."""

    def __init__(self) -> None:
        super().__init__(N_("E-mail address or password is wrong."))


def prove(session: Session, now: datetime, email: str, password: str, *, address: str) -> str:
    """The hash that this password fits, empty for none. Slow on purpose, and so not done while others wait to write."""
    email = _as_kept(email)
    if _too_many(session, now, email, address):
        return ""  # `attempt` says so
    kept = session.scalar(select(Agent.password_hash).where(Agent.email == email))
    return kept or "" if check_password(password, kept or NOBODY) else ""


def attempt(
    tx: Tx, email: str, password: str, *, address: str, browser: str, proved: str | None = None
) -> tuple[str, Agent] | NotAllowed | TooMany:
    """Try to sign in. Returns the session token and the agent, or the error to raise *after* committing the sign-in log.

    With `proved` (see `prove`) the password is good if it fits the hash that the agent has now.
    """
    email = _as_kept(email)
    if _too_many(tx.session, tx.now, email, address):
        _log(tx, email, None, "too_many", address)
        return TooMany("Too many attempts. Please wait ten minutes and try again.", retry_after=600)
    agent = tx.session.scalar(select(Agent).where(Agent.email == email))
    kept = agent.password_hash if agent else NOBODY
    good = check_password(password, kept) if proved is None else bool(proved) and proved == kept
    if agent is None or not good or not agent.active:
        outcome = "unknown" if agent is None else "wrong_password" if not good else "inactive"
        _log(tx, email, agent, outcome, address)
        return WrongSignIn()
    _log(tx, email, agent, "ok", address)
    token = secrets.token_urlsafe(32)
    tx.session.add(
        StaffSession(
            token_hash=hash_token(token),
            agent_id=agent.id,
            created_at=tx.now,
            expires_at=tx.now + timedelta(hours=SESSION_HOURS),
            address=address,
            browser=browser[:200],
        )
    )
    tx.emit("agent.signed_in", agent=agent)
    return token, agent


def sign_out(tx: Tx, token: str) -> None:
    """End this session; a token that is unknown or over is no error."""
    session = tx.session.scalar(select(StaffSession).where(StaffSession.token_hash == hash_token(token)))
    if session is not None and session.ended_at is None:
        session.ended_at = tx.now
        tx.emit("agent.signed_out", agent=session.agent_id, data={"everywhere": False})


def signed_in(session: Session, token: str, now: datetime) -> Agent | None:
    """Who holds this token, if it is still good."""
    query = (
        select(Agent)
        .join(StaffSession, StaffSession.agent_id == Agent.id)
        .where(
            StaffSession.token_hash == hash_token(token),
            StaffSession.ended_at.is_(None),
            StaffSession.expires_at > now,
            Agent.active.is_(True),
        )
    )
    return session.scalar(query)


def hash_token(token: str) -> str:
    """Tokens are long and random, so a plain SHA-256 is enough to make the stored form useless to a thief."""
    return hashlib.sha256(token.encode()).hexdigest()


def _as_kept(email: str) -> str:
    return email.strip().lower()[:254]


def _too_many(session: Session, now: datetime, email: str, address: str) -> bool:
    # Attempts that were not even tried do not count: else whoever goes on trying shuts the door for ever.
    failed = select(SignIn.id).where(SignIn.at > now - WINDOW, SignIn.outcome.in_(("wrong_password", "unknown", "inactive")))
    by_email = failed.where(SignIn.email == email).limit(PER_EMAIL)
    by_address = failed.where(SignIn.address == address).limit(PER_ADDRESS)
    return len(session.scalars(by_email).all()) >= PER_EMAIL or len(session.scalars(by_address).all()) >= PER_ADDRESS


def _log(tx: Tx, email: str, agent: Agent | None, outcome: str, address: str) -> None:
    tx.session.add(SignIn(at=tx.now, email=email, agent_id=agent.id if agent else None, outcome=outcome, address=address))
