"""The keys that a person has chosen for themselves."""

from __future__ import annotations

from desk.models import Agent
from desk.store import Tx


def choose(tx: Tx, agent: Agent, keys: dict[str, str], *, single: bool) -> None:
    """From now on these keys stand for those as they come; without `single`, keys pressed alone do nothing."""
    if (agent.own_keys, agent.single_keys) == (keys, single):
        return
    agent.own_keys, agent.single_keys = keys, single
    tx.emit("agent.keys_chosen", agent=agent, data={"keys": keys, "single": single})
