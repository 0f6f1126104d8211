"""Places to compute in: in order, what is urgent first, and nobody keeps one while they wait for something else."""

from __future__ import annotations

import threading

from desk.places import Elsewhere, Places, left

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

    def sit(self, name="first"):
        seated = threading.Event()

        def keep():
            seated.set()
            assert self.door.wait(LONG_S)

        self.come(name, act=keep)
        assert seated.wait(LONG_S)

    def waiting(self, count):
        for _ in range(int(LONG_S / LOOK_AGAIN_S)):
            if len(self.places._urgent) + len(self.places._rest) + len(self.places._back) == count:
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


def test_without_a_place_there_is_nothing_to_leave():
    with left():
        assert Elsewhere(["a"]).count("a") == 1
