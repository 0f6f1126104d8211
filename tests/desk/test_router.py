"""The router turn by turn, with a clock that moves when told: what the reference asks of it, on the rows of both databases."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from desk.actions.people import agents
from desk.actions.work import places, presence, work_items
from desk.errors import Conflict
from desk.events import Event
from desk.models import Agent, Calendar, Offer, Queue, RouterLease, Setting, Ticket, Timer, WorkItem
from desk.queries.work.channel_rules import SETTING
from desk.store import StoreAway
from desk.work import router as router_module
from desk.work.router import Router
from tests.desk.house import EPOCH

WAITING_ORDER = select(WorkItem.id).where(WorkItem.state == "waiting").order_by(WorkItem.band, WorkItem.due_at, WorkItem.id)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr("desk.work.lease.STILL_S", 60.0)  # a busy machine gives a router no time for seconds


@contextmanager
def routing(house):
    """A router that hears of every commit, and turns when asked."""
    router = Router(house)
    house.store.subscribe(router.follow)
    try:
        yield router
    finally:
        router.release()
        house.store._listeners.remove(router.follow)


@pytest.fixture
def router(house):
    with routing(house) as router:
        router.turn()
        yield router


def open_offers(house):
    """Item to agent of what is offered now."""
    return {made.item_id: made.agent_id for made in house.all(select(Offer).where(Offer.state == "offered").order_by(Offer.id))}


def offer_of(house, item):
    return house.one(select(Offer).where(Offer.item_id == item.id, Offer.state == "offered"))


def set_queue(house, key="general", **values):
    with house.tx() as tx:
        queue = tx.session.scalars(select(Queue).where(Queue.key == key)).one()
        for field, value in values.items():
            setattr(queue, field, value)
        tx.emit("queue.changed", queue=queue)
        places.requeue_by(tx, queue)


def pass_time(house, router, seconds):
    house.tick(seconds)
    return router.turn()


def test_overflow_steps_come_at_their_time_from_entry_across_a_refusal_and_another_router(house):
    """Scenario 15."""
    lower = {"after_s": 60, "do": "lower_level", "skill": "x", "level": 3}
    steps = [{"after_s": 30, "do": "drop_skill", "skill": "vip-desk"}, lower]
    set_queue(house, requires=[["vip-desk", 1], ["x", 5]], overflow=steps)
    expert, other = house.agent("Expert", x=5), house.agent("Other", x=3)
    item = house.item("voice")
    with routing(house) as router:
        assert pass_time(house, router, 29) <= 1
        assert open_offers(house) == {}
        pass_time(house, router, 1)
        assert open_offers(house) == {item.id: expert.id}
        with house.tx() as tx:
            work_items.decline(tx, offer_of(house, item).id)
        router.turn()
        assert open_offers(house) == {}
    with routing(house) as router:
        pass_time(house, router, 10.5)  # it may be offered to the only one again
        assert open_offers(house) == {item.id: expert.id}
        with house.tx() as tx:
            work_items.decline(tx, offer_of(house, item).id)
            presence.set_presence(tx, tx.session.get_one(Agent, expert.id), "away")
        assert pass_time(house, router, 9) <= 10.5
        assert open_offers(house) == {}
    with routing(house) as router:
        pass_time(house, router, 10)
        assert open_offers(house) == {}
        pass_time(house, router, 0.5)
        assert open_offers(house) == {item.id: other.id}
        pass_time(house, router, 1)
    relaxed = house.all(select(Event).where(Event.kind == "item.relaxed").order_by(Event.id))
    assert [each.data["step"]["after_s"] for each in relaxed] == [30, 60]
    assert all(each.item_id == item.id and each.ticket_id == item.ticket_id for each in relaxed)
    assert (house.again(item).enqueued_at, house.again(item).steps_done) == (item.enqueued_at, 2)


def test_closed_time_stops_the_clock_of_overflow(house, router):
    hours = [["09:00", "10:01"]]  # it is ten o'clock
    with house.tx() as tx:
        tx.session.execute(update(Calendar).where(Calendar.key == "always").values(week=[hours] * 7))
        tx.emit("calendar.changed")
    set_queue(house, requires=[["x", 1]], overflow=[{"after_s": 120, "do": "drop_skill", "skill": "x"}])
    house.agent()
    item = house.item("voice")
    for hours in (1, 12, 9.9):
        pass_time(house, router, hours * 3600)
        assert open_offers(house) == {}
    pass_time(house, router, 0.1 * 3600 + 60)
    assert list(open_offers(house)) == [item.id]


def test_people_of_another_team_are_called_in_by_a_step(house, router):
    set_queue(house, requires=[["x", 1]], overflow=[{"after_s": 10, "do": "also_team", "team": "care"}])
    house.agent("Here")
    there = house.agent("There", team="care")
    item = house.item("chat")
    router.turn()
    assert open_offers(house) == {}
    pass_time(house, router, 10)
    assert open_offers(house) == {item.id: there.id}


@pytest.mark.parametrize(("others", "seconds"), [(0, 10), (1, 60)])
def test_who_declines_is_asked_again_after_a_while_that_is_short_when_nobody_else_could(house, router, others, seconds):
    """Scenario 16. The other one is there and able, and has a call already."""
    maya, item = house.agent("Maya"), house.item("voice")
    router.turn()
    for number in range(others):
        house.agent(f"Tom{number}")
        busy = house.item("voice")
        router.turn()
        with house.tx() as tx:
            work_items.accept(tx, offer_of(house, busy).id)
    with house.tx() as tx:
        work_items.decline(tx, house.one(select(Offer).where(Offer.item_id == item.id)).id)
    router.turn()
    assert maya.id not in open_offers(house).values()
    pass_time(house, router, seconds - 0.5)
    assert item.id not in open_offers(house)
    pass_time(house, router, 0.5)
    assert open_offers(house)[item.id] == maya.id
    assert house.again(item).due_at == item.due_at


def test_work_sent_back_by_any_path_is_left_alone_by_its_agent_as_after_a_refusal(house, router):
    maya, item = house.agent(), house.item("email")
    router.turn()
    with house.tx() as tx:
        work_items.hand_back(tx, work_items.accept(tx, offer_of(house, item).id))
    router.turn()
    assert open_offers(house) == {}
    pass_time(house, router, 10)
    assert open_offers(house) == {item.id: maya.id}


def test_an_offer_that_runs_out_goes_to_the_next_with_its_key_and_takes_all_others_with_it(house, router):
    """Scenario 17: fifteen seconds; the next beat of the agent's screen does not make them available."""
    set_queue(house, offer_timeout_s=15)
    maya = house.agent("Maya")
    call, mail = house.item("chat"), house.item("email")
    router.turn()
    assert set(open_offers(house)) == {call.id, mail.id}
    tom = house.agent("Tom")
    assert pass_time(house, router, 14.9) <= 0.1 + 1e-6
    assert set(open_offers(house).values()) == {maya.id}
    pass_time(house, router, 0.1)
    assert open_offers(house) == {call.id: tom.id, mail.id: tom.id}
    assert house.kinds("offer.")[2:4] == ["offer.timed_out", "offer.rescinded"]
    now = house.again(call)
    assert (now.due_at, now.enqueued_at, now.excluded) == (call.due_at, call.enqueued_at, {})
    with house.tx() as tx:
        presence.regain_connection(tx, tx.session.get_one(Agent, maya.id))
    assert house.again(maya).presence == "not_responding"
    assert house.faults() == []


def test_who_closes_the_browser_loses_offers_and_chats_at_once_but_not_the_call(house, router):
    """Scenario 19."""
    maya = house.agent("Maya")
    call = house.item("voice")
    router.turn()
    with house.tx() as tx:
        work_items.accept(tx, offer_of(house, call).id)
    lin = house.agent("Lin")
    chat, offered = house.item("chat"), house.item("chat")
    router.turn()
    with house.tx() as tx:
        work_items.accept(tx, offer_of(house, chat).id)
    for gone in (maya, lin):
        with house.tx() as tx:
            presence.lose_connection(tx, tx.session.get_one(Agent, gone.id))
    assert house.again(call).state == "active"
    assert (house.again(chat).state, house.again(offered).state) == ("waiting", "waiting")
    tom = house.agent("Tom")
    router.turn()
    assert open_offers(house) == {chat.id: tom.id, offered.id: tom.id}
    assert house.again(chat).due_at == chat.due_at
    assert house.faults() == []


def test_who_comes_back_before_somebody_else_has_taken_over_gets_their_chat_again(house, router):
    lin, chat = house.agent("Lin"), house.item("chat")
    router.turn()
    with house.tx() as tx:
        work_items.accept(tx, offer_of(house, chat).id)
        presence.lose_connection(tx, tx.session.get_one(Agent, lin.id))
        tx.session.get_one(Agent, lin.id).desired = "available"
    house.agent("Tom", presence="away")
    router.turn()
    with house.tx() as tx:
        presence.regain_connection(tx, tx.session.get_one(Agent, lin.id))
    router.turn()
    assert open_offers(house) == {chat.id: lin.id}


def test_after_a_restart_whoever_does_not_come_back_has_lost_their_chats(house, router):
    lin, chat = house.agent("Lin"), house.item("chat")
    router.turn()
    with house.tx() as tx:
        work_items.accept(tx, offer_of(house, chat).id)
    with house.tx() as tx:
        presence.lose_everyone(tx)
    assert house.again(chat).state == "active"
    timer = house.one(select(Timer).where(Timer.kind == presence.GONE_TIMER, Timer.done_at.is_(None)))
    assert timer.due_at == house.clock.now() + timedelta(seconds=15)
    with house.tx() as tx:
        presence.still_gone(tx, timer.data)
    assert (house.again(chat).state, house.again(lin).presence) == ("waiting", "offline")
    assert house.faults() == []


def test_a_caller_who_hangs_up_while_offered_leaves_the_agent_as_idle_as_before(house, router):
    """Scenario 20."""
    maya = house.agent()
    house.tick(100)
    call = house.item("voice")
    router.turn()
    house.tick(5)
    for left in (True, False):
        with house.tx() as tx:
            assert work_items.abandon(tx, tx.session.get_one(WorkItem, call.id)) is left
    now = house.again(maya)
    assert (now.used, now.idle_since) == (0, maya.idle_since)
    assert house.kinds("item.abandoned") == ["item.abandoned"]
    assert house.one(select(Offer.state)) == "canceled"
    assert house.faults() == []


def test_of_chats_that_wait_for_the_same_agent_the_earlier_is_served_first_when_one_ends(house, router):
    """Scenario 21, a known fault elsewhere: the fourth chat is served before the fifth, and as soon as the agent is free."""
    maya = house.agent()
    chats = []
    for _ in range(5):
        chats.append(house.item("chat"))
        house.tick(1)
        router.turn()
    assert list(open_offers(house)) == [chat.id for chat in chats[:3]]
    with house.tx() as tx:
        for made in house.all(select(Offer.id)):
            work_items.accept(tx, made)
    with house.tx() as tx:
        work_items.finish(tx, tx.session.get_one(WorkItem, chats[1].id))
    router.turn()
    assert open_offers(house) == {chats[3].id: maya.id}


def test_the_clock_set_back_an_hour_and_ahead_two_changes_nothing_for_those_who_wait(house):
    """Scenario 23: 50 waiting, 5 offers."""
    steps = [{"after_s": 300, "do": "drop_skill", "skill": "x"}]
    set_queue(house, requires=[["x", 1]], overflow=steps)
    for number in range(5):
        house.agent(f"A{number}", x=5)
    calls = [house.item("voice") for _ in range(5)]
    with routing(house) as router:
        router.turn()
        first = open_offers(house)
        assert set(first) == {call.id for call in calls}
        for _ in range(50):
            house.item("voice")
            house.tick(0.01)
        router.turn()
        order = house.all(WAITING_ORDER)
        house.clock.set_wall(-3600)
        pass_time(house, router, 10)
        assert open_offers(house) == first
        assert house.item("voice").enqueued_at >= max(house.all(select(WorkItem.enqueued_at)))
        house.clock.set_wall(7200)
        router.turn()
        assert open_offers(house) == first
        assert house.all(WAITING_ORDER)[:50] == order
        assert house.kinds("offer.extended") == ["offer.extended"] * 5
        assert "item.relaxed" not in house.kinds()
        with house.tx() as tx:
            work_items.accept(tx, offer_of(house, calls[0]).id)  # the stored deadline went along
        pass_time(house, router, 9)
        assert len(open_offers(house)) == 4
        pass_time(house, router, 2)  # and twenty seconds are twenty seconds
        assert house.kinds("offer.timed_out") == ["offer.timed_out"] * 4
        assert house.kinds("router.clock_leapt") == ["router.clock_leapt"]
        pass_time(house, router, 300)
        assert "item.relaxed" in house.kinds()
    assert house.faults() == []


def test_a_wall_clock_set_back_does_not_keep_an_offer_from_running_out(house, router):
    item = house.item("voice")
    house.agent()
    router.turn()
    house.clock.set_wall(-7200)
    pass_time(house, router, 19)
    assert list(open_offers(house)) == [item.id]
    pass_time(house, router, 1)
    assert open_offers(house) == {}


def test_a_skill_that_begins_by_plan_counts_from_then_on(house, router):
    set_queue(house, requires=[["x", 1]])
    maya, item = house.agent(), house.item("voice")
    with house.tx() as tx:
        begins = tx.now + timedelta(hours=1)
        agents.set_skill(tx, tx.session.get_one(Agent, maya.id), "x", 3, since=begins)
    router.turn()
    assert open_offers(house) == {}
    house.tick(3600)
    with house.tx() as tx:
        agents.turn_skills(tx, tx.session.get_one(Agent, maya.id), tx.now - timedelta(hours=1))
    router.turn()
    assert open_offers(house) == {item.id: maya.id}


def test_a_changed_queue_orders_what_waits_by_its_new_targets_from_when_it_came(house, router, monkeypatch):
    monkeypatch.setattr(places, "BATCH", 2)
    items = [house.item("chat", tier=tier) for tier in ("standard", "vip", "standard", "vip", "gold")]
    other = house.item("chat", queue="billing")
    before = house.all(WAITING_ORDER)
    house.tick(50)
    set_queue(house, requires=[["y", 2]], targets={"chat": {"vip": 600, "standard": 10, "gold": 300}})
    while timer := house.one(select(Timer).where(Timer.kind == places.REQUEUE_TIMER, Timer.done_at.is_(None))):
        with house.tx() as tx:
            tx.session.get_one(Timer, timer.id).done_at = tx.now
            tx.session.flush()
            places.requeue_after(tx, timer.data)
    now = [house.again(item) for item in items]
    assert [(each.due_at - each.enqueued_at).total_seconds() for each in now] == [10, 600, 10, 600, 300]
    assert [each.enqueued_at for each in now] == [item.enqueued_at for item in items]
    assert all(each.requires == [["y", 2]] for each in now)
    assert house.again(other).due_at == other.due_at
    assert house.all(WAITING_ORDER) != before
    maya = house.agent(y=2)
    router.turn()
    assert open_offers(house) == {items[0].id: maya.id, items[2].id: maya.id, items[4].id: maya.id}


def test_work_keeps_what_it_asks_for_itself_when_its_queue_changes_or_it_changes_queue(house):
    item = house.item()
    with house.tx() as tx:
        tx.session.get_one(WorkItem, item.id).asked = [["lang:zh", 2]]
    set_queue(house, requires=[["lang:zh", 1], ["x", 4]])
    assert house.again(item).requires == [["lang:zh", 2], ["x", 4]]
    with house.tx() as tx:
        billing = tx.session.scalars(select(Queue).where(Queue.key == "billing")).one()
        work_items.hand_back(tx, tx.session.get_one(WorkItem, item.id), queue=billing)
    assert house.again(item).requires == [["billing", 1], ["lang:zh", 2]]


def test_channel_rules_that_change_are_gone_by_at_once_and_loads_are_counted_anew(house, router):
    maya = house.agent()
    chats = [house.item("chat") for _ in range(4)]
    router.turn()
    assert len(open_offers(house)) == 3
    with house.tx() as tx:
        rule = {"weight": 25, "maximum": 4, "interruptible": False, "exclusive": False}
        tx.session.add(Setting(key=SETTING, value={"chat": rule}))
        tx.emit("setting.channels_set")
    router.turn()
    assert set(open_offers(house)) == {chat.id for chat in chats}
    assert house.again(maya).used == 100
    assert house.faults() == []


def test_a_hold_for_the_agent_who_knows_the_work_is_as_long_as_the_queue_says(house, router):
    set_queue(house, sticky_s={"chat": 7})
    maya = house.agent("Maya")
    chats = [house.item("chat") for _ in range(3)]
    router.turn()
    for chat in chats:
        with house.tx() as tx:
            work_items.accept(tx, offer_of(house, chat).id)
    tom = house.agent("Tom")
    with house.tx() as tx:
        ticket, queue = tx.session.get_one(WorkItem, chats[0].id).ticket_id, tx.session.get_one(Queue, chats[0].queue_id)
        again = work_items.enqueue(tx, "chat", "chat", tx.session.get_one(Ticket, ticket), queue, sticky_agent_id=maya.id)
        tx.session.flush()
    router.turn()
    pass_time(house, router, 6.9)
    assert open_offers(house) == {}
    pass_time(house, router, 0.1)
    assert open_offers(house) == {again.id: tom.id}


def test_what_was_decided_in_another_epoch_is_refused_and_a_second_router_stands_by(house, router):
    with routing(house) as second:
        assert second.turn() == 0.5
        assert second.epoch is None
        first_epoch = router.epoch
        assert first_epoch == EPOCH + 1
        router.release()
        second.turn()
        assert second.epoch == first_epoch + 1
        item, maya = house.item(), house.agent()
        assert house.offer(item, maya, epoch=first_epoch) is None
        second.turn()
        assert open_offers(house) == {item.id: maya.id}
        assert router.turn() == 0.5


def test_a_router_whose_epoch_is_over_notices_before_it_claims(house, router):
    with house.tx() as tx:
        later = {"epoch": RouterLease.epoch + 1, "until": tx.now + timedelta(hours=1), "holder": "elsewhere:1"}
        tx.session.execute(update(RouterLease).values(**later))
    house.agent()
    house.item()
    pass_time(house, router, 1)
    assert router.epoch is None
    assert open_offers(house) == {}


def test_a_router_that_was_replaced_within_a_turn_ends_no_offer(house, router):
    maya, item = house.agent(), house.item("voice")
    router.turn()
    with house.tx() as tx:
        tx.session.execute(update(RouterLease).values(epoch=RouterLease.epoch + 1))
    house.tick(60)
    with pytest.raises(StoreAway):
        router._expire()
    assert open_offers(house) == {item.id: maya.id}


def test_who_takes_over_a_long_line_serves_its_head_before_all_is_read(house, monkeypatch):
    monkeypatch.setattr(router_module, "HEAD", 2)
    _agents, items = house.crowd(2, 12)
    read, at_each = router_module.read, []
    monkeypatch.setattr(router_module, "read", lambda *args: at_each.append(len(open_offers(house))) or read(*args))
    with routing(house) as router:
        router.turn()
        assert at_each[:2] == [0, 2]
        assert sorted(open_offers(house)) == items[:10]
        assert router._picture.size == 2
        assert house.faults() == []


def test_a_router_that_takes_over_counts_loads_anew_ends_what_ran_out_and_minds_the_rest(house):
    maya, tom = house.agent("Maya"), house.agent("Tom")
    late, open_ = house.offer(house.item("voice"), maya), house.offer(house.item("email"), tom)
    with house.tx() as tx:
        tx.session.execute(update(Agent).where(Agent.id == tom.id).values(used=77))
    house.tick(60)
    with routing(house) as router:
        rest = router.turn()
        assert house.again(late).state == "timeout"
        assert house.again(open_).state == "offered"
        assert house.faults() == []
        assert rest <= 20
        assert set(open_offers(house)) == {late.item_id, open_.item_id}
        assert len(router._picture.deadlines) == 2


def test_a_router_with_nothing_to_do_asks_the_database_nothing_but_for_its_lease(house, router):
    house.agent(presence="away")
    house.item()
    router.turn()
    asked = []
    event.listen(house.store.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    for _ in range(20):
        pass_time(house, router, 1)
    assert asked == []
    assert house.one(select(RouterLease.until)) is not None


def test_of_an_answer_and_the_routers_own_deadline_only_one_counts(house, router):
    house.agent()
    item = house.item("voice")
    router.turn()
    made = offer_of(house, item)
    house.tick(20)
    router.turn()
    with pytest.raises(Conflict), house.tx() as tx:
        work_items.accept(tx, made.id)
    assert len(router._picture.deadlines) == 0
