"""The rules of routing written down once more, plainly: every item against every agent, nothing kept between two looks."""

from __future__ import annotations

import math
from dataclasses import replace

WEIGHTS = {"voice": 100, "chat": 33, "email": 20, "complaint": 50, "followup": 20, "ticket": 20}
MAXIMA = {"voice": 1, "chat": 3, "email": 5, "complaint": 2, "followup": 5, "ticket": 5}
LIVE_CHANNELS = {"voice", "chat"}
HALF = {"chat_idle": "chat"}  # held as: the channel of which it is half a piece


class Scan:
    """`items` and `agents` by id; `overflow` holds each item's steps as a queue stores them, by item id."""

    def __init__(self):
        self.items, self.agents, self.overflow = {}, {}, {}
        self.weights, self.maxima = dict(WEIGHTS), dict(MAXIMA)

    def decide(self, now):
        decided = []
        for item in sorted(self.items.values(), key=lambda item: self.key(item, now)):
            able = [agent for agent in self.agents.values() if self.able(item, agent, now)]
            if able:
                best = min(able, key=lambda agent: self.preference(item, agent, now))
                decided.append((item.id, best.id))
                self.give(item, best)
        return decided

    def give(self, item, agent):
        del self.items[item.id]
        self.agents[agent.id] = replace(agent, held={**agent.held, item.id: item.channel})

    def key(self, item, now):
        band = item.band - sum(step["do"] == "raise_band" for step in self.steps(item, now))
        if item.band == 2 and item.promote_at is not None and item.promote_at <= now:
            band = min(band, 1)
        return (max(band, 0), item.due_at, item.id)

    def steps(self, item, now):
        return [step for step in self.overflow.get(item.id, ()) if item.enqueued_at + step["after_s"] <= now]

    def asked(self, item, now):
        """Requirements of which one must be met, the own one first."""
        own, others = list(item.requires), [list(other) for other in item.also]
        for step in self.steps(item, now):
            if step["do"] == "drop_skill":
                own = [(name, level) for name, level in own if name != step["skill"]]
            elif step["do"] == "lower_level":
                own = [(name, min(level, step["level"]) if name == step["skill"] else level) for name, level in own]
            elif step["do"] == "also_team":
                others.append([("team:" + step["team"], 1)])
        return [own, *others]

    def able(self, item, agent, now):
        held_for = self.held_for(item, now)
        return (
            self.qualified(item, agent, now)
            and item.id not in agent.held
            and item.excluded.get(agent.id, now) <= now
            and held_for in (None, agent.id)
            and self.room(item.channel, agent)
        )

    def held_for(self, item, now):
        if item.sticky_agent is None or item.sticky_until is None or item.sticky_until <= now:
            return None
        agent = self.agents.get(item.sticky_agent)
        if agent is None or not self.qualified(item, agent, now) or item.excluded.get(agent.id, now) > now:
            return None
        return agent.id

    def qualified(self, item, agent, now):
        return agent.available and any(
            all(agent.skills.get(name, 0) >= level for name, level in asked) for asked in self.asked(item, now)
        )

    def room(self, channel, agent):
        held = [(HALF.get(one, one), 1 if one in HALF else 2) for one in agent.held.values()]
        live = [(one, halves) for one, halves in held if one in LIVE_CHANNELS]
        if any(one == "voice" for one, _ in held) or (channel == "voice" and live):
            return False
        if sum(halves for one, halves in held if one == channel) + 2 > 2 * self.maxima[channel]:
            return False
        beside = live if channel in LIVE_CHANNELS else held
        return self.weight(beside) + self.weights[channel] <= agent.capacity

    def weight(self, held):
        """In whole numbers: half a weight is rounded up once all are added."""
        return math.ceil(sum(self.weights[one] * halves for one, halves in held) / 2)

    def preference(self, item, agent, now):
        level = min((agent.skills.get(name, 0) for name, _ in self.asked(item, now)[0]), default=0)
        step = 2 if level >= 8 else 1 if level >= 5 else 0
        held = [(HALF.get(one, one), 1 if one in HALF else 2) for one in agent.held.values()]
        total, live = self.weight(held), self.weight([one for one in held if one[0] in LIVE_CHANNELS])
        share = max(live, min(total, agent.capacity)) / agent.capacity
        learnt = len([name for name in agent.skills if name[:5] != "team:"])
        by_mode = {
            "least_flexible": (learnt, agent.idle_since),
            "longest_idle": (agent.idle_since,),
            "least_loaded": (share, agent.idle_since),
            "proficiency": (-step, share, learnt, agent.idle_since),
        }
        return (agent.id != item.sticky_agent, *by_mode[item.choice], agent.id)
