"""Every live page loses its connection while things happen, and afterwards shows what a page shows that is opened then."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from channels.form import read_complaint, to_inbound
from desk.actions.articles import articles
from desk.actions.complaints import complaints
from desk.actions.people import customers
from desk.actions.surveys import surveys
from desk.actions.tickets import tickets
from desk.actions.work.presence import set_presence
from desk.models import Agent, Article, Customer, Message, Offer, Queue, Survey, Ticket
from desk.models.article import PUBLISHED
from tests.browser.sameness import same_after_loading_again
from tests.browser.signed_in import signed_in
from tests.live.cable import laid_to
from tests.world import World, running, settings_for

EVERYTHING = ("supervisor", "complaint_officer", "knowledge_editor", "admin")
PAGES = {
    "/desk": 3,
    "/desk/tickets?view=all": 3,
    "/desk/tickets/{ticket}": 6,
    "/desk/complaints": 3,
    "/board": 1,
    "/wallboard": 1,
    "/desk/customers/{customer}": 2,
    "/desk/articles": 1,
    "/desk/articles/refund-en": 1,
    "/admin": 1,
}


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path)) as world:
        yield world


@pytest.fixture
def context(chromium: Browser):
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(45_000)
    yield context
    context.close()


@pytest.mark.timeout(600)  # a hang, not slowness: it looks at ten pages twice
def test_after_a_cut_every_live_page_is_what_a_fresh_one_is(world, context):
    with world.tx() as tx:
        articles.write_article(tx, key="refund-en", lang="en", title="Refunds", text="In five days.", audience="public")
    su = world.agent("Su", roles=EVERYTHING, skills={"lang:en": 5, "lang:zh": 5})
    world.send("Where is my parcel?", subject="Parcel")
    ticket = world.until(world.ticket)
    addresses = {address.format(ticket=ticket.number, customer=ticket.customer_id): n for address, n in PAGES.items()}

    host, port = urlsplit(world.url).hostname, urlsplit(world.url).port
    with laid_to(host, port) as cable:
        base = f"http://127.0.0.1:{cable.port}"
        pages = {}
        signed_in(context, base, su)
        for address in addresses:
            pages[address] = context.new_page()
            pages[address].goto(base + address)
            expect(pages[address].locator("#net")).to_have_attribute("data-state", "live")
        cable.cut()
        for page in pages.values():
            expect(page.locator("#net")).to_have_attribute("data-state", "offline")
        a_busy_minute(world, ticket, su)
        cable.mend()
        for page in pages.values():
            expect(page.locator("#net")).to_have_attribute("data-state", "live", timeout=60_000)
        for address, page in pages.items():
            same_after_loading_again(page, parts=addresses[address])


def a_busy_minute(world: World, ticket: Ticket, su: Agent) -> None:
    """Something happens on every page."""
    maya = world.agent("Maya", available=True)
    world.until(lambda: world.one(select(Offer).where(Offer.agent_id == maya.id)))
    world.send("It has still not come.", sender="li.na@customers.example", headers=threaded(world, ticket))
    world.send("我的账单被扣了两次。", sender="wang@customers.example", subject="账单")
    form = read_complaint({"name": "Zhao", "email": "zhao@customers.example", "statement": "Nobody called me back."}, "en")
    with world.tx() as tx:
        mine = tx.session.get_one(Ticket, ticket.id)
        tickets.note(tx, mine, tx.session.get_one(Agent, su.id), "Ask the courier.")
        tickets.reply(tx, mine, tx.session.get_one(Agent, su.id), "We ask the courier today.", channel="email")
        tickets.set_fields(tx, mine, priority=2, category="delivery", subject="Parcel is late")
        customers.set_tier(tx, tx.session.get_one(Customer, ticket.customer_id), "vip")
        complaints.file_complaint(tx, to_inbound(form), form)
        article = tx.session.scalars(select(Article).where(Article.key == "refund-en")).one()
        articles.set_state(tx, article, PUBLISHED)
        articles.write_article(
            tx, key="refund-en", lang="en", title="Refunds, newly told", text="In three days.", audience="public"
        )
        set_presence(tx, tx.session.get_one(Agent, maya.id), "away", "break")
        survey = surveys.send_survey(tx, mine, "email")
        assert survey is not None
        surveys.answer_survey(tx, tx.session.get_one(Survey, survey.id), 2, False, "Too slow.")
        queue = tx.session.scalars(select(Queue).where(Queue.key == "billing")).one()
        tickets.open_ticket(
            tx, customer=tx.session.get_one(Customer, ticket.customer_id), queue=queue, subject="Another one", channel="manual"
        )


def threaded(world: World, ticket: Ticket) -> dict[str, str]:
    first = world.one(select(Message.mail_message_id).where(Message.ticket_id == ticket.id))
    return {"In-Reply-To": f"<{first}>", "Message-ID": "<again@customers.example>"}
