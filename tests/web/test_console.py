"""The console over HTTP: who may see and do what, what is never shown, and parts that are the same alone as in their page."""

from __future__ import annotations

import base64
import re
from collections import Counter

import pytest
from flask_babel import force_locale
from sqlalchemy import select

from desk.actions.articles.articles import set_state, write_article
from desk.actions.work import work_items
from desk.events import Event
from desk.models import (
    Article,
    ArticleLink,
    Attachment,
    Complaint,
    Message,
    SearchLog,
    WorkItem,
)
from desk.models.article import PUBLISHED
from desk.queries.tickets.timeline import SHOWN, Entry
from desk.web import words
from desk.web.mail.remote_pictures import RemotePictures
from desk.work.indexing import Indexing
from tests.web.console_world import HX, Elsewhere, Page, kept, last, mail, squeezed
from tests.world import running, settings_for


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path), background=False) as world:
        yield world


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
            if not address.endswith("/routing"):  # drawn when the page has connected: few look at it
                assert squeezed(part.text) in squeezed(answer.text), address


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


def test_a_picture_from_elsewhere_is_asked_for_once_and_only_pictures_are_shown(world):
    maya = world.browser(world.agent().email)
    png = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
    elsewhere = Elsewhere({"https://shop.example/a.png": png, "https://shop.example/b.svg": b"<svg onload='x()'/>"})
    world.app.extensions["pictures"] = RemotePictures(world.desk.clock, elsewhere)
    mail(world, html="".join(f'<img src="https://shop.example/{name}">' for name in ("a.png", "b.svg", "c.png", "a.png")))
    address = f"/desk/messages/{last(world, Message).id}/original?pictures=1"
    assert maya.request("HEAD", address).status_code == 200
    assert elsewhere.asked == []
    shown = maya.get(address).text
    assert shown.count(f'src="data:image/png;base64,{base64.b64encode(png).decode()}"') == 2
    assert "2 pictures could not be fetched." in shown
    assert "svg" not in shown
    maya.get(address)
    assert elsewhere.asked.count("https://shop.example/a.png") == 1


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
    world.app.extensions["pictures"] = RemotePictures(world.desk.clock, Elsewhere({"https://track.example/a.png": png}))
    asked = browser.get(address + "?pictures=1")
    assert asked.text.count("data:image/png;base64,") == 2
    assert "track.example" not in asked.text  # it is we who ask there, never the reader's browser
    assert asked.headers["Content-Security-Policy"] == policy
    assert world.browser(world.agent("Strange", team="care").email).get(address).status_code == 404


def test_contacts_are_masked_for_agents_and_whole_for_seniors(world):
    ticket = mail(world, name="")
    agent, senior = world.agent("Ada"), world.agent("Sue", roles=("senior",))
    for path in (f"/desk/tickets/{ticket.number}", "/desk/tickets?view=all"):
        assert "li.na@customers.example" not in world.browser(agent.email).get(path).text
        assert "li.na@customers.example" in world.browser(senior.email).get(path).text


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
    monkeypatch.setattr("desk.queries.tickets.tickets.PAGE", 3)
    monkeypatch.setattr("desk.web.tickets.lists.PAGE", 3)
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


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_event_that_is_shown_has_a_sentence(world, locale):
    with world.app.test_request_context(), force_locale(locale):
        for kind in SHOWN:
            event = Event(id=1, kind=kind, data={}, actor_kind="agent", actor_id=1, actor_name="Maya", agent_id=1)
            sentence, icon = words.event_line(Entry("e1", world.desk.clock.now(), event=event, names={1: "Maya"}))
            assert sentence, kind
            assert sentence != kind, kind
            assert icon, kind
