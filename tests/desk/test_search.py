"""Search over tickets, messages and customers: what is found, in which order, and that nothing is that the viewer may not see."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from desk.access import Viewer
from desk.actions import search_words
from desk.actions.people import customers
from desk.actions.tickets import tickets
from desk.models import Agent, Customer, Message, Queue, Recusal, Ticket
from desk.models.customer import ContactPoint
from desk.queries.people.customers import customer_list
from desk.queries.search import search
from desk.queries.search.progress import how_far, to_fill
from desk.queries.search.question import question_of
from desk.work import words
from desk.work.words import catch_up
from tests.desk.conftest import on_postgres, on_sqlite
from tests.desk.house import House

SUBJECTS = ("Double charges on the March bill", "账单重复扣费", "Router offline", "路由器没有信号", "Refund of 退款", "賬單問題")
TEXTS = (
    "My order LK-2024-0815 never came.",
    "请尽快退款，谢谢。",
    "The light is red, call 138 0013 9999",
    "发票抬头写错了",
    "He shouted",
)
PEOPLE = ("Li Na 李娜", "Wang Wei 王伟", "Anna Bell", "陈静")


@pytest.fixture(scope="module", params=[on_sqlite, on_postgres], ids=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Sixty tickets of four customers in all queues, some complaints, one kept from whoever it is about."""
    with contextmanager(request.param)(request, tmp_path_factory.mktemp("search")) as house:
        fill(house)
        catch_up(house.store)
        yield house


def fill(house: House) -> None:
    dice = random.Random(5)
    house.agent("Maya")
    house.agent("Bo Chen", team="care")
    with house.tx() as tx:
        people = [customers.identify(tx, "phone", f"+86139{n}234567{n + 7}", name=name) for n, name in enumerate(PEOPLE)]
        people.append(customers.identify(tx, "email", "hidden.person@secret.example"))
        for n, customer in enumerate(people[:4]):
            customers.add_contact_point(tx, customer, "email", f"person.{n}@customers.example")
        queues = tx.session.scalars(select(Queue).order_by(Queue.id)).all()
        agents = tx.session.scalars(select(Agent).order_by(Agent.id)).all()
        for n in range(60):
            queue, customer = dice.choice(queues), people[n % 5]
            ticket = tickets.open_ticket(
                tx,
                customer=customer,
                queue=queue,
                subject=f"{dice.choice(SUBJECTS)} {n}",
                channel="email",
                type=dice.choice(("enquiry", "complaint")),
            )
            tickets.note(tx, ticket, None, f"{dice.choice(TEXTS)} {dice.choice(TEXTS)}")
            ticket.owner_id = dice.choice([None, *(agent.id for agent in agents)])
            ticket.status = dice.choice(("new", "open", "pending_customer", "solved", "closed"))
            if n % 7 == 0:
                about = {"ticket_id": ticket.id, "agent_id": agents[0].id, "why": "about", "noted_by": "Ida", "noted_at": tx.now}
                tx.session.add(Recusal(**about))


ALL = Viewer(None, "All", ("senior",))


def viewers(house: House) -> dict[str, Viewer]:
    maya, bo = house.all(select(Agent).order_by(Agent.id))[:2]
    found = {role: Viewer(maya.id, "Maya", (role,), maya.team_id) for role in ("agent", "senior", "complaint_officer", "admin")}
    return found | {"bo": Viewer(bo.id, "Bo", ("agent",), bo.team_id), "auditor": Viewer(None, "Ida", ("auditor",))}


def numbers(house: House, viewer: Viewer, asked: str, **more) -> list[int]:
    """The ids of the tickets found, page after page, best first."""
    found: list[search.Place] = []
    with house.store.read() as reading:
        while True:
            page = search.find_tickets(reading, viewer, question_of(asked), after=found[-1] if found else None, limit=7, **more)
            found += page[:7]
            if len(page) <= 7:
                return [ticket_id for _, ticket_id in found]


def people(house: House, viewer: Viewer, asked: str) -> list[str]:
    with house.store.read() as reading:
        ids = search.find_customers(reading, viewer, question_of(asked))
        return [reading.get_one(Customer, each).name for each in ids]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("charge", "Double charges on the March bill"),
        ("CHARGED", "Double charges on the March bill"),
        ("chargi", "Double charges on the March bill"),
        ("doub", "Double charges on the March bill"),
        ("重复扣费", "账单重复扣费"),
        ("重複扣費", "账单重复扣费"),
        ("扣费 账单", "账单重复扣费"),
        ('"账单问题"', "賬單問題"),
        ('"march bill"', "Double charges on the March bill"),
        ("“信号”", "路由器没有信号"),
    ],
)
def test_a_subject_is_found_by_its_words_in_either_language_and_writing(house, asked, found):
    ids = numbers(house, ALL, asked, places=(search.HEAD,))
    rows = house.all(select(Ticket).where(Ticket.id.in_(ids)))
    assert {row.subject.rsplit(" ", 1)[0] for row in rows} == {found}


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("LK-2024-0815", "LK-2024-0815"),
        ("lk20240815", "LK-2024-0815"),
        ("lk 2024", "LK-2024-0815"),
        ("13800139999", "138 0013 9999"),
        ("尽快退款", "请尽快退款"),
        ('"light is red"', "The light is red"),
        ("抬头", "发票抬头写错了"),
    ],
)
def test_a_message_is_found_by_its_words_codes_and_numbers(house, asked, text):
    ids = numbers(house, ALL, asked, places=(search.TEXT,))
    expected = house.all(select(Message.ticket_id).where(Message.text.contains(text)))
    assert set(ids) == set(expected) != set()


def test_the_number_itself_comes_first_then_subjects_then_texts_each_from_the_newest(house):
    with house.store.read() as reading:
        places = search.find_tickets(reading, viewers(house)["senior"], question_of("退款"), limit=60)
    assert {place for place, _ in places} == {search.HEAD, search.TEXT}
    assert places == sorted(places, key=lambda each: (each[0], -each[1]))
    number = house.one(select(Ticket.number).order_by(Ticket.id).offset(12).limit(1))
    first = numbers(house, viewers(house)["senior"], f"#{number}")[0]
    assert house.one(select(Ticket.number).where(Ticket.id == first)) == number


def test_a_piece_of_a_number_finds_the_ticket(house):
    ticket = house.one(select(Ticket).order_by(Ticket.id.desc()))
    assert ticket.id in numbers(house, viewers(house)["senior"], str(ticket.number)[1:])
    assert ticket.id in numbers(house, viewers(house)["senior"], str(ticket.number)[:4])


@pytest.mark.parametrize(
    "asked", ["5678", "139 1234 5678", "+8613912345678", "912345", "person.1@cust", "person.1@customers.example"]
)
def test_whoever_sees_addresses_finds_by_them_and_by_pieces_of_numbers(house, asked):
    assert people(house, ALL, asked) == ["Wang Wei 王伟"]
    theirs = house.all(select(Ticket.id).join(Customer).where(Customer.name == "Wang Wei 王伟").order_by(Ticket.id.desc()))
    assert numbers(house, ALL, asked, places=(search.PERSON,)) == theirs


def test_whoever_sees_them_in_part_finds_by_the_rule_of_the_lists_and_by_no_piece_of_them(house):
    """Who serves customers finds by the beginning, as those say it; who only looks by the whole, which they know already."""
    points = house.all(select(ContactPoint))
    assert len(points) == 9
    for role in ("agent", "bo", "auditor"):
        viewer = viewers(house)[role]
        for value in (point.value for point in points):
            for piece in (value, value[:8], value[-4:], value[5:], value.partition("@")[2]):
                if not piece:
                    continue
                found = sorted(people(house, viewer, piece))
                assert found == listed(house, viewer, piece), (role, piece)
                by_person = numbers(house, viewer, piece, places=(search.PERSON,))
                assert bool(by_person) == bool(found), (role, piece)
                assert bool(numbers(house, viewer, f"from:{piece}")) == bool(found), (role, piece)
                begins, whole = value.startswith(piece), value == piece
                if not (begins if role != "auditor" else whole):
                    assert found == [], (role, piece)
    assert people(house, viewers(house)["agent"], "139 1234") == people(house, ALL, "139 1234") != []
    assert people(house, viewers(house)["auditor"], "13912345678") == people(house, ALL, "13912345678") != []
    assert people(house, viewers(house)["auditor"], "139 1234") == []


def listed(house: House, viewer: Viewer, asked: str) -> list[str]:
    """Whom the list of customers finds."""
    with house.store.read() as reading:
        return sorted(customer.name for customer in customer_list(reading, viewer, search=asked))


def test_nothing_is_found_that_the_viewer_may_not_read_and_nothing_missed_that_they_may(house):
    rows = house.all(select(Ticket))
    kept_out = set(house.all(select(Recusal.ticket_id)))
    who = viewers(house)
    maya, bo = who["agent"], who["bo"]
    may = {
        "agent": {t.id for t in rows if t.team_id == maya.team_id or t.owner_id == maya.agent_id} - kept_out,
        "bo": {t.id for t in rows if t.team_id == bo.team_id or t.owner_id == bo.agent_id},
        "senior": {t.id for t in rows} - kept_out,
        "complaint_officer": {t.id for t in rows if t.type == "complaint" or t.owner_id == maya.agent_id} - kept_out,
        "auditor": {t.id for t in rows},
        "admin": set(),
    }
    asked = [
        "退款",
        "bill",
        "router offline",
        "-bill",
        "红",
        "he",
        "5",
        "1000",
        "#10007",
        "李娜",
        "wang",
        "status:new",
        "状态：已关闭",
        "assigned:me",
    ]
    asked += [
        "assigned:无人",
        "queue:billing",
        "退款 -router",
        "from:anna",
        "LK-2024-0815",
        '"my order"',
        "1",
        "status:open 账单",
    ]
    for question in asked:
        everything = set(numbers(house, ALL, question)) if "me" not in question else None
        for role, viewer in who.items():
            found = numbers(house, viewer, question)
            assert len(found) == len(set(found))
            assert set(found) <= may[role], (role, question)
            if everything is not None:
                assert set(found) == everything & may[role], (role, question)


def test_a_customer_is_found_only_by_whom_they_have_to_do_with(house):
    assert people(house, viewers(house)["senior"], "anna") == ["Anna Bell"]
    assert people(house, viewers(house)["senior"], "陈") == ["陈静"]
    assert people(house, viewers(house)["admin"], "anna") == []
    stranger = Viewer(None, "Zoe", ("agent",), 999)
    assert people(house, stranger, "anna") == []


def test_a_name_that_is_an_address_is_found_only_by_whoever_may_read_it(house):
    assert people(house, viewers(house)["senior"], "hidden.person") == ["hidden.person@secret.example"]
    for asked in ("hidden", "person", "secret", "from:hidden"):
        assert people(house, viewers(house)["auditor"], asked) == []
        assert numbers(house, viewers(house)["auditor"], asked) == []


@pytest.mark.parametrize(
    ("asked", "condition"),
    [
        ("status:solved", Ticket.status == "solved"),
        ("状态:已解决", Ticket.status == "solved"),
        ("状态：处理中", Ticket.status.in_(("new", "open"))),
        ("is:pending", Ticket.status == "pending_customer"),
        ("assigned:nobody", Ticket.owner_id.is_(None)),
        ("负责人：无", Ticket.owner_id.is_(None)),
        ('assigned:"bo chen"', Ticket.owner_id == 2),
        ("from:王伟", Ticket.customer_id == 2),
        ("客户:li", Ticket.customer_id == 1),
        ("queue:nosuch", Ticket.id < 0),
        ("tag:nosuch", Ticket.id < 0),
    ],
)
def test_filters_in_both_languages_hold(house, asked, condition):
    assert sorted(numbers(house, ALL, asked)) == sorted(house.all(select(Ticket.id).where(condition)))


def test_no_question_is_wrong(house):
    dice = random.Random(3)
    pieces = [
        '"',
        "-",
        "(",
        ")",
        "*",
        ":",
        "^",
        "{",
        "}",
        "'",
        "\\",
        "AND",
        "OR",
        "NOT",
        "NEAR(",
        "&",
        "|",
        "!",
        "<->",
        "退",
        "bill",
        "\x00",
        "#",
        "status:",
        "from:",
        "9" * 30,
        "\ud800",
        "%",
        "_",
        " ",
        "“",
        "é",
        "🙂",
        '-"',
        "head:",
        "~",
    ]
    viewer = viewers(house)["senior"]
    with house.store.read() as reading:
        for _ in range(300):
            question = question_of("".join(dice.choices(pieces, k=dice.randint(1, 7))))
            search.find_tickets(reading, viewer, question)
            search.find_customers(reading, viewer, question)


def test_what_changes_is_found_as_it_is_now(house):
    senior = viewers(house)["senior"]
    with house.tx() as tx:
        customer = customers.identify(tx, "phone", "+8613900139000")
        queue = tx.session.scalars(select(Queue)).first()
        ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject="Xylophone", channel="voice")
    catch_up(house.store)
    assert numbers(house, senior, "xylophone") == [ticket.id]
    with house.tx() as tx:
        tickets.set_fields(tx, tx.session.get_one(Ticket, ticket.id), subject="Trombone")
        customers.identify(tx, "phone", "+8613900139000", name="Quincy")
    catch_up(house.store)
    assert numbers(house, senior, "xylophone") == []
    assert numbers(house, senior, "trombone quincy") == [ticket.id]
    assert people(house, senior, "quincy") == ["Quincy"]


def test_the_past_is_filled_in_bit_by_bit_and_goes_on_where_it_was_interrupted(house, monkeypatch):
    senior = viewers(house)["senior"]
    before = {asked: numbers(house, senior, asked) for asked in ("退款", "bill", "李娜")}
    monkeypatch.setattr(words, "BATCH", 9)
    with house.tx() as tx:
        search_words.forget(tx)
    with house.store.read() as reading:
        assert how_far(reading) is None
    assert words.advance(house.store)  # begins
    while True:
        words.advance(house.store)
        with house.store.read() as reading:
            left, of = to_fill(reading)
        if 0 < left < of:
            break
    assert set(numbers(house, senior, "bill")) < set(before["bill"])
    catch_up(house.store)
    assert {asked: numbers(house, senior, asked) for asked in before} == before
    with house.store.read() as reading:
        assert to_fill(reading)[0] == 0


def test_who_has_come_farther_meanwhile_is_not_written_over(house):
    with house.tx() as tx:
        customer = tx.session.scalars(select(Customer)).first()
        queue = tx.session.scalars(select(Queue)).first()
        ticket = tickets.open_ticket(tx, customer=customer, queue=queue, subject="Oboe", channel="voice")
    with house.store.read() as reading:
        old = how_far(reading)
        late = words.ticket_documents(reading, [ticket.id])
    with house.tx() as tx:
        tickets.set_fields(tx, tx.session.get_one(Ticket, ticket.id), subject="Bassoon")
    catch_up(house.store)
    with house.tx() as tx:
        assert late
        assert not words._alone(tx, old)
    assert numbers(house, viewers(house)["senior"], "bassoon") == [ticket.id]
