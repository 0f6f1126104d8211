"""How much of a person each kind of work takes, and how much there is of a person. What people hold is weighed anew at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import select, update

from desk.actions.editing import check_same, differences
from desk.actions.work import holding
from desk.errors import Invalid
from desk.models import Agent, Offer, Setting
from desk.models.work_item import IS_HOLDING
from desk.queries.work.channel_rules import SETTING, rules_of
from desk.sentences import N_
from desk.store import Tx
from routing.values import CHANNEL_RULES, ChannelRule

WEIGHT = (1, 100)
MAXIMUM = (1, 50)
CAPACITY = (20, 200)


def values_of(rules: Mapping[str, ChannelRule]) -> dict[str, Any]:
    """The rules as they are stored."""
    return {channel: asdict(rules[channel]) for channel in CHANNEL_RULES}


def set_rules(tx: Tx, rules: Mapping[str, ChannelRule], *, seen: str | None = None) -> bool:
    """Set the rule of every channel; `used` of everybody who holds work follows in the same transaction.

    False when nothing was different. Raises `Invalid` with the fields that are wrong ("voice.weight"), `Conflict` when somebody
    else was quicker than whoever saw `seen`.
    """
    row = tx.session.get(Setting, SETTING, with_for_update=True)
    old = values_of(rules_of(tx.session))
    check_same(old, seen)
    wrong = _wrong(rules)
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    new = values_of(rules)
    data = differences(old, new)
    if not data:
        return False
    if row is None:
        tx.session.add(Setting(key=SETTING, value=new))
    else:
        row.value = new
    tx.emit("setting.channels_set", data=data)
    _recount(tx)
    return True


def set_capacity(tx: Tx, agent: Agent, capacity: int) -> bool:
    """Say how much of a whole person (100) this one is. False when nothing was different; raises `Invalid` out of bounds."""
    if not CAPACITY[0] <= capacity <= CAPACITY[1]:
        raise Invalid("Capacity is a number from 20 to 200; 100 is a whole person.")
    holding.lock_agent(tx, agent.id)
    if agent.capacity == capacity:
        return False
    data = differences({"capacity": agent.capacity}, {"capacity": capacity})
    agent.capacity, agent.used = capacity, holding.used_by(tx, holding.held_by(tx, agent.id), capacity)
    tx.emit("agent.capacity_set", agent=agent, data=data)
    return True


def _wrong(rules: Mapping[str, ChannelRule]) -> dict[str, str]:
    wrong = {}
    for channel in CHANNEL_RULES:
        rule = rules[channel]
        if not WEIGHT[0] <= rule.weight <= WEIGHT[1]:
            wrong[f"{channel}.weight"] = N_("A weight is a number from 1 to 100; 100 is a whole person.")
        if not MAXIMUM[0] <= rule.maximum <= MAXIMUM[1]:
            wrong[f"{channel}.maximum"] = N_("At once somebody may have 1 to 50.")
        if rule.exclusive and rule.interruptible:
            wrong[f"{channel}.exclusive"] = N_("What can be set aside does not keep other work away: choose one of the two.")
    return wrong


def _recount(tx: Tx) -> None:
    """Weigh what everybody holds by the rules as they are now.

    All are locked, in the order of their ids, and get a new version: whoever is being offered something has it weighed by the
    old rules before this, or by the new ones after it.
    """
    tx.session.flush()
    tx.session.scalars(select(Agent.id).order_by(Agent.id).with_for_update()).all()
    tx.session.execute(update(Agent).values(version=Agent.version + 1), execution_options={"synchronize_session": False})
    for agent_id in tx.session.scalars(select(Offer.agent_id).where(IS_HOLDING).distinct().order_by(Offer.agent_id)).all():
        holding.recount(tx, agent_id)
