"""The board's day by half hour, what a queue owes, how people ended their last work, and a few words to one of them."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from desk.actions.calls import callbacks
from desk.actions.people import customers
from desk.actions.work.presence import set_presence
from desk.events import SYSTEM, Event
from desk.models import Agent, FloorNote, Queue
from tests.web.board_world import NOON, boss, total, work, world  # noqa: F401 - fixtures among them

FRAGMENT = {"X-Fragment": "1"}


def at_work(world, name: str, came_min: int, left_min: int | None = None, team: str = "service") -> Agent:
    """Somebody who signed in so many minutes before noon, and perhaps went."""
    agent = world.agent(name, team=team)
    for minutes, presence in ((came_min, "available"), (left_min, "offline")):
        if minutes is not None:
            with world.tx() as tx:
                tx.now = NOON - timedelta(minutes=minutes)
                set_presence(tx, tx.session.get_one(Agent, agent.id), presence)
    return agent


def cells(page: str, half: int) -> list[str]:
    """The words of one row of the day's table."""
    row = re.search(rf'<tr id="half-{half}">(.*?)</tr>', page, re.DOTALL)[1]
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]


def test_each_half_hour_says_what_came_how_long_the_line_was_and_who_was_there(world, boss):
    at_work(world, "Maya", 70, 45)  # 10:50 to 11:15
    at_work(world, "Hejing", 60, team="care")
    work(world, "voice", ago=50 * 60, wait=10)  # 11:10
    work(world, "voice", ago=50 * 60 - 5, wait=100)
    work(world, "chat", ago=40 * 60, wait=200, lost=True)
    work(world, "voice", ago=60)
    page = boss.get("/board", headers=FRAGMENT).text
    assert cells(page, 21) == ["10:30", "0", "0", "0", "–", "0", "–", "0.3"]
    assert cells(page, 22) == ["11:00", "3", "2", "1", "33.3%", "2", "3:20", "1.5"]
    assert cells(page, 23) == ["11:30", "1", "0", "0", "–", "1", "–", "1"]
    links = re.findall(r'href="(/board/rows\?[^"]*half=22[^"]*)">([^<]+)<', page)
    assert len(links) == 7
    for address, told in links:
        rows = boss.get(unescape(address)).text
        if "abandoned" in address:  # the sum of these rows is a share
            assert len(re.findall(r'data-counts="(?:gave_up|left_out)"', rows)) == int(told)
        else:
            assert total(rows) == told, address
    rows = boss.get("/board/rows?figure=staffed&half=22").text
    assert "Maya" in rows
    assert "Hejing" not in rows
    assert "People of other teams" in rows
    assert boss.get("/board/rows?figure=staffed&half=7").status_code == 404


def test_who_has_been_there_for_days_is_counted_without_an_event(world, boss):
    maya = world.agent("Maya")
    with world.desk.store.tx(SYSTEM) as tx:
        agent = tx.session.get_one(Agent, maya.id)
        agent.presence, agent.presence_since = "away", NOON - timedelta(days=5)
    work(world, "voice", ago=60, wait=3)
    page = boss.get("/board", headers=FRAGMENT).text
    assert cells(page, 0)[-1] == cells(page, 23)[-1] == "1"


def test_a_queue_shows_what_it_has_promised_and_by_when(world, boss):
    with world.tx() as tx:
        billing = tx.session.scalars(select(Queue).where(Queue.key == "billing")).one()
        for digit, hours in (("1", 5), ("2", 2)):
            caller = customers.identify(tx, "phone", f"+861380013800{digit}", name=f"Caller {digit}")
            callbacks.promise_later(
                tx,
                number=f"+861380013800{digit}",
                customer=caller,
                queue=billing,
                source="web",
                at=tx.now + timedelta(hours=hours),
            )
    page = boss.get("/board", headers=FRAGMENT).text
    address, owed = re.search(r'href="(/board/rows\?figure=callbacks[^"]+)">(\d+)</a>', page).groups()
    assert owed == "2"
    rows = boss.get(unescape(address)).text
    assert total(rows) == "2"
    assert rows.index("Caller 2") < rows.index("Caller 1")
    assert total(boss.get("/board/rows?figure=callbacks").text) == "2"


def test_the_last_wrap_up_stands_beside_its_agent(world, boss):
    maya = world.agent("Maya", available=True)
    with world.tx() as tx:
        tx.emit("call.wrapped_up", agent=maya.id, data={"code": "dropped", "reason": "billing"})
        tx.emit("ticket.solved", agent=maya.id, data={"wrap_up_code": "information_given", "category": "delivery"})
    page = boss.get("/board", headers=FRAGMENT).text
    row = re.search(rf'<tr id="agent-{maya.id}".*?</tr>', page, re.DOTALL)[0]
    assert "Delivery · Information given" in row
    assert "Dropped" not in row


def test_a_message_stays_on_its_readers_screen_until_they_have_seen_it_and_its_writer_sees_that(world, boss):
    maya = world.agent("Maya", available=True)
    world.agent("Ben", available=True)
    assert boss.post(f"/board/agents/{maya.id}/notes", data={"text": " Please  take #10001 \n first. "}).status_code in (204, 303)
    note = world.one(select(FloorNote))
    assert (note.text, note.author, note.seen_at) == ("Please take #10001 first.", "Su", None)
    reader, other = world.browser("maya@desk.example"), world.browser("ben@desk.example")
    assert "Please take #10001 first." in reader.get("/desk/notes").text
    assert "Please take" not in other.get("/desk/notes").text
    assert "Message not seen yet" in boss.get("/board", headers=FRAGMENT).text

    assert other.post(f"/desk/notes/{note.id}/seen", data={}).status_code == 404
    assert world.one(select(FloorNote.seen_at)) is None
    reader.post(f"/desk/notes/{note.id}/seen", data={})
    reader.post(f"/desk/notes/{note.id}/seen", data={})
    assert world.one(select(FloorNote.seen_at)) == NOON
    assert "Please take" not in reader.get("/desk/notes").text
    assert "Message seen" in boss.get("/board", headers=FRAGMENT).text
    assert "Please take #10001 first." in boss.get(f"/board/agents/{maya.id}/notes").text
    told = world.all(select(Event.kind).where(Event.agent_id == maya.id, Event.kind.like("agent.note%")).order_by(Event.id))
    assert told == ["agent.note_written", "agent.note_seen"]


@pytest.mark.parametrize("text", ["", " \n ", "x" * 301])
def test_a_message_has_words_and_not_too_many(world, boss, text):
    maya = world.agent("Maya")
    assert boss.post(f"/board/agents/{maya.id}/notes", data={"text": text}).status_code == 422
    assert world.one(select(FloorNote)) is None


def test_nobody_writes_to_another_team_and_agents_to_nobody(world, boss):
    he = world.agent("Hejing", team="care")
    maya = world.agent("Maya")
    assert boss.get(f"/board/agents/{he.id}/notes").status_code == 404
    assert boss.post(f"/board/agents/{he.id}/notes", data={"text": "Hello"}).status_code == 404
    assert world.browser("maya@desk.example").post(f"/board/agents/{maya.id}/notes", data={"text": "Hi"}).status_code == 403
    assert world.one(select(FloorNote)) is None


def test_a_wallboard_has_the_pages_that_its_address_names(world, boss):
    work(world, "voice", queue="billing", ago=100, wait=4)
    work(world, "chat", queue="general", ago=10)
    billing = world.one(select(Queue.id).where(Queue.key == "billing"))
    page = boss.get(f"/wallboard?every=2&queue={billing}&queue=99999", headers=FRAGMENT).text
    assert re.findall(r'id="(wall-\w+)" data-wall-page( hidden)?', page) == [("wall-all", ""), (f"wall-{billing}", " hidden")]
    tiles = dict(re.findall(r'id="tile-([\w-]+)">.*?figure-value">\s*([^<\s]+)', page, re.DOTALL))
    assert (tiles["live"], tiles[f"{billing}-live"], tiles[f"{billing}-level"], tiles[f"{billing}-came"]) == (
        "1",
        "0",
        "100",
        "1",
    )
    assert 'data-every="5"' in boss.get(f"/wallboard?every=2&queue={billing}").text  # no faster than can be read
    assert "wall-turns" not in re.sub(r"<script[^>]*>", "", boss.get("/wallboard?every=20").text)


def test_the_longest_line_of_a_half_hour_has_those_in_it_who_waited_at_that_moment(world, boss):
    work(world, "voice", ago=50 * 60, wait=60)  # 11:10:00 to 11:11:00
    work(world, "chat", ago=50 * 60 - 30, wait=60)  # 11:10:30 to 11:11:30
    work(world, "voice", ago=50 * 60 - 60, wait=5)  # comes as the first one leaves
    work(world, "voice", ago=40 * 60, wait=0)  # nobody waited for it
    rows = boss.get("/board/rows?channel=live&half=22&figure=most_waiting").text
    assert total(rows) == "2"
    assert re.findall(r"<td>(11:1\d:\d\d)</td>", rows) == ["11:10:00", "11:10:30"]
    slow = boss.get("/board/rows?channel=live&half=22&figure=slowest").text
    assert total(slow) == "1:00"
    assert re.findall(r'<td class="num">\s*(\d:\d\d)\s*</td>', slow) == ["1:00", "1:00", "0:05", "0:00"]
    assert boss.get("/board/rows?figure=most_waiting&half=7").status_code == 404
