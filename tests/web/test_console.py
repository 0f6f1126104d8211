"""The console over HTTP: who may see and do what, what is never shown, and parts that are the same alone as in their page."""

from __future__ import annotations

import io
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from flask_babel import force_locale
from sqlalchemy import select

from channels.message import Contact, Inbound
from channels.voice.events import CallEvent
from channels.voice.port import CarrierFailed
from desk.actions import calls, intake, outbox, work_items
from desk.actions.articles import set_state, write_article
from desk.actions.follow_up_work import open_follow_up
from desk.events import Event
from desk.files import KeptFile
from desk.models import (
    Agent,
    Article,
    ArticleLink,
    Attachment,
    Call,
    Complaint,
    FollowUp,
    Message,
    OutboxMail,
    RouterLease,
    SearchLog,
    Ticket,
    WorkItem,
)
from desk.models.article import PUBLISHED
from desk.queries.timeline import SHOWN, Entry
from desk.web import words
from desk.work.indexing import Indexing
from tests.world import running, settings_for

HX = {"HX-Request": "true"}


class Page(HTMLParser):
    """What is on a page: ids, what was written inline, and its live parts by address."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.live: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if given.get("id"):
            self.ids.append(given["id"])
        if given.get("style") or any(name.startswith("on") for name in given) or (tag == "script" and not given.get("src")):
            self.inline.append(tag)
        if "data-live" in given and given.get("data-src"):
            self.live[given["data-src"]] = given["data-live"]


def squeezed(html: str) -> str:
    return re.sub(r"\s+", " ", html).strip()


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path), background=False) as world:
        yield world


def mail(world, text="My bill is wrong.", *, sender="li.na@customers.example", queue="general", **more) -> Ticket:
    """A ticket that came by mail into this queue."""
    files = more.pop("files", ())
    inbound = Inbound(
        channel="email",
        external_id=more.pop("external_id", text),
        sender=Contact("email", sender, more.pop("name", "Li Na")),
        subject=more.pop("subject", "March bill"),
        text=text,
        locale="en",
        **more,
    )
    with world.tx() as tx:
        return intake.receive(tx, inbound, files, queue_key=queue).ticket


def kept(world, data: bytes, name: str) -> KeptFile:
    return world.desk.files.keep(data, name)


def last(world, model):
    return world.one(select(model).order_by(model.id.desc()).limit(1))


def test_signing_in_says_what_is_wrong_keeps_the_address_and_speaks_chinese(world):
    browser = world.browser()
    answer = browser.post("/login", data={"email": "nobody@desk.example", "password": "x"})
    assert answer.status_code == 422
    assert "wrong" in answer.text
    assert 'value="nobody@desk.example"' in answer.text
    assert 'lang="zh-CN"' in browser.get("/login?lang=zh").text


def test_the_demonstration_tells_where_its_logins_are_and_a_real_desk_does_not(world):
    assert "/try" not in world.browser().get("/login").text


@pytest.mark.parametrize("path", ["/desk", "/desk/tickets", "/desk/tickets/10001", "/desk/worklist", "/desk/complaints"])
def test_nobody_sees_the_console_without_signing_in(world, path):
    answer = world.browser().get(path, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=")


@pytest.mark.parametrize("role", ["knowledge_editor", "admin"])
def test_roles_without_tickets_have_no_console(world, role):
    person = world.agent("Yu", roles=(role,))
    browser = world.browser(person.email)
    ticket = mail(world)
    for path in ("/desk", "/desk/tickets", f"/desk/tickets/{ticket.number}", "/desk/worklist"):
        assert browser.get(path).status_code == 403
    assert browser.get("/desk/softphone").status_code == 403


def test_an_auditor_reads_masked_and_changes_nothing(world):
    auditor = world.agent("Arthur", roles=("auditor",))
    ticket = mail(world)
    browser = world.browser(auditor.email)
    assert browser.get("/desk", allow_redirects=False).headers["Location"] == "/desk/tickets"
    page = browser.get(f"/desk/tickets/{ticket.number}")
    assert "My bill is wrong." in page.text
    assert "li.na@customers.example" not in page.text
    assert "composer" not in page.text
    assert "hx-post" not in page.text
    for path, data in {
        "messages": {"kind": "note", "text": "x", "client_id": "12345678"},
        "solve": {"category": "billing"},
        "assign": {"agent": "me"},
        "take": {},
        "fields": {"priority": "1"},
        "complaint": {"statement": "x"},
        "complaint/advance": {"stage": "assessed"},
    }.items():
        assert browser.post(f"/desk/tickets/{ticket.number}/{path}", data=data).status_code == 403, path
    assert len(world.all(select(Message))) == 1


def test_a_ticket_of_another_team_is_not_there_until_its_work_is_offered(world):
    stranger = world.agent("Strange", team="care")
    ticket = mail(world)
    browser = world.browser(stranger.email)
    for path in ("", "/head", "/timeline", "/customer", "/knowledge"):
        assert browser.get(f"/desk/tickets/{ticket.number}{path}").status_code == 404
    assert browser.post(f"/desk/tickets/{ticket.number}/messages", data={"kind": "note"}).status_code == 404
    with world.tx() as tx:
        item = tx.session.scalar(select(WorkItem).where(WorkItem.ticket_id == ticket.id))
        work_items.take(tx, item.id, stranger.id)
    assert browser.get(f"/desk/tickets/{ticket.number}").status_code == 200


def test_each_live_part_alone_is_what_it_is_in_its_page(world):
    hannah = world.agent("Hannah", roles=("supervisor",), available=True)
    ticket = mail(world, "Twice charged.\n\nOn Monday you wrote:\n> hello", reply_text="Twice charged.", html="<p>Twice</p>")
    browser = world.browser(hannah.email)
    browser.post(f"/desk/tickets/{ticket.number}/take")
    browser.post(
        f"/desk/tickets/{ticket.number}/messages", data={"kind": "note", "text": "Look here.", "client_id": "a-note-0001"}
    )
    browser.post(
        f"/desk/tickets/{ticket.number}/messages", data={"kind": "email", "text": "We look.", "client_id": "a-mail-0001"}
    )
    browser.post(f"/desk/tickets/{ticket.number}/complaint", data={"statement": "Too slow", "category": "billing"})
    pages = (
        f"/desk/tickets/{ticket.number}",
        "/desk",
        "/desk/tickets?view=all",
        "/desk/complaints",
        f"/desk/tickets/{ticket.number}?lang=zh",
    )
    for path in pages:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        page = Page(answer.text)
        assert not page.inline, path
        assert [name for name, count in Counter(page.ids).items() if count > 1] == [], path
        assert len(page.live) >= 3, path
        for address in page.live:
            lang = ("&" if "?" in address else "?") + "lang=zh" if "lang=zh" in path else ""
            part = browser.get(address + lang, headers={"X-Fragment": "1"})
            assert part.status_code == 200, address
            assert "<html" not in part.text
            assert squeezed(part.text) in squeezed(answer.text), address


def test_an_answer_sent_twice_is_one_mail(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    for _ in range(2):
        data = {"kind": "email", "text": "We refund it.", "client_id": "the-same-id", "then": "pending_customer"}
        assert browser.post(f"/desk/tickets/{ticket.number}/messages", data=data, headers=HX).status_code == 204
    assert len(world.all(select(OutboxMail))) == 1
    assert world.ticket().status == "pending_customer"


def test_a_note_stays_inside_and_brings_its_files(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    browser.post(
        f"/desk/tickets/{ticket.number}/messages",
        data={"kind": "note", "text": "Ask level two.", "client_id": "note-12345"},
        files={"files": ("Beleg.pdf", io.BytesIO(b"%PDF-1.4 x"), "application/pdf")},
    )
    assert not world.all(select(OutboxMail))
    assert last(world, Message).direction == "internal"
    assert last(world, Attachment).name == "Beleg.pdf"
    assert "Ask level two." in browser.get(f"/desk/tickets/{ticket.number}").text


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"kind": "email", "text": "  ", "client_id": "12345678"}, 422),
        ({"kind": "fax", "text": "x", "client_id": "12345678"}, 422),
        ({"kind": "email", "text": "x"}, 422),
        ({"kind": "chat", "text": "x", "client_id": "12345678"}, 409),
        ({"kind": "email", "text": "x", "client_id": "12345678", "cc": "no address"}, 422),
    ],
)
def test_what_cannot_be_sent_is_told_and_nothing_changes(world, data, status):
    maya = world.agent()
    ticket = mail(world)
    answer = world.browser(maya.email).post(f"/desk/tickets/{ticket.number}/messages", data=data, headers=HX)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert len(world.all(select(Message))) == 1
    assert world.ticket().owner_id is None


def test_solving_asks_for_what_is_missing_field_by_field(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    answer = browser.post(f"/desk/tickets/{ticket.number}/solve", data={}, headers=HX)
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"category", "wrap_up_code", "resolution"}
    good = {"category": "billing", "wrap_up_code": "solved", "resolution": "Paid back."}
    assert browser.post(f"/desk/tickets/{ticket.number}/solve", data=good, headers=HX).status_code == 204
    assert world.ticket().status == "solved"
    assert browser.post(f"/desk/tickets/{ticket.number}/reopen", headers=HX).status_code == 204
    assert world.ticket().status == "open"


def test_two_who_take_the_same_work_do_not_both_get_it(world):
    ticket = mail(world)
    first, second = (world.browser(world.agent(name).email) for name in ("Ada", "Ben"))
    assert first.post(f"/desk/tickets/{ticket.number}/take", headers=HX).status_code == 204
    answer = second.post(f"/desk/tickets/{ticket.number}/take", headers=HX)
    assert answer.status_code == 409
    assert "Somebody else" in answer.json()["detail"]


def test_an_offer_belongs_to_whom_it_was_made(world):
    mail(world)
    ada, ben = world.agent("Ada", available=True), world.agent("Ben")
    with world.tx() as tx:
        tx.session.add(RouterLease(id=1, epoch=1, holder="test", until=tx.now))
        tx.session.flush()
        item = tx.session.scalar(select(WorkItem))
        made = work_items.offer(
            tx, item.id, ada.id, epoch=1, reason={"mode": "longest_idle", "waited_s": 75, "free": 1, "able": 2}
        )
    assert world.browser(ben.email).post(f"/desk/offers/{made.id}/accept").status_code == 404
    browser = world.browser(ada.email)
    page = browser.get("/desk").text
    assert f"/desk/offers/{made.id}/accept" in page
    number = world.ticket().number
    assert browser.post(f"/desk/offers/{made.id}/accept", headers=HX).status_code == 204
    assert "You had been free the longest." in browser.get(f"/desk/tickets/{number}").text
    assert browser.post(f"/desk/offers/{made.id}/decline", headers=HX).status_code == 409


def test_files_go_out_as_bytes_to_be_saved_and_only_pictures_are_shown(world):
    maya = world.agent()
    png = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
    mail(world, files=[kept(world, b"<script>alert(1)</script>", "bill.html"), kept(world, png, "photo.png")])
    page, picture = world.all(select(Attachment).order_by(Attachment.id))
    browser = world.browser(maya.email)
    answer = browser.get(f"/desk/files/{page.id}")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert browser.get(f"/desk/files/{page.id}/picture").status_code == 404
    shown = browser.get(f"/desk/files/{picture.id}/picture")
    assert (shown.headers["Content-Type"], shown.content) == ("image/png", png)
    stranger = world.browser(world.agent("Strange", team="care").email)
    assert stranger.get(f"/desk/files/{page.id}").status_code == 404
    assert browser.get("/desk/files/999999").status_code == 404


def test_a_mails_own_html_is_sealed_and_loads_pictures_from_elsewhere_only_when_asked(world):
    maya = world.agent()
    png = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
    inside = world.desk.files.keep(png, "logo.png", "image/png", "logo@x")
    html = '<p onclick="x()">Hi</p><script>alert(1)</script><img src="https://track.example/a.png"><img src="cid:logo@x">'
    mail(world, html=html, files=[inside])
    address = f"/desk/messages/{last(world, Message).id}/original"
    browser = world.browser(maya.email)
    answer = browser.get(address)
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert answer.headers["X-Pictures"] == "left-out"
    for bad in ("<script", "onclick", "track.example", "cid:"):
        assert bad not in answer.text
    assert "data:image/png;base64," in answer.text
    asked = browser.get(address + "?pictures=1")
    assert "https://track.example/a.png" in asked.text
    assert "https:" in asked.headers["Content-Security-Policy"]
    assert world.browser(world.agent("Strange", team="care").email).get(address).status_code == 404


def test_contacts_are_masked_for_agents_and_whole_for_seniors(world):
    ticket = mail(world, name="")
    agent, senior = world.agent("Ada"), world.agent("Sue", roles=("senior",))
    for path in (f"/desk/tickets/{ticket.number}", "/desk/tickets?view=all"):
        assert "li.na@customers.example" not in world.browser(agent.email).get(path).text
        assert "li.na@customers.example" in world.browser(senior.email).get(path).text


def test_a_failed_mail_says_why_and_can_be_sent_again(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    browser.post(f"/desk/tickets/{ticket.number}/messages", data={"kind": "email", "text": "Hello.", "client_id": "12345678"})
    with world.tx() as tx:
        outbox.record_failed(tx, tx.session.scalar(select(OutboxMail.id)), "550 no such mailbox", retryable=False)
    message = last(world, Message)
    assert "550 no such mailbox" in browser.get(f"/desk/tickets/{ticket.number}").text
    again = f"/desk/tickets/{ticket.number}/messages/{message.id}/send-again"
    assert browser.post(again, headers=HX).status_code == 204
    assert last(world, OutboxMail).state == "queued"
    assert browser.post(again, headers=HX).status_code == 409


def test_a_message_of_another_ticket_is_not_reached_through_this_one(world):
    maya = world.agent()
    mine, other = mail(world, "One."), mail(world, "Two.")
    message = world.one(select(Message).where(Message.ticket_id == other.id))
    answer = world.browser(maya.email).post(f"/desk/tickets/{mine.number}/messages/{message.id}/detach")
    assert answer.status_code == 404


def test_a_complaint_is_registered_by_an_agent_and_moved_by_an_officer_only(world):
    maya, officer = world.agent(), world.agent("He", roles=("complaint_officer",), team="care")
    ticket = mail(world)
    agent, care = world.browser(maya.email), world.browser(officer.email)
    assert care.get(f"/desk/tickets/{ticket.number}").status_code == 404
    assert agent.post(f"/desk/tickets/{ticket.number}/complaint", data={"statement": ""}, headers=HX).status_code == 422
    good = {"statement": "You charged me twice.", "category": "billing"}
    assert agent.post(f"/desk/tickets/{ticket.number}/complaint", data=good, headers=HX).status_code == 204
    assert agent.post(f"/desk/tickets/{ticket.number}/complaint/advance", data={"stage": "assessed"}).status_code == 403
    assert agent.get("/desk/complaints").status_code == 403
    assert "March bill" in care.get("/desk/complaints").text

    page = care.get(f"/desk/tickets/{ticket.number}").text
    assert "You charged me twice." in page
    answer = care.post(f"/desk/tickets/{ticket.number}/complaint/advance", data={"stage": "closed"}, headers=HX)
    assert answer.status_code == 409
    assert "Possible now: Assess, Withdraw." in answer.json()["detail"]
    assert answer.json()["allowed"] == ["assessed", "withdrawn"]
    for data in (
        {"stage": "assessed", "category": "billing", "severity": "2"},
        {"stage": "investigating"},
        {"stage": "decided", "outcome": "upheld", "decision": "We pay it back."},
    ):
        assert care.post(f"/desk/tickets/{ticket.number}/complaint/advance", data=data, headers=HX).status_code == 204, data
    assert last(world, Complaint).stage == "decided"
    assert "We pay it back." in care.get(f"/desk/tickets/{ticket.number}/complaint").text


def test_the_customers_own_link_is_not_shown_to_those_whose_work_it_rates(world):
    maya = world.agent(roles=("senior",))
    ticket = mail(world)
    browser = world.browser(maya.email)
    browser.post(f"/desk/tickets/{ticket.number}/complaint", data={"statement": "Too slow", "category": "billing"})
    key = last(world, Complaint).access_key
    mail(world, f"You wrote: http://x/track/{key}", html=f'<a href="http://x/track/{key}">here</a>', reply_text="Hi.")
    for number in (ticket.number, world.ticket().number):
        page = browser.get(f"/desk/tickets/{number}").text
        assert "/track/…" in page
        assert key not in page
    assert key not in browser.get(f"/desk/messages/{last(world, Message).id}/original").text


def test_whoever_handled_a_matter_does_not_ask_the_customer_about_it(world):
    maya, ben = world.agent(), world.agent("Ben")
    ticket = mail(world)
    with world.tx() as tx:
        open_follow_up(tx, tx.session.get(Ticket, ticket.id), "low_score", exclude=maya.id)
    follow_up = last(world, FollowUp)
    own, other = world.browser(maya.email), world.browser(ben.email)
    assert own.post(f"/desk/follow-ups/{follow_up.id}", data={"outcome": "satisfied"}).status_code == 403
    assert f"/desk/follow-ups/{follow_up.id}" not in own.get(f"/desk/tickets/{ticket.number}").text
    assert other.post(f"/desk/follow-ups/{follow_up.id}", data={"outcome": "dissatisfied"}, headers=HX).status_code == 422
    assert other.post(f"/desk/follow-ups/{follow_up.id}", data={"outcome": "satisfied"}, headers=HX).status_code == 204
    assert last(world, FollowUp).outcome == "satisfied"


def test_knowledge_is_suggested_searched_read_and_linked(world):
    maya = world.agent()
    with world.tx() as tx:
        for key, title, audience in (
            ("refund-en", "Refund of a double charge", "public"),
            ("limits-en", "Refund limits inside", "internal"),
        ):
            set_state(
                tx,
                write_article(tx, key=key, lang="en", title=title, text="We return a **double charge**.", audience=audience),
                PUBLISHED,
            )
    Indexing(world.desk).check()
    ticket = mail(world, "A double charge! I want a refund.")
    browser = world.browser(maya.email)
    base = f"/desk/tickets/{ticket.number}/knowledge"
    assert "Refund of a double charge" in browser.get(base).text
    assert "Refund limits inside" in browser.get(base + "?q=refund+limits").text
    assert (last(world, SearchLog).place, last(world, SearchLog).query) == ("console", "refund limits")
    article = browser.get(base + "/refund-en").text
    assert "<strong>double charge</strong>" in article
    assert "/articles/refund-en" in article
    assert "data-inserts=" not in browser.get(base + "/limits-en").text, "inside knowledge is not put into an answer"
    assert browser.post(base + "/refund-en/link", headers=HX).status_code == 204
    assert world.one(select(Article.key).join(ArticleLink)) == "refund-en"
    assert browser.get(base + "/none").status_code == 404


def test_the_list_goes_page_by_page_without_losing_or_repeating_a_ticket(world, monkeypatch):
    monkeypatch.setattr("desk.queries.tickets.PAGE", 3)
    monkeypatch.setattr("desk.web.tickets.PAGE", 3)
    maya = world.agent()
    numbers = {mail(world, f"Question {n}").number for n in range(8)}
    browser, seen, path = world.browser(maya.email), [], "/desk/tickets?view=all"
    for _ in range(4):
        page = browser.get(path).text
        seen += [int(number) for number in re.findall(r'<tr id="t-(\d+)"', page)]
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if not following:
            break
        path = following[1].replace("&amp;", "&")
    assert sorted(seen) == sorted(numbers)


def test_the_list_is_searched_and_filtered_and_bears_nonsense(world):
    maya = world.agent()
    ticket = mail(world, subject="Ein_Thema %")
    browser = world.browser(maya.email)
    for query in (str(ticket.number), f"%23{ticket.number}", "Li", "Ein_", "li.na@"):
        assert f"t-{ticket.number}" in browser.get(f"/desk/tickets?view=all&q={query}").text, query
    assert "t-1" not in browser.get("/desk/tickets?view=all&q=_").text
    for query in ("before=x", "before=2026-01-01T00:00:00~5", "view=none", "queue=x", "q=%00", "queue=99999999999999999999"):
        assert browser.get(f"/desk/tickets?{query}").status_code == 200, query


def test_a_ticket_by_hand_finds_its_customer_and_goes_into_the_queue_or_to_the_agent(world):
    maya = world.agent()
    browser = world.browser(maya.email)
    answer = browser.post("/desk/tickets", data={"contact": "", "subject": ""}, headers=HX)
    assert answer.status_code == 422
    assert "f-contact-error" in answer.text
    queue = world.one(select(Ticket.queue_id)) or 1
    data = {
        "contact": "138 0013 8000",
        "name": "Li Na",
        "subject": "Asked in the shop",
        "queue": queue,
        "channel": "voice",
        "text": "Wants a bill.",
    }
    assert browser.post("/desk/tickets", data=data, headers=HX).status_code == 204
    assert world.one(select(WorkItem.state)) == "waiting"
    assert browser.post("/desk/tickets", data={**data, "mine": "1"}, headers=HX).status_code == 204
    first, second = world.all(select(Ticket).order_by(Ticket.id))
    assert first.customer_id == second.customer_id
    assert (first.owner_id, second.owner_id) == (None, maya.id)


def test_a_wrong_name_takes_no_owner_away(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    assert browser.post(f"/desk/tickets/{ticket.number}/assign", data={"agent": "me"}, headers=HX).status_code == 204
    for wrong in ("nobody", "-1", "99999999999999999999", "4711"):
        answer = browser.post(f"/desk/tickets/{ticket.number}/assign", data={"agent": wrong}, headers=HX)
        assert answer.status_code == 404, wrong
    assert browser.post(f"/desk/tickets/{ticket.number}/assign", headers=HX).status_code == 404
    assert world.ticket().owner_id == maya.id
    assert browser.post(f"/desk/tickets/{ticket.number}/assign", data={"agent": ""}, headers=HX).status_code == 204
    assert world.ticket().owner_id is None


def test_presence_is_the_agents_own_and_wrong_words_change_nothing(world):
    maya = world.agent()
    browser = world.browser(maya.email)
    assert browser.post("/desk/presence", data={"presence": "away", "reason": "lunch"}, headers=HX).status_code == 204
    assert browser.post("/desk/presence", data={"presence": "flying"}, headers=HX).status_code == 422
    agent = world.one(select(Agent).where(Agent.id == maya.id))
    assert (agent.presence, agent.presence_reason) == ("away", "lunch")
    assert "Lunch" in browser.get("/desk/presence").text


def test_whoever_missed_an_offer_is_told_and_can_come_back(world):
    maya = world.agent()
    with world.tx() as tx:
        tx.session.get(Agent, maya.id).presence = "not_responding"
    browser = world.browser(maya.email)
    assert "You missed an offer." in browser.get("/desk").text
    browser.post("/desk/presence", data={"presence": "available"})
    assert "You missed an offer." not in browser.get("/desk").text


def test_only_who_holds_a_call_may_hold_mute_end_or_wrap_it_up(world):
    maya, ben = world.agent(), world.agent("Ben")
    call = a_call(world, maya)
    other = world.browser(ben.email)
    for verb in ("hold", "mute", "hang-up", "wrap-up"):
        assert other.post(f"/desk/calls/{call.id}/{verb}", headers=HX).status_code == 404, verb
    own = world.browser(maya.email)
    assert own.post(f"/desk/calls/{call.id}/hold", headers=HX).status_code == 409, "not connected yet"
    assert "Connecting" in own.get("/desk/strip").text
    assert squeezed(other.get("/desk/strip").text) == ""


def test_a_caller_is_back_in_the_queue_when_the_agents_phone_cannot_be_reached(world, monkeypatch):
    maya = world.agent(available=True)
    call = a_call(world)

    def refuse(**_what):
        raise CarrierFailed("no such client", retryable=False)

    monkeypatch.setattr(world.desk.carrier, "add_participant", refuse)
    number = world.ticket().number
    answer = world.browser(maya.email).post(f"/desk/tickets/{number}/take", headers=HX)
    assert answer.status_code == 409
    assert "no such client" in answer.json()["detail"]
    assert world.one(select(Call.state).where(Call.id == call.id)) == "queued"
    assert world.one(select(WorkItem.state)) == "waiting"
    assert world.one(select(Agent.used).where(Agent.id == maya.id)) == 0


def a_call(world, agent: Agent | None = None) -> Call:
    """A call that waits, or that this agent has accepted and whose leg rings."""
    with world.tx() as tx:
        event = CallEvent("CA" + "1" * 32, "+8613800138000", "+862155501234", "ringing", "inbound")
        call = calls.arrive(tx, event)
        calls.press(tx, call, "2")
        calls.press(tx, call, "1")
        if agent is not None:
            item = tx.session.get_one(WorkItem, work_items.take(tx, call.item_id, agent.id).item_id)
            calls.accepted(tx, item, agent.id)
    return call


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_event_that_is_shown_has_a_sentence(world, locale):
    with world.app.test_request_context(), force_locale(locale):
        for kind in SHOWN:
            event = Event(id=1, kind=kind, data={}, actor_kind="agent", actor_id=1, actor_name="Maya", agent_id=1)
            sentence, icon = words.event_line(Entry("e1", world.desk.clock.now(), event=event, names={1: "Maya"}))
            assert sentence, kind
            assert sentence != kind, kind
            assert icon, kind


def test_a_moved_ticket_leaves_its_agent_and_says_so(world):
    maya = world.agent()
    ticket = mail(world)
    browser = world.browser(maya.email)
    browser.post(f"/desk/tickets/{ticket.number}/take")
    billing = 0
    with world.tx() as tx:
        billing = intake.find_queue(tx, "billing").id
    answer = browser.post(f"/desk/tickets/{ticket.number}/move", data={"queue": billing}, headers=HX)
    assert "was moved" in answer.headers["HX-Trigger"]
    assert (world.ticket().queue_id, world.ticket().owner_id) == (billing, None)
    assert browser.post(f"/desk/tickets/{ticket.number}/move", data={"queue": 999}, headers=HX).status_code == 404
