"""A mail on a ticket shows what became of it and who vouches for its sender, and lets the agent do something about it."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from channels.email.authentication import Authentication
from desk.actions.mail import outbox
from desk.actions.mail.outbox import Answer
from desk.actions.tickets import tickets
from desk.models import Agent, Message, OutboxMail, OutboxRecipient, PictureTrust, RawMail, Ticket
from desk.web.mail.remote_pictures import RemotePictures
from tests.web.console_world import HX, Elsewhere, kept, last, mail, squeezed
from tests.world import running, settings_for

PDF = b"%PDF-1.4 x"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("mails")), background=False) as world:
        world.agent()
        world.agent("Ada", roles=("auditor",))
        world.agent("Sen", roles=("senior",))
        yield world


@pytest.fixture
def ticket(world, request):
    return mail(world, external_id=request.node.name)


@pytest.fixture
def maya(world):
    return world.browser("maya@desk.example")


def answered(world, ticket, *answers: tuple[str, int, str]) -> Message:
    """Maya's answer to several, with what the relay said of each."""
    with world.tx() as tx:
        row = tx.session.get_one(Ticket, ticket.id)
        agent = tx.session.scalars(select(Agent).where(Agent.name == "Maya")).one()
        copies = [address for address, _, _ in answers[1:]]
        message = tickets.reply(tx, row, agent, "We refund it.", channel="email", cc=copies)
        found = tx.session.scalars(select(OutboxMail).where(OutboxMail.message_id == message.id)).one()
        found.state = "sending"
        told = {address: Answer(code, said, said.split()[0] if "." in said else "") for address, code, said in answers}
        outbox.record_answers(tx, found.id, told)
    return message


def page_of(browser, ticket):
    return squeezed(browser.get(f"/desk/tickets/{ticket.number}").text)


def test_each_recipient_has_its_state_in_the_words_of_the_relay(world, ticket, maya):
    message = answered(
        world,
        ticket,
        ("li.na@customers.example", 250, "OK"),
        ("busy@b.example", 451, "4.2.1 mailbox busy"),
        ("gone@c.example", 550, "5.1.1 <gone@c.example> no such user"),
    )
    page = page_of(maya, ticket)
    assert "451 4.2.1 mailbox busy" in page
    assert "550 5.1.1 &lt;go•••@c.example&gt; no such user" in page
    assert [word in page for word in ("Not yet, is tried again", "Not delivered", "next try in")] == [True] * 3
    assert "gone@c.example" not in page
    assert "go•••@c.example" in page
    assert "gone@c.example" in page_of(world.browser("sen@desk.example"), ticket)
    base = f"/desk/tickets/{ticket.number}/messages/{message.id}"
    gone = world.one(select(OutboxRecipient).where(OutboxRecipient.address == "gone@c.example"))
    for recipient, new, status in ((gone.id, "nonsense", 422), (999, "x@c.example", 404), (gone.id, "found@c.example", 204)):
        answer = maya.post(f"{base}/readdress", data={"recipient": recipient, "new": new}, headers=HX)
        assert answer.status_code == status
    again = world.one(select(OutboxRecipient).where(OutboxRecipient.id == gone.id))
    assert (again.address, again.state) == ("found@c.example", "queued")
    assert maya.post(f"{base}/send-again", headers=HX).status_code == 409


def test_mail_that_did_not_arrive_stands_in_the_owners_list_until_somebody_deals_with_it(world, ticket, maya):
    message = answered(world, ticket, ("li.na@customers.example", 550, "5.1.1 <li.na@customers.example> no such user"))
    assert "li.na@customers.example" not in page_of(maya, ticket)
    assert f"undelivered-{ticket.number}" in maya.get("/desk/worklist").text
    assert "Mail that did not arrive" in page_of(maya, ticket)
    assert maya.post(f"/desk/tickets/{ticket.number}/messages/{message.id}/leave", headers=HX).status_code == 204
    assert f"undelivered-{ticket.number}" not in maya.get("/desk/worklist").text


def test_a_mail_that_came_back_says_so(world, ticket, maya):
    message = answered(world, ticket, ("li.na@customers.example", 250, "OK"))
    with world.tx() as tx:
        sent = tx.session.get_one(Message, message.id)
        outbox.record_bounce(tx, sent, "li.na@customers.example", "5.2.1", "mailbox closed", temporary=False)
    page = page_of(maya, ticket)
    assert "Came back" in page
    assert "mailbox closed" in page


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Authentication("failed", "bank.example", dmarc="fail"), "bank.example does not stand behind this mail"),
        (Authentication("not_verified", "bank.example"), "nobody vouches for bank.example"),
        (Authentication("verified", "bank.example", by="dkim:bank.example"), "Verified by the signature of bank.example"),
        (Authentication("verified", "bank.example", by="spf:bank.example"), "Verified by the mail server of bank.example"),
    ],
)
def test_who_vouches_for_a_sender_stands_on_the_mail(world, ticket, maya, found, words):
    with world.tx() as tx:
        message = tx.session.scalars(select(Message).where(Message.ticket_id == ticket.id)).one()
        message.meta = {**message.meta, "authentication": found.as_meta()}
    assert words in page_of(maya, ticket)


def test_files_that_can_do_harm_are_marked_and_never_shown(world, maya):
    names = ("bill.pdf.exe", "page.html", "drawing.svg", "sheet.xlsm", "photo.png", "run.js", "letter.pdf")
    files = [kept(world, PDF if name == "letter.pdf" else b"<script>alert(1)</script>", name) for name in names]
    ticket = mail(world, external_id="files", files=files)
    page = page_of(maya, ticket)
    assert page.count("can do harm when opened") == 5
    assert page.count("Is not what its name says") == 1
    for number in re.findall(r'href="/desk/files/(\d+)"', page):
        answer = maya.get(f"/desk/files/{number}")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert maya.get(f"/desk/files/{number}/picture").status_code == 404


def test_the_pictures_of_a_sender_are_remembered_for_who_asked_for_them(world, maya):
    ticket = mail(
        world, external_id="pictures", html='<p>Hi</p><img src="https://shop.example/x.png">', sender="shop@shop.example"
    )
    message = last(world, Message)
    address = f"/desk/messages/{message.id}/original"
    assert f'data-original="{address}"' in page_of(maya, ticket)
    assert "shop.example/x.png" not in maya.get(address).text
    base = f"/desk/tickets/{ticket.number}/messages/{message.id}/pictures"
    for _ in range(2):
        assert maya.post(base, data={"always": "yes"}, headers=HX).status_code == 204
    assert f'data-original="{address}?pictures=1"' in page_of(maya, ticket)
    world.app.extensions["pictures"] = RemotePictures(world.desk.clock, Elsewhere({"https://shop.example/x.png": PNG}))
    shown = maya.get(f"{address}?pictures=1")
    assert "data:image/png;base64," in shown.text
    assert "shop.example/x.png" not in shown.text
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert f'data-original="{address}"' in page_of(world.browser("ada@desk.example"), ticket)
    assert maya.post(base, headers=HX).status_code == 204
    assert world.one(select(PictureTrust)) is None


def test_a_mail_is_saved_as_it_came_by_who_may_see_it_unmasked(world, ticket, maya):
    senior = world.browser("sen@desk.example")
    message = world.one(select(Message).where(Message.ticket_id == ticket.id))
    address = f"/desk/tickets/{ticket.number}/messages/{message.id}/eml"
    assert senior.get(address).status_code == 404
    raw = b"From: li.na@customers.example\r\n\r\nAs it came"
    with world.tx() as tx:
        tx.session.add(
            RawMail(
                identity="x", sha256=world.desk.files.put(raw), size=len(raw), envelope_from="", envelope_to=[],
                received_at=tx.now, verdict="person", reasons=[], outcome="opened", ticket_id=ticket.id, message_id=message.id,
            )
        )  # fmt: skip
    answer = senior.get(address)
    assert answer.content == raw
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert maya.get(address).status_code == 403
    other = mail(world, external_id="another ticket")
    assert senior.get(f"/desk/tickets/{other.number}/messages/{message.id}/eml").status_code == 404
