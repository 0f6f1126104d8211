"""A customer is erased: nothing anywhere tells who it was, what is counted stays the same, and it takes two people."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, select, text, update

from channels.message import Contact, Inbound
from desk.access import access_customer, access_ticket, viewer_of
from desk.actions import intake
from desk.actions.complaints import complaints
from desk.actions.people import customers
from desk.actions.privacy import again, erasing
from desk.actions.tickets import solving, tickets
from desk.app import install
from desk.backup.archive import Reader
from desk.backup.making import make
from desk.backup.restoring import restore
from desk.config import Settings
from desk.db import make_engine
from desk.errors import Conflict, Invalid, NotAllowed
from desk.events import Event
from desk.files import FileStore
from desk.models import (
    Agent,
    Complaint,
    ContactPoint,
    Customer,
    Erasure,
    Ticket,
)
from desk.models.complaint import DISPOSED
from desk.models.erasure import AGREED, DONE, RESTRICTED
from desk.queries import doctor
from desk.queries.people.customers import customer_list
from desk.queries.search.question import question_of
from desk.queries.search.search import find_customers
from desk.work.erasing import Erasing, erase_again
from desk.work.words import advance
from tests.desk.erasing_world import (
    DAY,
    MAIL,
    NAME,
    PHONE,
    TRACES,
    WORD,
    agreed,
    chains,
    come,
    complained,
    figures,
    staff,
    traces,
)


@pytest.fixture
def files(house):
    return FileStore(house.settings.data_dir / "files")


def carried_out(house, erasure_id: int) -> Erasure:
    """The worker does it, as far as it can be done now."""
    desk = install(house.settings, clock=house.clock)
    part = Erasing(desk)
    while part.turn() is not None:
        pass
    desk.store.engine.dispose()
    desk.knowledge.close()
    return house.one(select(Erasure).where(Erasure.id == erasure_id))


def test_nothing_is_left_of_who_it_was_and_all_that_is_counted_stays(house, files):
    customer_id, ticket_id = come(house, files)
    with house.tx() as tx:  # somebody else with the same file keeps it
        other = files.keep(b"a file that two have", "both.txt")
        for sender in (MAIL, "other@customers.example"):
            mail = Inbound(
                channel="email", external_id=f"<2.{sender}>", sender=Contact("email", sender), text="See this.", subject="A"
            )
            ticket = intake.receive(tx, mail, [other]).ticket
            solving.finish_work(tx, ticket)
            solving.settle(tx, ticket, category="other", wrap_up_code="solved", resolution="Seen.")
    before = figures(house)
    assert traces(house, files)
    done = carried_out(house, agreed(house, customer_id))
    assert done.state == DONE
    assert traces(house, files) == []
    assert figures(house) == before
    assert files.get(other.sha256) == b"a file that two have"
    gone = house.one(select(Customer).where(Customer.id == customer_id))
    assert gone.name.startswith("#")
    assert gone.erased_at is not None
    told = house.one(select(Event).where(Event.kind == "customer.said"))
    assert told.data == {"words": "", "count": 3, "status": "open", "erased": done.id}
    rated = house.one(select(Event).where(Event.kind == "ticket.rated", Event.ticket_id == ticket_id))
    assert (rated.actor_name, rated.data["score"]) == ("", 4)
    with house.store.read() as reading:
        assert [finding.level for finding in doctor.unchanged_events(reading)] == ["ok"]


def test_a_case_that_must_be_kept_is_restricted_and_goes_by_itself_in_the_end(house, files):
    customer_id, ticket_id, case_id = complained(house, files)
    head = staff(house, "Hal", "supervisor")
    erasure_id = agreed(house, customer_id)
    restricted = carried_out(house, erasure_id)
    assert (restricted.state, [duty["why"] for duty in restricted.duties]) == (RESTRICTED, ["kept"])
    advance(house.store)
    with house.store.read() as reading:
        viewer, number = viewer_of(reading.get_one(Agent, head.id)), reading.get_one(Ticket, ticket_id).number
        for look in (access_ticket, access_customer):
            with pytest.raises(NotAllowed, match="restricted until 20"):
                look(reading, viewer, number if look is access_ticket else customer_id)
        assert customer_list(reading, viewer, search=NAME) == []
        assert [find_customers(reading, viewer, question_of(said)) for said in (NAME, PHONE, MAIL)] == [[], [], []]
        assert WORD in reading.get_one(Complaint, case_id).statement
    with house.tx() as tx:
        assert customers.identify(tx, "email", MAIL).id != customer_id  # who writes again is somebody new
    house.tick(6 * 366 * DAY)
    with house.tx() as tx:
        newcomer = tx.session.scalars(select(Customer).where(Customer.id > customer_id, Customer.name == MAIL)).one()
        newcomer.name = "Somebody new"
        tx.session.execute(delete(ContactPoint).where(ContactPoint.customer_id == newcomer.id))
    done = carried_out(house, erasure_id)
    assert done.state == DONE
    assert traces(house, files) == []
    case = house.one(select(Complaint).where(Complaint.id == case_id))
    assert (case.stage, case.outcome, case.statement) == (DISPOSED, "withdrawn", "")
    assert chains(house) == ["ok"]


def test_what_is_left_of_an_entry_cannot_be_changed_unseen(house, files):
    customer_id, _ticket_id, case_id = complained(house, files)
    house.tick(6 * 366 * DAY)
    erasure = carried_out(house, agreed(house, customer_id))
    assert (erasure.state, chains(house)) == (DONE, ["ok"])
    bare = house.one(select(Event).where(Event.complaint_id == case_id, Event.kind == "complaint.received"))
    assert bare.data["erased"] == erasure.id
    change = update(Event).where(Event.id == bare.id).values(data={**bare.data, "severity": 4})
    with pytest.raises(Exception, match="append-only"), house.store.engine.begin() as connection:
        connection.execute(change)
    unguarded(house)
    with house.store.engine.begin() as connection:
        connection.execute(change)
    assert chains(house) == ["error"]


def test_no_entry_loses_its_words_but_by_an_erasure_that_two_agreed_on(house, files):
    customer_id, _ = come(house, files, more=False)
    admin = staff(house, "Ada", "admin")
    with house.tx() as tx:
        asked = erasing.ask(tx, tx.session.get_one(Customer, customer_id), tx.session.merge(admin), "By letter.")
    told = house.one(select(Event).where(Event.kind == "customer.said"))
    for data in ({"erased": asked.id}, {"words": "other"}, {"erased": None}):
        with pytest.raises(Exception, match="append-only"), house.store.engine.begin() as connection:
            connection.execute(update(Event).where(Event.id == told.id).values(data=data))


def test_it_takes_an_administrator_and_a_supervisor_who_is_somebody_else(house, files):
    customer_id, _ = come(house, files, more=False)
    both, agent = staff(house, "Bo", "admin", "supervisor"), house.agent("Eve")
    with house.tx() as tx:
        customer, both, agent = (tx.session.merge(each) for each in (tx.session.get_one(Customer, customer_id), both, agent))
        for who in (agent, tx.session.merge(agent)):
            with pytest.raises(NotAllowed):
                erasing.ask(tx, customer, who, "Please.")
        with pytest.raises(Invalid):
            erasing.ask(tx, customer, both, " ")
        made = erasing.ask(tx, customer, both, "Please.")
        with pytest.raises(Conflict):
            erasing.ask(tx, customer, both, "Please.")
        with pytest.raises(NotAllowed, match="somebody else"):
            erasing.agree(tx, made, both)
        with pytest.raises(NotAllowed):
            erasing.agree(tx, made, agent)
        erasing.drop(tx, made, both)
        assert erasing.carry_on(tx, made).goes_on is False
        assert tx.session.get_one(Customer, customer_id).erased_at is None


def test_while_somebody_works_for_them_nothing_is_agreed_and_nothing_done(house, files):
    customer_id, ticket_id = come(house, files, more=False)
    erasure_id = agreed(house, customer_id)
    with house.tx() as tx:  # they write once more before the worker comes to it
        tickets.reopen(tx, tx.session.get_one(Ticket, ticket_id), reason="reply")
    assert carried_out(house, erasure_id).state == AGREED
    admin, head = staff(house, "Amy", "admin"), staff(house, "Sam", "supervisor")
    other_id, other_ticket = other_customer(house)
    with house.tx() as tx:
        made = erasing.ask(tx, tx.session.get_one(Customer, other_id), tx.session.merge(admin), "They asked.")
        with pytest.raises(Conflict, match=str(other_ticket)):
            erasing.agree(tx, made, tx.session.merge(head))


def test_an_open_case_goes_on_and_all_else_waits_for_its_end(house, files):
    customer_id, ticket_id = come(house, files, more=False)
    with house.tx() as tx:
        mail = Inbound(channel="email", external_id="<9@x>", sender=Contact("email", MAIL), text="Bad.", subject="B")
        second = intake.receive(tx, mail)
        case = complaints.register_from_ticket(tx, second.ticket, "It is bad.")
    officer = staff(house, "Ruth", "complaint_officer", "senior")
    assert carried_out(house, agreed(house, customer_id)).state == RESTRICTED
    with house.store.read() as reading:
        viewer = viewer_of(reading.get_one(Agent, officer.id))
        assert access_ticket(reading, viewer, second.ticket.number).id == case.ticket_id
        with pytest.raises(NotAllowed, match="until complaint"):
            access_ticket(reading, viewer, reading.get_one(Ticket, ticket_id).number)
        assert WORD in reading.get_one(Ticket, ticket_id).subject


def test_what_an_older_backup_brings_back_is_erased_again(house, files, tmp_path, postgres_server):
    customer_id, _ = come(house, files)
    backup = tmp_path / "old.tar"
    make(house.store.engine, house.settings.data_dir, backup, house.clock.now())
    carried_out(house, agreed(house, customer_id))
    listed = house.settings.data_dir / again.NAME
    assert [line["did"] for line in again.read(listed)] == ["agreed", "ended"]
    assert not any(trace in listed.read_text() for trace in TRACES)
    folder = tmp_path / "restored"
    folder.mkdir()
    shutil.copy(listed, folder / again.NAME)
    settings = Settings.from_env({"DESK_DATA_DIR": str(folder), "DESK_DATABASE_URL": f"sqlite:///{folder}/desk.db"})
    with Reader.open(backup) as kept:
        restore(make_engine(settings.database_url), folder, kept)
    desk = install(settings, clock=house.clock)
    back = SimpleNamespace(store=desk.store)
    assert traces(back, desk.files)
    assert erase_again(desk, listed) == 1
    assert traces(back, desk.files) == []
    assert erase_again(desk, listed) == 0
    desk.store.engine.dispose()
    desk.knowledge.close()


def test_a_line_of_the_list_that_a_crash_cut_off_spoils_no_other(house, files):
    customer_id, _ = come(house, files, more=False)
    listed = house.settings.data_dir / again.NAME
    listed.write_text('{"customer": 77, "did": "agr')
    carried_out(house, agreed(house, customer_id))
    assert [(line["customer"], line["did"]) for line in again.read(listed)] == [(customer_id, "agreed"), (customer_id, "ended")]


def other_customer(house) -> tuple[int, int]:
    item = house.item()
    return item.customer_id, house.one(select(Ticket.number).where(Ticket.id == item.ticket_id))


def unguarded(house) -> None:
    """As somebody who owns the database might do."""
    with house.store.engine.begin() as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        connection.execute(text("DROP TRIGGER event_no_update" if on_sqlite else "DROP TRIGGER event_append_only ON event"))
