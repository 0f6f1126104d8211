"""What the tests of the console over HTTP share: reading a page, a mail that came, a call that waits."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from sqlalchemy import select

from channels.email.pictures import NoPicture
from channels.message import Contact, Inbound
from channels.voice.events import CallEvent
from desk.actions import intake
from desk.actions.calls import arrival, calls
from desk.actions.work import work_items
from desk.files import KeptFile
from desk.models import Agent, Call, Ticket, WorkItem

HX = {"HX-Request": "true"}


class Page(HTMLParser):
    """What is on a page: ids, what was written inline, and its live parts by address."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.live: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if given.get("id"):
            self.ids.append(given["id"])
        if given.get("style") or any(name.startswith("on") for name in given) or (tag == "script" and not given.get("src")):
            self.inline.append(tag)
        if "data-live" in given and given.get("data-src"):
            self.live[given["data-src"]] = given["data-live"]


def squeezed(html: str) -> str:
    return re.sub(r"\s+", " ", html).strip()


def mail(world, text="My bill is wrong.", *, sender="li.na@customers.example", queue="general", **more) -> Ticket:
    """A ticket that came by mail into this queue."""
    files = more.pop("files", ())
    inbound = Inbound(
        channel="email",
        external_id=more.pop("external_id", text),
        sender=Contact("email", sender, more.pop("name", "Li Na")),
        subject=more.pop("subject", "March bill"),
        text=text,
        locale="en",
        **more,
    )
    with world.tx() as tx:
        return intake.receive(tx, inbound, files, queue_key=queue).ticket


def kept(world, data: bytes, name: str) -> KeptFile:
    return world.desk.files.keep(data, name)


def last(world, model):
    return world.one(select(model).order_by(model.id.desc()).limit(1))


def a_call(world, agent: Agent | None = None) -> Call:
    """A call that waits, or that this agent has accepted and whose leg rings."""
    with world.tx() as tx:
        event = CallEvent("CA" + "1" * 32, "+8613800138000", "+862155501234", "ringing", "inbound")
        call = arrival.arrive(tx, event)
        arrival.begin(tx, call)
        for key in ("2", "1", ""):
            arrival.press(tx, call, key)
        if agent is not None:
            item = tx.session.get_one(WorkItem, work_items.take(tx, call.item_id, agent.id).item_id)
            calls.accepted(tx, item, agent.id)
    return call


class Elsewhere:
    """Other people's servers, and what was asked of them."""

    def __init__(self, pictures):
        self.pictures, self.asked = pictures, []

    def fetch(self, url, patience_s):
        self.asked.append(url)
        if url not in self.pictures:
            raise NoPicture("not found")
        return self.pictures[url]
