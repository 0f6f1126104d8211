"""Ten turns of one conversation by mail: SMTP, a mailbox elsewhere, answers from the console, a colleague in copy, a forwarded
copy, an automatic answer and a bounce. One ticket, the right people, and nothing goes round.
"""

from __future__ import annotations

import smtplib

from sqlalchemy import func, select

from desk.models import MailboxMail, Message, OutboxMail, RawMail, Ticket, TicketParticipant, WorkItem
from tests.flows.test_mailboxes_elsewhere import account, dovecot, provider
from tests.world import running, settings_for

__all__ = ["dovecot", "provider"]
LI, WANG, ELSEWHERE = "li.na@customers.example", "wang.wei@customers.example", "help@desk.example"


def test_ten_turns_by_two_doors_are_one_ticket_with_the_right_people(tmp_path, dovecot):
    with running(settings_for(tmp_path)) as world:
        maya = world.agent(available=True)
        account(world, dovecot, "ten-turns")
        console = world.browser(maya.email)

        # 1: the customer writes, with a colleague in copy
        first = world.send("Our router is dead.", subject="Router", envelope_to="support@desk.example",
                           headers={"Cc": f"Wang Wei <{WANG}>"})  # fmt: skip
        ticket = world.until(world.ticket)
        assert world.all(select(TicketParticipant.address)) == [WANG]

        # 2: Maya answers from the console
        answer = reply(world, console, ticket, "Please press reset.")

        # 3: the customer answers to the signed address
        world.send("I did.", to=back(world, answer), headers=answering(answer, "three"))
        # 4: the colleague answers to all, without our address that knows
        world.send("It blinks red.", sender=WANG, headers=answering(answer, "four"))
        # 5: the customer writes from the web mail, which the other mailbox gets; the subject alone would prove nothing
        dovecot.deliver("ten-turns", by_hand(f"Re: Router [#{ticket.number}]", "Still red."))
        world.until(lambda: len(incoming(world)) == 4)

        # 6: Maya answers again
        second = reply(world, console, ticket, "We send a new one.")

        # 7: their automatic answer, 8: a bounce of our answer to the colleague
        away = {**answering(second, "seven"), "Auto-Submitted": "auto-replied"}
        world.send("I am out of office until Monday.", to=back(world, second), headers=away, subject="Automatic reply: Router")
        bounce(world, second)

        # 9: the first mail once more, forwarded by a rule to another of our addresses
        before = len(world.all(select(Message)))
        copy(world, first)
        # 10: thanks
        world.send("It works again, but the light stays red.", to=back(world, second), headers=answering(second, "ten"))

        assert world.all(select(Ticket.number)) == [ticket.number]
        assert len(world.all(select(Message))) == before + 1
        assert [(message.threaded_by, message.held) for message in incoming(world)] == [
            ("new", False), ("reply_address", False), ("in_reply_to", False), ("subject_number", False),
            ("reply_address", False), ("reply_address", False),
        ]  # fmt: skip
        assert [message.kind for message in incoming(world)].count("auto_reply") == 1
        outcomes = dict(map(tuple, counts(world)))
        assert outcomes == {"opened": 1, "appended": 4, "noted": 2, "duplicate": 1}
        assert world.one(select(Message).where(Message.mail_message_id == second.message_id)).delivery == "partly"
        assert world.all(select(TicketParticipant.address)) == [WANG]
        assert len(world.all(select(WorkItem))) == 1
        # Nothing goes round: beside Maya's two answers at most one acknowledgement was written.
        assert world.one(select(func.count()).select_from(OutboxMail)) <= 3


def reply(world, console, ticket, text):
    """Maya writes; the mail as the customer got it."""
    before = len(world.mailbox(LI))
    form = {"text": text, "kind": "email", "cc": WANG, "client_id": f"turn-{before}-{len(text)}"}
    answer = console.post(f"/desk/tickets/{ticket.number}/messages", data=form)
    assert answer.ok, answer.text
    world.until(lambda: any(text in mail.text for mail in world.mailbox(LI)))
    mail = next(mail for mail in world.mailbox(LI) if text in mail.text)
    world.until(lambda: world.one(select(Message.delivery).where(Message.mail_message_id == mail.message_id)) == "sent")
    return mail


def back(world, mail):
    return mail.reply_to[0].value


def answering(mail, number):
    return {"In-Reply-To": f"<{mail.message_id}>", "References": f"<{mail.message_id}>", "Message-ID": f"<{number}@x.example>"}


def incoming(world):
    query = select(Message).where(Message.direction == "in").order_by(Message.id)
    return world.all(query)


def counts(world):
    with world.desk.store.read() as session:
        return session.execute(select(RawMail.outcome, func.count()).group_by(RawMail.outcome)).all()


def by_hand(subject, text):
    return (
        f"From: {LI}\r\nTo: {ELSEWHERE}\r\nSubject: {subject}\r\nDate: Sat, 21 Nov 2026 10:00:00 +0800\r\n"
        f"Message-ID: <five@x.example>\r\n\r\n{text}\r\n"
    ).encode()


def bounce(world, mail):
    """As another mail server says it: to the envelope sender of our mail."""
    with world.desk.store.read() as session:
        sender = session.scalar(select(MailboxMail.envelope_from).order_by(MailboxMail.id.desc()).limit(1))
    raw = (
        f"From: MAILER-DAEMON@mx.customers.example\r\nTo: {sender}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Auto-Submitted: auto-replied\r\nMessage-ID: <eight@mx.customers.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt did not arrive.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.customers.example\r\n\r\n"
        f"Final-Recipient: rfc822; {WANG}\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 unknown\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{mail.message_id}>\r\n\r\n--b--\r\n"
    ).encode()
    with smtplib.SMTP("127.0.0.1", world.background.mail.port, timeout=60) as smtp:
        smtp.sendmail("", [sender], raw)
    world.all_read()


def copy(world, message_id):
    """The very bytes of the first mail, to the queue of bills."""
    row = world.one(select(RawMail).where(RawMail.mail_message_id == message_id))
    with smtplib.SMTP("127.0.0.1", world.background.mail.port, timeout=60) as smtp:
        smtp.sendmail(LI, ["billing@desk.example"], world.desk.files.get(row.sha256))
    world.all_read()
