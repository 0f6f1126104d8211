"""How `bench live` reckons: which hint counts for which event, and what it says when one never came."""

from __future__ import annotations

from desk.bench.live import Load, Outcome, Told, _places, _reckon, _waits, figures


def test_a_hint_counts_for_every_event_until_the_one_that_it_names():
    events = [Told(3, 10.0, None), Told(5, 10.5, None), Told(9, 11.0, None)]
    hints = [(2, 10.1), (6, 10.75), (9, 11.5)]

    assert list(_waits(events, hints)) == [0.75, 0.25, 0.5]


def test_a_screen_that_hears_before_the_commit_returns_has_not_waited():
    assert list(_waits([Told(1, 10.0, None)], [(1, 9.5)])) == [0.0]


def test_what_no_screen_hears_of_is_counted():
    told = [Told(1, 1.0, None), Told(2, 2.0, 3), Told(3, 3.0, 0), Told(4, 4.0, None)]
    outcome = Outcome()

    _reckon({"all": {"0": [(1, 1.5)]}, "own": {"0": [(3, 3.25)], "1": []}, "last": [4, 1]}, range(2, 4), told, outcome)

    assert (outcome.to_all, outcome.to_one) == ([0.5], [])
    assert outcome.unheard == 2  # the last one for all, and the one for the screen at place 3
    assert outcome.told_last == 1


def test_every_screen_is_played_once_and_each_client_has_as_many_on_one_server_as_on_the_other():
    for screens in (2, 7, 500, 2001):
        played = [place for number in range(2) for place in _places(Load(screens=screens), number)]
        assert played == list(range(screens))
        assert len([place for place in _places(Load(screens=screens), 0) if place % 2]) * 2 == len(
            _places(Load(screens=screens), 0)
        )


def test_the_figures_stand_beside_those_of_the_bare_servers():
    ours = Outcome([0.2], [0.1], [0.01], unheard=0, told_last=2, memory=[100.0, 101.0], a_second=209.0)
    floor = Outcome([0.1], [0.1], [0.001], unheard=1, told_last=2, memory=[50.0, 50.0], a_second=210.0)

    found = figures(Load(screens=2), ours, floor)

    assert found["commit_to_all_p99"]["ratio"] == 2.0
    assert (found["hints_that_never_came"]["value"], found["hints_that_never_came"]["floor"]) == (0, 1)
    assert (found["memory_of_web"]["value"], found["memory_of_web"]["floor"]) == (101.0, 100.0)
