"""Staffing from the desk's own history: counting by the database, measuring, and who is needed against who is there."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from desk.__main__ import main
from desk.models import Calendar, Queue, WorkItem
from desk.models.agent import AWAY, OFFLINE
from desk.models.work_item import ABANDONED, DONE
from desk.queries.board.staffing import counts_by_day, measure, staffing_day
from desk.queries.calendars import calendar_of
from routing.staffing import Goal, Load, required_agents
from tests.desk.house import MORNING, House

ZONE = ZoneInfo("Asia/Shanghai")
TODAY = MORNING.astimezone(ZONE).date()
PER_HALF_HOUR = 12
OPEN = range(18, 26)  # 9:00 to 13:00


@pytest.fixture
def past(house: House) -> House:
    """Ten weeks in which twelve calls came in every half hour of the morning, on either database."""
    return with_past(house)


@pytest.fixture
def sqlite_past(sqlite_house: House) -> House:
    """The same where the database does not matter."""
    return with_past(sqlite_house)


def with_past(house: House) -> House:
    fill(house, house.item("voice"), [TODAY - timedelta(days=back) for back in range(1, 71)], chance=Random(1))
    return house


def fill(house, row, days, *, chance, per_half_hour=PER_HALF_HOUR, half_hours=OPEN, **more):
    """Calls of 240 s, answered after 10 s; one in twelve gave up after 30 s."""
    rows = []
    for day in days:
        for place in half_hours:
            for number in range(per_half_hour):
                start = datetime(day.year, day.month, day.day, place // 2, place % 2 * 30, tzinfo=ZONE)
                at = start + timedelta(seconds=chance.randrange(1800))
                gave_up = number == 0
                answered = None if gave_up else at + timedelta(seconds=10)
                rows.append(
                    {
                        "kind": "call",
                        "channel": "voice",
                        "state": ABANDONED if gave_up else DONE,
                        "ticket_id": row.ticket_id,
                        "customer_id": row.customer_id,
                        "queue_id": row.queue_id,
                        "requires": [],
                        "band": 1,
                        "due_at": at,
                        "enqueued_at": at,
                        "answered_at": answered,
                        "ended_at": at + timedelta(seconds=30) if gave_up else answered + timedelta(seconds=240),
                        **more,
                    }
                )
    with house.store.engine.begin() as connection:
        connection.execute(insert(WorkItem), rows)


def calendar_row(tx):
    return tx.session.scalars(select(Calendar).join(Queue, Queue.calendar_id == Calendar.id).where(Queue.key == "general")).one()


def ask(house, day=TODAY, *, now=MORNING, queue="general", **more):
    with house.store.read() as session:
        row = session.scalars(select(Queue).where(Queue.key == queue)).one()
        return staffing_day(session, row, day, now, **more)


def test_a_day_like_the_others_is_expected_and_staffed_as_the_formulas_say(past):
    found = ask(past, TODAY + timedelta(days=1))
    noon = found.half_hours[24]
    assert found.weeks == 8
    assert noon.at == datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=ZONE) + timedelta(days=1)
    assert noon.mean == pytest.approx(PER_HALF_HOUR, rel=0.05)
    assert noon.p10 <= 8  # at least as wide as chance
    assert noon.p90 >= 16
    plain, human = Load(noon.mean * 2, 240.0), Load(noon.mean * 2, 240.0, found.measured.patience_s)
    assert (noon.by_c, noon.by_a) == (required_agents(plain).agents, required_agents(human).agents)
    assert noon.needed == noon.by_a
    assert noon.needed_high > noon.needed
    assert [one.mean for one in found.half_hours[:18]] == [0.0] * 18
    assert {one.needed for one in found.half_hours[:18]} == {0}


def test_handling_and_patience_are_measured(past):
    measured = ask(past).measured
    assert measured.aht_s == pytest.approx(240, abs=1)
    assert measured.patience_s == pytest.approx((11 * 10 + 30) / 1, rel=0.05)
    assert measured.handled == pytest.approx(11 * measured.abandoned, rel=0.01)
    with past.store.read() as session:
        empty = session.scalars(select(Queue).where(Queue.key == "billing")).one()
        assert measure(session, empty, "voice", MORNING).patience_s is None
        assert measure(session, empty, "voice", MORNING).aht_s == 300.0  # the usual, nothing being known


def test_what_came_today_is_shown_half_hour_by_half_hour_and_the_rest_follows_it(sqlite_past):
    row = sqlite_past.all(select(WorkItem).limit(1))[0]
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, 10, tzinfo=ZONE)
    fill(sqlite_past, row, [TODAY], chance=Random(2), per_half_hour=24, half_hours=range(18, 24))
    found = ask(sqlite_past, now=noon)
    assert [one.came for one in found.half_hours[18:26]] == [24, 24, 25, 24, 24, 24, None, None]  # and the one of `with_past`
    assert found.intraday >= 1.0
    assert found.current is found.half_hours[24]
    assert ask(sqlite_past, TODAY + timedelta(days=1), now=noon).current is None


def test_a_day_that_is_over_shows_what_came_beside_what_was_expected(sqlite_past):
    found = ask(sqlite_past, TODAY - timedelta(days=7))
    assert [one.came for one in found.half_hours[18:26]] == [PER_HALF_HOUR] * 8
    assert found.half_hours[20].mean == pytest.approx(PER_HALF_HOUR, rel=0.1)


def test_who_is_signed_in_is_counted_against_who_is_needed_now(sqlite_past):
    sqlite_past.agent("Ada", general=5)
    sqlite_past.agent("Bo", presence=AWAY)
    sqlite_past.agent("Cy", presence=OFFLINE)
    found = ask(sqlite_past)
    assert (found.signed_in, found.available) == (2, 1)
    assert found.current.on_duty == 2
    with sqlite_past.tx() as tx:
        tx.session.scalars(select(Queue).where(Queue.key == "general")).one().requires = [["general", 5]]
        tx.emit("queue.changed")
    found = ask(sqlite_past)
    assert (found.signed_in, found.available) == (1, 1)


def test_a_closed_queue_needs_nobody(sqlite_past):
    with sqlite_past.tx() as tx:
        calendar = calendar_row(tx)
        calendar.week = [[["09:00", "11:00"]]] * 7
        calendar.holidays = [(TODAY + timedelta(days=1)).isoformat()]
        tx.emit("calendar.changed")
    afternoon = ask(sqlite_past).half_hours[24]
    assert (afternoon.is_open, afternoon.needed) == (False, 0)
    assert afternoon.mean > 0
    assert {one.needed for one in ask(sqlite_past, TODAY + timedelta(days=1)).half_hours} == {0}


def test_a_new_desk_has_no_forecast_and_shows_what_came(sqlite_house):
    sqlite_house.item("voice")
    found = ask(sqlite_house, now=MORNING + timedelta(hours=1))
    assert (found.weeks, found.half_hours[20].mean, found.half_hours[20].needed) == (0, None, None)
    assert [one.came for one in found.half_hours[19:23]] == [0, 1, 0, None]
    assert ask(sqlite_house, queue="billing").half_hours[0].came is None


def test_days_before_the_first_are_not_taken_for_days_without_calls(sqlite_house):
    row = sqlite_house.item("voice")
    fill(sqlite_house, row, [TODAY - timedelta(days=back) for back in range(16)], chance=Random(1))
    with sqlite_house.store.read() as session:
        queue = session.get_one(Queue, row.queue_id)
        found = counts_by_day(session, queue, "voice", calendar_of(session, queue), TODAY, MORNING, 8)
    assert min(found) == TODAY - timedelta(days=14)  # the first day may have begun in the middle
    assert ask(sqlite_house).half_hours[20].mean == pytest.approx(PER_HALF_HOUR, rel=0.1)


def test_chats_count_places_and_mail_counts_work(sqlite_past):
    row = sqlite_past.all(select(WorkItem).limit(1))[0]
    days = [TODAY - timedelta(days=back) for back in range(1, 30)]
    for channel, kind in (("chat", "chat"), ("email", "ticket")):
        fill(sqlite_past, row, days, chance=Random(3), channel=channel, kind=kind)
    voice, chat, mail = (ask(sqlite_past, channel=channel).half_hours[20] for channel in ("voice", "chat", "email"))
    assert chat.needed < voice.needed
    assert (mail.by_c, mail.by_a) == (None, None)
    assert mail.needed == 2  # 12 of 240 s in half an hour, at 85 %


def test_zones_that_are_not_whole_half_hours_from_utc_have_their_own_half_hours(past):
    with past.tx() as tx:
        calendar_row(tx).zone = "Asia/Kathmandu"
        tx.emit("calendar.changed")
    found = ask(past, TODAY - timedelta(days=7))
    assert found.zone == "Asia/Kathmandu"
    assert sum(one.came for one in found.half_hours) == PER_HALF_HOUR * len(OPEN)
    assert found.half_hours[0].at.astimezone(ZoneInfo("Asia/Kathmandu")).strftime("%H:%M") == "00:00"


# The command


def run(capsys, *words):
    status = main(["staff", *words])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_load_in_figures_is_answered_by_c_and_a(capsys):
    status, out, _ = run(capsys, "--rate-per-h", "200", "--aht", "180", "--patience", "120")
    answer = json.loads(out)
    assert status == 0
    assert (answer["erlang_c"]["agents"], answer["erlang_c"]["scheduled"]) == (14, 20)
    assert answer["erlang_c"]["p_wait"] == pytest.approx(0.1741319336, rel=1e-9)
    assert answer["erlang_a"]["agents"] < 14
    assert set(answer["erlang_a"]) >= {"mean_wait_s", "sl_served", "sl_waited", "p_abandon", "occupancy"}
    _, out, _ = run(capsys, "--rate-per-h", "200", "--aht", "180", "--concurrency", "3")
    assert json.loads(out)["erlang_c"]["agents"] == 5
    assert json.loads(out)["erlang_a"] is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "staff: give either --queue, or --rate-per-h and --aht."),
        (("--rate-per-h", "5"), "staff: give either --queue, or --rate-per-h and --aht."),
        (("--queue", "general", "--aht", "5"), "staff: give either --queue, or --rate-per-h and --aht."),
        (("--rate-per-h", "5", "--aht", "0"), "staff: aht_s must be positive, not 0.0."),
        (("--rate-per-h", "nan", "--aht", "5"), "staff: rate_per_h must be positive, not nan."),
        (("--rate-per-h", "5", "--aht", "5", "--target", "1"), "staff: the share to answer must be from 0 to below 1, not 1.0."),
        (("--rate-per-h", "5", "--aht", "5", "--concurrency", "0"), "staff: an agent holds at least one chat, not 0."),
    ],
)
def test_what_makes_no_sense_is_said_in_one_sentence(capsys, words, sentence):
    assert run(capsys, *words) == (2, "", sentence + "\n")


def test_the_command_tells_a_queues_day(sqlite_past, capsys, monkeypatch):
    monkeypatch.setenv("DESK_DATABASE_URL", sqlite_past.settings.database_url)
    monkeypatch.setenv("DESK_DATA_DIR", str(sqlite_past.settings.data_dir))
    status, out, _ = run(capsys, "--queue", "general", "--day", (TODAY + timedelta(days=1)).isoformat())
    answer = json.loads(out)
    assert status == 0
    assert date.fromisoformat(answer["day"]) == TODAY + timedelta(days=1)
    assert len(answer["half_hours"]) == 48
    assert run(capsys, "--queue", "nobody")[::2] == (2, "staff: there is no queue 'nobody'.\n")


def test_the_goal_is_what_is_asked_for(sqlite_past):
    usual, strict = ask(sqlite_past), ask(sqlite_past, goal=Goal(0.95, 5))
    assert strict.half_hours[20].needed > usual.half_hours[20].needed
    assert strict.half_hours[20].scheduled == strict.half_hours[20].needed
