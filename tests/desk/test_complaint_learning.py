"""What closes the loop: alerts against a cluster's own history, actions that somebody else checks, and their rights."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.access import viewer_of
from desk.actions.complaints import alerts, complaints, corrective_actions, recusals
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import ActionCase, ComplaintAlert, CorrectiveAction, Timer
from desk.queries.complaints.trends import bars, clusters, pareto, risks, upper_limit, weeks
from tests.desk.care_world import World, agent, happened

ACTION = {
    "kind": "corrective",
    "title": "A key for each order",
    "change": "An order sent twice is one order.",
    "method": "No such complaint within the days of the check.",
}


@pytest.fixture
def world(tmp_path, database_url):
    with World(tmp_path, database_url) as world:
        yield world


def complain(world, tx, number, *, cause="technology_fault", product="Router X", severity=3):
    complaint = world.complain(tx, token=f"filling-{number}-of-the-form", email=f"li{number}@example.com", product=product)
    complaint.cause, complaint.severity = cause, severity
    complaint.cause_found_at = tx.now if cause else None
    return complaint


def open_one(tx, *, days=10, owner="Dan", by="He Yan", **others):
    return corrective_actions.open_action(
        tx, agent(tx, by), **ACTION | {"owner_id": agent(tx, owner).id, "due_at": tx.now + timedelta(days=days)} | others
    )


@pytest.mark.parametrize(("mean", "most"), [(0, 0), (0.125, 1), (1, 4), (2, 6), (10, 18), (20, 31)])
def test_the_limit_is_what_chance_passes_once_in_a_hundred(mean, most):
    assert upper_limit(mean) == most


def test_three_like_complaints_in_a_week_that_never_happened_before_raise_one_alert(world):
    with world.tx() as tx:
        for number in range(2):
            complain(world, tx, number)
        assert alerts.find_alerts(tx) == []
        third = complain(world, tx, 3, product=" router  x ")
        raised = alerts.find_alerts(tx)
        assert {(each.dimension, each.about, each.product, each.seen) for each in raised} == {
            ("cause", "technology_fault", "router x", 3),
            ("category", "billing", "router x", 3),
        }
        assert third.id in raised[0].complaint_ids
        assert alerts.find_alerts(tx) == []  # never twice while it is open
        complain(world, tx, 4)
        assert alerts.find_alerts(tx) == []
        assert raised[0].seen == 4
    with world.tx() as tx:
        assert happened(tx, "complaint_alert.") == ["complaint_alert.raised"] * 2 + ["complaint_alert.grew"] * 2


def test_what_always_came_so_often_is_no_alert(world):
    with world.tx() as tx:
        for number in range(16):
            complain(world, tx, number)
    with world.tx() as tx:
        for complaint in tx.session.scalars(select(complaints.Complaint)):
            complaint.received_at = complaint.cause_found_at = tx.now - timedelta(days=8 + 3.4 * complaint.id % 55)
    with world.tx() as tx:
        for number in range(20, 24):
            complain(world, tx, number)
        assert [each.expected for each in clusters(tx.session, tx.now)] == [2.0, 2.0]
        assert alerts.find_alerts(tx) == []
        for number in range(24, 27):
            complain(world, tx, number)
        assert [each.seen for each in alerts.find_alerts(tx)] == [7, 7]


def test_a_dismissed_cluster_needs_new_complaints_to_be_raised_again(world):
    with world.tx() as tx:
        for number in range(3):
            complain(world, tx, number)
        alert = alerts.find_alerts(tx)[0]
        with pytest.raises(NotAllowed):
            alerts.acknowledge(tx, alert, agent(tx, "Dan"))
        with pytest.raises(Invalid):
            alerts.dismiss(tx, alert, agent(tx, "He Yan"), "  ")
        alerts.dismiss(tx, alert, agent(tx, "He Yan"), "One customer, three orders.")
        assert (alert.outcome, alert.acknowledged_by_id) == ("dismissed", agent(tx, "He Yan").id)
        with pytest.raises(Conflict):
            alerts.dismiss(tx, alert, agent(tx, "He Yan"), "Again.")
    world.clock.tick(60)
    with world.tx() as tx:
        complain(world, tx, 5)
        assert alerts.find_alerts(tx) == []
        complain(world, tx, 6)
        complain(world, tx, 7)
        assert [each.seen for each in alerts.find_alerts(tx)] == [6]


def test_the_timer_looks_soon_after_a_cause_was_found_and_every_hour(world):
    with world.tx() as tx:
        alerts.keep_looking(tx)
        alerts.keep_looking(tx)
        alerts.look_soon(tx, complain(world, tx, 1))
        waiting = tx.session.scalars(select(Timer.key).where(Timer.kind == alerts.LOOK_TIMER, Timer.done_at.is_(None)))
        assert len(waiting.all()) == 2


def test_an_action_against_an_alert_is_done_checked_by_another_and_ends_it(world):
    with world.tx() as tx:
        for number in range(3):
            complain(world, tx, number)
        alert = next(each for each in alerts.find_alerts(tx) if each.dimension == "cause")
        action = open_one(tx, alert=alert)
        assert (action.cause, action.product, action.like_before) == ("technology_fault", "router x", 3)
        assert len(tx.session.scalars(select(ActionCase).where(ActionCase.action_id == action.id)).all()) == 3
        assert alert.acknowledged_at == tx.now
        with pytest.raises(Conflict):
            alerts.dismiss(tx, alert, agent(tx, "He Yan"), "Nothing.")
        with pytest.raises(NotAllowed):
            corrective_actions.done(tx, action, agent(tx, "Lin"), "I did it.")
        with pytest.raises(Invalid):
            corrective_actions.done(tx, action, agent(tx, "Dan"), " ")
        corrective_actions.done(tx, action, agent(tx, "Dan"), "Release 4.2.")
        with pytest.raises(Conflict):
            corrective_actions.done(tx, action, agent(tx, "Dan"), "Again.")
        with pytest.raises(Conflict):  # too early
            corrective_actions.check(tx, action, agent(tx, "He Yan"), "effective", "None since.")
    world.days(30)
    with world.tx() as tx:
        action = tx.session.merge(action)
        dan = agent(tx, "Dan")
        dan.roles = ["complaint_officer"]
        with pytest.raises(NotAllowed):
            corrective_actions.check(tx, action, dan, "effective", "I think so.")
        with pytest.raises(Invalid):
            corrective_actions.check(tx, action, agent(tx, "Ruth"), "wonderful", "")
        assert corrective_actions.check(tx, action, agent(tx, "Ruth"), "effective", "None since.") is None
        assert (action.state, action.result, action.like_after) == ("closed", "effective", 0)
        alert = tx.session.get_one(ComplaintAlert, alert.id)
        assert (alert.outcome, alert.closed_at) == ("handled", tx.now)
        waiting = select(Timer).where(Timer.kind == corrective_actions.REMIND_TIMER, Timer.done_at.is_(None))
        assert tx.session.scalars(waiting).all() == []


def test_what_did_not_help_goes_on_as_a_new_action(world):
    with world.tx() as tx:
        first = complain(world, tx, 1)
        action = open_one(tx, complaints=[first])
        corrective_actions.done(tx, action, agent(tx, "Dan"), "Release 4.2.")
    world.days(10)
    with world.tx() as tx:
        complain(world, tx, 2)
    world.days(20)
    with world.tx() as tx:
        action, he = tx.session.merge(action), agent(tx, "He Yan")
        with pytest.raises(Invalid):
            corrective_actions.check(tx, action, he, "not_effective", "One came after it.")
        after = corrective_actions.check(tx, action, he, "not_effective", "One came.", tx.now + timedelta(days=5))
        assert (action.state, action.result, action.like_before, action.like_after) == ("closed", "not_effective", 1, 1)
        assert (after.previous_id, after.state, after.owner_id, after.like_before) == (action.id, "open", action.owner_id, 1)
        assert tx.session.scalars(select(ActionCase.complaint_id).where(ActionCase.action_id == after.id)).all() == [first.id]
        corrective_actions.done(tx, after, agent(tx, "Dan"), "Release 4.3.")
    world.days(30)
    with world.tx() as tx:
        after = tx.session.merge(after)
        assert corrective_actions.check(tx, after, agent(tx, "He Yan"), "inconclusive", "No orders in this time.") is None
        assert (after.state, after.check_due_at) == ("done", tx.now + timedelta(days=30))


def test_reminders_come_before_the_day_on_it_and_every_week_after(world):
    with world.tx() as tx:
        action = open_one(tx, days=10)
    due = action.due_at

    def rings():
        with world.tx() as tx:
            return tx.session.scalar(
                select(Timer.due_at).where(Timer.kind == corrective_actions.REMIND_TIMER, Timer.done_at.is_(None))
            )

    seen = []
    for _ in range(4):
        at = rings()
        seen.append(at - due)
        world.clock.tick((at - world.clock.now()).total_seconds())
        with world.tx() as tx:
            corrective_actions.remind(tx, {"action_id": action.id})
    assert seen == [timedelta(days=-1), timedelta(0), timedelta(days=7), timedelta(days=14)]
    with world.tx() as tx:
        action = tx.session.merge(action)
        corrective_actions.hand_over(
            tx, action, agent(tx, "He Yan"), agent(tx, "Lin").id, tx.now + timedelta(days=3), "Dan is away."
        )
        assert action.owner_id == agent(tx, "Lin").id
    assert rings() > world.clock.now()


def test_an_action_names_what_is_missing(world):
    with world.tx() as tx:
        with pytest.raises(NotAllowed):
            open_one(tx, by="Dan")
        with pytest.raises(Invalid) as wrong:
            open_one(tx, days=-1, owner_id=99, kind="", title=" ", change="", method="", check_after_days=3)
        assert set(wrong.value.fields) == {"kind", "title", "change", "method", "owner", "due", "check_after_days"}
        assert tx.session.scalars(select(CorrectiveAction)).all() == []


def test_bars_add_up_and_put_what_is_not_known_last():
    found = bars([("", 9), ("product", 1), ("policy", 2), ("supplier", 2)])
    assert [(each.key, each.count) for each in found] == [("policy", 2), ("supplier", 2), ("product", 1), ("", 9)]
    assert found[-1].running == 1
    assert sum(each.share for each in found) == pytest.approx(1)
    assert bars([]) == []


def test_risk_is_severity_times_likelihood_and_leaves_out_what_the_viewer_is_kept_out_of(world):
    with world.tx() as tx:
        for number in range(4):
            complain(world, tx, number, severity=1 if number == 2 else 3)
        complain(world, tx, 9, cause="policy", product="", severity=4)
        he = viewer_of(agent(tx, "He Yan"))
        found = risks(tx.session, he, tx.now)
        assert [(each.cause, each.count, each.severity, each.likelihood, each.score, each.word) for each in found] == [
            ("technology_fault", 4, 4, 3, 12, "high"),
            ("policy", 1, 1, 1, 1, "low"),
        ]
        since, until = tx.now - timedelta(days=1), tx.now + timedelta(days=1)
        assert [(each.key, each.count) for each in pareto(tx.session, he, since, until, "cause")] == [
            ("technology_fault", 4),
            ("policy", 1),
        ]
        assert [each.count for each in weeks(tx.session, he, tx.now, "Asia/Shanghai")][-2:] == [0, 5]
        worst = tx.session.scalars(select(complaints.Complaint).where(complaints.Complaint.severity == 1)).one()
        recusals.keep_out(tx, worst, agent(tx, "He Yan").id, "interest")
        tx.session.flush()
        assert (risks(tx.session, he, tx.now)[0].count, risks(tx.session, he, tx.now)[0].severity) == (3, 2)
