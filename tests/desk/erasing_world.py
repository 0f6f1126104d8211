"""A customer with something in every table, two people who agree to have them erased, and where anything of them is left."""

from __future__ import annotations

from sqlalchemy import inspect, select, text

from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.complaints import complaints
from desk.actions.people import customers
from desk.actions.privacy import erasing
from desk.actions.tickets import solving
from desk.events import Actor
from desk.models import (
    Attachment,
    Call,
    Callback,
    CallLeg,
    CallRecording,
    Chat,
    Complaint,
    Customer,
    Draft,
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
from desk.models.complaint import ARCHIVED
from desk.queries import doctor
from desk.work.words import advance

NAME, MAIL, PHONE, WORD = "Zhang Weiming", "weiming@private.example", "+8613900139000", "pangolin"
DAY = 24 * 3600.0
TRACES = (NAME, "weiming", "13900139000", WORD, "Weiming")


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


def complained(house, files, *, more: bool = False) -> tuple[int, int, int]:
    """The same customer with a complaint that is over and archived; the ids of customer, ticket and case."""
    customer_id, ticket_id = come(house, files, more=more)
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
