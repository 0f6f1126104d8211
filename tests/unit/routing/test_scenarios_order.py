"""Which work is first: head starts, ties, bands and promotion."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from routing.hours import Calendar
from routing.order import due_at, promote_at
from routing.values import LIVE
from tests.unit.routing.small_world import ANA, agent, call, chat, claim, mail, pairs, put, world


def test_a_tier_with_a_shorter_target_passes_who_came_little_earlier():
    """Acceptance scenario 5."""
    matcher = world(agent(ANA, held={1: "voice"}), call(10, at=0.0, target=80.0), call(11, at=59.0, target=20.0))
    assert pairs(matcher, 59.0) == []
    put(matcher, agent(ANA))
    assert pairs(matcher, 60.0) == [(11, ANA)]


def test_the_head_start_of_a_tier_is_bounded():
    """Acceptance scenario 6."""
    matcher = world(agent(ANA, held={1: "voice"}), call(10, at=0.0, target=80.0), call(11, at=61.0, target=20.0))
    assert pairs(matcher, 61.0) == []
    put(matcher, agent(ANA))
    assert pairs(matcher, 62.0) == [(10, ANA)]


def test_the_head_start_is_the_difference_of_the_targets():
    assert due_at(0.0, 80.0) - due_at(0.0, 20.0) == 60.0


def test_of_two_equal_ranks_the_lower_id_is_first_also_after_a_restart():
    """Acceptance scenario 8."""
    for order in ((10, 11), (11, 10)):
        assert pairs(world(*(call(n) for n in order), agent(ANA))) == [(10, ANA)]


def test_what_a_person_escalated_comes_before_everything():
    assert pairs(world(call(10, at=-500.0), call(11, band=0, target=9000.0), agent(ANA)))[0] == (11, ANA)


def test_live_work_comes_before_deferred_work_however_early_that_is_due():
    assert pairs(world(mail(10, at=-9000.0), chat(11), agent(ANA, capacity=40))) == [(11, ANA)]


def test_mail_joins_the_live_work_before_it_is_due_and_gets_the_first_free_moment():
    """Acceptance scenario 12."""
    noon = 43_200.0
    matcher = world(agent(ANA, held={1: "voice"}))
    put(matcher, mail(10, at=noon - 14_400.0, target=14_400.0, promote_at=promote_at(noon, 600.0)))
    for n in range(5):
        put(matcher, call(20 + n, at=noon - 700.0 + n))
    assert pairs(matcher, noon - 690.0) == []
    assert matcher.next_change_at() == noon - 600.0
    put(matcher, agent(ANA))
    assert pairs(matcher, noon - 601.0) == [(20, ANA)]
    claim(matcher, (20, ANA), agents=[agent(ANA, held={20: "voice"})])
    assert pairs(matcher, noon - 600.0) == []
    assert matcher.explain(10, noon - 600.0).key == (LIVE, noon, 10)
    put(matcher, *(call(30 + n, at=noon) for n in range(3)))
    # 21 to 24 were due before noon; after them the mail is first, before any call that came later.
    assert [item.id for item in matcher.waiting()] == [21, 22, 23, 24, 10, 30, 31, 32]
    for n in range(21, 25):
        put(matcher, agent(ANA))
        assert pairs(matcher, noon) == [(n, ANA)]
        claim(matcher, (n, ANA), agents=[agent(ANA, held={n: "voice"})])
    put(matcher, agent(ANA))
    assert pairs(matcher, noon)[0] == (10, ANA)


def test_mail_of_friday_evening_is_due_on_monday_also_when_the_clocks_change():
    """Acceptance scenario 24: four business hours from Friday 17:00, open from 9 to 18, are over on Monday at 12:00."""
    day = (("09:00", "18:00"),)
    for zone, friday, hours_to_monday_noon in (
        ("Asia/Shanghai", (2026, 11, 20), 67),
        ("Europe/Berlin", (2026, 3, 27), 66),  # the night to Sunday has one hour less
        ("Europe/Berlin", (2026, 10, 23), 68),
    ):
        office = Calendar(zone, (day, day, day, day, day, (), ()))
        came = datetime(*friday, 17, tzinfo=ZoneInfo(zone)).timestamp()
        assert due_at(came, 4 * 3600.0, office) == came + hours_to_monday_noon * 3600.0


def test_a_call_at_the_closing_minute_finds_the_desk_closed():
    """Acceptance scenario 24."""
    day = (("09:00", "18:00"),)
    office = Calendar("Asia/Shanghai", (day, day, day, day, day, (), ()))
    closing = datetime(2026, 11, 20, 18, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert (office.is_open(closing - timedelta(seconds=1)), office.is_open(closing)) == (True, False)
