"""Whatever order the carrier's words come in, late and twice: the same end, and the same moments within a second."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from desk.actions.calls import legs
from desk.actions.work import answering
from desk.models import Agent, Call, CallLeg, CallSegment, WorkItem
from tests.desk.test_calls import LEG, SID, agents, event, queued, room

GRAIN = timedelta(seconds=1)
# Each word of a story with the second at which it happened, counted from when the agent took the call.
ANSWER = [
    (event("initiated", LEG), 0.0),
    (event("ringing", LEG), 1.0),
    (event("in-progress", LEG), 5.0),
    (room("participant-join", SID, "customer"), 5.0),
    (room("conference-start"), 5.2),
    (room("participant-join", LEG, "agent-1"), 5.4),
]
ENDS = {
    "the caller hangs up": [
        (room("participant-leave", SID), 65.0),
        (event("completed"), 65.3),
        (room("conference-end"), 65.4),
        (room("participant-leave", LEG, "agent-1"), 65.5),
        (event("completed", LEG), 65.8),
    ],
    "the agent is cut off first": [
        (event("completed", LEG), 65.0),
        (room("participant-leave", LEG, "agent-1"), 65.1),
        (event("completed"), 65.6),
        (room("participant-leave", SID), 65.7),
        (room("conference-end"), 65.8),
    ],
    "the caller hangs up as the agent comes in": [
        (room("participant-leave", SID), 5.5),
        (event("completed"), 5.5),
        (room("conference-end"), 5.5),
        (room("participant-leave", LEG, "agent-1"), 5.6),
        (event("completed", LEG), 5.7),
    ],
}
# The caller's room ends with the caller; an agent whose line is connected then stands in another one of the same name.
TOO_LATE = [
    (event("ringing", LEG), 1.0),
    (room("participant-leave", SID), 4.9),
    (event("completed"), 5.0),
    (room("conference-end"), 5.0),
    (event("in-progress", LEG), 5.2),
    (replace(room("participant-join", LEG, "agent-1"), conference_sid="CF-empty"), 5.2),
    (event("completed", LEG), 6.0),
    (replace(room("participant-leave", LEG, "agent-1"), conference_sid="CF-empty"), 6.0),
    (replace(room("conference-end"), conference_sid="CF-empty"), 6.0),
]


@pytest.fixture
def begun(house):
    """A call that the agent has just taken, ten seconds after it came; their phone is about to ring."""
    maya = house.agent()
    queued(house)
    house.tick(10)
    made = house.offer(house.one(select(WorkItem)), maya)
    with house.tx() as tx:
        call = answering.accept_offer(tx, made.id, tx.session.get_one(Agent, maya.id)).call
    return house, call, agents(call, maya)


@pytest.mark.parametrize("story", list(ENDS))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_words_of_a_call_lead_to_the_same_end_and_times_in_any_order(begun, story, data):
    house, taken, party = begun
    start, words = taken.offered_at, [*ANSWER, *ENDS[story]]
    ended = words[len(ANSWER)][1]
    with house.tx() as tx:
        say(tx, words, data, party, start)
        call = tx.session.scalars(select(Call)).one()
        part = tx.session.scalars(select(CallSegment)).one()
        assert (call.state, part.state, tx.session.scalars(select(WorkItem.state)).one()) == ("wrap_up", "wrap_up", "wrap_up")
        assert call.agent_id == party.agent_id
        for moment, second in ((call.answered_at, 5.0), (part.started_at, 5.0), (call.ended_at, ended), (part.ended_at, ended)):
            assert abs(moment - (start + timedelta(seconds=second))) <= GRAIN
        assert part.hold_s <= 1
        assert (call.abandoned_at, call.abandon_point) == (None, "")
        assert {leg.status for leg in tx.session.scalars(select(CallLeg))} == {"completed"}
        tx.session.rollback()
        tx.pending.clear()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_an_agent_who_comes_after_the_caller_has_left_has_answered_nobody_in_any_order(begun, data):
    house, taken, party = begun
    start = taken.offered_at
    with house.tx() as tx:
        legs.conference_event(tx, room("participant-join", SID, "customer"), at=start)
        say(tx, TOO_LATE, data, party, start)
        call = tx.session.scalars(select(Call)).one()
        part = tx.session.scalars(select(CallSegment)).one()
        assert (call.state, call.answered_at, part.state, part.started_at) == ("abandoned", None, "done", None)
        assert tx.session.scalars(select(WorkItem.ended_at)).one() is not None
        assert abs(call.abandoned_at - (start + timedelta(seconds=4.9))) <= GRAIN
        assert tx.session.get_one(Agent, party.agent_id).used == 0
        tx.session.rollback()
        tx.pending.clear()


def say(tx, words, data, party, start):
    """Every word at least once, in an order of hypothesis's choice."""
    numbers = st.sampled_from(range(len(words)))
    order = [*data.draw(st.permutations(range(len(words)))), *data.draw(st.lists(numbers, max_size=6))]
    for number in order:
        word, second = words[number]
        at = start + timedelta(seconds=second)
        if hasattr(word, "friendly_name"):
            legs.conference_event(tx, word, at=at)
        else:
            legs.leg_status(tx, word, party if word.call_sid == LEG else None, at)
        tx.session.flush()
