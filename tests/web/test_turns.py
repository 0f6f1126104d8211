"""Whoever is on the line comes before whoever looks at a page, and nobody waits for ever."""

from __future__ import annotations

import threading

from desk.http import turns
from desk.http.turns import Turns
from desk.places import Places

LONG_S = 60.0


class Desk:
    """An application of two addresses: one that answers when told to, one that answers at once."""

    def __init__(self):
        self.done = []
        self.entered, self.let_go = threading.Event(), threading.Event()
        self.turns = Turns(self, Places(1, LONG_S))

    def __call__(self, environ, _start_response):
        if environ["PATH_INFO"] == "/hook":
            self.entered.set()
            assert self.let_go.wait(LONG_S)
        self.done.append(environ["PATH_INFO"])
        return []

    def ask(self, method, path):
        asking = threading.Thread(target=self.turns, args=({"REQUEST_METHOD": method, "PATH_INFO": path}, None))
        asking.start()
        return asking


def test_a_page_is_made_after_what_was_urgent(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_S", LONG_S)
    desk = Desk()
    urgent = desk.ask("POST", "/hook")
    assert desk.entered.wait(LONG_S)
    page = desk.ask("GET", "/desk/strip")
    desk.let_go.set()
    urgent.join(LONG_S)
    page.join(LONG_S)
    assert desk.done == ["/hook", "/desk/strip"]


def test_a_page_does_not_wait_for_ever_and_files_and_what_a_caller_hears_not_at_all(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE_S", 0.01)
    monkeypatch.setattr(turns, "LONGEST_S", 0.01)
    desk = Desk()
    urgent = [desk.ask("GET", "/hook") for _ in range(turns.PLACES)]  # every place is taken
    urgent.append(desk.ask("POST", "/hook"))
    assert desk.entered.wait(LONG_S)
    paths = ["/static/css/desk.css", "/hooks/twilio/voice/audio/x", "/desk/messages/7/html", "/desk/strip"]
    for path in paths:
        desk.ask("GET", path).join(LONG_S)
    assert desk.done == paths
    desk.let_go.set()
    for each in urgent:
        each.join(LONG_S)
    assert desk.done.count("/hook") == turns.PLACES + 1


def test_who_is_on_the_line_is_served_before_parts_of_pages_and_one_at_a_time(monkeypatch):
    served, entered, let_go = [], threading.Event(), threading.Event()

    def app(environ, _start_response):
        if not served:
            entered.set()
            assert let_go.wait(LONG_S)
        served.append(environ["PATH_INFO"])
        return []

    desk = Turns(app, Places(1, LONG_S))
    askers = []

    def ask(path, **more):
        environ = {"REQUEST_METHOD": "POST", "PATH_INFO": path, **more}
        askers.append(threading.Thread(target=desk, args=(environ, None)))
        askers[-1].start()

    ask("/hooks/twilio/voice/status")
    assert entered.wait(LONG_S)
    ask("/desk/strip", REQUEST_METHOD="GET", HTTP_X_FRAGMENT="1")
    _until(lambda: len(desk._lines._rest) == 1)
    ask("/desk/offers/7/accept")
    _until(lambda: len(desk._lines._urgent) == 1)
    ask("/hooks/twilio/voice/menu")
    _until(lambda: len(desk._lines._urgent) == 2)
    let_go.set()
    for asker in askers:
        asker.join(LONG_S)
    assert served == ["/hooks/twilio/voice/status", "/desk/offers/7/accept", "/hooks/twilio/voice/menu", "/desk/strip"]


def test_a_form_that_comes_slowly_keeps_nobody_waiting(monkeypatch):
    came, beside = threading.Event(), threading.Event()

    class Slow:
        def read(self, length):
            came.set()
            assert beside.wait(LONG_S)
            return b"a" * length

    def app(environ, _start_response):
        return [environ["wsgi.input"].read() if "wsgi.input" in environ else b"beside"]

    desk, said = Turns(app, Places(1, LONG_S)), []
    slowly = {"REQUEST_METHOD": "POST", "PATH_INFO": "/hooks/twilio/voice/status", "CONTENT_LENGTH": "3", "wsgi.input": Slow()}
    asking = threading.Thread(target=lambda: said.extend(desk(slowly, None)))
    asking.start()
    assert came.wait(LONG_S)
    said.extend(desk({"REQUEST_METHOD": "POST", "PATH_INFO": "/hooks/twilio/voice/menu"}, None))
    beside.set()
    asking.join(LONG_S)
    assert said == [b"beside", b"aaa"]


def _until(holds):
    for _ in range(int(LONG_S / 0.005)):
        if holds():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it never came to that")
