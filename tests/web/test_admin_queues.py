"""The settings of queues through their real pages."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from desk.actions.intake import find_queue
from desk.actions.work import supervising
from desk.errors import Conflict
from desk.events import Event
from desk.models import Queue, WorkItem
from tests.web.board_world import admin, boss, work, world  # noqa: F401 - fixtures among them
from tests.web.forms import filled, form_with
from tests.web.sounds import pcm


def queue_of(world, key="billing"):
    return world.one(select(Queue).where(Queue.key == key))


def open_form(world, browser, key="billing"):
    address = f"/admin/queues/{queue_of(world, key).id}"
    return address, form_with(browser.get(address).text, "offer_timeout_s")


def steps(*rows):
    """Columns of the editor: (after, do, skill, level, team) a row."""
    names = ("step_after", "step_do", "step_skill", "step_level", "step_team")
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}


def words(page):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_form_saved_as_it_is_changes_nothing(world, admin):
    for key in ("general", "billing", "complaints"):
        address, form = open_form(world, admin, key)
        assert admin.post(address, data=form).status_code == 303
    assert world.one(select(Event.id).where(Event.kind == "queue.changed")) is None


def test_a_change_holds_at_once_for_what_waits_and_no_place_is_lost(world, admin):
    first, second = work(world, queue="billing", ago=600), work(world, "voice", queue="billing", ago=10)
    address, form = open_form(world, admin)
    changed = filled(
        form, name_zh="账务", offer_timeout_s="30", choice="longest_idle", skill=["billing", "fraud"], level=["2", "4"],
        voice__vip="10 s", email__standard="30 min", chat__sticky="2 min",
        **steps(("30 s", "lower_level", "fraud", "2", ""), ("2 min", "drop_skill", "fraud", "", "")),
    )  # fmt: skip
    assert admin.post(address, data=changed).status_code == 303
    now = queue_of(world)
    assert (now.offer_timeout_s, now.choice, now.requires) == (30, "longest_idle", [["billing", 2], ["fraud", 4]])
    assert now.targets == {"voice": {"vip": 10}, "email": {"standard": 1800}}
    assert now.sticky_s == {"chat": 120}
    assert now.overflow == [
        {"after_s": 30, "do": "lower_level", "skill": "fraud", "level": 2},
        {"after_s": 120, "do": "drop_skill", "skill": "fraud"},
    ]
    for item in (first, second):
        waits = world.one(select(WorkItem).where(WorkItem.id == item.id))
        assert (waits.requires, waits.enqueued_at) == ([["billing", 2], ["fraud", 4]], item.enqueued_at)
    assert world.one(select(WorkItem.due_at).where(WorkItem.id == first.id)) == first.enqueued_at + timedelta(minutes=30)
    noted = world.one(select(Event).where(Event.kind == "queue.changed"))
    assert (noted.actor_name, noted.queue_id) == ("Priya", now.id)
    assert (noted.data["old"]["offer_timeout_s"], noted.data["new"]["offer_timeout_s"]) == (20, 30)
    told = words(admin.get("/admin/audit?kind=queue").text)
    assert "An offer rings for: 20 s → 30 s" in told
    assert "After 30 s: fraud from level 2 is enough. After 2 min: no longer asks for fraud." in told


def test_a_queue_is_given_music_of_its_own_and_goes_back_to_that_of_the_menus(world, admin):
    address, form = open_form(world, admin)
    song = pcm(30)
    assert admin.post(address, data=form, files={"music.file": ("song.wav", song, "audio/wav")}).status_code == 303
    page = admin.get(address).text
    heard = re.search(r'src="(/hooks/twilio/voice/audio/[^"]+)"', page)[1]
    assert admin.get(heard).content == song
    assert "Music in the line and on hold: that of the menus → its own" in words(admin.get("/admin/audit?kind=queue").text)
    for bad in (pcm(9), b"no sound at all"):
        refused = admin.post(address, data=open_form(world, admin)[1], files={"music.file": ("song.wav", bad, "audio/wav")})
        assert refused.status_code == 422
        assert heard in refused.text, "what was there stays"
    assert admin.post(address, data=filled(open_form(world, admin)[1], music="9999999")).status_code == 422
    assert queue_of(world).music
    menus = filled(open_form(world, admin)[1], music__menus="1")
    assert admin.post(address, data=menus).status_code == 303
    assert queue_of(world).music == 0
    assert admin.get(heard).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"name_zh": "账" * 61}, "name"),
        ({"team_id": "99"}, "team_id"),
        ({"calendar_id": "soon"}, "calendar_id"),
        ({"offer_timeout_s": "4"}, "offer_timeout_s"),
        ({"offer_timeout_s": "soon"}, "offer_timeout_s"),
        ({"wrap_up_s": "-1"}, "wrap_up_s"),
        ({"choice": "the_prettiest"}, "choice"),
        ({"skill": ["Bad Name"], "level": ["1"]}, "requires"),
        ({"skill": ["team:care"], "level": ["1"]}, "requires"),
        ({"skill": ["billing", "billing"], "level": ["1", "2"]}, "requires"),
        ({"skill": ["billing"], "level": ["11"]}, "requires"),
        ({"voice__vip": "0"}, "targets"),
        ({"email__gold": "99999999999999"}, "targets"),
        ({"chat__sticky": "25 h"}, "sticky_s"),
        (steps(("", "drop_skill", "billing", "", "")), "overflow-0"),
        (steps(("30 s", "sing", "billing", "", "")), "overflow-0"),
        (steps(("30 s", "drop_skill", "juggling", "", "")), "overflow-0"),
        (steps(("30 s", "lower_level", "billing", "1", "")), "overflow-0"),
        (steps(("30 s", "lower_level", "billing", "none", "")), "overflow-0"),
        (steps(("2 min", "drop_skill", "billing", "", ""), ("1 min", "raise_band", "", "", "")), "overflow-1"),
        (steps(("30 s", "also_team", "", "", "care"), ("1 min", "also_team", "", "", "care")), "overflow-1"),
        (steps(("30 s", "also_team", "", "", "nobody")), "overflow-0"),
        (steps(*[("30 s", "drop_skill", "billing", "", "")] * 11), "overflow"),
    ],
)  # fmt: skip
def test_a_wrong_queue_changes_nothing_and_says_where(world, admin, wrong, field):
    address, form = open_form(world, admin)
    answer = admin.post(address, data=filled(form, **wrong))
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert world.one(select(Event.id).where(Event.kind == "queue.changed")) is None


def test_the_second_of_two_editors_is_told_and_loses_nothing_typed(world, admin):
    address, form = open_form(world, admin)
    assert admin.post(address, data=filled(form, wrap_up_s="2 min")).status_code == 303
    late = admin.post(address, data=filled(form, name="Bills", wrap_up_s="3 min"))
    assert late.status_code == 409
    assert "Priya saved at 12:00:00" in words(late.text)
    assert "Wrap-up after a call 3 min 2 min" in words(late.text)
    again = form_with(late.text, "offer_timeout_s")
    assert ("name", "Bills") in again
    assert queue_of(world).wrap_up_s == 120
    assert admin.post(address, data=again).status_code == 303
    assert (queue_of(world).name, queue_of(world).wrap_up_s) == ("Bills", 180)


def test_steps_are_added_moved_and_removed_without_being_saved(world, admin):
    address, form = open_form(world, admin)
    rows = steps(("30 s", "drop_skill", "billing", "", ""), ("1 min", "raise_band", "", "", ""))
    down = form_with(admin.post(f"{address}/draft", data=filled(form, row="down:0", **rows)).text, "offer_timeout_s")
    assert [value for name, value in down if name == "step_do"] == ["raise_band", "drop_skill"]
    assert [value for name, value in down if name == "step_after"] == ["30 s", "1 min"]
    added = form_with(admin.post(f"{address}/draft", data=filled(form, row="add", **rows)).text, "offer_timeout_s")
    assert [value for name, value in added if name == "step_after"] == ["30 s", "1 min", "2 min"]
    gone = form_with(admin.post(f"{address}/draft", data=filled(form, row="remove:0", **rows)).text, "offer_timeout_s")
    assert [value for name, value in gone if name == "step_do"] == ["raise_band"]
    for nonsense in ("up:9", "remove:-1", "fly:0", ""):
        assert admin.post(f"{address}/draft", data=filled(form, row=nonsense, **rows)).status_code == 200
    assert queue_of(world).overflow == []


def test_what_is_typed_is_said_in_words_with_who_could_take_it(world, admin):
    world.agent("Maya", skills={"billing": 2}, available=True)
    world.agent("Hejing", skills={}, team="care")
    address, form = open_form(world, admin)
    rows = steps(
        ("30 s", "lower_level", "billing", "2", ""), ("2 min", "also_team", "", "", "care"), ("soon", "raise_band", "", "", "")
    )
    typed = filled(form, skill="billing", level="9", **rows)
    said = words(admin.post(f"{address}/draft", data=typed, headers={"X-Fragment": "1"}).text)
    assert "At first: whoever has all the skills above. nobody can take it" in said
    assert "After 30 s: Billing from level 2 is enough. 1 person can take it, 1 available now" in said
    assert "After 2 min: people of Complaints and care may take it too, whatever their skills. 2 people can take it" in said
    assert "Step 3: Say after how long" in said
    alone = filled(form, skill="billing", level="9", **steps())
    warned = admin.post(f"{address}/draft", data=alone, headers={"X-Fragment": "1"}).text
    assert "Even after the last step nobody of today’s staff can take this work" in warned
    assert admin.post(address, data=alone).status_code == 303  # warned, not forbidden


def test_a_queue_is_added_at_the_end_and_moved(world, admin):
    form = form_with(admin.get("/admin/queues/new").text, "offer_timeout_s")
    new = filled(form, key="returns", name="Returns", name_zh="退货", team_id="1", calendar_id="1")
    assert admin.post("/admin/queues/new", data=filled(new, key="Bad Key")).status_code == 422
    assert admin.post("/admin/queues/new", data=filled(new, key="billing")).status_code == 409
    assert admin.post("/admin/queues/new", data=new).status_code == 303
    returns = queue_of(world, "returns")
    assert admin.post(f"/admin/queues/{returns.id}/up").status_code == 303
    assert admin.post(f"/admin/queues/{queue_of(world, 'general').id}/up").status_code == 303  # nothing above it
    order = world.all(select(Queue.key).order_by(Queue.position))
    assert order == ["general", "billing", "technical", "delivery", "returns", "complaints"]
    assert "退货" in admin.get("/admin/queues?lang=zh").text


def test_a_closed_queue_gets_nothing_new_and_the_last_open_one_stays_open(world, admin):
    for key in ("billing", "technical", "delivery", "complaints"):
        address, form = open_form(world, admin, key)
        assert admin.post(address, data=[*form, ("closed", "yes")]).status_code == 303
    address, form = open_form(world, admin, "general")
    refused = admin.post(address, data=[*form, ("closed", "yes")])
    assert refused.status_code == 422
    assert 'href="#f-closed"' in refused.text
    with world.tx() as tx:
        assert find_queue(tx, "billing").key == "general"
    item = work(world)
    with world.tx() as tx, pytest.raises(Conflict):
        supervising.move(tx, tx.session.get_one(WorkItem, item.id), queue_of(world, "billing"))


def test_a_supervisor_reads_and_does_not_change(world, boss):
    address, form = open_form(world, boss)
    assert "You can read these settings" in boss.get(address).text
    for path in (address, f"{address}/draft", f"{address}/up", "/admin/queues/new"):
        assert boss.post(path, data=form).status_code == 403
    assert "Who fits now" in boss.get("/admin/queues").text


def test_the_pages_speak_chinese(world, admin):
    address, form = open_form(world, admin)
    assert "无人接手时" in admin.get(f"{address}?lang=zh").text
    wrong = admin.post(f"{address}?lang=zh", data=filled(form, offer_timeout_s="很快"))
    assert "派单响铃时间为" in words(wrong.text)
    rows = steps(("30秒", "drop_skill", "billing", "", ""))
    said = words(admin.post(f"{address}/draft?lang=zh", data=filled(form, **rows), headers={"X-Fragment": "1"}).text)
    assert "30 秒后" in said
