"""The API of version 1: tokens, problems, pages of a list, repeated requests, and a description that is true."""

from __future__ import annotations

import threading

import pytest
import requests
from sqlalchemy import func, select

from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.people import tokens
from desk.events import Event
from desk.models import ApiToken, Customer, Message, OutboxMail, Ticket
from tests.world import running, settings_for


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("api")), background=False) as world:
        yield world


class Program:
    """A program with a token of one role."""

    def __init__(self, world, role):
        self.base = world.url + "/api/v1"
        self.session = requests.Session()
        self.session.trust_env = False
        if role:
            secret = f"the secret of a program with the role {role}"
            with world.tx() as tx:
                if tx.session.scalar(select(ApiToken).where(ApiToken.name == role)) is None:
                    tokens.create(tx, name=role, role=role, secret=secret)
            self.session.headers["Authorization"] = f"Bearer {secret}"

    def __call__(self, method, path, **more):
        return self.session.request(method, self.base + path, timeout=60, **more)


@pytest.fixture
def program(world):
    return Program(world, "supervisor")


def mail(world, number, text="Hello.", sender="li.na@customers.example", name="Li Na", queue=""):
    with world.tx() as tx:
        inbound = Inbound(
            channel="email",
            external_id=f"api-{number}",
            sender=Contact("email", sender, name),
            subject=f"Mail {number}",
            text=text,
        )
        return intake.receive(tx, inbound, queue_key=queue).ticket


def assert_problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"]
    assert problem["title"]
    assert problem["detail"]
    return problem


# Who may


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Bearer wrong", "Basic c3VwZXJ2aXNvcg==", "nonsense"])
def test_without_a_good_token_nothing_is_answered(world, header):
    headers = {"Authorization": header} if header else {}
    assert_problem(requests.get(world.url + "/api/v1/tickets", headers=headers, timeout=60), 401)


def test_a_session_of_a_browser_opens_nothing_here(world):
    maya = world.agent("Sessions", roles=("supervisor",))
    assert_problem(world.browser(maya.email).get("/api/v1/tickets"), 401)


def test_a_revoked_token_is_worth_nothing_at_once(world):
    with world.tx() as tx:
        token = tokens.create(tx, name="gone", role="supervisor", secret="a secret to be revoked")
    headers = {"Authorization": "Bearer a secret to be revoked"}
    assert requests.get(world.url + "/api/v1/tickets", headers=headers, timeout=60).status_code == 200
    with world.tx() as tx:
        tokens.revoke(tx, tx.session.get_one(ApiToken, token.id))
    assert_problem(requests.get(world.url + "/api/v1/tickets", headers=headers, timeout=60), 401)


def test_the_secret_of_a_token_is_not_kept(world, program):
    program("GET", "/tickets")
    kept = world.one(select(ApiToken).where(ApiToken.name == "supervisor"))
    assert "the secret" not in str(vars(kept))
    assert kept.last_used_at is not None


FORBIDDEN = {
    "agent": {("GET", "/agents"), ("GET", "/complaints"), ("GET", "/events"), ("GET", "/stats"), ("POST", "/customers")},
    "senior": {("GET", "/agents"), ("GET", "/events"), ("GET", "/stats")},
    "supervisor": set(),
    "complaint_officer": {
        *(("GET", path) for path in ("/tickets", "/work-items", "/agents", "/events", "/stats")),
        ("POST", "/customers"),
    },
    "knowledge_editor": {
        *(("GET", path) for path in ("/tickets", "/work-items", "/agents", "/events", "/stats", "/customers", "/complaints")),
        *(("POST", path) for path in ("/tickets", "/customers")),
    },
    "admin": {
        *(("GET", path) for path in ("/tickets", "/work-items", "/agents", "/stats", "/customers", "/complaints")),
        *(("GET", path) for path in ("/articles", "/search")),
        *(("POST", path) for path in ("/tickets", "/customers")),
    },
    "auditor": {
        *(("GET", path) for path in ("/agents", "/complaints", "/stats")),
        *(("POST", path) for path in ("/tickets", "/customers")),
    },
}
ALL = [
    *(("GET", path) for path in ("/tickets", "/customers", "/agents", "/work-items", "/complaints", "/articles", "/search")),
    *(("GET", path) for path in ("/events", "/stats")),
    *(("POST", path) for path in ("/tickets", "/customers")),
]


@pytest.mark.parametrize("role", FORBIDDEN)
def test_each_role_may_what_its_rights_say_and_nothing_more(world, role):
    program = Program(world, role)
    refused = set()
    for method, path in ALL:
        answer = program(method, path, **({"json": {}} if method == "POST" else {"params": {"q": "router"}}))
        assert answer.status_code in (200, 403, 422), answer.text
        if answer.status_code == 403:
            assert_problem(answer, 403)
            refused.add((method, path))
    assert refused == FORBIDDEN[role]


def test_a_token_without_a_team_sees_no_ticket_of_any_team_unless_it_may_see_all(world):
    number = mail(world, "team").number
    agent = Program(world, "agent")
    assert agent("GET", "/tickets").json()["items"] == []
    assert_problem(agent("GET", f"/tickets/{number}"), 404)
    assert_problem(agent("GET", f"/tickets/{number}/messages"), 404)
    assert_problem(agent("PATCH", f"/tickets/{number}", json={"priority": 1}), 404)
    assert_problem(agent("POST", f"/tickets/{number}/messages", json={"text": "x", "kind": "note"}), 404)
    assert agent("GET", "/customers").json()["items"] == []
    assert Program(world, "auditor")("GET", f"/tickets/{number}").status_code == 200


def test_who_may_not_reveal_contacts_sees_them_masked(world):
    ticket = mail(world, "masked", sender="wang.wei@customers.example")
    told = {}
    for role in ("supervisor", "auditor"):
        program = Program(world, role)
        customer = program("GET", f"/customers/{ticket.customer_id}").json()
        messages = program("GET", f"/tickets/{ticket.number}/messages").json()["items"]
        told[role] = (customer["contacts"][0]["value"], messages[0]["from"]["address"])
    assert told["supervisor"] == ("wang.wei@customers.example",) * 2
    assert told["auditor"] == ("wa•••@customers.example",) * 2
    auditor = Program(world, "auditor")
    mail(world, "nameless", sender="nameless@customers.example", name="")
    for path in ("/customers", "/tickets", f"/tickets/{ticket.number}/messages"):
        body = str(auditor("GET", path, params={"limit": 200}).json())
        assert "•••@" in body
        assert "wang.wei@" not in body
        assert "nameless@" not in body


# What is wrong


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/tickets/1", 404),
        ("GET", "/tickets/999999999999999999999999", 404),
        ("GET", "/tickets/4711/messages", 404),
        ("GET", "/customers/4711", 404),
        ("GET", "/customers/999999999999999999999999", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/tickets", 405),
        ("GET", "/tickets?limit=0", 422),
        ("GET", "/tickets?limit=201", 422),
        ("GET", "/tickets?limit=many", 422),
        ("GET", "/tickets?limit=²", 422),
        ("GET", "/tickets?cursor=!!!", 422),
        ("GET", "/tickets?cursor=5rWL6K-V", 422),
        ("GET", "/tickets?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk", 422),
        ("GET", "/tickets?customer=li", 422),
        ("GET", "/tickets?customer=99999999999999999999999", 422),
        ("GET", "/tickets?owner=li", 422),
        ("GET", "/events?ticket=99999999999999999999999", 422),
        ("GET", "/customers?email=nobody", 422),
        ("GET", "/customers?phone=abc", 422),
        ("GET", "/search", 422),
        ("GET", "/search?q=x&lang=fr", 422),
    ],
)
def test_a_wrong_request_is_answered_with_a_problem(program, method, path, status):
    assert_problem(program(method, path), status)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"subject"}),
        ({"subject": 7, "email": "a@b.example"}, {"subject"}),
        ({"subject": "x" * 301, "email": "a@b.example"}, {"subject"}),
        ({"subject": "x", "email": "a@b.example", "type": "complaint", "locale": "fr"}, {"type", "locale"}),
        ({"subject": "x", "email": "a@b.example", "nonsense": 1}, {"nonsense"}),
        ({"subject": "x", "type": ["enquiry"], "email": {}}, {"type", "email"}),
    ],
)
def test_every_wrong_field_of_a_body_is_named_and_nothing_is_changed(world, program, body, wrong):
    before = world.one(select(func.count()).select_from(Ticket))
    assert assert_problem(program("POST", "/tickets", json=body), 422)["fields"].keys() == wrong
    assert world.one(select(func.count()).select_from(Ticket)) == before


@pytest.mark.parametrize("body", ["", "[]", "{", '"text"', "null", "\xff"])
def test_a_body_that_is_no_json_object_is_refused(program, body):
    headers = {"Content-Type": "application/json"}
    assert_problem(program("POST", "/tickets", data=body.encode("latin-1"), headers=headers), 422)


@pytest.mark.parametrize("contact", [{}, {"email": "nobody"}, {"phone": "12"}])
def test_a_ticket_needs_somebody_to_answer(program, contact):
    assert_problem(program("POST", "/tickets", json={"subject": "Help", **contact}), 422)


def test_a_closed_ticket_is_not_answered(world, program):
    ticket = mail(world, "closed")
    with world.tx() as tx:
        tx.session.get_one(Ticket, ticket.id).status = "closed"
    assert_problem(program("POST", f"/tickets/{ticket.number}/messages", json={"text": "Too late."}), 409)
    assert world.one(select(OutboxMail).where(OutboxMail.ticket_id == ticket.id)) is None


def test_an_owner_or_priority_that_does_not_exist_is_refused(world, program):
    number = mail(world, "owner").number
    assert_problem(program("PATCH", f"/tickets/{number}", json={"owner": 4711}), 404)
    assert_problem(program("PATCH", f"/tickets/{number}", json={"priority": 9}), 422)
    assert_problem(program("PATCH", f"/tickets/{number}", json={"category": "nonsense"}), 422)
    assert_problem(program("PATCH", f"/tickets/{number}", json={"owner": 10**30}), 422)
    assert program("GET", f"/tickets/{number}").json()["owner"] is None


# What is right


def test_a_ticket_is_opened_changed_noted_and_answered(world, program):
    made = program(
        "POST", "/tickets", json={"subject": "Dead router", "text": "By phone", "email": "New@Customers.example", "name": "Ann"}
    )
    assert made.status_code == 201
    ticket = made.json()
    assert {"number", "subject", "status", "type", "channel", "priority", "customer", "owner", "created_at"} <= ticket.keys()
    assert (ticket["status"], ticket["channel"], ticket["customer"]["name"]) == ("new", "manual", "Ann")
    path = f"/tickets/{ticket['number']}"
    assert program("GET", path).json()["subject"] == "Dead router"
    changed = program("PATCH", path, json={"priority": 1, "category": "technical", "subject": "Very dead router"}).json()
    assert (changed["priority"], changed["category"], changed["subject"]) == (1, "technical", "Very dead router")
    assert program("POST", path + "/messages", json={"text": "Ask Tom.", "kind": "note"}).status_code == 201
    sent = program("POST", path + "/messages", json={"text": "Press reset.", "cc": ["boss@customers.example"]}).json()
    assert (sent["to"], sent["cc"], sent["direction"]) == (["new@customers.example"], ["boss@customers.example"], "out")
    messages = program("GET", path + "/messages").json()["items"]
    assert [message["kind"] for message in messages] == ["note", "note", "message"]
    assert {"id", "ticket", "channel", "direction", "from", "to", "cc", "subject", "text", "reply_text"} <= messages[0].keys()
    assert {"attachments", "kind", "delivery", "threaded_by", "created_at"} <= messages[0].keys()
    items = program("GET", "/work-items", params={"state": "waiting", "limit": 200}).json()["items"]
    assert ticket["number"] in {item["ticket"] for item in items}
    event = world.one(select(Event).where(Event.ticket_id == ticket["id"]).order_by(Event.id).limit(1))
    assert (event.actor_kind, event.actor_name) == ("api", "supervisor")


def test_tickets_are_listed_by_who_has_them(world, program):
    owner = world.agent("Ola")
    theirs, others = (mail(world, f"owned-{number}").number for number in range(2))
    assert program("PATCH", f"/tickets/{theirs}", json={"owner": owner.id}).status_code == 200
    found = program("GET", "/tickets", params={"owner": owner.id}).json()["items"]
    assert [ticket["number"] for ticket in found] == [theirs]
    narrowed = program("GET", "/tickets", params={"owner": owner.id, "status": "closed"}).json()["items"]
    assert narrowed == []
    assert others in [ticket["number"] for ticket in program("GET", "/tickets", params={"limit": 200}).json()["items"]]


def test_a_customer_is_added_once_and_found_again(program):
    body = {"name": "Zhang San", "phone": "+86 138 0013 8999", "email": "zhang@customers.example", "tier": "vip", "locale": "zh"}
    first, again = (program("POST", "/customers", json=body).json() for _ in range(2))
    assert first["id"] == again["id"]
    assert (first["name"], first["tier"]) == ("Zhang San", "vip")
    assert {contact["value"] for contact in first["contacts"]} == {"zhang@customers.example", "+8613800138999"}
    for filters in ({"phone": "13800138999"}, {"email": "ZHANG@customers.example"}):
        assert [each["id"] for each in program("GET", "/customers", params=filters).json()["items"]] == [first["id"]]
    assert first["id"] in [each["id"] for each in program("GET", "/customers", params={"tier": "vip"}).json()["items"]]


# Lists


@pytest.fixture(scope="module")
def filled(world):
    """Enough rows of each kind for several pages."""
    for number in range(12):
        mail(world, f"page-{number}", sender=f"page{number}@customers.example")
    for number in range(4):
        world.agent(f"Page{number}")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("limit", [1, 3, 7, 200])
@pytest.mark.parametrize("path", ["/tickets", "/customers", "/work-items", "/events", "/agents"])
def test_the_pages_of_a_list_hold_every_row_once(world, program, path, limit):
    counted = {row["id"] for row in whole_list(program, path, 200)}
    rows = whole_list(program, path, limit)
    assert len(rows) == len(counted)
    assert {row["id"] for row in rows} == counted
    model = {"/tickets": Ticket, "/customers": Customer}.get(path)
    if model is not None:
        assert len(rows) == world.one(select(func.count()).select_from(model))


def whole_list(program, path, limit):
    rows, cursor = [], None
    while True:
        answer = program("GET", path, params={"limit": limit, **({"cursor": cursor} if cursor else {})}).json()
        assert {"items", "next"} <= answer.keys()
        assert len(answer["items"]) <= limit
        rows += answer["items"]
        cursor = answer["next"]
        if cursor is None:
            return rows


def test_rows_that_come_while_a_list_is_read_neither_double_nor_hide_others(world, program):
    before = [row["id"] for row in whole_list(program, "/tickets", 200)]
    page = program("GET", "/tickets", params={"limit": 2}).json()
    mail(world, "meanwhile", sender="meanwhile@customers.example")
    seen = [row["id"] for row in page["items"]]
    while page["next"]:
        page = program("GET", "/tickets", params={"limit": 2, "cursor": page["next"]}).json()
        seen += [row["id"] for row in page["items"]]
    assert seen == before


def test_a_reader_of_events_can_come_back_for_what_is_new(world, program):
    answer = program("GET", "/events", params={"limit": 200}).json()
    while answer["next"]:
        answer = program("GET", "/events", params={"limit": 200, "cursor": answer["next"]}).json()
    last, cursor = answer["items"][-1]["id"], answer["cursor"]
    assert program("GET", "/events", params={"cursor": cursor}).json()["items"] == []
    ticket = mail(world, "news")
    news = program("GET", "/events", params={"cursor": cursor}).json()["items"]
    assert "ticket.opened" in [event["kind"] for event in news if event["about"].get("ticket") == ticket.id]
    assert all(event["id"] > last for event in news)


# Repeated requests


def test_the_same_key_has_one_effect_and_one_answer(world, program):
    headers, body = {"Idempotency-Key": "one"}, {"subject": "Once", "email": "once@customers.example"}
    first, again = (program("POST", "/tickets", json=body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert len(world.all(select(Ticket).where(Ticket.subject == "Once"))) == 1


def test_the_same_key_sent_many_times_at_once_has_one_effect(world, program):
    headers, body = {"Idempotency-Key": "many"}, {"subject": "Many", "email": "many@customers.example"}
    answers = []

    def send():
        answers.append(Program(world, "supervisor")("POST", "/tickets", json=body, headers=headers))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["number"] for answer in answers}) == 1
    assert len(world.all(select(Ticket).where(Ticket.subject == "Many"))) == 1


def test_the_same_key_with_another_body_or_address_is_a_conflict(world, program):
    headers, body = {"Idempotency-Key": "two"}, {"subject": "First", "email": "two@customers.example"}
    assert program("POST", "/tickets", json=body, headers=headers).status_code == 201
    assert_problem(program("POST", "/tickets", json={**body, "subject": "Second"}, headers=headers), 409)
    assert_problem(program("POST", "/customers", json={"name": "x", "email": "x@y.example"}, headers=headers), 409)
    assert world.one(select(Ticket).where(Ticket.subject == "Second")) is None


def test_a_key_belongs_to_its_token(world):
    headers, body = {"Idempotency-Key": "mine"}, {"subject": "Mine", "email": "mine@customers.example"}
    numbers = {
        Program(world, role)("POST", "/tickets", json=body, headers=headers).json()["number"] for role in ("supervisor", "senior")
    }
    assert len(numbers) == 2


def test_a_request_that_failed_may_be_sent_again_with_the_same_key(program):
    headers = {"Idempotency-Key": "better"}
    assert_problem(program("POST", "/tickets", json={"subject": "Better", "email": "bad"}, headers=headers), 422)
    good = {"subject": "Better", "email": "better@customers.example"}
    assert program("POST", "/tickets", json=good, headers=headers).status_code == 201


def test_a_key_that_is_too_long_is_refused(program):
    body = {"subject": "x", "email": "x@customers.example"}
    assert_problem(program("POST", "/tickets", json=body, headers={"Idempotency-Key": "k" * 201}), 422)


def test_a_reply_with_the_same_key_is_sent_once(world, program):
    number = mail(world, "reply-once").number
    for _ in range(2):
        answer = program("POST", f"/tickets/{number}/messages", json={"text": "Once."}, headers={"Idempotency-Key": "reply"})
        assert answer.status_code == 201
    assert len(world.all(select(Message).where(Message.text == "Once."))) == 1


# The description


def test_the_description_names_every_address_and_nothing_else(world):
    described = {(method.upper(), path) for path, operations in description(world)["paths"].items() for method in operations}
    served = {
        (method, rule.rule.removeprefix("/api/v1").replace("<int:", "{").replace("<", "{").replace(">", "}"))
        for rule in world.app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint != "api.openapi"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert described == served


def test_every_schema_that_is_referred_to_is_there(world):
    text, schemas = requests.get(world.url + "/api/v1/openapi.json", timeout=60).text, description(world)["components"]["schemas"]
    named = {part.split('"', 1)[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= schemas.keys()


@pytest.mark.parametrize(("path", "schema"), [("/tickets", "Ticket"), ("/customers", "Customer"), ("/events", "Event")])
def test_what_is_answered_has_the_fields_that_the_description_names(world, program, path, schema):
    mail(world, f"described-{schema}")
    described = description(world)["components"]["schemas"][schema]
    row = program("GET", path, params={"limit": 1}).json()["items"][0]
    assert set(described["required"]) <= row.keys()
    assert row.keys() <= described["properties"].keys()


def test_messages_and_work_items_have_the_fields_that_the_description_names(world, program):
    number = mail(world, "described-message").number
    schemas = description(world)["components"]["schemas"]
    for path, schema in ((f"/tickets/{number}/messages", "Message"), ("/work-items", "WorkItem"), ("/agents", "Agent")):
        world.agent(f"Described{schema}")
        row = program("GET", path).json()["items"][0]
        assert set(schemas[schema]["required"]) <= row.keys()
        assert row.keys() <= schemas[schema]["properties"].keys()


def description(world):
    return requests.get(world.url + "/api/v1/openapi.json", timeout=60).json()
