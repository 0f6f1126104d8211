"""Where an agent is: available, away with a reason, or offline; what they chose is kept apart from what is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from desk.actions.calls.locks import lock_calls_offered_to
from desk.actions.chats.chats import chat_handed_back
from desk.actions.people.agents import settle_idle
from desk.actions.timers import clear_timer, set_timer
from desk.actions.work.holding import lock_agent
from desk.actions.work.work_items import MISSED_OFFER, hand_back, rescind_offers
from desk.errors import Invalid
from desk.models import Agent, WorkItem
from desk.models.agent import AVAILABLE, AWAY, NOT_RESPONDING, OFFLINE
from desk.models.work_item import ACTIVE
from desk.store import Tx

PRESENCES = (AVAILABLE, AWAY, OFFLINE)
AWAY_REASONS = ("break", "lunch", "meeting", "training", "other")
NO_CONNECTION = "no_connection"
GRACE_S = 15.0  # how long a screen may be gone (a reload, a lost network) before its agent counts as gone
GONE_TIMER = "agent.gone"


def set_presence(tx: Tx, agent: Agent, presence: str, reason: str = "") -> None:
    """The agent (or their supervisor) says where they are. Leaving takes back what was offered and not yet accepted."""
    if presence not in PRESENCES:
        raise Invalid("Choose available, away or offline.")
    if presence == AWAY and reason and reason not in AWAY_REASONS:
        raise Invalid("“%(reason)s” is no reason to be away.", reason=reason)
    agent.desired = presence
    _be(tx, agent, presence, reason)


def lose_connection(tx: Tx, agent: Agent) -> None:
    """The agent's last screen has gone for longer than a blink: nothing more is offered until one is back.

    Whoever they were chatting with waits again, and comes back to them if they return before somebody else has taken over. A call
    that is on goes on: its line has nothing to do with the screen. Mail stays on their list.
    """
    if agent.presence != OFFLINE:
        _be(tx, agent, OFFLINE, MISSED_OFFER if agent.presence == NOT_RESPONDING else NO_CONNECTION)
    clear_timer(tx, GONE_TIMER, str(agent.id))
    chats = select(WorkItem).where(WorkItem.agent_id == agent.id, WorkItem.state == ACTIVE, WorkItem.channel == "chat")
    for item in tx.session.scalars(chats.order_by(WorkItem.id)).all():
        hand_back(tx, item, to_agent_id=agent.id)
        chat_handed_back(tx, item)


def regain_connection(tx: Tx, agent: Agent) -> None:
    """A screen is back: the agent is where they had chosen to be. Whoever let an offer run out must say so themselves."""
    clear_timer(tx, GONE_TIMER, str(agent.id))
    if agent.presence == OFFLINE and agent.presence_reason == NO_CONNECTION:
        _be(tx, agent, agent.desired, "")
    elif agent.presence == OFFLINE and agent.presence_reason == MISSED_OFFER:
        _be(tx, agent, NOT_RESPONDING, MISSED_OFFER)


def lose_everyone(tx: Tx) -> None:
    """At start nobody is connected yet, whatever the rows say. Whoever is not back soon has lost their chats too."""
    for agent in tx.session.scalars(select(Agent).where(Agent.presence != OFFLINE).order_by(Agent.id)).all():
        _be(tx, agent, OFFLINE, MISSED_OFFER if agent.presence == NOT_RESPONDING else NO_CONNECTION)
    chatting = select(WorkItem.agent_id).where(WorkItem.state == ACTIVE, WorkItem.channel == "chat").distinct()
    for agent_id in tx.session.scalars(chatting).all():
        set_timer(tx, GONE_TIMER, str(agent_id), tx.now + timedelta(seconds=GRACE_S), {"agent_id": agent_id})


def still_gone(tx: Tx, data: dict[str, Any]) -> None:
    """The agent has not come back since the desk was started. What a timer of kind `GONE_TIMER` does."""
    lose_connection(tx, tx.session.get_one(Agent, data["agent_id"]))


def _be(tx: Tx, agent: Agent, presence: str, reason: str) -> None:
    if agent.presence == presence and agent.presence_reason == reason:
        return
    lock_calls_offered_to(tx, agent.id)
    lock_agent(tx, agent.id)
    agent.presence, agent.presence_reason, agent.presence_since = presence, reason, tx.now
    if presence == AVAILABLE:
        settle_idle(tx, agent)
    else:
        rescind_offers(tx, agent.id, presence)
    tx.emit("agent.presence_set", agent=agent, data={"presence": presence, "reason": reason})
