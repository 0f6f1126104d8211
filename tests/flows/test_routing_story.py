"""Who is asked for which work, and when: through the whole desk, with a clock that moves only when told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from desk.access import Viewer
from desk.actions import intake
from desk.actions.people import customers
from desk.actions.people.agents import set_skill
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.actions.work.presence import set_presence
from desk.clock import FrozenClock
from desk.models import Agent, Offer, WorkItem
from desk.queries.work.why import why_waits
from tests.world import running, settings_for

pytestmark = pytest.mark.one_process("sets the router's clock, which only its own process has")


@pytest.fixture
def clock():
    return FrozenClock(datetime(2026, 11, 20, 2, 0, tzinfo=UTC))


@pytest.fixture
def world(tmp_path, clock):
    with running(settings_for(tmp_path), clock=clock, roles=frozenset({"router"})) as world:
        world.until(lambda: world.one(select(WorkItem.id)) is None and world.background.router.epoch)
        yield world


def work(world, name, channel="chat", *, tier="standard", queue="general", skills=(("lang:en", 1),)):
    """Somebody's new ticket with work of this channel."""
    with world.tx() as tx:
        customer = customers.identify(tx, "email", f"{name}@customers.example", name=name, locale="en")
        customers.set_tier(tx, customer, tier)
        row = intake.find_queue(tx, queue)
        ticket = tickets.open_ticket(tx, customer=customer, queue=row, subject=name, channel="email")
        kind = {"voice": "call", "chat": "chat"}.get(channel, "ticket")
        item = work_items.enqueue(tx, kind, channel, ticket, row, skills=skills)
        tx.session.flush()
        return item.id


def free(world, agent):
    with world.tx() as tx:
        set_presence(tx, tx.session.get_one(Agent, agent.id), "available")


def offered(world, item_id=None):
    """The offer that is open now, waited for."""
    query = select(Offer).where(Offer.state == "offered")
    return world.until(lambda: world.one(query if item_id is None else query.where(Offer.item_id == item_id)))


def pass_time(world, clock, seconds):
    """Let time pass, and the router see that it has."""
    clock.tick(seconds)
    world.background.parts["router"].wake()


def order_of_offers(world, agent, count):
    """Which items one agent is asked for, one after the other, each accepted and done at once."""
    order = []
    for _ in range(count):
        made = world.until(lambda: world.one(select(Offer).where(Offer.state == "offered", Offer.agent_id == agent.id)))
        order.append(made.item_id)
        with world.tx() as tx:
            work_items.finish(tx, work_items.accept(tx, made.id))
    return order


def test_a_vip_who_comes_later_is_served_first_within_the_head_start_and_not_beyond_it(world, clock):
    """In chat the target is 90 s for the standard tier and 30 s for VIPs: a head start of 60 s."""
    maya = world.agent()
    standard = work(world, "first")
    clock.tick(59)
    within = work(world, "vip1", tier="vip")
    clock.tick(2)
    beyond = work(world, "vip2", tier="vip")
    with world.tx() as tx:
        tx.session.get_one(Agent, maya.id).capacity = 33  # one chat at a time
    free(world, maya)
    assert order_of_offers(world, maya, 3) == [within, standard, beyond]


def test_of_equals_who_came_first_is_served_first(world, clock):
    maya = world.agent()
    items = []
    for number in range(4):
        items.append(work(world, f"c{number}", "voice"))
        clock.tick(1)
    free(world, maya)
    assert order_of_offers(world, maya, 4) == items


def test_live_work_goes_before_mail_that_waits_longer(world, clock):
    maya = world.agent()
    mail = work(world, "writes", "email")
    clock.tick(600)
    call = work(world, "calls", "voice")
    free(world, maya)
    assert offered(world, call).agent_id == maya.id
    assert world.one(select(WorkItem.state).where(WorkItem.id == mail)) == "waiting"


def test_a_call_for_chinese_billing_never_reaches_anybody_without_both(world, clock):
    able = set()
    for name, skills in (
        ("Speaks", {"lang:zh": 9, "technical": 9}),
        ("Counts", {"lang:en": 9, "billing": 9}),
        ("Neither", {"lang:en": 9}),
    ):
        able.add(world.agent(name, skills=skills, available=True).id)
    call = work(world, "caller", "voice", queue="billing", skills=(("lang:zh", 1),))
    for _ in range(5):
        pass_time(world, clock, 30)
        turned(world)
    assert world.all(select(Offer)) == []
    with world.desk.store.read() as session:
        why = why_waits(session, Viewer(None, "Priya", ("admin",)), session.get_one(WorkItem, call), clock.now())
    assert {person.rule for person in why.people if person.agent_id in able} == {"skill_missing"}
    both = world.agent("Both", skills={"lang:zh": 1, "billing": 1}, available=True)
    assert offered(world, call).agent_id == both.id


def test_a_level_below_the_one_asked_for_is_not_enough(world):
    world.agent("Beginner", skills={"billing": 4}, available=True)
    item = work(world, "hard", queue="billing", skills=(("billing", 5),))
    turned(world)
    assert world.all(select(Offer)) == []
    expert = world.agent("Expert", skills={"billing": 5}, available=True)
    assert offered(world, item).agent_id == expert.id


def test_who_declines_is_followed_by_the_next_and_asked_again_only_after_a_while(world, clock):
    maya, tom = world.agent("Maya"), world.agent("Tom")
    item = work(world, "caller", "voice")
    free(world, maya)
    first = offered(world)
    with world.tx() as tx:
        work_items.decline(tx, first.id)
    turned(world)
    assert world.one(select(Offer).where(Offer.state == "offered")) is None
    free(world, tom)
    second = offered(world)
    assert (second.item_id, second.agent_id) == (item, tom.id)
    with world.tx() as tx:
        work_items.decline(tx, second.id)
    pass_time(world, clock, 61)
    assert offered(world, item).id > second.id


def test_who_does_not_answer_is_not_responding_and_the_next_is_asked(world, clock):
    maya, tom = world.agent("Maya"), world.agent("Tom")
    item = work(world, "caller", "voice")
    free(world, maya)
    first = offered(world)
    pass_time(world, clock, 20)
    world.until(lambda: world.one(select(Offer.state).where(Offer.id == first.id)) == "timeout")
    assert world.one(select(Agent.presence).where(Agent.id == maya.id)) == "not_responding"
    due = world.one(select(WorkItem.due_at).where(WorkItem.id == item))
    free(world, tom)
    assert offered(world, item).agent_id == tom.id
    assert world.one(select(WorkItem.due_at).where(WorkItem.id == item)) == due


def test_of_several_free_agents_the_one_with_the_fewest_other_uses_is_asked(world):
    world.agent("Allround", available=True)
    narrow = world.agent("Narrow", skills={"lang:en": 5, "billing": 5}, available=True)
    item = work(world, "asks", "voice", queue="billing", skills=(("lang:en", 1),))
    assert offered(world, item).agent_id == narrow.id


def test_two_agents_and_three_calls_leave_one_waiting(world):
    for name in ("Maya", "Tom"):
        world.agent(name, available=True)
    items = [work(world, f"c{number}", "voice") for number in range(3)]
    world.until(lambda: len(world.all(select(Offer).where(Offer.state == "offered"))) == 2)
    turned(world)
    assert sorted(world.all(select(Offer.item_id))) == items[:2]
    assert sorted(agent.used for agent in world.all(select(Agent))) == [0, 100, 100]  # nothing for the probe


def test_an_agent_who_is_given_a_skill_is_asked_for_what_waited_for_it(world):
    maya = world.agent("Maya", skills={"lang:en": 5}, available=True)
    item = work(world, "waits", queue="billing")
    turned(world)
    assert world.all(select(Offer)) == []
    with world.tx() as tx:
        set_skill(tx, tx.session.get_one(Agent, maya.id), "billing", 3)
    assert offered(world, item).agent_id == maya.id


def test_the_owner_of_a_ticket_is_asked_first_when_its_customer_writes_again(world):
    maya = world.agent("Maya", available=True)
    item = work(world, "writes", "email")
    made = offered(world, item)
    with world.tx() as tx:
        ticket = tx.session.get_one(tickets.Ticket, tx.session.get_one(WorkItem, item).ticket_id)
        work_items.finish(tx, work_items.accept(tx, made.id))
        tickets.assign(tx, ticket, maya.id)
    world.agent("Narrow", skills={"lang:en": 1}, available=True)  # who would be chosen otherwise
    with world.tx() as tx:
        tickets.queue_work(tx, tx.session.get_one(tickets.Ticket, ticket.id), intake.find_queue(tx, "general"))
    again = world.until(lambda: world.one(select(Offer).where(Offer.state == "offered")))
    assert again.agent_id == maya.id
    assert again.reason


def turned(world):
    """Wait until the router has seen everything that is committed by now: it decides on a piece of work of its own."""
    probe = world.agent(f"Probe{world.one(select(Agent.id).order_by(Agent.id.desc()).limit(1))}", skills={"probe": 1})
    item = work(world, f"probe{probe.id}", "voice", skills=(("probe", 1),))
    free(world, probe)
    made = offered(world, item)
    with world.tx() as tx:
        work_items.abandon(tx, tx.session.get_one(WorkItem, item))
        set_presence(tx, tx.session.get_one(Agent, probe.id), "offline")
        tx.session.flush()
        tx.session.delete(tx.session.get_one(Offer, made.id))
        tx.session.delete(tx.session.get_one(WorkItem, item))
