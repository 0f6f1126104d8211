"""What a place of a page shows for a moment only, kept where a test can read it however late it comes."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

KEEP = """(node) => {
  const note = () => (node.dataset.was = `${node.dataset.was ?? ""} | ${node.textContent.trim()}`);
  new MutationObserver(note).observe(node, { childList: true, characterData: true, subtree: true });
  note();
}"""


def keep_words_of(place: Locator) -> None:
    """From now on this element notes all words that it shows."""
    place.evaluate(KEEP)


def has_shown(place: Locator, words: str) -> bool:
    """Whether it has shown these words since they are kept."""
    return words in (place.get_attribute("data-was") or "")


def expect_shown(place: Locator, words: str) -> None:
    """Wait until it has shown them, and be it for a moment."""
    expect(place).to_have_attribute("data-was", re.compile(re.escape(words)))


def wait_for_menu(page: Page) -> None:
    """An open menu takes the focus to what stands first in it, after it is seen: an earlier key is lost or goes there."""
    expect(page.locator("[data-menu]:popover-open").locator("a, button, input").first).to_be_focused()
