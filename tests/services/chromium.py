"""The browser of the browser tests: the system's own Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--no-sandbox",  # Chromium refuses its sandbox to root, which is who runs a pipeline
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",  # pages reach this machine, nothing else
]


LAUNCH_MS = 180_000  # a busy machine is slow, not wrong


@contextmanager
def running_chromium(*more: str) -> Iterator[Browser]:
    """A headless Chromium that lives as long as the block; `more` are further flags."""
    program = shutil.which("chromium")
    if not program:
        raise pytest.fail.Exception(
            "Chromium is needed: `make test` installs it as root on Debian; else install chromium", pytrace=False
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *more], timeout=LAUNCH_MS)
        try:
            yield browser
        finally:
            browser.close()
