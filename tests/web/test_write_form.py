"""The form “write to us”: one ticket however often it is sent, mistakes said at their fields, answers offered on the way."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from desk.actions.articles import articles
from desk.models import Attachment, Message, SearchLog, Ticket
from desk.models.article import PUBLISHED
from desk.work.indexing import Indexing
from tests.world import running, settings_for

WRITTEN = {"email": "li.na@customers.example", "name": "Li Na", "text": "Where is my parcel LK-2026-0042?"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("write")), background=False) as world:
        yield world


def test_what_is_written_is_one_ticket_with_its_number_and_files(world):
    visitor = world.browser()
    token = re.search(r'name="token" value="([^"]+)"', visitor.get("/write").text)[1]
    before = len(world.all(select(Ticket.id)))
    for _ in range(2):
        assert (
            visitor.post("/write", data={**WRITTEN, "token": token}, files=[("files", ("bill.txt", b"128"))]).status_code == 303
        )
    assert len(world.all(select(Ticket.id))) == before + 1
    ticket = world.all(select(Ticket).order_by(Ticket.id))[-1]
    assert (ticket.channel, ticket.type) == ("form", "enquiry")
    assert world.all(select(Message.text).where(Message.ticket_id == ticket.id)) == [WRITTEN["text"]]
    assert world.all(select(Attachment.name).join(Message).where(Message.ticket_id == ticket.id)) == ["bill.txt"]
    said = visitor.get("/write/sent").text
    assert str(ticket.number) in said
    assert "li.na@customers.example" in said
    assert world.browser().get("/write/sent").url.endswith("/write")


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": ""},
        {"email": "li.na"},
        {"text": " "},
        {"text": "x" * 20_001},
        {"name": "x" * 201},
        {"website": "x"},
        {"token": "x"},
    ],
)
def test_a_mistake_is_told_and_nothing_is_taken(world, wrong):
    before = len(world.all(select(Ticket.id)))
    answer = world.browser().post("/write", data={**WRITTEN, "token": "0123456789abcdef", **wrong})
    assert answer.status_code == 422
    assert len(world.all(select(Ticket.id))) == before


def test_answers_are_offered_while_somebody_writes_and_who_writes_all_the_same_is_noted(world):
    with world.tx() as tx:
        row = articles.write_article(
            tx, key="parcel-en", lang="en", title="Follow your parcel", text="Open My orders.", audience="public"
        )
        articles.set_state(tx, row, PUBLISHED)
    Indexing(world.desk).rebuild()
    visitor = world.browser()
    assert "Follow your parcel" in visitor.post("/suggestions", data={"text": "Where is my parcel now?"}).text
    visitor.get("/?q=parcel&lang=en")
    assert visitor.post("/write", data={**WRITTEN, "token": "another-filling-of-it"}).status_code == 303
    assert world.one(select(SearchLog.asked_at)) is not None
