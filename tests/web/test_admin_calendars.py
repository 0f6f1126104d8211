"""Opening hours and channels through their real pages."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import select

from desk.events import Event
from desk.models import Calendar, Setting
from desk.web.admin.day_lists import read_days, read_hours, written_days
from desk.web.spans import seconds_of
from tests.web.board_world import admin, boss, world  # noqa: F401 - fixtures among them
from tests.web.forms import filled, form_with

LIST = """date,end,name
2027-02-06,2027-02-08,"Spring Festival"
2027/4/5\t清明节
2027年5月1日 至 2027年5月2日 劳动节
"""


def office(world):
    return world.one(select(Calendar).where(Calendar.key == "office"))


def open_form(world, browser):
    address = f"/admin/calendars/{office(world).id}"
    return address, form_with(browser.get(address).text, "week-0")


def words(page):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_form_saved_as_it_is_changes_nothing(world, admin):
    address, form = open_form(world, admin)
    assert admin.post(address, data=form).status_code == 303
    assert world.one(select(Event.id).where(Event.kind == "calendar.changed")) is None


def test_hours_and_pasted_lists_are_read_shown_and_saved(world, admin):
    address, form = open_form(world, admin)
    typed = filled(form, week_dash_5="9-12、13:30–18", holidays=LIST, workdays="2027-02-20 Spring Festival", name_zh="办公")
    month = words(admin.post(f"{address}/draft", data=filled(typed, month="2027-02"), headers={"X-Fragment": "1"}).text)
    assert "February 2027" in month
    assert "6 holiday Spring Festival" in month
    assert "20 make-up 09:00–18:00 Spring Festival" in month
    assert office(world).holidays == []
    assert admin.post(address, data=typed).status_code == 303
    now = office(world)
    assert now.week[5] == [["09:00", "12:00"], ["13:30", "18:00"]]
    assert now.holidays == ["2027-02-06", "2027-02-07", "2027-02-08", "2027-04-05", "2027-05-01", "2027-05-02"]
    assert now.workdays == {"2027-02-20": [["09:00", "18:00"]]}
    assert now.notes["2027-04-05"] == "清明节"
    again = dict(form_with(admin.get(address).text, "week-0"))
    assert again["holidays"].splitlines() == [
        "2027-02-06 2027-02-08 Spring Festival",
        "2027-04-05 清明节",
        "2027-05-01 2027-05-02 劳动节",
    ]
    told = words(admin.get("/admin/audit?kind=calendar").text)
    assert "Make-up working days: – → 2027-02-20 09:00–18:00" in told


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"zone": "Mars"}, "zone"),
        ({"week_dash_0": "nine to five"}, "week-0"),
        ({"week_dash_1": "18-9"}, "week-1"),
        ({"week_dash_2": "9-12, 11-13"}, "week-2"),
        ({"holidays": "tomorrow 1"}, "holidays"),
        ({"holidays": "2027-02-30"}, "holidays"),
        ({"holidays": "2027-02-08 2027-02-06"}, "holidays"),
        ({"holidays": "2027-02-08 2029-02-06"}, "holidays"),
        ({"workdays": "2027-02-20 18:00-09:00"}, "workdays"),
    ],
)
def test_a_wrong_calendar_changes_nothing_says_where_and_keeps_what_was_typed(world, admin, wrong, field):
    address, form = open_form(world, admin)
    typed = filled(form, **wrong)
    answer = admin.post(address, data=typed)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    shown = dict(form_with(answer.text, "week-0"))
    assert all(shown[name.replace("_dash_", "-")] == value for name, value in wrong.items())
    assert world.one(select(Event.id).where(Event.kind == "calendar.changed")) is None


def test_the_second_of_two_editors_is_told_and_loses_nothing_typed(world, admin):
    address, form = open_form(world, admin)
    assert admin.post(address, data=filled(form, zone="Asia/Tokyo")).status_code == 303
    late = admin.post(address, data=filled(form, name="Bureau"))
    assert late.status_code == 409
    assert "Time zone Asia/Shanghai Asia/Tokyo" in words(late.text)
    assert admin.post(address, data=form_with(late.text, "week-0")).status_code == 303
    assert (office(world).name, office(world).zone) == ("Bureau", "Asia/Shanghai")


def test_a_calendar_is_added_used_and_only_then_kept_from_being_removed(world, admin):
    form = form_with(admin.get("/admin/calendars/new").text, "week-0")
    assert admin.post("/admin/calendars/new", data=filled(form, key="office", name="Twice")).status_code == 409
    assert admin.post("/admin/calendars/new", data=filled(form, key="", name="Nameless")).status_code == 422
    assert admin.post("/admin/calendars/new", data=filled(form, key="late", name="Late", name_zh="晚班")).status_code == 303
    late = world.one(select(Calendar).where(Calendar.key == "late"))
    assert "晚班" in admin.get("/admin/calendars?lang=zh").text
    assert admin.post(f"/admin/calendars/{office(world).id}/remove").status_code == 409
    assert admin.post(f"/admin/calendars/{late.id}/remove").status_code == 303
    assert admin.get(f"/admin/calendars/{late.id}").status_code == 404


def test_a_supervisor_reads_hours_and_channels_and_changes_neither(world, boss):
    address, form = open_form(world, boss)
    for path in (address, f"{address}/draft", f"{address}/remove", "/admin/channels", "/admin/channels/draft"):
        assert boss.post(path, data=form).status_code == 403
    assert "February 2027" in words(boss.get(f"{address}?month=2027-02").text)
    assert "= 86 of 100" in words(boss.get("/admin/channels").text)


def test_weights_are_tried_out_and_then_saved(world, admin):
    form = form_with(admin.get("/admin/channels").text, "chat.weight")
    assert admin.post("/admin/channels", data=form).status_code == 303
    assert world.one(select(Setting).where(Setting.key == "routing.channels")) is None
    typed = filled(form, chat__weight="25", chat__maximum="4")
    tried = words(admin.post("/admin/channels/draft", data=typed, headers={"X-Fragment": "1"}).text)
    assert "2 × Chat + 1 × E-mail = 70 of 100" in tried
    assert admin.post("/admin/channels", data=typed).status_code == 303
    assert world.one(select(Setting).where(Setting.key == "routing.channels")).value["chat"]["weight"] == 25
    late = admin.post("/admin/channels", data=filled(form, email__weight="30"))
    assert (late.status_code, "Chat weighs 33, at most 3 weighs 25, at most 4" in words(late.text)) == (409, True)
    assert "Chat: weighs 33, at most 3 → weighs 25, at most 4" in words(admin.get("/admin/audit?kind=setting").text)


@pytest.mark.parametrize(("name", "value"), [("chat__weight", "0"), ("chat__weight", "heavy"), ("email__maximum", "51")])
def test_wrong_weights_change_nothing_and_say_where(world, admin, name, value):
    form = form_with(admin.get("/admin/channels").text, "chat.weight")
    answer = admin.post("/admin/channels", data=filled(form, **{name: value}))
    assert answer.status_code == 422
    assert f'href="#f-{name.replace("__", ".")}"' in answer.text
    assert world.one(select(Setting).where(Setting.key == "routing.channels")) is None


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("9-18", [["09:00", "18:00"]]),
        ("09:00～12:00，13：30至18：00", [["09:00", "12:00"], ["13:30", "18:00"]]),
        ("全天", [["00:00", "24:00"]]),
        ("closed", []),
        ("", []),
        ("9", None),
        ("9-18 or so", None),
    ],
)
def test_hours_are_read_as_people_write_them(text, hours):
    assert read_hours(text) == hours


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90 s", 90), ("1 min 30 s", 90), ("1.5h", 5400), ("２分", 120), ("1小时", 3600), ("", None), ("1 x", None)],
)  # fmt: skip
def test_lengths_of_time_are_read_as_people_write_them(text, seconds):
    assert seconds_of(text) == seconds


def test_a_list_written_is_the_list_that_was_read():
    read = read_days("2027-02-20 9-12, 13-18 Spring\n2027-02-21 9-12, 13-18 Spring\n2027-03-01", [["09:00", "18:00"]])
    assert read.problems == []
    written = written_days(read.hours, read.notes, [])
    assert written == "2027-02-20 2027-02-21 09:00-12:00, 13:00-18:00 Spring\n2027-03-01 09:00-18:00"
    assert read_days(written, []).hours == read.hours
