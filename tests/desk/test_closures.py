"""An emergency closure that nobody ends: it is over by itself, and that is told."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from desk.actions.calls import closures
from desk.events import Event
from desk.models import LineClosure, Timer
from desk.queries.calls.closures import current_closure
from desk.work.due import ACTIONS


def close(house, minutes):
    with house.tx() as tx:
        return closures.close_lines(tx, reason_zh="停电", reason_en="a power cut", expires_at=tx.now + timedelta(minutes=minutes))


def let_run_out(house):
    """Do what is due, as the timers' thread does."""
    with house.tx() as tx:
        for timer in tx.session.scalars(select(Timer).where(Timer.done_at.is_(None), Timer.due_at <= tx.now)):
            timer.done_at = tx.now
            ACTIONS[timer.kind](tx, timer.data)


def opened(house):
    return house.all(select(Event.data).where(Event.kind == "voice.lines_opened"))


def test_a_closure_that_runs_out_is_told_once_with_the_moment_at_which_it_ended(house):
    closure = close(house, 30)
    house.tick(29 * 60)
    let_run_out(house)
    assert opened(house) == []
    house.tick(65)
    let_run_out(house)
    let_run_out(house)
    assert opened(house) == [{"closure": closure.id, "expired": True}]
    row = house.one(select(LineClosure))
    assert (row.ended_at, row.ended_by) == (closure.expires_at, "system")


def test_a_closure_that_somebody_has_ended_does_not_end_again(house):
    closure = close(house, 30)
    with house.tx() as tx:
        assert closures.open_lines(tx, tx.session.get_one(LineClosure, closure.id))
    again = close(house, 60)
    house.tick(31 * 60)
    let_run_out(house)
    assert opened(house) == [{"closure": closure.id}]
    with house.tx() as tx:
        assert current_closure(tx.session, tx.now).id == again.id
