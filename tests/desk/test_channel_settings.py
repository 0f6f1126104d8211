"""Weights and capacities: what people hold is weighed anew in the same transaction, and never beyond what they have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from desk.actions.editing import fingerprint
from desk.actions.work import channel_rules, work_items
from desk.errors import Conflict, Invalid
from desk.models import Agent, Setting
from desk.queries.work.channel_rules import rules_of
from routing.values import CHANNEL_RULES
from tests.desk.house import House


def set_rule(house: House, channel: str, seen: str | None = None, **values: object) -> bool:
    with house.tx() as tx:
        rules = dict(rules_of(tx.session))
        return channel_rules.set_rules(tx, {**rules, channel: replace(rules[channel], **values)}, seen=seen)


def used(house: House, agent: Agent) -> int:
    return house.one(select(Agent.used).where(Agent.id == agent.id))


def test_everybodys_load_follows_a_new_weight_at_once(house):
    maya, tom = house.agent("Maya"), house.agent("Tom")
    for agent, channel in ((maya, "chat"), (maya, "chat"), (tom, "email")):
        made = house.offer(house.item(channel), agent)
        with house.tx() as tx:
            work_items.accept(tx, made.id)
    assert (used(house, maya), used(house, tom)) == (66, 20)
    assert set_rule(house, "chat", weight=40)
    assert (used(house, maya), used(house, tom)) == (80, 20)
    assert set_rule(house, "chat", weight=90)
    assert used(house, maya) == 100  # more than there is counts as all of it
    assert house.kinds("agent.load_recounted") == ["agent.load_recounted"] * 2
    assert not set_rule(house, "chat", weight=90)
    assert house.kinds("setting.channels") == ["setting.channels_set"] * 2


def test_a_capacity_that_shrinks_below_what_is_held_counts_as_full(house):
    maya = house.agent()
    house.offer(house.item("chat"), maya)
    house.offer(house.item("chat"), maya)
    for capacity, now in ((50, 50), (150, 66)):
        with house.tx() as tx:
            assert channel_rules.set_capacity(tx, tx.session.get_one(Agent, maya.id), capacity)
        assert (house.again(maya).capacity, used(house, maya)) == (capacity, now)
    with house.tx() as tx, pytest.raises(Invalid):
        channel_rules.set_capacity(tx, tx.session.get_one(Agent, maya.id), 10)


@pytest.mark.parametrize(
    ("values", "field"),
    [({"weight": 0}, "weight"), ({"weight": 101}, "weight"), ({"maximum": 0}, "maximum"), ({"interruptible": True}, "exclusive")],
)
def test_rules_that_cannot_be_are_refused_with_their_field(sqlite_house, values, field):
    with pytest.raises(Invalid) as refused:
        set_rule(sqlite_house, "voice", **values)
    assert list(refused.value.fields) == [f"voice.{field}"]
    assert sqlite_house.one(select(Setting.value).where(Setting.key == "routing.channels")) is None


def test_the_second_of_two_editors_is_refused(house):
    seen = fingerprint(channel_rules.values_of(CHANNEL_RULES))
    assert set_rule(house, "chat", seen, weight=40)
    with pytest.raises(Conflict):
        set_rule(house, "chat", seen, weight=25)
