"""The pages by which a customer is erased, or gets a copy: who may open and press what, and what stands there."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from desk.actions.people import customers
from desk.actions.tickets import solving, tickets
from desk.models import Customer, Erasure, Message, Queue
from tests.world import World, running, settings_for

SAYS = "The zebra is lost."


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    with running(settings_for(tmp_path_factory.mktemp("erasures"))) as world:
        for name, role in (("Ada", "admin"), ("Sue", "supervisor"), ("Eve", "agent"), ("Olga", "auditor")):
            world.agent(name, roles=(role,))
        yield world


@pytest.fixture
def customer_id(world) -> int:
    """A customer with one ticket that is settled."""
    with world.tx() as tx:
        customer = customers.identify(tx, "email", "zoe@customers.example", name="Zoe Zebra")
        queue = tx.session.scalars(select(Queue).where(Queue.key == "general")).one()
        ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject=SAYS, channel="email")
        message = Message(channel="email", direction="in", customer_id=customer.id, author_name="Zoe Zebra", text=SAYS)
        tickets.add_message(tx, ticket, message)
        solving.finish_work(tx, ticket)
        solving.settle(tx, ticket, category="other", wrap_up_code="solved", resolution="Found.")
    return customer.id


def test_from_the_plan_to_the_end_by_two_people(world, customer_id):
    admin, head, auditor, agent = (world.browser(f"{name}@desk.example") for name in ("ada", "sue", "olga", "eve"))
    plan = f"/admin/erasures/customers/{customer_id}"
    assert agent.get("/admin/erasures").status_code == agent.get(plan).status_code == 403
    found = admin.post("/admin/erasures/find", data={"said": "ZOE@customers.example"})
    assert found.headers["Location"] == plan
    assert admin.post("/admin/erasures/find", data={"said": "nobody@customers.example"}).status_code == 404
    assert "Zoe" not in admin.get(plan).text
    assert admin.post(plan, data={"reason": " "}).status_code == 422
    assert head.post(plan, data={"reason": "Please."}).status_code == auditor.post(plan, data={"reason": "x"}).status_code == 403

    made = admin.post(f"{plan}/copy", data={"format": "json", "why": "They came with their passport."})
    copy = json.loads(made.text)
    assert (copy["customer"]["name"], copy["tickets"][0]["messages"][0]["text"]) == ("Zoe Zebra", SAYS)
    readable = head.post(f"{plan}/copy", data={"format": "html", "why": "They came with their passport."})
    assert SAYS in readable.text
    assert "attachment" in readable.headers["Content-Disposition"]
    assert auditor.post(f"{plan}/copy", data={"why": "Curious."}).status_code == 403
    assert admin.post(f"{plan}/copy", data={"why": ""}).status_code == 422

    assert admin.post(plan, data={"reason": "By letter."}).status_code == 303
    assert "waits for a supervisor" in head.get(plan).text
    erasure = world.one(select(Erasure).where(Erasure.customer_id == customer_id))
    for who in (admin, auditor):
        assert who.post(f"/admin/erasures/{erasure.id}/agree").status_code == 403
    assert head.post(f"/admin/erasures/{erasure.id}/agree").status_code == 303
    world.until(lambda: world.one(select(Customer.erased_at).where(Customer.id == customer_id)))
    for who in (admin, head, auditor):
        for path in (plan, "/admin/erasures", "/admin/audit"):
            page = who.get(path)
            assert page.status_code == 200
            assert "Zoe" not in page.text
            assert "zebra" not in page.text
    assert f'"/desk/customers/{customer_id}"' not in head.get("/desk/customers?q=Zoe").text
    assert "Zoe" not in head.get(f"/desk/customers/{customer_id}").text


def test_how_long_things_are_kept_is_set_by_administrators(world):
    admin, head = world.browser("ada@desk.example"), world.browser("sue@desk.example")
    assert head.get("/admin/erasures/keeping").status_code == 200
    assert head.post("/admin/erasures/keeping", data={"written": "400", "others": "500"}).status_code == 403
    assert admin.post("/admin/erasures/keeping", data={"written": "1", "others": "500"}).status_code == 422
    assert admin.post("/admin/erasures/keeping", data={"written": "400", "others": "500"}).status_code == 303
    assert 'value="400"' in admin.get("/admin/erasures/keeping").text
