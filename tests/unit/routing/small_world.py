"""Small worlds of named agents and a handful of work, for telling scenarios."""

from __future__ import annotations

from routing.matcher import Matcher
from routing.values import CHANNEL_RULES, DEFERRED, LIVE, Agent, Item

ANA, BEN, CAI = 1, 2, 3


def agent(agent_id, skills=None, *, held=(), **more):
    return Agent(agent_id, more.pop("available", True), skills or {}, held=dict(held), **more)


def call(item_id, requires=(), *, at=0.0, target=80.0, **more):
    return Item(item_id, more.pop("channel", "voice"), frozenset(requires), more.pop("band", LIVE), at + target, at, **more)


def chat(item_id, requires=(), **more):
    return call(item_id, requires, channel="chat", **more)


def mail(item_id, requires=(), **more):
    return call(item_id, requires, channel="email", band=DEFERRED, **more)


def world(*things, rules=CHANNEL_RULES):
    matcher = Matcher(rules)
    put(matcher, *things)
    return matcher


def put(matcher, *things):
    for thing in things:
        matcher.put_agent(thing) if isinstance(thing, Agent) else matcher.put_item(thing)


def pairs(matcher, now=0.0):
    decided = [(decision.item_id, decision.agent_id) for decision in matcher.decide(now)]
    matcher.check(now)
    return decided


def claim(matcher, *decided, agents=()):
    for item_id, _ in decided:
        matcher.drop_item(item_id)
    put(matcher, *agents)
