"""Work items and offers: who has the work is never in doubt, and nobody carries more than they can."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from desk.actions.work import presence, work_items
from desk.errors import Conflict, DeskError, NotFound
from desk.models import Agent, Offer, Queue, WorkItem
from tests.desk.house import EPOCH
from tests.desk.racers import race
from tests.desk.test_router import routing


def test_an_accepted_offer_makes_the_work_the_agents(house):
    maya, item = house.agent(), house.item("chat")
    made = house.offer(item, maya)
    assert made.deadline == house.clock.now() + timedelta(seconds=20)
    assert house.again(item).state == "offered"
    assert house.again(maya).used == 33
    with house.tx() as tx:
        work_items.accept(tx, made.id)
    item = house.again(item)
    assert (item.state, item.agent_id, item.answered_at) == ("active", maya.id, house.clock.now())
    assert house.kinds("offer.") == ["offer.made", "offer.accepted"]
    assert house.faults_in_load() == []


def test_a_declined_offer_goes_back_with_its_place_and_leaves_the_agent_alone_for_a_while(house):
    maya, item = house.agent(), house.item()
    made = house.offer(item, maya)
    house.tick(3)
    with house.tx() as tx:
        work_items.decline(tx, made.id, "busy")
    now = house.again(item)
    assert (now.state, now.agent_id, now.due_at, now.enqueued_at) == ("waiting", None, item.due_at, item.enqueued_at)
    assert list(now.excluded) == [str(maya.id)]
    assert house.again(maya).presence == "available"
    assert house.again(maya).used == 0


def test_a_conversation_that_has_ended_cannot_be_handed_to_another(house):
    item = house.item("chat")
    made = house.offer(item, house.agent())
    with house.tx() as tx:
        item = work_items.accept(tx, made.id)
        work_items.begin_wrap_up(tx, item)
    with pytest.raises(Conflict), house.tx() as tx:
        work_items.hand_back(tx, tx.session.get_one(WorkItem, item.id))
    assert house.again(item).state == "wrap_up"


def test_a_mail_does_not_ring_so_its_offer_waits_longer(house):
    made = house.offer(house.item("email"), house.agent())
    assert made.deadline == house.clock.now() + timedelta(seconds=180)


def test_an_offer_that_runs_out_marks_the_agent_as_not_responding(house):
    maya, item = house.agent(), house.item("chat")
    made = house.offer(item, maya)
    house.tick(20)
    with house.tx() as tx:
        assert work_items.expire(tx, made.id)
    assert house.again(maya).presence == "not_responding"
    assert house.again(item).state == "waiting"
    with pytest.raises(Conflict), house.tx() as tx:
        work_items.accept(tx, made.id)
    assert house.offer(house.item(), maya) is None
    assert not house.again(item).excluded  # whoever says that they are back may get the same customer


@pytest.mark.parametrize(("seconds", "accepts", "expires"), [(19.999, True, False), (20, False, True), (21, False, True)])
def test_at_the_deadline_and_after_it_an_offer_can_only_run_out(house, seconds, accepts, expires):
    maya = house.agent()
    first = house.offer(house.item("chat"), maya)
    second = house.offer(house.item("chat"), maya)
    house.tick(seconds)
    if accepts:
        with house.tx() as tx:
            work_items.accept(tx, first.id)
    else:
        with pytest.raises(Conflict), house.tx() as tx:
            work_items.accept(tx, first.id)
    with house.tx() as tx:
        assert work_items.expire(tx, second.id) is expires
    assert house.faults_in_load() == []


def test_offers_are_taken_back_from_somebody_who_leaves_but_not_their_work(house):
    maya, kept, lost = house.agent(), house.item(), house.item()
    made = house.offer(kept, maya)
    with house.tx() as tx:
        work_items.accept(tx, made.id)
    house.offer(lost, maya)
    with house.tx() as tx:
        presence.lose_connection(tx, tx.session.get_one(Agent, maya.id))
    assert house.again(kept).state == "active"
    assert (house.again(lost).state, house.again(lost).excluded) == ("waiting", {})
    assert house.faults_in_load() == []


def test_finished_work_frees_the_agent_once(house):
    maya, item = house.agent(), house.item("voice")
    made = house.offer(item, maya)
    with house.tx() as tx:
        work_items.accept(tx, made.id)
    for _ in range(2):
        with house.tx() as tx:
            work_items.begin_wrap_up(tx, tx.session.get_one(WorkItem, item.id))
    assert house.again(maya).used == 100
    for _ in range(2):
        with house.tx() as tx:
            work_items.finish(tx, tx.session.get_one(WorkItem, item.id))
    assert house.again(maya).used == 0
    assert house.kinds("item.") == ["item.queued", "item.wrap_up_began", "item.done"]


def test_a_customer_who_leaves_ends_waiting_and_offered_work_but_not_answered_work(house):
    maya = house.agent()
    waiting, offered, active = house.item(), house.item(), house.item()
    house.offer(offered, maya)
    made = house.offer(active, maya)
    with house.tx() as tx:
        work_items.accept(tx, made.id)
    with house.tx() as tx:
        left = [work_items.abandon(tx, tx.session.get_one(WorkItem, each.id)) for each in (waiting, offered, active)]
    assert left == [True, True, False]
    assert [house.again(each).state for each in (waiting, offered, active)] == ["abandoned", "abandoned", "active"]
    assert house.faults_in_load() == []


def test_work_handed_back_keeps_its_due_time_and_may_be_kept_for_somebody(house):
    maya, tom, item = house.agent("Maya"), house.agent("Tom"), house.item()
    made = house.offer(item, maya)
    with house.tx() as tx:
        work_items.accept(tx, made.id)
    with house.tx() as tx:
        billing = tx.session.scalars(select(Queue).where(Queue.key == "billing")).one()
        work_items.hand_back(tx, tx.session.get_one(WorkItem, item.id), queue=billing, to_agent_id=tom.id)
    now = house.again(item)
    assert (now.state, now.due_at, now.sticky_agent_id) == ("waiting", item.due_at, tom.id)
    assert ["billing", 1] in now.requires
    assert str(maya.id) in now.excluded
    assert house.faults_in_load() == []


def test_nobody_is_offered_more_than_they_can_carry(house):
    maya = house.agent()
    assert house.offer(house.item("voice"), maya)
    assert house.offer(house.item("voice"), maya) is None
    assert house.offer(house.item("chat"), maya) is None
    assert house.again(maya).used == 100
    tom = house.agent("Tom")
    made = [house.offer(house.item("chat"), tom) is not None for _ in range(4)]
    assert made == [True, True, True, False]
    assert house.faults_in_load() == []


def test_a_call_may_still_be_offered_to_somebody_busy_with_mail_alone(house):
    maya = house.agent()
    assert all(house.offer(house.item("email"), maya) for _ in range(5))
    assert house.offer(house.item("voice"), maya)
    assert house.again(maya).used == 100
    assert house.faults_in_load() == []


@pytest.mark.parametrize("state", ["away", "offline", "not_responding"])
def test_nobody_who_is_not_available_is_offered_anything(house, state):
    assert house.offer(house.item(), house.agent(presence=state)) is None


def test_a_router_that_was_replaced_changes_nothing(house):
    maya, item = house.agent(), house.item()
    before = house.kinds()
    assert house.offer(item, maya, epoch=EPOCH - 1) is None
    assert house.offer(item, maya, epoch=EPOCH + 1) is None
    assert house.again(item).state == "waiting"
    assert house.again(maya).version == maya.version
    assert house.kinds() == before


def test_an_item_has_one_holder_whatever_the_code_does(house):
    maya, item = house.agent(), house.item()
    house.offer(item, maya)
    with pytest.raises(Exception, match=r"uq_offer_one_holder|UNIQUE constraint failed"), house.tx() as tx:
        tx.session.add(
            Offer(item_id=item.id, agent_id=maya.id, channel="email", weight=20, offered_at=tx.now, deadline=tx.now, epoch=1)
        )


def test_the_database_refuses_a_load_beyond_capacity(house):
    maya = house.agent()
    with pytest.raises(Exception, match="used_within_capacity"), house.tx() as tx:
        tx.session.execute(update(Agent).where(Agent.id == maya.id).values(used=101))


def test_an_offer_that_does_not_exist_is_not_found(house):
    with pytest.raises(NotFound), house.tx() as tx:
        work_items.accept(tx, 4711)
    with house.tx() as tx:
        assert work_items.expire(tx, 4711) is False


# Two at the same moment: processes with stores of their own, many rounds, on both databases.

ROUNDS = 25


def accept(tx, offer_id):
    work_items.accept(tx, offer_id)
    return "won"


def decline(tx, offer_id):
    work_items.decline(tx, offer_id)
    return "won"


def take(tx, item_and_agent):
    work_items.take(tx, *item_and_agent)
    return "won"


def offer(tx, item_and_agent):
    return "won" if work_items.offer(tx, *item_and_agent, epoch=EPOCH, reason={}) else "lost"


def abandon(tx, item_id):
    return "won" if work_items.abandon(tx, tx.session.get_one(WorkItem, item_id)) else "lost"


def finish(tx, item_id):
    work_items.finish(tx, tx.session.get_one(WorkItem, item_id))
    return "done"


def hand_back(tx, item_id):
    item = tx.session.get_one(WorkItem, item_id)
    work_items.hand_back(tx, item)
    return "done"


def lose_connection(tx, agent_id):
    presence.lose_connection(tx, tx.session.get_one(Agent, agent_id))
    return "gone"


def offered(house, rounds=ROUNDS):
    """An offer a round, each to an agent of its own."""
    return [house.offer(house.item(), house.agent(f"Agent{number}")) for number in range(rounds)]


def test_one_offer_accepted_on_two_screens_at_once_is_accepted_once(house, tmp_path):
    offers = offered(house)
    outcomes = race(house, tmp_path, [accept, accept], [[made.id, made.id] for made in offers])
    assert [sorted(turn) for turn in outcomes] == [["Conflict", "won"]] * ROUNDS
    assert house.kinds("offer.accepted") == ["offer.accepted"] * ROUNDS
    assert house.faults_in_load() == []


def test_one_item_taken_by_two_agents_at_once_is_taken_by_one(house, tmp_path):
    maya, tom = house.agent("Maya"), house.agent("Tom")
    items = [house.item() for _ in range(ROUNDS)]
    outcomes = race(house, tmp_path, [take, take], [[(item.id, maya.id), (item.id, tom.id)] for item in items])
    assert [sorted(turn) for turn in outcomes] == [["Conflict", "won"]] * ROUNDS
    assert len(house.all(select(Offer).where(Offer.state == "accepted"))) == ROUNDS
    assert house.faults_in_load() == []


def test_an_item_claimed_for_two_agents_and_taken_by_a_third_has_one_of_them(house, tmp_path):
    items = [house.item() for _ in range(ROUNDS)]
    people = [[house.agent(f"A{number}{each}") for each in range(3)] for number in range(ROUNDS)]
    rounds = [[(item.id, agent.id) for agent in three] for item, three in zip(items, people, strict=True)]
    outcomes = race(house, tmp_path, [offer, offer, take], rounds)
    assert [turn.count("won") for turn in outcomes] == [1] * ROUNDS
    assert house.faults_in_load() == []


def test_one_agent_offered_two_calls_at_once_is_offered_one(house, tmp_path):
    people = [house.agent(f"A{number}") for number in range(ROUNDS)]
    rounds = [[(house.item("voice").id, agent.id), (house.item("voice").id, agent.id)] for agent in people]
    outcomes = race(house, tmp_path, [offer, offer], rounds)
    assert [sorted(turn) for turn in outcomes] == [["lost", "won"]] * ROUNDS
    assert house.faults_in_load() == []


REPEATS = 500  # on each of the two databases


def test_of_an_answer_and_the_routers_timeout_in_the_same_moment_exactly_one_wins(house, tmp_path):
    """For the agent it is just before the deadline, for the router's own timer just after."""
    house.crowd(REPEATS, REPEATS, "voice")
    with routing(house) as router:
        router.turn()
    offers = house.all(select(Offer.id).where(Offer.state == "offered"))
    assert len(offers) == REPEATS
    outcomes = race(house, tmp_path, [accept, run_out], [[made, made] for made in offers])
    assert all(sorted(turn) in (["Conflict", "won"], ["lost", "won"]) for turn in outcomes), outcomes
    won = {"accepted": sum(turn[0] == "won" for turn in outcomes), "timeout": sum(turn[1] == "won" for turn in outcomes)}
    assert {state: len(house.all(select(Offer.id).where(Offer.state == state))) for state in won} == won
    assert house.faults() == []


def run_out(tx, offer_id):
    return "won" if work_items.expire(tx, offer_id, ran_out=True) else "lost"


def test_a_caller_who_leaves_while_the_agent_accepts_leaves_no_doubt(house, tmp_path):
    offers = offered(house)
    outcomes = race(house, tmp_path, [accept, abandon], [[made.id, made.item_id] for made in offers])
    for made, turn in zip(offers, outcomes, strict=True):
        state = house.one(select(WorkItem.state).where(WorkItem.id == made.item_id))
        assert (turn, state) in ((["won", "lost"], "active"), (["Conflict", "won"], "abandoned"))
    assert house.faults_in_load() == []


def test_a_caller_who_leaves_while_the_call_is_being_offered_leaves_no_doubt(house, tmp_path):
    people = [house.agent(f"A{number}") for number in range(ROUNDS)]
    items = [house.item() for _ in range(ROUNDS)]
    rounds = [[(item.id, agent.id), item.id] for item, agent in zip(items, people, strict=True)]
    outcomes = race(house, tmp_path, [offer, abandon], rounds)
    assert {turn[1] for turn in outcomes} == {"won"}
    assert {house.again(item).state for item in items} == {"abandoned"}
    assert {agent.used for agent in house.all(select(Agent))} == {0}
    assert house.faults_in_load() == []


def test_an_agent_who_answers_while_their_connection_is_given_up_leaves_no_doubt(house, tmp_path):
    offers = offered(house)
    rounds = [[made.id, made.agent_id, made.id] for made in offers]
    outcomes = race(house, tmp_path, [accept, lose_connection, decline], rounds)
    assert all(turn[1] == "gone" and [turn[0], turn[2]].count("won") <= 1 for turn in outcomes), outcomes
    assert house.one(select(Offer).where(Offer.state == "offered")) is None
    assert house.faults_in_load() == []


def test_work_finished_twice_at_once_is_finished_once(house, tmp_path):
    offers = offered(house)
    with house.tx() as tx:
        for made in offers:
            work_items.accept(tx, made.id)
    race(house, tmp_path, [finish, finish], [[made.item_id] * 2 for made in offers])
    assert house.kinds("item.done") == ["item.done"] * ROUNDS
    assert house.faults_in_load() == []


def test_work_finished_and_handed_back_at_once_is_either_done_or_waiting(house, tmp_path):
    offers = offered(house)
    with house.tx() as tx:
        for made in offers:
            work_items.accept(tx, made.id)
    race(house, tmp_path, [finish, hand_back], [[made.item_id] * 2 for made in offers])
    for item in house.all(select(WorkItem)):
        assert item.state in ("done", "waiting")
        assert (item.ended_at is None) == (item.state == "waiting")
    assert house.faults_in_load() == []


# Whatever happens in whatever order, the load of every agent is what a recount gives.

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "enqueue",
                "offer",
                "accept",
                "decline",
                "tick",
                "expire",
                "rescind",
                "take",
                "wrap_up",
                "finish",
                "abandon",
                "hand_back",
            ]
        ),
        st.integers(0, 4),
        st.integers(0, 2),
    ),
    max_size=40,
)
CHANNELS = ("voice", "chat", "email", "complaint", "chat")


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_after_any_history_the_load_of_every_agent_is_what_a_recount_gives(sqlite_house, steps):
    house = sqlite_house
    agents = [house.agent(name) for name in ("A", "B", "C")]
    items = [house.item(channel) for channel in CHANNELS]
    for verb, which, who in steps:
        one_step(house, verb, items, which, agents[who])
    assert house.faults_in_load() == []
    states = {item.state for item in house.all(select(WorkItem))}
    assert states <= {"waiting", "offered", "active", "wrap_up", "done", "abandoned"}


def one_step(house, verb, items, which, agent):
    item_id = items[which].id
    if verb == "enqueue":
        items[which] = house.item(CHANNELS[which])
    elif verb == "tick":
        house.tick(15)
    else:
        try:
            with house.tx() as tx:
                _do(tx, verb, tx.session.get_one(WorkItem, item_id), agent.id)
        except DeskError:
            pass


def _do(tx, verb, item, agent_id):
    made = tx.session.scalar(select(Offer).where(Offer.item_id == item.id).order_by(Offer.id.desc()).limit(1))
    match verb:
        case "offer":
            work_items.offer(tx, item.id, agent_id, epoch=EPOCH, reason={})
        case "accept" | "decline" | "expire" if made is not None:
            getattr(work_items, verb)(tx, made.id)
        case "rescind":
            work_items.rescind_offers(tx, agent_id, "test")
        case "take":
            work_items.take(tx, item.id, agent_id)
        case "wrap_up":
            work_items.begin_wrap_up(tx, item)
        case "finish":
            work_items.finish(tx, item)
        case "abandon":
            work_items.abandon(tx, item)
        case "hand_back":
            work_items.hand_back(tx, item)
