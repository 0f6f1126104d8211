"""A supervisor's browser that stays open through a chaos run: at the end its pages are what they are when loaded again."""

from __future__ import annotations

import os
import re
from typing import Self

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.sameness import same_after_loading_again
from tests.world import PASSWORD

PATHS = ("/board", "/desk", "/desk/tickets")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
PATIENCE_MS = 60_000


class Screens:
    """The pages of `PATHS`, one window each."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pages: dict[str, Page] = {}

    def __enter__(self) -> Self:
        self._running = sync_playwright().start()
        program = os.environ.get("TEST_CHROMIUM", "/usr/bin/chromium")
        self._browser = self._running.chromium.launch(executable_path=program, args=list(OPTIONS))
        context = self._browser.new_context(base_url=self._url)
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page = context.new_page()
        page.goto("/login")
        page.fill("[name=email]", "watcher@desk.example")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        expect(page).not_to_have_url(re.compile("/login"))
        for path in PATHS:
            self._pages[path] = context.new_page()
            self._pages[path].goto(path)
            expect(self._pages[path].locator("#net")).to_have_attribute("data-state", "live")
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._running.stop()

    def differences(self) -> list[str]:
        """Sentences about pages that differ from what they are when loaded again."""
        found = []
        for path, page in self._pages.items():
            try:
                expect(page.locator("#net")).to_have_attribute("data-state", "live")
                same_after_loading_again(page)
            except AssertionError as error:
                found.append(f"{path} is not what it is when loaded again: {str(error)[:600]}")
        return found
