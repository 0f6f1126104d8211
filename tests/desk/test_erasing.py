"""A customer is erased: nothing anywhere tells who it was, what is counted stays the same, and it takes two people."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, inspect, select, text, update

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
from desk.events import Actor, Event
from desk.files import FileStore
from desk.models import (
    Agent,
    Attachment,
    Call,
    Callback,
    CallLeg,
    CallRecording,
    Chat,
    Complaint,
    ContactPoint,
    Customer,
    Draft,
    Erasure,
    FollowUp,
    Message,
    OutboxMail,
    OutboxRecipient,
    RawMail,
    SearchLog,
    Survey,
    Ticket,
    TicketParticipant,
    UnsentReply,
    Webhook,
)
from desk.models.complaint import ARCHIVED, DISPOSED
from desk.models.erasure import AGREED, DONE, RESTRICTED
from desk.queries import doctor
from desk.queries.people.customers import customer_list
from desk.queries.search.question import question_of
from desk.queries.search.search import find_customers
from desk.work.erasing import Erasing, erase_again
from desk.work.words import advance

NAME, MAIL, PHONE, WORD = "Zhang Weiming", "weiming@private.example", "+8613900139000", "pangolin"
DAY = 24 * 3600.0
TRACES = (NAME, "weiming", "13900139000", WORD, "Weiming")


@pytest.fixture
def files(house):
    return FileStore(house.settings.data_dir / "files")


def staff(house, name: str, *roles: str):
    person = house.agent(name, presence="offline")
    with house.tx() as tx:
        person = tx.session.merge(person)
        person.roles = list(roles)
    return person


def come(house, files, *, more: bool = True) -> tuple[int, int]:
    """A customer who wrote, rang, chatted and said what they thought of it; the ids of customer and ticket."""
    agent = house.agent("Noor", presence="offline")
    kept = files.keep(f"{WORD} in a file".encode(), f"{WORD}.txt")
    with house.tx(Actor("customer", None, NAME)) as tx:
        sender = Contact("email", MAIL, NAME)
        inbound = Inbound(channel="email", external_id=f"<1.{MAIL}>", sender=sender, text=f"The {WORD} is lost.", subject=WORD)
        receipt = intake.receive(tx, inbound, [kept])
        ticket = receipt.ticket
        customer = tx.session.get_one(Customer, ticket.customer_id)
        customers.add_contact_point(tx, customer, "phone", PHONE)
        tx.emit("customer.said", customer=customer, data={"words": WORD, "count": 3, "status": "open"})
        if more:
            fill(tx, files, agent, customer, ticket, receipt.message)
        solving.finish_work(tx, ticket)
        solving.settle(tx, ticket, category="delivery", wrap_up_code="solved", resolution=f"The {WORD} was found.")
    with house.tx(Actor("customer", customer.id, NAME)) as tx:
        tx.emit("ticket.rated", ticket=ticket.id, data={"score": 4, "comment": WORD})
    while advance(house.store) is not None:
        pass
    return customer.id, ticket.id


def fill(tx, files, agent, customer: Customer, ticket: Ticket, message: Message) -> None:
    """What else there may be of them."""
    at, of, ids = tx.now, {"ticket_id": ticket.id}, {"customer_id": customer.id}
    raw = files.put(f"From: {MAIL}".encode())
    sound = Attachment(
        sha256=files.put(b"RIFF the sound of it"), name="call.wav", content_type="audio/wav", size=20, created_at=at
    )
    call = Call(
        sid="CA1", from_number=PHONE, to_number="+861080001000", conference="c1", arrived_at=at, answered_at=at, ended_at=at
    )
    call.state, call.customer_id, call.ticket_id, call.menu, call.note_for_agent = (
        "done",
        customer.id,
        ticket.id,
        {"said": WORD},
        WORD,
    )
    loose = Call(sid="CA2", from_number=PHONE, to_number="+861080001000", conference="c2", arrived_at=at, ended_at=at, **ids)
    loose.state = "abandoned"
    mail = OutboxMail(payload={"to": [MAIL], "text": WORD, "subject": WORD}, next_at=at, give_up_at=at, created_at=at, **of)
    tx.session.add_all([sound, call, loose, mail])
    tx.session.flush()
    tx.session.add_all(
        [
            CallLeg(call_id=call.id, sid="CA1", party="customer", to=PHONE, started_at=at),
            CallRecording(call_id=call.id, sid="RE1", state="completed", started_at=at, attachment_id=sound.id, deleted_at=at),
            Webhook(key="w1", at=at, call_sid="CA1", answer=f"<Dial>{PHONE}</Dial>"),
            OutboxRecipient(mail_id=mail.id, address=MAIL, changed_at=at),
            RawMail(
                identity=f"<1.{MAIL}>",
                sha256=raw,
                size=9,
                envelope_from=MAIL,
                envelope_to=["help@desk.example"],
                from_address=MAIL,
                subject=WORD,
                received_at=at,
                verdict="person",
                reasons=[],
                outcome="opened",
                message_id=message.id,
                **of,
            ),
            Draft(agent_id=agent.id, kind="note", text=WORD, version=1, began_at=at, saved_at=at, **of),
            UnsentReply(
                agent_id=agent.id, client_id="u1", text=WORD, to=[MAIL], created_at=at, send_at=at, state="taken_back", **of
            ),
            Chat(token_hash="t", visitor_name=NAME, topic=WORD, opened_at=at, ended_at=at, state="ended", rating=5, **of, **ids),
            Survey(access_key="k", channel="email", sent_at=at, answered_at=at, score=4, comment=WORD, **of, **ids),
            FollowUp(reason="low_score", state="done", note=WORD, created_at=at, **of),
            TicketParticipant(address=f"copy.{MAIL}", name=NAME, created_at=at, **of),
            SearchLog(at=at, place="console", query=f"{NAME} {WORD}", lang="en", hits=1),
            Callback(
                source="web",
                state="reached",
                number=PHONE,
                name=NAME,
                queue_id=ticket.queue_id,
                requested_at=at,
                promised_by=at,
                waiting_since=at,
                due_at=at,
                ended_at=at,
                **of,
                **ids,
            ),
        ]
    )


def agreed(house, customer_id: int) -> int:
    """Erasing asked for by one and agreed to by another."""
    admin, head = staff(house, "Ada", "admin"), staff(house, "Sue", "supervisor")
    with house.tx() as tx:
        made = erasing.ask(tx, tx.session.get_one(Customer, customer_id), tx.session.merge(admin), "They asked by letter.")
        erasing.agree(tx, made, tx.session.merge(head))
    return made.id


def carried_out(house, erasure_id: int) -> Erasure:
    """The worker does it, as far as it can be done now."""
    desk = install(house.settings, clock=house.clock)
    part = Erasing(desk)
    while part.turn() is not None:
        pass
    desk.store.engine.dispose()
    desk.knowledge.close()
    return house.one(select(Erasure).where(Erasure.id == erasure_id))


def traces(house, files) -> list[str]:
    """Where anything of the customer is left: in which table's column, or file."""
    found = []
    with house.store.read() as reading:
        there = inspect(reading.connection())
        for table in there.get_table_names():
            for row in reading.execute(text(f'SELECT * FROM "{table}"')).mappings():
                said = {
                    name: value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    for name, value in row.items()
                }
                found += [
                    f"{table}.{name}: {value[:80]}" for name, value in said.items() if any(each in value for each in TRACES)
                ]
    found += [sha256 for sha256, data in files.everything() if any(each.encode() in data for each in TRACES)]
    return found


def figures(house) -> list[object]:
    """What reports count from."""
    queries = [
        select(Ticket.channel, Ticket.category, Ticket.created_at, Ticket.solved_at, Ticket.score).order_by(Ticket.id),
        select(Call.arrived_at, Call.answered_at, Call.ended_at, Call.state, Call.abandon_point).order_by(Call.id),
        select(Survey.score, Survey.answered_at, Survey.sent_at).order_by(Survey.id),
        select(Chat.rating, Chat.opened_at, Chat.ended_at).order_by(Chat.id),
        select(Complaint.received_at, Complaint.outcome, Complaint.category, Complaint.severity).order_by(Complaint.id),
        select(Message.channel, Message.direction, Message.created_at).order_by(Message.id),
    ]
    with house.store.read() as reading:
        return [reading.execute(query).all() for query in queries]


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


def complained(house, files) -> tuple[int, int, int]:
    """The same customer with a complaint that is over and archived; the ids of customer, ticket and case."""
    customer_id, ticket_id = come(house, files, more=False)
    officer = staff(house, "Ruth", "complaint_officer")
    with house.tx(Actor("customer", customer_id, NAME)) as tx:
        ticket = tx.session.get_one(Ticket, ticket_id)
        case = complaints.register_from_ticket(tx, ticket, f"My {WORD} was lost, says {NAME}.")
    with house.tx() as tx:
        case = tx.session.get_one(Complaint, case.id)
        complaints.withdraw(tx, case, f"{NAME} has the {WORD} again.", agent=tx.session.merge(officer))
    house.tick(40 * DAY)
    with house.tx() as tx:
        case = tx.session.get_one(Complaint, case.id)
        complaints.archive_due(tx, case)
        assert case.stage == ARCHIVED
    return customer_id, ticket_id, case.id


def chains(house) -> list[str]:
    with house.store.read() as reading:
        return [finding.level for finding in doctor.complaints(reading)]


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


def other_customer(house) -> tuple[int, int]:
    item = house.item()
    return item.customer_id, house.one(select(Ticket.number).where(Ticket.id == item.ticket_id))


def unguarded(house) -> None:
    """As somebody who owns the database might do."""
    with house.store.engine.begin() as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        connection.execute(text("DROP TRIGGER event_no_update" if on_sqlite else "DROP TRIGGER event_append_only ON event"))
