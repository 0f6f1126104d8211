"""A picture dragged into an answer is attached, and its receiver sees it in the mail's own text."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from desk.models import MailboxMail, Message
from tests.browser.test_console import console
from tests.world import running, settings_for

DROP = """() => {
  const bytes = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 0]);
  const data = new DataTransfer();
  data.items.add(new File([bytes], "plan.png", { type: "image/png" }));
  const place = document.getElementById("composer-text");
  place.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path)) as world:
        yield world


def test_a_picture_dragged_into_an_answer_is_seen_in_the_mail(chromium, world):
    context = chromium.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(45_000)
    page = console(context, world, world.agent(undo_s=0))
    world.send("My router is dead.", subject="Router")
    expect(page.locator("li.offer")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#timeline")).to_contain_text("My router is dead.")
    page.locator("#composer-text").fill("Press here.")
    page.evaluate(DROP)
    expect(page.locator("#composer-files")).to_contain_text("plan.png")
    expect(page.locator("#composer-text")).to_have_value("Press here.")
    page.locator("#composer-text").press("Control+Enter")
    expect(page.locator(".entry.is-agent img[alt='plan.png']")).to_have_count(1)
    answer = world.until(lambda: world.one(select(Message).where(Message.direction == "out", Message.delivery == "sent")))
    raws = world.all(select(MailboxMail.raw))
    mails = [message_from_bytes(raw, policy=policy.default) for raw in raws]
    mail = next(mail for mail in mails if answer.mail_message_id in mail["Message-ID"])
    picture = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    html = next(part for part in mail.walk() if part.get_content_type() == "text/html").get_content()
    assert f"cid:{picture['Content-ID'].strip('<>')}" in html
    assert picture.get_content_disposition() == "inline"
    assert page.faults == []
    context.close()
