"""Whoever is on the line comes before whoever looks at a page, and nobody waits for ever."""

from __future__ import annotations

import threading

from desk.http import turns
from desk.http.turns import Turns

LONG_S = 60.0


class Desk:
    """An application of two addresses: one that answers when told to, one that answers at once."""

    def __init__(self):
        self.done = []
        self.entered, self.let_go = threading.Event(), threading.Event()
        self.turns = Turns(self)

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
