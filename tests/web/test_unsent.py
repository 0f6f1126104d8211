"""An answer by mail can be taken back for a few seconds: before it leaves nothing has happened, after undo nothing is left."""

from __future__ import annotations

import io
import json

import pytest
from sqlalchemy import func, select

from desk.actions.mail import unsent
from desk.events import Event
from desk.models import Agent, Attachment, Message, OutboxMail, Ticket, Timer, UnsentReply
from tests.web.console_world import HX, mail
from tests.world import running, settings_for


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("unsent")), background=False) as world:
        world.agent(undo_s=10)
        world.agent("Ben", undo_s=10)
        yield world


@pytest.fixture
def ticket(world, request):
    return mail(world, external_id=request.node.name)


def send(world, ticket, text="We refund it.", *, who="maya", **more):
    data = {"kind": "email", "text": text, "client_id": f"id-{ticket.number}-{len(text)}", **more.pop("data", {})}
    return world.browser(f"{who}@desk.example").post(f"/desk/tickets/{ticket.number}/messages", data=data, headers=HX, **more)


def press(world, ticket, verb, who="maya"):
    row = of(world, ticket)
    number = row.id if row else 999
    return world.browser(f"{who}@desk.example").post(f"/desk/tickets/{ticket.number}/unsent/{number}/{verb}", headers=HX)


def of(world, ticket):
    return world.one(select(UnsentReply).where(UnsentReply.ticket_id == ticket.id))


def written(world, ticket):
    return world.all(select(Message).where(Message.ticket_id == ticket.id, Message.direction == "out"))


def again(world, ticket):
    return world.one(select(Ticket).where(Ticket.id == ticket.id))


def let_time_pass(world):
    with world.tx() as tx:
        for row in tx.session.scalars(select(UnsentReply)).all():
            unsent.leave(tx, {"unsent_id": row.id})


def test_nothing_has_happened_before_it_leaves(world, ticket):
    assert send(world, ticket, data={"then": "pending_customer"}).status_code == 204
    assert send(world, ticket, data={"then": "pending_customer"}).status_code == 204  # sent twice by accident
    assert written(world, ticket) == []
    assert world.one(select(OutboxMail).where(OutboxMail.ticket_id == ticket.id)) is None
    before = again(world, ticket)
    assert (before.status, before.first_human_reply_at, before.owner_id) == (ticket.status, None, None)
    page = world.browser("maya@desk.example").get(f"/desk/tickets/{ticket.number}").text
    assert "Your answer leaves in" in page
    assert "An answer of Maya leaves in" in world.browser("ben@desk.example").get(f"/desk/tickets/{ticket.number}/unsent").text
    let_time_pass(world)
    [message] = written(world, ticket)
    after = again(world, ticket)
    assert (message.text, message.author_name) == ("We refund it.", "Maya")
    assert (after.status, after.owner_id) == ("pending_customer", message.agent_id)
    assert of(world, ticket) is None
    assert send(world, ticket, data={"then": "pending_customer"}).status_code == 204  # the repetition comes very late
    assert len(written(world, ticket)) == 1
    actor = select(Event.actor_name).where(Event.ticket_id == ticket.id, Event.kind == "message.added").order_by(Event.id.desc())
    assert world.one(actor.limit(1)) == "Maya"


def test_undo_brings_the_words_back_and_leaves_nothing(world, ticket):
    send(world, ticket, data={"cc": "li.wei@customers.example", "then": "pending_customer"})
    answer = press(world, ticket, "undo")
    back = json.loads(answer.headers["HX-Trigger"])["reply:back"]
    assert (back["text"], [chip["shown"] for chip in back["cc"]], back["files"]) == (
        "We refund it.",
        ["li•••@customers.example"],
        [],
    )
    assert "li.wei" not in json.dumps(back)  # Maya typed it, and sees no whole address afterwards
    again_to = {field: [chip["value"] for chip in back[field]] for field in ("to", "cc")}
    send(world, ticket, data={"recipients": "chosen", "client_id": "once-more", **again_to})
    assert of(world, ticket).cc == ["li.wei@customers.example"]
    press(world, ticket, "undo")
    let_time_pass(world)
    assert of(world, ticket) is None
    assert written(world, ticket) == []
    assert again(world, ticket).status == ticket.status
    due = select(func.count()).select_from(Timer).where(Timer.kind == unsent.LEAVE_TIMER, Timer.done_at.is_(None))
    assert world.one(due) == 0
    assert press(world, ticket, "undo").status_code == 409


def test_files_of_an_answer_that_was_taken_back_go_with_the_next(world, ticket):
    send(world, ticket, files={"files": ("Bill.pdf", io.BytesIO(b"%PDF-1.4 x"), "application/pdf")})
    [file] = json.loads(press(world, ticket, "undo").headers["HX-Trigger"])["reply:back"]["files"]
    assert file["name"] == "Bill.pdf"
    other = mail(world, external_id="somebody else's ticket")
    send(world, other, "Theft of files", data={"kept": file["value"]})
    send(world, ticket, "Now with the bill", data={"kept": [file["value"], "7:x", "999:0"]})
    let_time_pass(world)
    names = select(Attachment.name).join(Message, Message.id == Attachment.message_id)
    assert world.all(names.where(Message.ticket_id == ticket.id, Message.direction == "out")) == ["Bill.pdf"]
    assert world.all(names.where(Message.ticket_id == other.id, Message.direction == "out")) == []
    assert of(world, ticket) is None


def test_only_its_writer_takes_it_back_or_hurries_it(world, ticket):
    send(world, ticket)
    assert press(world, ticket, "undo", who="ben").status_code == 409
    assert press(world, ticket, "now", who="ben").status_code == 409
    assert press(world, ticket, "now").status_code == 204
    assert len(written(world, ticket)) == 1
    assert press(world, ticket, "undo").status_code == 409


def test_what_its_writer_does_next_comes_after_it(world, ticket):
    send(world, ticket)
    solved = {"category": "billing", "wrap_up_code": "solved", "resolution": "Refunded."}
    world.browser("maya@desk.example").post(f"/desk/tickets/{ticket.number}/solve", data=solved, headers=HX)
    assert len(written(world, ticket)) == 1
    assert again(world, ticket).status == "solved"


def test_an_answer_to_a_ticket_that_was_closed_meanwhile_is_kept_for_its_writer(world, ticket):
    send(world, ticket)
    with world.tx() as tx:
        row = tx.session.get_one(Ticket, ticket.id)
        row.status = "closed"
    let_time_pass(world)
    assert written(world, ticket) == []
    bar = world.browser("maya@desk.example").get(f"/desk/tickets/{ticket.number}/unsent").text
    assert "This ticket is closed" in bar
    assert press(world, ticket, "now").status_code == 409
    assert press(world, ticket, "undo").status_code == 204


def test_what_cannot_be_sent_is_refused_at_once(world, ticket):
    assert send(world, ticket, "   ").status_code == 422
    assert send(world, ticket, "To whom?", data={"cc": "nobody"}).status_code == 422
    assert of(world, ticket) is None


def test_an_answer_of_someone_who_wants_no_delay_leaves_at_once(world, ticket):
    with world.tx() as tx:
        tx.session.scalars(select(Agent).where(Agent.name == "Ben")).one().undo_s = 0
    send(world, ticket, who="ben")
    assert len(written(world, ticket)) == 1


def test_everybody_chooses_how_long_and_what_stands_below(world):
    world.agent("Eva")
    browser = world.browser("eva@desk.example")
    assert browser.post("/desk/me", data={"undo_s": "61", "signature": ""}).status_code == 422
    assert browser.post("/desk/me", data={"undo_s": "soon", "signature": "x" * 2000}).status_code == 422
    saved = browser.post("/desk/me", data={"undo_s": "60", "signature": " Eva\nLakelight "})
    assert saved.status_code in (200, 303)
    eva = world.one(select(Agent).where(Agent.name == "Eva"))
    assert (eva.undo_s, eva.signature) == (60, "Eva\nLakelight")
    assert "Lakelight" in browser.get("/desk/me").text
