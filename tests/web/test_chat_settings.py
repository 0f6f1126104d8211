"""The settings of chats, who is kept out, and what customers have agreed to, through their pages."""

from __future__ import annotations

import re

import requests
from sqlalchemy import select

from channels.chat.secret import new_token
from desk.actions.chats import chats
from desk.events import Event
from desk.models import Chat, ChatBlock, Consent
from desk.queries.chats.rules import chat_rules
from tests.desk.chat_world import question
from tests.web.board_world import admin, boss, world  # noqa: F401 - fixtures among them

RULES = {
    "phone": "optional",
    "consent_en": "I agree.",
    "consent_zh": "我同意。",
    "reopen_h": "12",
    "most_waiting": "0",
    "line": ["0", "1"],
    "page-0": "/plans/*",
    "after-0": "45",
    "text-0-en": "Any questions?",
    "text-0-zh": "有疑问吗？",
    "page-1": "",
}


def saved(admin, **typed):
    """What comes of saving these rules on the page as it is now."""
    seen = re.search(r'name="seen" value="([^"]+)"', admin.get("/admin/chat").text)[1]
    return admin.post("/admin/chat", data={**RULES, "seen": seen, **typed})


def opened(world, **answers) -> int:
    with world.tx() as tx:
        return chats.open_chat(tx, question(consent="1", **answers), token=new_token())[0].id


def test_the_settings_are_kept_shown_again_and_refused_with_all_that_was_typed(world, admin):
    assert saved(admin).status_code == 303
    with world.desk.store.read() as reading:
        kept = chat_rules(reading)
    assert (kept.phone, kept.reopen_h, kept.consent_version, [each.page for each in kept.invitations]) == (
        "optional", 12, 1, ["/plans/*"],
    )  # fmt: skip
    refused = saved(admin, **{"after-0": "5", "page-0": "plans"})
    assert refused.status_code == 422
    assert 'value="plans"' in refused.text
    assert "From 30 to 3600 seconds." in refused.text
    assert saved(admin, seen="another state", reopen_h="13").status_code == 409
    page = admin.get("/admin/chat").text
    assert 'value="/plans/*"' in page
    assert "我同意。" in page


def test_an_invitation_is_told_only_for_its_page_and_while_somebody_is_free(world, admin):
    saved(admin)

    def told(page):
        answer = requests.get(f"{world.url}/chat/invitation", params={"page": page, "lang": "zh"}, timeout=60)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        return answer.json()

    assert told("https://shop.example/plans/home") == {}
    world.agent("Maya", available=True)
    assert told("https://shop.example/plans/home") == {"after_s": 45, "text": "有疑问吗？"}
    assert told("https://shop.example/about") == {}


def test_a_supervisor_keeps_a_visitor_out_with_a_reason_and_lets_them_in_again(world, boss):
    world.agent("Maya", available=True)
    chat_id = opened(world)
    assert boss.get(f"/desk/chats/{chat_id}/keep-out").status_code == 200
    refused = boss.post(f"/desk/chats/{chat_id}/keep-out", data={"mark-browser": "1", "reason": "", "days": "7"})
    assert refused.status_code == 422
    assert boss.post(
        f"/desk/chats/{chat_id}/keep-out", data={"mark-browser": "1", "reason": "Threats", "days": "7"}
    ).status_code == 303  # fmt: skip
    listed = boss.get("/admin/chat/kept-out").text
    assert "Threats" in listed
    assert "Wang Wei" in listed
    block = world.one(select(ChatBlock))
    assert world.one(select(Event).where(Event.kind == "chat.visitor_blocked")).data["reason"] == "Threats"
    assert boss.post(f"/admin/chat/kept-out/{block.id}/lift").status_code == 303
    assert "Threats" not in boss.get("/admin/chat/kept-out").text


def test_an_agent_keeps_nobody_out(world):
    world.agent("Maya", available=True)
    chat_id = opened(world)
    maya = world.browser("maya@desk.example")
    answer = maya.post(f"/desk/chats/{chat_id}/keep-out", data={"mark-browser": "1", "reason": "x", "days": "7"})
    assert answer.status_code == 403
    assert world.one(select(ChatBlock.id)) is None


def test_a_customers_page_shows_what_they_agreed_to_and_takes_it_back(world, admin, boss):
    saved(admin)
    world.agent("Maya", available=True)
    chat_id = opened(world)
    customer_id = world.one(select(Chat.customer_id).where(Chat.id == chat_id))
    assert "I agree." in boss.get(f"/desk/customers/{customer_id}").text
    there = f"/desk/customers/{customer_id}/consents/withdraw"
    assert boss.post(there, data={"purpose": "chat"}).status_code == 303
    assert boss.post(there, data={"purpose": "chat"}).status_code == 409
    assert [row.action for row in world.all(select(Consent).order_by(Consent.id))] == ["given", "withdrawn"]
    assert "They take it back" not in boss.get(f"/desk/customers/{customer_id}").text
