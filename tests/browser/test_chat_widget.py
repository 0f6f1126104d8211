"""The widget in a real browser: on the sample shop, with reloads, broken connections, two tabs, a small screen and Chinese."""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect
from sqlalchemy import select

from desk.actions.chats import blocks, chats
from desk.actions.chats.rules import set_rules
from desk.clock import Clock
from desk.events import SYSTEM
from desk.models import Agent, Attachment, Calendar, Chat, Message, Survey, Ticket
from desk.models.agent import AVAILABLE, AWAY
from desk.queries.chats.rules import ChatRules, Invitation
from tests.browser.shown import expect_shown, keep_words_of
from tests.live.cable import laid_to
from tests.live.chat_site import Site, running_site


@pytest.fixture
def site(tmp_path) -> Site:
    with running_site(tmp_path, Clock()) as site:
        with site.desk.store.tx(SYSTEM) as tx:
            tx.session.scalar(select(Calendar)).week = [[["00:00", "24:00"]]] * 7
        yield site


@pytest.fixture
def context(chromium: Browser):
    context = chromium.new_context(locale="en-GB", timezone_id="Asia/Shanghai", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(45_000)
    yield context
    context.close()


def shop(context, site, query="") -> tuple[Page, FrameLocator]:
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
    page.goto(f"{site.base_url}/shop{query}")
    return page, page.frame_locator("iframe")


def begin(page, chat, text="Where is my parcel?"):
    page.get_by_role("button", name="Chat with us").click()
    chat.locator("#ask").get_by_label("Your name").fill("Wang Wei")
    chat.locator("#ask").get_by_label("What is it about?").select_option("delivery")
    chat.locator("#ask").get_by_label("Your question").fill(text)
    chat.get_by_role("button", name="Start the chat").click()
    expect(chat.get_by_role("log")).to_contain_text(text)


def only_chat(site) -> int:
    with site.desk.store.read() as reading:
        return reading.scalars(select(Chat.id).order_by(Chat.id)).all()[-1]


def said(site) -> list[str]:
    with site.desk.store.read() as reading:
        return list(reading.scalars(select(Message.text).where(Message.channel == "chat").order_by(Message.id)))


def test_a_visitor_chats_from_the_first_question_to_the_rating(site, context):
    page, chat = shop(context, site)
    begin(page, chat)
    expect(chat.locator("#place")).to_contain_text("Somebody will be with you")
    chat_id = only_chat(site)
    agent_id = site.accept(chat_id)
    expect(chat.get_by_role("log")).to_contain_text("Dan has joined the chat.")
    expect(chat.locator("#opening")).to_have_text("You are chatting with Dan")
    expect(chat.locator(".bubble.is-us .delivery")).to_have_text("Delivered")
    keep_words_of(chat.locator("#typing"))
    site.visitors.agent_typing(chat_id, "Dan Okafor")
    expect_shown(chat.locator("#typing"), "Dan is typing…")
    site.answer(chat_id, agent_id, str(uuid4()), "It comes tomorrow, see https://shop.example/parcel <b>bold</b>")
    expect(chat.locator(".bubble.is-them")).to_contain_text("<b>bold</b>")
    expect(chat.get_by_role("link", name="https://shop.example/parcel")).to_be_visible()
    field = chat.locator("#say-text")
    field.press_sequentially("Thank")
    field.press("Shift+Enter")
    field.press_sequentially("you")
    field.press("Enter")
    expect(chat.locator(".bubble.is-us").last).to_contain_text("Thank\nyou")
    expect(chat.locator(".bubble.is-us .delivery").last).to_have_text("Delivered")
    assert site.typing
    chat.get_by_role("button", name="End chat").first.click()
    chat.locator("#end-yes").click()
    expect(chat.get_by_role("log")).to_contain_text("You have ended the chat.")
    chat.get_by_label("5 – Very good").check(force=True)
    expect(chat.locator("#rated")).to_have_text("Thank you for telling us.")
    with page.expect_download() as saved:
        chat.get_by_role("button", name="Save the transcript").click()
    text = saved.value.path().read_text(encoding="utf-8-sig")
    assert re.search(r"Dan: It comes tomorrow", text)
    with site.desk.store.read() as reading:
        ended = reading.get_one(Chat, chat_id)
        assert (ended.state, ended.ended_by, ended.rating) == ("ended", "customer", 5)
    assert page.faults == []


def test_a_visitor_sends_files_says_why_it_was_bad_and_has_the_conversation_mailed(site, context):
    page, chat = shop(context, site)
    begin(page, chat)
    site.accept(only_chat(site))
    expect(chat.locator("#opening")).to_have_text("You are chatting with Dan")
    files = chat.locator("#say-files")
    files.set_input_files({"name": "label.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n"})
    expect(chat.locator(".bubble .chat-file")).to_have_text("File: label.png")
    files.set_input_files({"name": "tool.exe", "mimeType": "image/png", "buffer": b"MZ\x90\x00"})
    expect(chat.locator(".bubble.is-us .delivery.is-failed")).to_contain_text("Files of this kind cannot be sent here.")
    expect(chat.locator(".bubble")).to_have_count(3)
    chat.get_by_role("button", name="End chat").first.click()
    chat.locator("#end-yes").click()
    expect(chat.get_by_role("log")).to_contain_text("You have ended the chat.")
    chat.get_by_label("2 – Bad").check(force=True)
    expect(chat.locator("#rated")).to_have_text("Thank you for telling us.")
    chat.get_by_label("What should we know?").fill("It took an hour")
    chat.get_by_role("button", name="Tell us").click()
    expect(chat.locator("#why")).to_be_hidden()
    chat.get_by_label("Have the conversation sent").fill("wang@example.com")
    chat.get_by_role("button", name="Send it by mail").click()
    expect(chat.locator("#mailed")).to_have_text("It is on its way to wang@example.com.")
    with site.desk.store.read() as reading:
        assert reading.scalar(select(Survey.comment)) == "It took an hour"
        assert reading.scalars(select(Attachment.name)).all() == ["label.png"]


def test_a_reload_loses_nothing_and_doubles_nothing(site, context):
    page, chat = shop(context, site)
    begin(page, chat)
    site.answer(only_chat(site), site.accept(only_chat(site)), str(uuid4()), "One moment")
    expect(chat.locator(".bubble.is-them")).to_have_count(1)
    page.reload()
    expect(chat.locator(".bubble")).to_have_count(2)
    expect(chat.locator(".chat-line")).to_have_count(1)
    expect(chat.locator("#opening")).to_have_text("You are chatting with Dan")


def test_what_is_written_while_the_connection_is_gone_is_sent_once_it_is_back(site, context):
    with laid_to("127.0.0.1", urlsplit(site.base_url).port) as cable:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{cable.port}/shop")
        chat = page.frame_locator("iframe")
        begin(page, chat)
        cable.cut()
        expect(chat.locator("#net")).to_contain_text("Reconnecting")
        for text in ("first", "second"):
            chat.locator("#say-text").fill(text)
            chat.locator("#say-text").press("Enter")
        expect(chat.locator(".bubble.is-us .delivery").last).to_have_text("Sending")
        site.answer(only_chat(site), site.accept(only_chat(site)), str(uuid4()), "said meanwhile")
        cable.mend()
        expect(chat.locator("#net")).to_be_hidden(timeout=45_000)
        expect(chat.locator(".bubble.is-us .delivery").last).to_have_text("Delivered")
        expect(chat.locator(".bubble-text")).to_have_text(["Where is my parcel?", "said meanwhile", "first", "second"])
        assert said(site) == ["Where is my parcel?", "said meanwhile", "first", "second"]
        page.close()


def test_a_window_that_comes_to_the_front_while_it_connects_is_connected(site, context):
    page, chat = shop(context, site, "?lang=en")
    page.add_init_script("self !== top && setInterval(() => window.dispatchEvent(new Event('focus')), 1)")
    page.reload()
    begin(page, chat)
    expect(chat.locator("#place")).to_contain_text("Somebody will be with you")
    expect(chat.locator("#net")).to_be_hidden()


def test_two_tabs_show_one_chat(site, context):
    left, left_chat = shop(context, site)
    right, right_chat = shop(context, site)
    right.get_by_role("button", name="Chat with us").click()
    expect(right_chat.locator("#ask").get_by_label("Your question")).to_be_visible()
    begin(left, left_chat)
    expect(right_chat.get_by_role("log")).to_contain_text("Where is my parcel?")
    right_chat.locator("#say-text").fill("also from here")
    right_chat.locator("#say-text").press("Enter")
    expect(left_chat.get_by_role("log")).to_contain_text("also from here")
    assert said(site) == ["Where is my parcel?", "also from here"]


def test_enter_while_an_input_method_composes_sends_nothing(site, context):
    page, chat = shop(context, site)
    begin(page, chat)
    field = chat.locator("#say-text")
    field.fill("你好")
    composing = "{key: 'Enter', isComposing: true, bubbles: true, cancelable: true}"
    field.evaluate(f"(area) => area.dispatchEvent(new KeyboardEvent('keydown', {composing}))")
    expect(field).to_have_value("你好")
    field.press("Enter")
    expect(field).to_have_value("")
    expect(chat.get_by_role("log")).to_contain_text("你好")


def test_faults_in_the_form_are_told_in_the_visitors_language_and_nothing_is_lost(site, context):
    page, chat = shop(context, site, "?lang=zh")
    page.get_by_role("button", name="在线客服").click()
    expect(chat.locator("#opening")).not_to_be_empty()
    chat.locator("#ask-text").fill("三月被扣了两次")
    chat.locator("#ask-email").fill("nobody")
    expect(chat.locator("#ask-text")).to_have_value("三月被扣了两次")
    chat.locator("#ask-send").click()
    expect(chat.locator("#ask [aria-invalid]")).to_have_count(3)
    expect(chat.locator("#ask .chat-summary a")).to_have_count(3)
    expect(chat.locator("#ask-text")).to_have_value("三月被扣了两次")
    assert chat.locator("html").get_attribute("lang") == "zh-CN"


def test_when_nobody_is_there_the_visitor_leaves_a_message_and_gets_a_number(site, context):
    with site.desk.store.tx(SYSTEM) as tx:
        for agent in tx.session.scalars(select(Agent)):
            agent.presence = AWAY
    page, chat = shop(context, site)
    page.get_by_role("button", name="Chat with us").click()
    expect(chat.get_by_role("heading", name="Leave a message")).to_be_visible()
    expect(chat.locator("#opening")).to_have_text("Nobody is free to chat just now")
    for way, address in (("Have us call you", "/call-back?lang=en"), ("Make a complaint", "/complaints/new?lang=en")):
        expect(chat.get_by_role("link", name=way)).to_have_attribute("href", address)
    chat.locator("#letter").get_by_label("Your name").fill("Wang Wei")
    chat.locator("#letter").get_by_label("E-mail").fill("wang@example.com")
    chat.locator("#letter").get_by_label("What is it about?").select_option("billing")
    chat.locator("#letter-text").fill("Charged twice in March")
    chat.get_by_role("button", name="Send the message").click()
    expect(chat.get_by_role("heading", name="Thank you")).to_be_focused()
    expect(chat.get_by_role("link", name="Have us call you")).to_be_hidden()
    with site.desk.store.read() as reading:
        number = reading.scalar(select(Ticket.number))
    expect(chat.locator("#thanks-text")).to_contain_text(str(number))


def test_a_visitor_who_opens_the_chat_again_finds_the_agent_who_has_come_meanwhile(site, context):
    with site.desk.store.tx(SYSTEM) as tx:
        for agent in tx.session.scalars(select(Agent)):
            agent.presence = AWAY
    page, chat = shop(context, site)
    page.get_by_role("button", name="Chat with us").click()
    expect(chat.get_by_role("heading", name="Leave a message")).to_be_visible()
    with site.desk.store.tx(SYSTEM) as tx:
        for agent in tx.session.scalars(select(Agent)):
            agent.presence = AVAILABLE
    page.get_by_role("button", name="Close the chat").click()
    page.get_by_role("button", name="Chat with us").click()
    expect(chat.get_by_role("heading", name="How can we help?")).to_be_visible()


def test_when_the_agents_go_home_while_the_form_is_filled_in_the_words_are_kept(site, context):
    page, chat = shop(context, site)
    page.get_by_role("button", name="Chat with us").click()
    chat.locator("#ask").get_by_label("Your name").fill("Wang Wei")
    chat.locator("#ask").get_by_label("What is it about?").select_option("other")
    chat.locator("#ask").get_by_label("Your question").fill("A long question")
    with site.desk.store.tx(SYSTEM) as tx:
        for agent in tx.session.scalars(select(Agent)):
            agent.presence = AWAY
    chat.get_by_role("button", name="Start the chat").click()
    expect(chat.locator("#letter-text")).to_have_value("A long question")
    expect(chat.locator("#letter-email")).to_be_focused()


def test_after_an_end_a_new_chat_begins_with_what_was_not_sent(site, context):
    page, chat = shop(context, site)
    begin(page, chat)
    first = only_chat(site)
    site.accept(first)
    site.act(chats.end_chat, first, "agent")
    expect(chat.get_by_role("log")).to_contain_text("The agent has ended the chat.")
    chat.get_by_role("button", name="Start a new chat").click()
    expect(chat.locator("#ask").get_by_label("Your name")).to_have_value("Wang Wei")
    chat.locator("#ask").get_by_label("What is it about?").select_option("other")
    chat.locator("#ask").get_by_label("Your question").fill("Another matter")
    chat.get_by_role("button", name="Start the chat").click()
    expect(chat.get_by_role("log")).to_contain_text("Another matter")
    expect(chat.locator(".bubble")).to_have_count(1)
    assert only_chat(site) != first


def test_closed_the_launcher_counts_what_is_unread_and_escape_gives_the_focus_back(site, context):
    page, chat = shop(context, site)
    begin(page, chat)
    chat_id = only_chat(site)
    agent_id = site.accept(chat_id)
    chat.locator("#say-text").press("Escape")
    launcher = page.get_by_role("button", name=re.compile("Chat with us"))
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")
    site.answer(chat_id, agent_id, str(uuid4()), "Are you there?")
    expect(page.get_by_label("1 new message")).to_have_text("1")
    launcher.click()
    expect(chat.get_by_role("log")).to_contain_text("Are you there?")
    expect(page.get_by_label("1 new message")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "lang"), [("light", "en"), ("dark", "zh")])
def test_it_fits_a_small_screen_and_is_accessible(site, chromium, axe_source, scheme, lang):
    context = chromium.new_context(
        viewport={"width": 320, "height": 568}, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    context.set_default_timeout(45_000)
    page, chat = shop(context, site, f"?lang={lang}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("[data-desk-chat] button").click()
    expect(chat.locator("#ask")).to_be_visible()
    frame = page.frames[1]
    box = page.locator("iframe").bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 320, 568)
    found = [violations(frame, axe_source), violations(page, axe_source)]
    chat.locator("#ask-name").fill("Wang Wei")
    chat.locator("#ask-topic").select_option("other")
    chat.locator("#ask-text").fill("x" * 200)
    chat.locator("#ask-send").click()
    expect(chat.locator(".bubble")).to_have_count(1)
    site.accept(only_chat(site), "Lin Xiaowen")
    expect(chat.locator(".chat-line")).to_have_count(1)
    found.append(violations(frame, axe_source))
    site.act(chats.end_chat, only_chat(site), "agent")
    expect(chat.locator("#over")).to_be_visible()
    found.append(violations(frame, axe_source))
    assert found == [[]] * 4
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def violations(page, axe_source) -> list[str]:
    page.evaluate(axe_source)
    result = page.evaluate("axe.run({iframes: false})")
    return [f"{one['id']}: {node['html'][:160]}" for one in result["violations"] for node in one["nodes"]]


def ask_for(site, **rules):
    with site.desk.store.tx(SYSTEM) as tx:
        set_rules(tx, ChatRules(**rules))


def test_an_invitation_comes_once_takes_no_focus_and_a_no_is_remembered(site, context):
    words = {"en": "Questions? We are here.", "zh": "有疑问吗？"}
    ask_for(site, invitations=(Invitation("/shop", 40, words),))
    page = context.new_page()
    page.clock.install()
    page.goto(f"{site.base_url}/shop?lang=en")
    expect(page.get_by_role("button", name="Chat with us")).to_be_visible()
    with page.expect_response("**/chat/invitation?*"):
        page.clock.run_for(30_000)
    invited = page.get_by_role("region", name="Invitation to chat")
    expect(invited).to_have_count(0)
    with page.expect_response("**/chat/invitation?*"):
        page.clock.run_for(10_000)
    expect(invited).to_be_visible()
    page.clock.run_for(1_000)
    expect(invited.get_by_role("status")).to_have_text(words["en"])
    expect(page.locator("body")).to_be_focused()
    invited.get_by_role("button", name="No, thank you").press("Enter")
    expect(invited).to_have_count(0)
    expect(page.get_by_role("button", name="Chat with us")).to_be_focused()
    page.reload()
    expect(page.get_by_role("button", name="Chat with us")).to_be_visible()
    page.clock.run_for(60_000)
    expect(invited).to_have_count(0)


def test_what_is_asked_first_is_kept_over_a_change_of_language_and_without_consent_no_chat_begins(site, context):
    ask_for(site, phone="required", consent={"en": "I agree.", "zh": "我同意。"})
    page, chat = shop(context, site, "?lang=en")
    page.get_by_role("button", name="Chat with us").click()
    chat.locator("#ask-text").fill("Where is it?")
    chat.locator("#ask-phone").fill("+86 138 0013 8000")
    chat.locator("#ask").get_by_role("button", name="中文").click()
    expect(chat.get_by_role("heading", name="有什么可以帮您？")).to_be_visible()
    expect(chat.locator("#ask-text")).to_have_value("Where is it?")
    expect(chat.locator("#ask-phone")).to_have_value("+86 138 0013 8000")
    expect(chat.locator("#opening")).not_to_be_empty()
    chat.locator("#ask-name").fill("Wang Wei")
    chat.locator("#ask-topic").select_option("other")
    chat.locator("#ask-send").click()
    expect(chat.locator("#ask .chat-summary a")).to_have_text(["请先同意，我们才能答复您。"])
    chat.locator("#ask").get_by_label("我同意。").check()
    chat.locator("#ask-send").click()
    expect(chat.get_by_role("log")).to_contain_text("Where is it?")


def test_a_visitor_comes_back_to_the_chat_and_one_who_is_kept_out_is_told_kindly(site, context):
    page, chat = shop(context, site)
    begin(page, chat)
    chat_id = only_chat(site)
    site.accept(chat_id)
    site.act(chats.end_chat, chat_id, "agent")
    chat.get_by_role("button", name="Go on with this chat").click()
    expect(chat.get_by_role("log")).to_contain_text("You are back in the chat.")
    expect(chat.locator("#say-text")).to_be_focused()
    assert only_chat(site) == chat_id
    site.act(lambda tx, row: blocks.block(tx, row, marks=["browser"], reason="Threats", days=7), chat_id)
    expect(chat.get_by_role("log")).to_contain_text("The chat has ended.")
    expect(chat.get_by_role("button", name="Go on with this chat")).to_be_hidden()
    chat.get_by_role("button", name="Start a new chat").click()
    chat.locator("#ask").get_by_label("What is it about?").select_option("other")
    chat.locator("#ask").get_by_label("Your question").fill("And another thing")
    chat.get_by_role("button", name="Start the chat").click()
    expect(chat.get_by_role("heading", name="No chat at the moment")).to_be_focused()
    expect(chat.get_by_role("link", name="Make a complaint")).to_be_visible()
    expect(chat.get_by_role("link", name="Have us call you")).to_be_hidden()
