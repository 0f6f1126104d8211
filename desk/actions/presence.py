"""Where an agent is: available, away with a reason, or offline; what they chose is kept apart from what is."""

from __future__ import annotations

from sqlalchemy import select

from desk.actions.agents import settle_idle
from desk.actions.work_items import MISSED_OFFER, rescind_offers
from desk.errors import Invalid
from desk.models import Agent
from desk.models.agent import AVAILABLE, AWAY, NOT_RESPONDING, OFFLINE
from desk.store import Tx

PRESENCES = (AVAILABLE, AWAY, OFFLINE)
AWAY_REASONS = ("break", "lunch", "meeting", "training", "other")
NO_CONNECTION = "no_connection"


def set_presence(tx: Tx, agent: Agent, presence: str, reason: str = "") -> None:
    """The agent (or their supervisor) says where they are. Leaving takes back what was offered and not yet accepted."""
    if presence not in PRESENCES:
        raise Invalid("Choose available, away or offline.")
    if presence == AWAY and reason and reason not in AWAY_REASONS:
        raise Invalid("“%(reason)s” is no reason to be away.", reason=reason)
    agent.desired = presence
    _be(tx, agent, presence, reason)


def lose_connection(tx: Tx, agent: Agent) -> None:
    """The agent's last screen has gone for longer than a blink: nothing more is offered until one is back."""
    if agent.presence != OFFLINE:
        _be(tx, agent, OFFLINE, MISSED_OFFER if agent.presence == NOT_RESPONDING else NO_CONNECTION)


def regain_connection(tx: Tx, agent: Agent) -> None:
    """A screen is back: the agent is where they had chosen to be. Whoever let an offer run out must say so themselves."""
    if agent.presence == OFFLINE and agent.presence_reason == NO_CONNECTION:
        _be(tx, agent, agent.desired, "")
    elif agent.presence == OFFLINE and agent.presence_reason == MISSED_OFFER:
        _be(tx, agent, NOT_RESPONDING, MISSED_OFFER)


def lose_everyone(tx: Tx) -> None:
    """At start nobody is connected yet, whatever the rows say."""
    for agent in tx.session.scalars(select(Agent).where(Agent.presence != OFFLINE)):
        lose_connection(tx, agent)


def _be(tx: Tx, agent: Agent, presence: str, reason: str) -> None:
    if agent.presence == presence and agent.presence_reason == reason:
        return
    agent.presence, agent.presence_reason, agent.presence_since = presence, reason, tx.now
    agent.version += 1
    if presence == AVAILABLE:
        settle_idle(tx, agent)
    else:
        rescind_offers(tx, agent.id, presence)
    tx.emit("agent.presence_set", agent=agent, data={"presence": presence, "reason": reason})
