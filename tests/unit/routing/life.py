"""A desk's whole life in memory: rows of items and agents, what people do to them, and a matcher that is told of it.

After every deed the matcher decides, an exhaustive scan of the same rows decides too, and the invariants of routing are asserted
on the rows: I1 one agent for an item, I2 room, I3 nothing lost, I4 nobody idle while work waits for him, I5 the order of G1 and
G2, I8 the same deeds told again give the same decisions.
"""

from __future__ import annotations

from dataclasses import replace

from routing.matcher import Matcher
from routing.overflow import steps_of
from routing.values import CHANNEL_RULES, Agent, ChannelRule, Item
from tests.unit.routing.plain_scan import Scan

TARGETS = {"voice": (20.0, 80.0), "chat": (30.0, 90.0), "email": (60.0, 240.0), "complaint": (120.0, 120.0)}
HEAD_START = 80.0 - 20.0
FINAL = ("done", "abandoned")


class Life:
    def __init__(self):
        self.matcher, self.now, self.wall = Matcher(), 0.0, 0.0
        self.rows = Scan()  # the truth, and the slow way to decide
        self.state, self.item, self.attempts = {}, {}, {}
        self.told, self.answers = [], []
        self.steps_lived = 0

    # What happens to work

    def work_comes(self, channel, *, requires=(), also=(), tier=0, overflow=(), choice="least_flexible", sticky=None):
        item_id = 100 + len(self.item)
        band = 1 if channel in ("voice", "chat") else 2
        due = self.now + TARGETS[channel][tier]
        requires = frozenset(dict(requires).items())
        item = Item(
            id=item_id,
            channel=channel,
            requires=requires,
            band=band,
            due_at=due,
            enqueued_at=self.now,
            tier=("vip", "standard")[tier],
            promote_at=due - 40.0 if band == 2 else None,
            sticky_agent=sticky,
            sticky_until=self.now + 15.0 if sticky is not None else None,
            choice=choice,
            also=frozenset(frozenset(dict(other).items()) for other in also),
            steps=steps_of(overflow, requires, band, lambda after_s, start=self.now: start + after_s),
        )
        self.rows.overflow[item_id] = tuple(overflow)
        self.item[item_id], self.state[item_id] = item, "waiting"
        self._put_item(item)

    def gives_up(self, item_id):
        """The customer leaves: from the queue, or in an offer."""
        if self.state[item_id] == "offered":
            agent = self._holder(item_id)
            self._put_agent(agent, held=_without(agent.held, item_id))
        self.state[item_id] = "abandoned"
        self._drop_item(item_id)

    def is_escalated(self, item_id):
        self.item[item_id] = replace(self.item[item_id], band=0, steps=(), version=self.item[item_id].version + 1)
        self.rows.overflow[item_id] = ()
        self._put_item(self.item[item_id])

    # What agents do

    def agent_comes(self, agent_id, skills, capacity=100):
        self._put_agent(Agent(agent_id, True, dict(skills), capacity, {}, self.now, -1))

    def agent_is(self, agent_id, available):
        self._put_agent(self.rows.agents[agent_id], available=available)

    def agent_learns(self, agent_id, skills):
        self._put_agent(self.rows.agents[agent_id], skills=dict(skills))

    def accepts(self, item_id):
        self.state[item_id] = "active"

    def returns(self, item_id, cool_off=True, available=True):
        """A refusal, a missed offer (then the agent is no longer available) or a rescinded one: same place, agent passed over."""
        agent = self._holder(item_id)
        self._put_agent(agent, held=_without(agent.held, item_id), available=available)
        item = self.item[item_id]
        seconds = self.matcher_cool_off(item, agent.id) if cool_off else 0.0
        excluded = {**item.excluded, agent.id: self.now + seconds} if cool_off else item.excluded
        self.item[item_id] = replace(item, excluded=excluded, version=item.version + 1)
        self.state[item_id] = "waiting"
        self._put_item(self.item[item_id])

    def matcher_cool_off(self, item, agent_id):
        others = [agent for agent in self.rows.agents.values() if agent.id != agent_id]
        able = [agent for agent in others if self.rows.qualified(item, agent, self.now)]
        return 60.0 if any(item.excluded.get(agent.id, self.now) <= self.now for agent in able) else 10.0

    def logs_off(self, agent_id):
        """The line breaks: offers come back at once, conversations by chat return, a call stays until the carrier says so."""
        agent = self.rows.agents[agent_id]
        if agent.held:
            self._put_agent(agent, available=False)
        for item_id, channel in list(agent.held.items()):
            if self.state[item_id] == "offered" or (self.state[item_id] == "active" and channel in ("chat", "chat_idle")):
                self.returns(item_id, cool_off=False, available=False)
        if not self.rows.agents[agent_id].held:
            del self.rows.agents[agent_id]
            self._tell("drop_agent", agent_id)

    def ends(self, item_id):
        if self.item[item_id].channel == "chat":
            self.customer_is(item_id, silent=False)
        self.state[item_id] = "wrapup"

    def finishes(self, item_id):
        agent = self._holder(item_id)
        held = _without(agent.held, item_id)
        self.state[item_id] = "done"
        self._put_agent(agent, held=held, idle_since=agent.idle_since if held else self.now)

    def customer_is(self, item_id, silent):
        """The customer of a chat that is on falls silent, or speaks again: that may be more than the agent should have."""
        agent = self._holder(item_id)
        self._put_agent(agent, held={**agent.held, item_id: "chat_idle" if silent else "chat"})

    # What happens to everybody

    def rules_change(self, chat_weight, email_maximum):
        rules = {
            **CHANNEL_RULES,
            "chat": ChannelRule(chat_weight, 3),
            "email": ChannelRule(20, email_maximum, interruptible=True),
        }
        self.rows.weights["chat"], self.rows.maxima["email"] = chat_weight, email_maximum
        self._tell("put_rules", rules)

    def clock_moves(self, seconds):
        """The wall clock; for routing time never runs backwards."""
        self.wall += seconds
        self.now = max(self.now, self.wall)

    def turn(self):
        """Decide until nothing more fits, make it durable, and look at everything."""
        self.steps_lived += 1
        before = {item_id: self.item[item_id] for item_id, state in self.state.items() if state == "waiting"}
        expected = self.rows.decide(self.now)
        decided = [(one.item_id, one.agent_id) for one in self._tell("decide", self.wall)]
        assert decided == expected
        for item_id, agent_id in decided:
            assert self.state[item_id] == "waiting"
            self.state[item_id] = "offered"
            self.attempts[item_id] = self.attempts.get(item_id, 0) + 1
            self._order_is_kept(before.pop(item_id), self.rows.agents[agent_id], before.values())
            self._drop_item(item_id)
        for agent_id in {agent_id for _, agent_id in decided}:
            self._put_agent(self.rows.agents[agent_id])
        assert self._tell("decide", self.wall) == []
        self.everything_holds()

    # What must hold

    def everything_holds(self):
        self.matcher.check(self.now)
        waiting = [item_id for item_id, state in self.state.items() if state == "waiting"]
        holders = [item_id for agent in self.rows.agents.values() for item_id in agent.held]
        assert len(holders) == len(set(holders)), "I1: somebody else has it too"
        assert sorted(holders) == sorted(n for n, state in self.state.items() if state in ("offered", "active", "wrapup")), "I3"
        assert sorted(self.rows.items) == sorted(waiting), "I3"
        expected = sorted((self.item[item_id] for item_id in waiting), key=lambda item: self.rows.key(item, self.now))
        assert list(self.matcher.waiting()) == expected
        for item in expected:
            assert not any(self.rows.able(item, agent, self.now) for agent in self.rows.agents.values()), "I4"
        due = self.matcher.next_change_at()
        assert due is None or due > self.now

    def tells_the_same_again(self):
        """I8: the same deeds, told to another matcher, decide the same; a fresh one, given the rows, has nothing to add."""
        again = Matcher()
        answers = [getattr(again, name)(*given) for name, given in self.told]
        decided = [_pairs(answer) for (name, _), answer in zip(self.told, answers, strict=True) if name == "decide"]
        assert decided == self.answers
        assert again.waiting() == self.matcher.waiting()
        fresh = Matcher({**CHANNEL_RULES, **self.rules_in_force()})
        for item in reversed(self.matcher.waiting()):
            fresh.put_item(item)
        for agent in self.rows.agents.values():
            fresh.put_agent(agent)
        assert fresh.decide(self.now) == []
        assert fresh.waiting() == self.matcher.waiting()

    def rules_in_force(self):
        return {
            "chat": ChannelRule(self.rows.weights["chat"], 3),
            "email": ChannelRule(20, self.rows.maxima["email"], interruptible=True),
        }

    def _order_is_kept(self, item, agent, left):
        """G1: of those who stay and whom this agent could take as well, none came so much earlier that it should be first."""
        band = self.rows.key(item, self.now)[0]
        without = replace(agent, held=_without(agent.held, item.id))
        for other in left:
            if band == 0 or other.channel != item.channel or other.band != item.band:
                continue
            if self.rows.key(other, self.now)[0] == band and self.rows.able(other, without, self.now):
                ahead = other.due_at - other.enqueued_at - min(TARGETS[item.channel])
                assert item.enqueued_at <= other.enqueued_at + ahead, f"G1: {item} before {other}"

    # Inside

    def _holder(self, item_id):
        return next(agent for agent in self.rows.agents.values() if item_id in agent.held)

    def _put_item(self, item):
        self.rows.items[item.id] = item
        self._tell("put_item", item)

    def _drop_item(self, item_id):
        self.rows.items.pop(item_id, None)
        self._tell("drop_item", item_id)

    def _put_agent(self, agent, **changes):
        changed = replace(agent, **changes, version=agent.version + 1)
        self.rows.agents[agent.id] = changed
        self._tell("put_agent", changed)

    def _tell(self, name, *given):
        answer = getattr(self.matcher, name)(*given)
        self.told.append((name, given))
        if name == "decide":
            self.answers.append(_pairs(answer))
        return answer


def _without(held, item_id):
    return {key: channel for key, channel in held.items() if key != item_id}


def _pairs(decisions):
    return [(one.item_id, one.agent_id) for one in decisions]
