"""Why work waits, through the pages and the API: who may ask, in which language, and that codes and words go together."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest
import requests
from sqlalchemy import select

from desk.actions.people import tokens
from desk.actions.work import hand_ups, work_items
from desk.models import Agent, Offer, Queue, RouterLease, Ticket, WorkItem
from tests.web.board_world import boss, work, world  # noqa: F401 - fixtures among them
from tests.web.console_world import mail

REASON = {
    "mode": "longest_idle",
    "requires": [["billing", 1]],
    "relaxed": [{"after_s": 30, "do": "lower_level", "skill": "billing", "level": 1}],
    "waited_s": 31.0,
    "able": 2,
    "free": 1,
    "passed_over": 1,
    "scores": {"idle_since": 1795146000.0},
    "kept_away": {"capacity": 1},
}


@pytest.fixture
def waiting(world):
    """A call that waits for somebody with billing, whom there is not yet, and a step to come."""
    world.agent("Maya", skills={"lang:zh": 5}, available=True)
    with world.tx() as tx:
        queue = tx.session.scalars(select(Queue).where(Queue.key == "billing")).one()
        queue.overflow = [{"after_s": 40, "do": "also_team", "team": "care"}]
    return work(world, "voice", queue="billing")


@pytest.fixture
def offered(world):
    """A chat that was offered to Maya and not answered yet."""
    maya = world.agent("Maya", available=True)
    item = work(world, "chat")
    with world.tx() as tx:
        tx.session.add(RouterLease(id=1, epoch=1, holder="test", until=tx.now))
        tx.session.flush()
        return work_items.offer(tx, item.id, maya.id, epoch=1, reason={**REASON, "candidates": [{"agent": maya.id, "load": 0.0}]})


def program(world, role):
    secret = f"the secret of a program that is {role}"
    with world.tx() as tx:
        tokens.create(tx, name=role, role=role, secret=secret)

    def get(path, lang="en"):
        headers = {"Authorization": f"Bearer {secret}", "Accept-Language": lang}
        return requests.get(f"{world.url}/api/v1{path}", headers=headers, timeout=60)

    return get


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            ["lacks Billing (level 1 is asked)", "Nobody at all has Billing at level 1.", "people of Complaints and care may"],
        ),
        ("zh", ["缺少技能：账单（要求 1 级）", "没有任何人的账单达到 1 级。", "投诉与关怀的人员也可以接"]),
    ],
)
def test_the_panel_says_why_in_both_languages_on_the_board_and_beside_the_ticket(world, boss, waiting, lang, words):
    number = world.one(select(Ticket.number).where(Ticket.id == waiting.ticket_id))
    for address in (f"/board/items/{waiting.id}", f"/board/items/{waiting.id}/why", f"/desk/tickets/{number}/routing"):
        page = boss.get(f"{address}?lang={lang}")
        assert page.status_code == 200
        assert [word for word in words if word not in page.text] == [], address
        assert f'data-live="board" data-src="/board/items/{waiting.id}/why"' in page.text or address.endswith("/why")


def test_an_offer_is_told_on_the_board_and_beside_the_ticket(world, boss, offered):
    page = " ".join(boss.get(f"/board/offers/{offered.id}/why").text.split())
    for words in ("free the longest", "Billing ≥ 1", "0:31", "2, of whom 1 could have taken it", "1 × no room", "1 earlier item"):
        assert words in page
    assert "等级" not in page
    assert f"why-held-{offered.id}" in boss.get("/board", headers={"X-Fragment": "1"}).text
    number = world.one(select(Ticket.number).join(WorkItem).where(WorkItem.id == offered.item_id))
    assert "It is being offered now." in boss.get(f"/desk/tickets/{number}/routing").text
    assert "Offered to Maya" in boss.get(f"/desk/tickets/{number}").text


@pytest.mark.parametrize(
    ("role", "status"), [("agent", 403), ("senior", 403), ("auditor", 403), ("admin", 403), ("complaint_officer", 403)]
)
def test_only_supervisors_are_told_why(world, offered, role, status):
    world.agent("Who", roles=(role,), skills={}, team="care")
    browser, ask = world.browser("who@desk.example"), program(world, role)
    number = world.one(select(Ticket.number))
    pages = [f"/board/items/{offered.item_id}/why", f"/board/offers/{offered.id}/why", f"/desk/tickets/{number}/routing"]
    assert {browser.get(page).status_code for page in pages} == {status}
    paths = [f"/work-items/{offered.item_id}/why", f"/work-items/{offered.item_id}/offers", f"/offers/{offered.id}/why"]
    assert {ask(path).status_code for path in paths} == {status}


def test_what_is_not_there_is_not_explained(world, boss):
    ask = program(world, "supervisor")
    for path in ("/work-items/4711/why", "/work-items/4711/offers", "/offers/4711/why", f"/offers/{10**30}/why"):
        answer = ask(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json"), path
    for page in ("/board/items/4711/why", "/board/offers/4711/why", "/desk/tickets/4711/routing"):
        assert boss.get(page).status_code == 404


def test_a_supervisor_hears_of_another_team_how_many_and_not_who(world, boss, waiting):
    world.agent("Carla", team="care", skills={"billing": 9})
    page = boss.get(f"/board/items/{waiting.id}/why").text
    assert "Carla" not in page
    assert "1 other" in page
    told = program(world, "supervisor")(f"/work-items/{waiting.id}/why").json()
    assert "Carla" in [each["agent"]["name"] for each in told["candidates"]]


def test_a_program_is_told_codes_figures_and_words_in_its_language(world, waiting):
    ask = program(world, "supervisor")
    told = ask(f"/work-items/{waiting.id}/why").json()
    assert (told["state"], told["place"]["position"], told["place"]["size"]) == ("waiting", 1, 1)
    [maya] = told["candidates"]
    assert (maya["rule"], maya["detail"], maya["able"]) == ("skill_missing", {"skill": "billing", "needs": 1}, False)
    assert told["totals"] == {"skill_missing": 1}
    assert told["helps"][0]["code"] == "nobody_has"
    assert (told["next_step"]["do"], told["next_step"]["team"], told["next_step"]["taken"]) == ("also_team", "care", False)
    assert told["next_step"]["words"] == "In 0:40: people of Complaints and care may take it too."
    assert told["next_change_at"] == told["next_step"]["at"] == "2026-11-20T04:00:40.000Z"
    assert told["expected"]["method"] is None
    chinese = ask(f"/work-items/{waiting.id}/why", "zh-CN")
    assert chinese.headers["Content-Language"].startswith("zh")
    assert chinese.json()["candidates"][0]["words"] == "缺少技能：账单（要求 1 级）"
    assert {name: chinese.json()[name] for name in ("totals", "requires", "due_at")} == {
        name: told[name] for name in ("totals", "requires", "due_at")
    }


def test_a_program_is_told_the_offers_of_an_item_and_why(world, offered):
    ask = program(world, "supervisor")
    [listed] = ask(f"/work-items/{offered.item_id}/offers").json()["items"]
    told = ask(f"/offers/{offered.id}/why").json()
    assert listed == told
    assert (told["agent"]["name"], told["state"]["code"], told["mode"]) == (
        "Maya",
        "offered",
        {"code": "longest_idle", "words": "free the longest"},
    )
    assert told["relaxed"][0]["words"] == "level 1 in Billing will do"
    assert told["scores"]["idle_since"].endswith("Z")
    with world.tx() as tx:
        work_items.decline(tx, offered.id)
    told = ask(f"/offers/{offered.id}/why").json()
    assert (told["state"]["code"], told["answered_at"] is not None) == ("rejected", True)
    assert world.one(select(Offer.state)) == "rejected"


@pytest.fixture
def twice_open(world):
    """A mailed ticket on which both the ticket itself and a question to level 2 wait, and whose waiting has had its steps."""
    ticket = mail(world)
    maya = world.agent("Maya")
    with world.tx() as tx:
        found, packet = tx.session.get_one(Ticket, ticket.id), {"problem": "p", "tried": "t", "question": "q"}
        asked = hand_ups.hand_up(tx, found, tx.session.get_one(Agent, maya.id), needed_by=tx.now + timedelta(hours=1), **packet)
        hand_ups.overdue(tx, asked.item_id)
        work_items.enqueue(tx, "ticket", "email", found, tx.session.get_one(Queue, found.queue_id))
        tx.emit("item.relaxed", item=asked.item_id, ticket=found, data={"step": {"do": "also_team", "team": "care"}})
    return ticket


def test_no_id_stands_twice_on_a_ticket_with_its_routing(world, boss, twice_open):
    page = "".join(boss.get(f"/desk/tickets/{twice_open.number}{part}").text for part in ("", "/routing"))
    ids = Counter(re.findall(r'\bid="([^"]+)"', page))
    assert len([each for each in ids if each.startswith("why-place-")]) == 2
    assert [each for each, count in ids.items() if count > 1] == []


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["people of Complaints and care may", "Put before all other work: The answer is late.", "Support level ≥ 2"]),
        ("zh", ["投诉与关怀的人员也可以接", "答复已逾期。", "支援级别 ≥ 2"]),
    ],
)
def test_a_ticket_tells_of_steps_and_levels_in_words(world, boss, twice_open, lang, words):
    page = "".join(boss.get(f"/desk/tickets/{twice_open.number}{part}?lang={lang}").text for part in ("", "/routing"))
    assert [word for word in words if word not in page] == []
    assert not re.search(r"people of care|care的人员", page)
