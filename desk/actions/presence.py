"""Where an agent is: available, away with a reason, or offline."""

from __future__ import annotations

from desk.actions.agents import settle_idle
from desk.actions.work_items import rescind_offers
from desk.errors import Invalid
from desk.models import Agent
from desk.models.agent import AVAILABLE, AWAY, OFFLINE
from desk.store import Tx

PRESENCES = (AVAILABLE, AWAY, OFFLINE)
AWAY_REASONS = ("break", "lunch", "meeting", "training", "other")


def set_presence(tx: Tx, agent: Agent, presence: str, reason: str = "") -> None:
    """The agent (or their supervisor) says where they are. Leaving takes back what was offered and not yet accepted."""
    if presence not in PRESENCES:
        raise Invalid("Choose available, away or offline.")
    if presence == AWAY and reason and reason not in AWAY_REASONS:
        raise Invalid("“%(reason)s” is no reason to be away.", reason=reason)
    agent.desired = presence
    if agent.presence == presence and agent.presence_reason == reason:
        return
    agent.presence, agent.presence_reason, agent.presence_since = presence, reason, tx.now
    agent.version += 1
    if presence == AVAILABLE:
        settle_idle(tx, agent)
    else:
        rescind_offers(tx, agent.id, presence)
    tx.emit("agent.presence_set", agent=agent, data={"presence": presence, "reason": reason})
