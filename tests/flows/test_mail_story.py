"""A mail from the door to the confirmed solution: real SMTP in, real SMTP out."""

from __future__ import annotations

from sqlalchemy import select

from channels.email.address import read_address
from desk.models import Message, Offer, RawMail, Ticket, WorkItem
from tests.world import World, running, settings_for


def test_a_mail_becomes_a_ticket_that_is_offered_answered_and_joined_by_the_answer(tmp_path):
    with running(settings_for(tmp_path)) as world:
        maya = world.agent(available=True)
        first = world.send("My router is dead.\n", subject="Router")
        offer = world.until(lambda: world.one(select(Offer).where(Offer.state == "offered")))
        assert offer.agent_id == maya.id
        assert offer.reason

        ticket = world.ticket()
        console = world.browser(maya.email)
        assert console.post(f"/desk/offers/{offer.id}/accept").ok
        assert world.ticket().owner_id == maya.id
        form = {"text": "Please press reset.", "kind": "email", "client_id": "first-reply"}
        answer = console.post(f"/desk/tickets/{ticket.number}/messages", data=form)
        assert answer.ok, answer.text

        reply = world.until(lambda: world.mailbox("li.na@customers.example"))[0]
        assert reply.in_reply_to == first
        assert first in reply.references
        assert f"[#{ticket.number}]" in reply.subject
        back = reply.reply_to[0].value
        assert read_address(back, "support@desk.example", world.desk.secret) == ticket.number
        world.until(lambda: world.one(select(Message).where(Message.delivery == "sent")))

        world.send("It works now, but the light is red.", to=back, subject="anything", headers={"Message-ID": "<two@x.example>"})
        joined = world.until(lambda: world.one(select(Message).where(Message.mail_message_id == "two@x.example")))
        assert joined.ticket_id == ticket.id
        assert joined.threaded_by == "reply_address"
        assert len(world.all(select(Ticket))) == 1


def test_the_same_mail_twice_is_one_message_and_the_ledger_says_so(tmp_path):
    with running(settings_for(tmp_path)) as world:
        headers = {"Message-ID": "<same@x.example>", "Date": "Sat, 21 Nov 2026 10:00:00 +0800", "To": "both@desk.example"}
        for address in ("support@desk.example", "billing@desk.example"):
            world.send("Once is enough.", to="", envelope_to=address, headers=headers)
        assert len(world.all(select(Message))) == 1
        assert len(world.all(select(WorkItem))) == 1
        first, again = world.all(select(RawMail).order_by(RawMail.id))
        assert (first.outcome, again.outcome, again.duplicate_of_id) == ("opened", "duplicate", first.id)
        assert again.message_id == first.message_id == world.one(select(Message.id))
        assert world.one(select(Message)).meta["sent_to"] == ["support@desk.example", "billing@desk.example"]


def test_a_message_id_used_again_with_other_words_is_another_mail(tmp_path):
    with running(settings_for(tmp_path)) as world:
        for text in ("The first question.", "Another question."):
            world.send(text, headers={"Message-ID": "<same@x.example>", "Date": "Sat, 21 Nov 2026 10:00:00 +0800"})
        assert sorted(text.strip() for text in world.all(select(Message.text))) == ["Another question.", "The first question."]
        assert world.all(select(RawMail.outcome)) == ["opened", "opened"]


def test_a_stranger_who_quotes_our_message_id_is_held_until_an_agent_lets_them_in(tmp_path):
    with running(settings_for(tmp_path)) as world:
        maya = world.agent()
        first = world.send("My bill is wrong.")
        ticket = world.until(world.ticket)
        world.send(
            "Let me in.", sender="mallory@elsewhere.example", headers={"In-Reply-To": f"<{first}>", "Message-ID": "<m@x.example>"}
        )
        message = world.until(lambda: world.one(select(Message).where(Message.mail_message_id == "m@x.example")))
        assert message.ticket_id == ticket.id
        assert message.held
        assert message.threaded_by == "in_reply_to"
        console = world.browser(maya.email)
        assert console.post(f"/desk/tickets/{ticket.number}/messages/{message.id}/admit").ok
        assert not world.one(select(Message).where(Message.id == message.id)).held


def test_equal_subjects_alone_never_join_two_mails(tmp_path):
    with running(settings_for(tmp_path)) as world:
        world.send("First.", subject="Invoice", headers={"Message-ID": "<a@x.example>"})
        world.send("Second.", subject="Re: Invoice", headers={"Message-ID": "<b@x.example>"})
        assert len(world.all(select(Ticket))) == 2


def test_an_automatic_answer_opens_nothing_and_wakes_nobody(tmp_path):
    with running(settings_for(tmp_path)) as world:
        world.send("I am away.", headers={"Auto-Submitted": "auto-replied"})
        assert world.one(select(RawMail.verdict)) in ("auto_reply", "out_of_office")
        assert world.ticket() is None
        assert world.one(select(WorkItem)) is None


def test_thanks_alone_do_not_open_a_solved_ticket_again(tmp_path):
    with running(settings_for(tmp_path)) as world:
        first = world.send("Where is my parcel?")
        ticket = world.until(world.ticket)
        solve(world, ticket)
        world.send("Thank you very much!", headers={"In-Reply-To": f"<{first}>", "Message-ID": "<t@x.example>"})
        world.until(lambda: world.one(select(Message).where(Message.mail_message_id == "t@x.example")))
        assert world.ticket().status == "solved"
        world.send("It has still not come.", headers={"In-Reply-To": f"<{first}>", "Message-ID": "<n@x.example>"})
        world.until(lambda: world.ticket().status == "open")
        assert world.ticket().reopened == 1


def solve(world: World, ticket: Ticket) -> None:
    maya = world.agent(available=True)
    offer = world.until(lambda: world.one(select(Offer).where(Offer.state == "offered")))
    console = world.browser(maya.email)
    assert console.post(f"/desk/offers/{offer.id}/accept").ok
    form = {"category": "delivery", "wrap_up_code": "solved", "resolution": "It comes tomorrow."}
    answer = console.post(f"/desk/tickets/{ticket.number}/solve", data=form)
    assert answer.ok, answer.text
    assert world.ticket().status == "solved"
