"""Places to compute in: in order, what is urgent first, and nobody keeps one while they wait for something else."""

from __future__ import annotations

import threading

from desk import places
from desk.places import Elsewhere, Places, aside, give_way, left

LONG_S = 60.0
LOOK_AGAIN_S = 0.005


class Room:
    """Somebody sits at the only place until `open_door`; who comes then is noted in the order of their coming in."""

    def __init__(self, count=1, longest_s=LONG_S):
        self.places = Places(count, longest_s)
        self.done = []
        self.door = threading.Event()
        self.threads = []

    def come(self, name, *, urgent=True, act=lambda: None):
        def work():
            with self.places.taken(urgent=urgent):
                act()
                self.done.append(name)

        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()

    def come_aside(self, name, *, soon=False, act=lambda: None):
        """A thread that gives way; within its block it opens another one, as who writes may read."""

        def work():
            give_way(self.places, soon=soon)
            with aside(), aside():
                act()
                self.done.append(name)

        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()

    def sit(self, name="first"):
        seated = threading.Event()

        def keep():
            seated.set()
            assert self.door.wait(LONG_S)

        self.come(name, act=keep)
        assert seated.wait(LONG_S)

    def waiting(self, count):
        for _ in range(int(LONG_S / LOOK_AGAIN_S)):
            here = self.places
            if sum(len(each) for each in (here._urgent, here._rest, here._back, here._aside)) == count:
                return
            threading.Event().wait(LOOK_AGAIN_S)
        raise AssertionError(f"never did {count} wait")

    def all_go(self):
        self.door.set()
        for thread in self.threads:
            thread.join(LONG_S)


def test_what_is_urgent_comes_first_and_in_order():
    room = Room()
    room.sit()
    for number, (name, urgent) in enumerate([("page", False), ("caller", True), ("other page", False), ("other caller", True)]):
        room.come(name, urgent=urgent)
        room.waiting(number + 1)
    room.all_go()
    assert room.done == ["first", "caller", "other caller", "page", "other page"]


def test_who_waits_for_something_else_leaves_the_place_and_comes_back_first():
    room, answered, asked = Room(), threading.Event(), threading.Event()

    def ask():
        with left():
            asked.set()
            assert answered.wait(LONG_S)

    room.come("asks", act=ask)
    assert asked.wait(LONG_S)
    room.sit("beside")  # who asks keeps nobody waiting
    room.come("later")
    room.waiting(1)
    answered.set()
    room.waiting(2)
    room.all_go()
    assert room.done == ["beside", "asks", "later"]


def test_a_provider_is_asked_without_a_place():
    class Provider:
        name = "somebody"

        def ask(self, what):
            room.come("beside")
            room.threads[-1].join(LONG_S)
            return what

    room = Room()
    provider = Elsewhere(Provider())
    room.come("asks", act=lambda: room.done.append(provider.ask("this")))
    room.threads[0].join(LONG_S)
    assert provider.name == "somebody"
    assert room.done == ["beside", "this", "asks"]


def test_who_has_waited_too_long_computes_all_the_same_and_the_count_stays_right():
    room = Room(longest_s=0.01)
    room.sit()
    room.come("impatient")
    room.threads[-1].join(LONG_S)
    assert room.done == ["impatient"]
    room.all_go()
    room.come("next")
    room.threads[-1].join(LONG_S)
    assert room.done == ["impatient", "first", "next"]
    assert room.places._free == 1


def test_what_nobody_waits_for_comes_after_all_who_want_a_place():
    room = Room()
    room.sit()
    room.come_aside("words")
    room.waiting(1)
    room.come_aside("router", soon=True)
    room.waiting(2)
    room.come("page", urgent=False)
    room.waiting(3)
    room.come("caller")
    room.waiting(4)
    room.all_go()
    first, caller, *rest = room.done
    assert (first, caller, set(rest)) == ("first", "caller", {"page", "router", "words"})
    assert rest.index("page") < rest.index("words")  # the router is let in before the page, and keeps no place that would show it
    assert room.places._free == 1


def test_what_nobody_waits_for_keeps_no_place_and_is_done_one_by_one(monkeypatch):
    monkeypatch.setattr(places, "ASIDE_S", LONG_S)
    room, begun, may_end = Room(), threading.Event(), threading.Event()

    def long():
        begun.set()
        assert may_end.wait(LONG_S)

    room.come_aside("words", act=long)
    assert begun.wait(LONG_S)
    room.come("caller")
    room.threads[-1].join(LONG_S)
    room.come_aside("timers")
    room.come_aside("router", soon=True)
    room.threads[-1].join(LONG_S)
    assert room.done == ["caller", "router"]
    may_end.set()
    room.all_go()
    assert room.done == ["caller", "router", "words", "timers"]
    assert room.places._free == 1


def test_without_a_place_there_is_nothing_to_leave():
    with left(), aside():
        assert Elsewhere(["a"]).count("a") == 1
