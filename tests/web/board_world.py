"""A frozen Friday noon at a desk, its supervisor and its administrator."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import select

from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.actions.work import work_items
from desk.clock import FrozenClock
from desk.models import Call, Queue, WorkItem
from tests.world import World, running, settings_for

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai, a Friday
KIND_OF = {"voice": "call", "chat": "chat", "email": "ticket", "complaint": "complaint"}


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path), clock=FrozenClock(NOON), background=False) as world:
        yield world


@pytest.fixture
def boss(world):
    """A browser of the service team's supervisor."""
    world.agent("Su", roles=("supervisor",), skills={})
    return world.browser("su@desk.example")


@pytest.fixture
def admin(world):
    world.agent("Priya", roles=("admin",), skills={})
    return world.browser("priya@desk.example")


def work(
    world: World,
    channel: str = "email",
    *,
    queue: str = "general",
    name: str = "Li Na",
    ago: float = 0.0,
    wait: float | None = None,
    lost: bool = False,
) -> WorkItem:
    """Work that entered the queue `ago` seconds ago and was answered, or lost, after `wait` seconds (or still waits)."""
    with world.tx() as tx:
        now = tx.now
        customer = customers.identify(tx, "email", f"{name.replace(' ', '.')}@customers.example", name=name)
        row = tx.session.scalars(select(Queue).where(Queue.key == queue)).one()
        tx.now = now - timedelta(seconds=ago)
        ticket = tickets.open_ticket(tx, customer=customer, queue=row, subject="Help", channel=channel)
        item = work_items.enqueue(tx, KIND_OF[channel], channel, ticket, row)
        tx.session.flush()
        outcome = None if wait is None else tx.now + timedelta(seconds=wait)
        if channel == "voice":
            call = Call(
                sid=f"CA{item.id}",
                from_number="+8613800138000",
                to_number="+862155501234",
                conference=f"c{item.id}",
                item_id=item.id,
                ticket_id=ticket.id,
                arrived_at=tx.now,
                queued_at=tx.now,
                answered_at=None if lost else outcome,
                abandoned_at=outcome if lost else None,
            )
            tx.session.add(call)
        if outcome is not None:
            item.state, item.ended_at = ("abandoned" if lost else "done"), outcome
            item.answered_at = None if lost else outcome
        tx.now = now
        tx.emit("item.queued", item=item)
    return item


def figure(page: str, name: str) -> str:
    block = page.split(f'id="figure-{name}"', 1)[1].split("figure-value", 1)[1].split("</p>", 1)[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", block.split(">", 1)[1])).split())


def total(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", page.split('id="sum">', 1)[1].split("</td>", 1)[0])).split())


def a_day_of_calls(world: World) -> None:
    for wait in (3, 12, 20, 21, 95):
        work(world, "voice", ago=600, wait=wait)
    for wait in (2, 5, 6, 40):
        work(world, "voice", ago=700, wait=wait, lost=True)
    work(world, "voice", ago=30)
    work(world, "chat", ago=300, wait=55)
    work(world, "chat", ago=300, wait=70, lost=True)
    work(world, "email", ago=4000)
