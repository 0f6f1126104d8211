"""A staff screen on the real `/desk` namespace: signed in like a browser, then connected with its cookie."""

from __future__ import annotations

from tests.live.wire import Wire
from tests.world import Browsing, World


def cookie_of(console: Browsing) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in console.cookies)}


def screen(world: World, email: str) -> Wire:
    """Sign in and connect."""
    return Wire(world.url, "/desk", headers=cookie_of(world.browser(email)))
