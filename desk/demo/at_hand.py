"""What a newcomer finds at hand in the demo: tags, own fields, kept views, links, followed and snoozed tickets."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from desk.access import viewer_of
from desk.actions.tickets import following, linking, own_fields, saved_views, snoozing, tags
from desk.models import Agent, Tag, Ticket
from desk.models.ticket import LIVE, PENDING_CUSTOMER, PENDING_INTERNAL
from desk.models.ticket_field import CHOICE, TEXT
from desk.store import Tx

TAGS = {"billing": "refund", "technical": "router", "delivery": "courier", "product": "warranty"}
TAGGED = 40  # of the newest tickets
DEVICES = (("r3", "Router R3", "路由器 R3"), ("kettle", "Kettle", "电水壶"), ("lamp", "Lamp", "台灯"))
VIEWS = (
    ("sumin", "Refunds that are open / 待处理退款", True, {"view": "open"}, "refund"),
    ("sumin", "Urgent, all teams", False, {"view": "open", "priority": 1}, ""),
    ("maya", "Couriers", False, {"view": "all"}, "courier"),
)


def put_at_hand(tx: Tx) -> None:
    """Done to the tickets of the past without moving them up in the lists."""
    recent = select(Ticket).where(Ticket.type != "complaint").order_by(Ticket.id.desc())
    newest = tx.session.scalars(recent.limit(TAGGED)).all()
    live = tx.session.scalars(recent.where(Ticket.status.in_(LIVE)).limit(8)).all()
    waiting = tx.session.scalars(
        recent.where(Ticket.status.in_((PENDING_CUSTOMER, PENDING_INTERNAL)), Ticket.owner_id.is_not(None)).limit(2)
    ).all()
    touched = {ticket.id: (ticket, ticket.updated_at) for ticket in (*newest, *live, *waiting)}
    _ask_more(tx)
    for at, ticket in enumerate(newest):
        if ticket.category in TAGS:
            tags.tag_ticket(tx, ticket, tags.tag_named(tx, TAGS[ticket.category]))
        if at % 3 == 0:
            own_fields.set_answers(tx, ticket, {"order_number": f"LK-2026-{4711 + at:06d}", "device": DEVICES[at % 3][0]})
    people = {agent.email.partition("@")[0]: agent for agent in tx.session.scalars(select(Agent))}
    for name, chosen in (("sumin", live[:3]), ("maya", live[2:4])):
        for ticket in chosen:
            following.follow(tx, ticket, people[name])
    if len(live) > 1:
        linking.link(tx, live[0], live[1], "related", people["maya"])
    morning = tx.now.astimezone(ZoneInfo(tx.settings.timezone)).replace(hour=9, minute=0, second=0, microsecond=0)
    for days, ticket in enumerate(waiting, start=1):
        snoozing.snooze(tx, ticket, None, (morning + timedelta(days=days)).astimezone(tx.now.tzinfo))
    tx.session.flush()
    for ticket, updated_at in touched.values():
        ticket.updated_at = updated_at
    _keep_views(tx, people)


def _ask_more(tx: Tx) -> None:
    """The company's own questions, beside what every desk asks."""
    devices = [{"value": value, "en": english, "zh": chinese} for value, english, chinese in DEVICES]
    own_fields.write_field(
        tx, None, key="order_number", kind=TEXT, labels={"en": "Order", "zh": "订单号"}, choices=[], needed=False, position=1
    )
    own_fields.write_field(
        tx, None, key="device", kind=CHOICE, labels={"en": "Device", "zh": "设备"}, choices=devices, needed=False, position=2
    )


def _keep_views(tx: Tx, people: dict[str, Agent]) -> None:
    found = {tag.word: tag.id for tag in tx.session.scalars(select(Tag))}
    for name, title, shared, filters, tag in VIEWS:
        asked = {**filters, "tag_id": found[tag]} if tag in found else filters
        columns = ["customer", "owner", "due"]
        saved_views.save_view(
            tx, viewer_of(people[name]), None, name=title, shared=shared, filters=asked, columns=columns, sort=""
        )
