"""Signing in as people do, for every browser test; and what a page complains of while it is looked at."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, expect

from desk.models import Agent
from tests.world import PASSWORD


def signed_in(context: BrowserContext, base: str, agent: Agent, *, hears_console: bool = False) -> Page:
    """A live page of this person's, at whatever they come to first.

    `page.faults` collects what goes wrong in its scripts, and with `hears_console` every error that the browser speaks of.
    """
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    if hears_console:
        page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
    page.goto(f"{base}/login")
    page.locator("[name=email]").fill(agent.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    return page
