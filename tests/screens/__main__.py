"""Pictures of every page and state, to be looked at: `python -m tests.screens FOLDER [--quick] [--only PART]`.

Starts a desk with the demo's people and past, and one that is empty; takes each page at 1440, 1024 and 375 pixels, light and
dark, in both languages, and writes `index.html`, which shows them all. `--quick` takes three of these twelve.
"""

from __future__ import annotations

import argparse
import html
import itertools
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, expect
from sqlalchemy import select

from desk.access import Right, viewer_of
from desk.config import Settings
from desk.demo.people import DOMAIN
from desk.demo.seed import PASSWORD as DEMO_PASSWORD
from desk.demo.seed import ensure_demo
from desk.models import Agent, Attachment, Call, Complaint, CorrectiveAction, Customer, Message, Survey, Ticket
from desk.work.indexing import Indexing
from desk.work.words import catch_up
from tests.screens.pages import Shown, pages_of
from tests.services.chromium import running_chromium
from tests.web.console_world import a_call
from tests.world import Browsing, World, running, settings_for

WIDTHS, THEMES, LANGUAGES = (1440, 1024, 375), ("light", "dark"), ("en", "zh")
LOOKS = list(itertools.product(WIDTHS, THEMES, LANGUAGES))
QUICK = [(1440, "light", "en"), (1024, "dark", "zh"), (375, "light", "zh")]
ROLES = ("sumin", "hejing", "priya", "yutong", "arthur", "maya")
CHAT = "/chat/frame"
Look = tuple[int, str, str]


def main() -> None:
    """Take them all; exit 1 when a page could not be taken."""
    parser = argparse.ArgumentParser(prog="python -m tests.screens", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="three looks of each page instead of twelve")
    parser.add_argument("--only", default="", help="only pages whose name has this in it")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    taken, failed = [], []
    with running_chromium() as browser, tempfile.TemporaryDirectory() as around:
        for name, shots in _sessions(Path(around), browser):
            for look in QUICK if args.quick else LOOKS:
                for title, take in shots(look):
                    if args.only not in f"{name}-{title}":
                        continue
                    file = f"{name}-{title}-{look[0]}-{look[1]}-{look[2]}.png"
                    try:
                        take().screenshot(path=args.folder / file, full_page=True)
                        taken.append((f"{name}-{title}", look, file))
                    except (Error, AssertionError) as fault:
                        failed.append(f"{file}: {str(fault).splitlines()[0]}")
            sys.stdout.write(f"{name}: {len(taken)} pictures so far\n")
    (args.folder / "index.html").write_text(_sheet(taken), encoding="utf-8")
    sys.stdout.write(
        "".join(f"not taken: {each}\n" for each in failed) + f"{len(taken)} pictures: {args.folder / 'index.html'}\n"
    )
    sys.exit(1 if failed else 0)


def _sessions(folder: Path, browser: Browser) -> Iterator[tuple[str, Callable[[Look], Iterator[tuple[str, Callable[[], Page]]]]]]:
    """A desk full of work, then an empty one; what is to be taken of each, in one look."""
    with running(_demo(folder / "full"), background=False) as world:
        ensure_demo(world.desk)
        catch_up(world.desk.store)  # nothing works behind these pages, and what is sought has to be found
        Indexing(world.desk).rebuild()
        people = _people(world)
        ids = _ids(world)
        shown = pages_of(world.app, ids, people, _rights(world))
        yield "page", lambda look: _pages(world, browser, shown, look)
        a_call(world, world.one(select(Agent).where(Agent.email == f"maya@{DOMAIN}")))
        yield "state", lambda look: _states(world, browser, look, ids)
    with running(settings_for(folder / "empty"), background=False) as world:
        world.agent("Maya", roles=("supervisor", "complaint_officer", "knowledge_editor", "admin"))
        people = {"": world.browser(), "maya": world.browser("maya@desk.example")}
        shown = [page for page in pages_of(world.app, {}, people, _rights(world)) if "<" not in page.rule]
        yield "empty", lambda look: _pages(world, browser, shown, look)


def _demo(folder: Path) -> Settings:
    return replace(settings_for(folder), demo=True)


def _people(world: World) -> dict[str, Browsing]:
    people = {"": world.browser()}
    for key in ROLES:
        people[key] = Browsing(world.url)
        people[key].post("/login", data={"email": f"{key}@{DOMAIN}", "password": DEMO_PASSWORD})
    return people


def _rights(world: World) -> dict[str, frozenset[Right]]:
    """What everybody may do, by the first part of their address."""
    return {agent.email.partition("@")[0]: viewer_of(agent).rights for agent in world.all(select(Agent))}


def _ids(world: World) -> dict[str, Any]:
    """Something of each kind that the demo's past has left."""
    with world.desk.store.read() as session:
        first = {
            kind: session.scalar(select(kind).order_by(kind.id.desc()).limit(1)) for kind in (Call, Customer, CorrectiveAction)
        }
        ticket = session.scalar(select(Ticket).where(Ticket.owner_id.is_not(None)).order_by(Ticket.id.desc()).limit(1))
        complaint = session.scalar(select(Complaint).order_by(Complaint.id.desc()).limit(1))
        survey = session.scalar(select(Survey).order_by(Survey.id.desc()).limit(1))
        agent = session.scalar(select(Agent).where(Agent.name == "Maya Lindqvist"))
        message = session.scalar(select(Message.id).order_by(Message.id.desc()).limit(1))
        file = session.scalar(select(Attachment.id).limit(1))
        number = session.scalar(select(Ticket.number).where(Ticket.id == complaint.ticket_id)) if complaint else 1
    ids = {"number": ticket.number if ticket else 1, "key": "", "agent_id": agent.id if agent else 1}
    ids |= {"message_id": message or 1, "attachment_id": file or 1, "complaint": number}
    for kind, row in first.items():
        ids[f"{kind.__tablename__}_id"] = row.id if row is not None else 1
    ids["track"], ids["survey"] = (complaint.access_key if complaint else ""), (survey.access_key if survey else "")
    return ids


def _pages(world: World, browser: Browser, shown: list[Shown], look: Look) -> Iterator[tuple[str, Callable[[], Page]]]:
    for who in dict.fromkeys(page.who for page in shown):
        with _context(world, browser, look, who) as context:
            page = context.new_page()
            for each in shown:
                if each.who == who:
                    yield each.name, lambda page=page, path=each.path: _whole(page, world.url + path)


def _states(world: World, browser: Browser, look: Look, ids: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[], Page]]]:
    """Loading, busy, failed, refused, gone, offline: of the pages that people live in."""
    with _context(world, browser, look, "sumin") as context:
        for name, path in (
            ("console", "/desk"),
            ("board", "/board"),
            ("wallboard", "/wallboard"),
            ("tickets", "/desk/tickets?view=all"),
            ("ticket", f"/desk/tickets/{ids['number']}"),
            ("complaint", f"/desk/complaints/{ids['complaint']}"),
        ):
            yield f"{name}-offline", lambda path=path: _offline(context, world.url + path)
            yield f"{name}-loading", lambda path=path: _loading(context, world.url + path)
            yield f"{name}-failing", lambda path=path: _failing(context, world.url + path)
        yield "server-error", lambda: _broken(world, context, "/desk/customers")
        yield "admin-pages", lambda: _menu(context, f"{world.url}/admin/skills", "#admin-pages")
        yield "not-found", lambda: _whole(context.new_page(), f"{world.url}/desk/tickets/99999999", live=False)
        yield "not-allowed", lambda: _whole(context.new_page(), f"{world.url}/admin/queues/new", live=False)
        yield "palette", lambda: _pressed(context, f"{world.url}/desk", "Control+k")
        yield "shortcuts", lambda: _pressed(context, f"{world.url}/desk", "?")
        yield "search-results", lambda: _whole(context.new_page(), f"{world.url}/desk/search?q=router")
        yield "search-nothing", lambda: _whole(context.new_page(), f"{world.url}/desk/search?q=xyzzyx")
    with _context(world, browser, look, "maya") as context:
        yield "console-busy", lambda: _whole(context.new_page(), f"{world.url}/desk")
    with _context(world, browser, look, "") as context:
        for name, path, button in (
            ("complaint-refused", "/complaints/new", "main form .button.primary"),
            ("write-refused", "/write", "main form .button.primary"),
            ("sign-in-refused", "/login", "main form .button.primary"),
        ):
            yield name, lambda path=path, button=button: _refused(context, world.url + path, button)
        yield "help-nothing", lambda: _whole(context.new_page(), f"{world.url}/?q=xyzzyx", live=False)
        yield "link-gone", lambda: _whole(context.new_page(), f"{world.url}/portal/enter/nobodys", live=False)
        yield "complaint-unknown", lambda: _whole(context.new_page(), f"{world.url}/track/nobodys", live=False)
        yield "chat-frame", lambda: _whole(context.new_page(), f"{world.url}{CHAT}?lang={look[2]}&theme={look[1]}")


@contextmanager
def _context(world: World, browser: Browser, look: Look, who: str) -> Iterator[BrowserContext]:
    width, theme, language = look
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        locale={"en": "en-GB", "zh": "zh-CN"}[language],
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
    )
    context.set_default_timeout(60_000)
    context.set_default_navigation_timeout(60_000)
    try:
        client = world.browser()
        if who:
            is_demo = world.desk.settings.demo
            address, password = (f"{who}@{DOMAIN}", DEMO_PASSWORD) if is_demo else ("maya@desk.example", "a good password")
            client.post("/login", data={"email": address, "password": password})
        client.post("/language", data={"locale": language})
        for name, value in client.cookies.items():
            context.add_cookies([{"name": name, "value": value, "url": world.url}])
        yield context
    finally:
        context.close()


def _whole(page: Page, address: str, *, live: bool = True) -> Page:
    page.goto(address)
    if live and page.locator("body[data-socket] #net").count():
        with suppress(AssertionError):
            expect(page.locator("#net")).to_have_attribute("data-state", "live", timeout=20_000)
    page.wait_for_load_state("networkidle")
    return page


def _offline(context: BrowserContext, address: str) -> Page:
    page = _whole(context.new_page(), address)
    page.route("**/*", lambda route: route.abort())
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    context.set_offline(True)
    try:
        expect(page.locator("#net")).not_to_have_attribute("data-state", "live", timeout=30_000)
        expect(page.locator("#banner")).not_to_be_empty(timeout=30_000)
    finally:
        context.set_offline(False)
    return page


def _loading(context: BrowserContext, address: str) -> Page:
    """As it is before its parts have come: what they are fetched by gets no answer."""
    page = context.new_page()
    page.route("**/*", lambda route: None if route.request.resource_type in ("fetch", "xhr") else route.continue_())
    page.goto(address)
    expect(page.locator("main")).to_be_visible()
    return page


def _failing(context: BrowserContext, address: str) -> Page:
    """Its parts are asked for and the server cannot give them."""
    page = context.new_page()
    page.route(
        "**/*",
        lambda route: route.fulfill(status=500) if route.request.resource_type in ("fetch", "xhr") else route.continue_(),
    )
    return _whole(page, address)


def _broken(world: World, context: BrowserContext, path: str) -> Page:
    """The page that says that the fault is ours."""
    endpoint, _ = world.app.url_map.bind("").match(path)
    view = world.app.view_functions[endpoint]

    @wraps(view)  # asks for the same right
    def fail(**_parts: object) -> str:
        raise RuntimeError("as if it were broken")

    world.app.view_functions[endpoint] = fail
    try:
        return _whole(context.new_page(), world.url + path, live=False)
    finally:
        world.app.view_functions[endpoint] = view


def _menu(context: BrowserContext, address: str, menu: str) -> Page:
    """With a menu open that has a button of its own where there is little room."""
    page = _whole(context.new_page(), address)
    button = page.locator(f"[popovertarget={menu[1:]}]")
    if button.is_visible():
        button.click()
    expect(page.locator(menu)).to_be_visible()
    return page


def _pressed(context: BrowserContext, address: str, keys: str) -> Page:
    page = _whole(context.new_page(), address)
    page.keyboard.press(keys)
    expect(page.locator("dialog[open]").first).to_be_visible()
    return page


def _refused(context: BrowserContext, address: str, button: str) -> Page:
    page = _whole(context.new_page(), address)
    page.evaluate("for (const form of document.forms) form.noValidate = true")
    page.locator(button).first.click()
    page.wait_for_load_state("networkidle")
    return page


def _sheet(taken: list[tuple[str, Look, str]]) -> str:
    """All of them on one page, a row for each page."""
    rows = []
    for name, group in itertools.groupby(sorted(taken), key=lambda each: each[0]):
        shots = "".join(
            f'<a href="{file}"><img src="{file}" loading="lazy" alt="{html.escape(" ".join(map(str, look)))}"></a>'
            for _, look, file in group
        )
        rows.append(f"<h2>{html.escape(re.sub('-', ' ', name))}</h2><div>{shots}</div>")
    style = (
        "body{font:14px system-ui;margin:16px}div{display:flex;gap:8px;flex-wrap:wrap;align-items:start}"
        "img{height:240px;border:1px solid #999}"
    )
    return f"<!doctype html><meta charset=utf-8><title>Screens</title><style>{style}</style>{''.join(rows)}"


if __name__ == "__main__":
    main()
