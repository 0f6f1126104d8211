"""Background parts: when their turns begin, and how they end."""

import itertools
import threading

from desk.clock import Clock
from desk.work.part import Part

PATIENCE_S = 300


def test_turns_begin_no_closer_than_the_part_is_told_however_often_it_is_woken() -> None:
    clock, begun, enough = Clock(), [], threading.Event()

    def turn() -> None:
        begun.append(clock.monotonic())
        part.wake()
        if len(begun) == 5:
            enough.set()

    part = Part("feed", clock, turn, apart_s=0.05)
    part.start()
    assert enough.wait(PATIENCE_S)
    part.stop()
    assert all(later - sooner >= 0.045 for sooner, later in itertools.pairwise(begun))


def test_a_part_that_waits_to_begin_again_ends_at_once() -> None:
    begun, woken = [], threading.Event()

    def turn() -> None:
        begun.append(1)
        part.wake()
        woken.set()

    part = Part("feed", Clock(), turn, apart_s=PATIENCE_S)
    part.start()
    assert woken.wait(PATIENCE_S)
    part.stop(PATIENCE_S / 2)
    assert begun == [1]
    assert not part._thread.is_alive()
