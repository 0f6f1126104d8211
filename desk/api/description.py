"""The API's own description in OpenAPI 3.1, made from one table."""

from __future__ import annotations

from typing import Any

from desk.api import description_articles
from desk.api.description_words import (
    FLAG,
    MAYBE_TEXT,
    MAYBE_TIME,
    NUMBER,
    PAGING,
    TEXT,
    TIME,
    list_of,
    many,
    maybe,
    object_of,
    ref,
)
from desk.queries.work.why import RULES
from routing.urgency import IMPACTS, URGENCIES

SKILL = object_of(("skill", "level"), skill=TEXT, level=NUMBER)
COUNTS = {"type": "object", "additionalProperties": NUMBER}
MAYBE_FIGURE = {"type": ["number", "null"]}
IMPACT, URGENCY = {"enum": list(IMPACTS)}, {"enum": list(URGENCIES)}
SCHEMAS: dict[str, Any] = {
    "Ticket": object_of(
        ("number", "subject", "status", "type", "channel", "priority", "customer", "owner", "created_at"),
        id=NUMBER,
        number=NUMBER,
        subject=TEXT,
        status={"enum": ["new", "open", "pending_customer", "pending_internal", "solved", "closed", "merged", "spam"]},
        type={"enum": ["enquiry", "request", "incident", "complaint"]},
        category=MAYBE_TEXT,
        channel={"enum": ["email", "chat", "voice", "form", "letter", "fax", "manual"]},
        impact=IMPACT,
        urgency=URGENCY,
        priority={"type": "integer", "minimum": 1, "maximum": 4},
        priority_reason=MAYBE_TEXT,
        level={"type": "integer", "minimum": 1, "maximum": 3},
        locale=MAYBE_TEXT,
        queue=TEXT,
        customer=object_of(("id", "name", "tier"), id=NUMBER, name=TEXT, tier=TEXT),
        owner={"type": ["object", "null"], "properties": {"id": NUMBER, "name": TEXT}},
        created_at=TIME,
        updated_at=TIME,
        first_due_at=MAYBE_TIME,
        resolve_due_at=MAYBE_TIME,
        first_human_reply_at=MAYBE_TIME,
        solved_at=MAYBE_TIME,
        closed_at=MAYBE_TIME,
        reopened=NUMBER,
        wrap_up_code=MAYBE_TEXT,
        resolution=MAYBE_TEXT,
        score={"type": ["integer", "null"]},
        snoozed_until=MAYBE_TIME,
        merged_into={"type": ["integer", "null"]},
        tags={"type": "array", "items": TEXT},
        fields={"type": "object"},
    ),
    "Tag": object_of(("id", "word", "colour"), id=NUMBER, word=TEXT, colour=TEXT),
    "Link": object_of(
        ("id", "kind", "ticket"),
        id=NUMBER,
        kind={"enum": ["related", "duplicate", "duplicate_of", "caused_by", "caused_by_of", "child", "child_of"]},
        ticket=NUMBER,
    ),
    "Snoozed": object_of(("number", "snoozed_until"), number=NUMBER, snoozed_until=MAYBE_TIME),
    "Merged": object_of(("number", "merged_into"), number=NUMBER, merged_into={"type": ["integer", "null"]}),
    "Message": object_of(
        ("id", "ticket", "channel", "direction", "from", "to", "text", "reply_text", "attachments", "kind", "created_at"),
        id=NUMBER,
        ticket=NUMBER,
        channel=TEXT,
        direction={"enum": ["in", "out", "internal"]},
        kind={"enum": ["message", "note", "auto_reply", "bounce"]},
        **{"from": object_of((), name=TEXT, address=MAYBE_TEXT)},
        to={"type": "array", "items": TEXT},
        cc={"type": "array", "items": TEXT},
        subject=MAYBE_TEXT,
        text=TEXT,
        reply_text=TEXT,
        attachments={
            "type": "array",
            "items": object_of((), id=NUMBER, name=TEXT, content_type=TEXT, size=NUMBER, sha256=TEXT),
        },
        delivery=MAYBE_TEXT,
        held=FLAG,
        threaded_by=MAYBE_TEXT,
        created_at=TIME,
    ),
    "Customer": object_of(
        ("id", "name", "tier"),
        id=NUMBER,
        name=TEXT,
        tier={"enum": ["vip", "gold", "silver", "standard"]},
        locale=MAYBE_TEXT,
        contacts={"type": "array", "items": object_of((), kind=TEXT, value=TEXT, verified=FLAG)},
        created_at=TIME,
    ),
    "Agent": object_of(
        ("id", "name", "presence"),
        id=NUMBER,
        name=TEXT,
        email=TEXT,
        roles={"type": "array", "items": TEXT},
        team={"type": ["integer", "null"]},
        presence={"enum": ["available", "away", "offline", "not_responding"]},
        presence_since=TIME,
        used=NUMBER,
        capacity=NUMBER,
        skills={"type": "object", "additionalProperties": NUMBER},
    ),
    "WorkItem": object_of(
        ("id", "kind", "channel", "state", "ticket", "due_at", "enqueued_at"),
        id=NUMBER,
        kind={"enum": ["call", "chat", "ticket", "complaint", "callback", "follow_up"]},
        channel=TEXT,
        state={"enum": ["waiting", "offered", "active", "wrap_up", "done", "abandoned"]},
        ticket=NUMBER,
        customer=NUMBER,
        queue=NUMBER,
        agent={"type": ["integer", "null"]},
        tier=TEXT,
        requires={"type": "array", "items": object_of((), skill=TEXT, level=NUMBER)},
        band=NUMBER,
        due_at=TIME,
        enqueued_at=TIME,
        offered_at=MAYBE_TIME,
        answered_at=MAYBE_TIME,
        ended_at=MAYBE_TIME,
        attempts=NUMBER,
    ),
    "Complaint": object_of(
        ("id", "ticket", "stage"),
        id=NUMBER,
        ticket=NUMBER,
        reference=TEXT,
        anonymous={"type": "boolean"},
        stage=TEXT,
        category=MAYBE_TEXT,
        severity=MAYBE_TEXT,
        statement=TEXT,
        remedy_wanted=MAYBE_TEXT,
        outcome=MAYBE_TEXT,
        received_at=TIME,
        acknowledge_due_at=MAYBE_TIME,
        acknowledged_at=MAYBE_TIME,
        decide_due_at=MAYBE_TIME,
        decided_at=MAYBE_TIME,
        closed_at=MAYBE_TIME,
        policy=TEXT,
        clocks=many(
            object_of(
                ("policy", "version", "strictest", "paused"),
                policy=TEXT,
                version=NUMBER,
                acknowledge_due_at=MAYBE_TIME,
                early_until=MAYBE_TIME,
                decide_due_at=MAYBE_TIME,
                strictest=FLAG,
                paused=FLAG,
                reference=MAYBE_TEXT,
            )
        ),
        paused_until=MAYBE_TIME,
        allowed=many(TEXT),
    ),
    **description_articles.SCHEMAS,
    "FoundTicket": object_of(
        ("number", "subject", "status", "customer", "title_html"),
        number=NUMBER,
        subject=TEXT,
        status=TEXT,
        customer=object_of(("id", "name"), id=NUMBER, name=TEXT),
        title_html=TEXT,
        snippet_html=MAYBE_TEXT,
    ),
    "FoundCustomer": object_of(("id", "name"), id=NUMBER, name=TEXT, contact=MAYBE_TEXT),
    "Event": object_of(
        ("id", "at", "kind", "actor", "about", "data"),
        id=NUMBER,
        at=TIME,
        kind=TEXT,
        actor=object_of((), kind=TEXT, id={"type": ["integer", "null"]}, name=TEXT),
        about={"type": "object"},
        data={"type": "object"},
    ),
    "Why": object_of(
        ("item", "ticket", "state", "at", "requires", "steps", "candidates", "totals", "helps", "expected", "place", "band"),
        item=NUMBER,
        ticket=NUMBER,
        state=TEXT,
        channel=TEXT,
        queue=TEXT,
        at=TIME,
        enqueued_at=TIME,
        due_at=TIME,
        promote_at=MAYBE_TIME,
        band=object_of(("code", "words"), code={"enum": ["escalated", "live", "deferred"]}, words=TEXT),
        place=maybe(object_of(("position", "size", "words"), position=NUMBER, size=NUMBER, words=TEXT)),
        requires=many(SKILL),
        also=many(many(SKILL)),
        steps=many(ref("OverflowStep")),
        next_step={"anyOf": [ref("OverflowStep"), {"type": "null"}]},
        held=maybe(object_of(("until", "words"), until=TIME, words=TEXT)),
        expected=maybe(
            object_of(
                ("method", "words", "figures"),
                method={"enum": ["free", "QLm", "HOL", "LES", "handling", None]},
                mean_s=MAYBE_FIGURE,
                p50_s=MAYBE_FIGURE,
                p80_s=MAYBE_FIGURE,
                words=TEXT,
                figures={"type": "object"},
            )
        ),
        choice=TEXT,
        candidates=many(
            object_of(
                ("agent", "able", "rule", "detail", "scores", "words"),
                agent=object_of((), id=NUMBER, name=TEXT),
                able=FLAG,
                rule={"enum": [*RULES, None]},
                otherwise={"enum": [*RULES, None]},
                detail={"type": "object"},
                scores={"type": "object"},
                presence=TEXT,
                presence_reason=MAYBE_TEXT,
                presence_since=TIME,
                words=TEXT,
            )
        ),
        others=COUNTS,
        totals=COUNTS,
        helps=many(object_of(("code", "count", "words"), code=TEXT, count=NUMBER, detail={"type": "object"}, words=TEXT)),
        next_change_at=MAYBE_TIME,
    ),
    "OverflowStep": object_of(
        ("do", "words"),
        do={"enum": ["drop_skill", "lower_level", "also_team", "raise_band", "offer_callback", "to_voicemail"]},
        after_s={"type": "number"},
        skill=TEXT,
        level=NUMBER,
        team=TEXT,
        at=MAYBE_TIME,
        taken=FLAG,
        words=TEXT,
    ),
    "Offer": object_of(
        ("id", "item", "ticket", "agent", "state", "offered_at", "mode"),
        id=NUMBER,
        item=NUMBER,
        ticket=NUMBER,
        agent=object_of((), id=NUMBER, name=TEXT),
        state=object_of(("code", "words"), code=TEXT, words=TEXT),
        offered_at=TIME,
        deadline=TIME,
        answered_at=MAYBE_TIME,
        ended_at=MAYBE_TIME,
        mode=object_of(("code", "words"), code=MAYBE_TEXT, words=TEXT),
        waited_s=MAYBE_FIGURE,
        requires=many(SKILL),
        also=many(many(SKILL)),
        relaxed=many(ref("OverflowStep")),
        promoted=FLAG,
        waiting={"type": ["integer", "null"]},
        passed_over={"type": ["integer", "null"]},
        able={"type": ["integer", "null"]},
        free={"type": ["integer", "null"]},
        scores={"type": "object"},
        candidates=many(
            object_of((), agent=object_of((), id=NUMBER, name=MAYBE_TEXT), chosen=FLAG, scores={"type": "object"}),
        ),
        kept_away=COUNTS,
    ),
    "Stats": object_of((), waiting={"type": "object"}, agents={"type": "object"}, tickets={"type": "object"}),
    "ComplaintStats": object_of(("since", "until", "figures"), since=TEXT, until=TEXT, figures={"type": "object"}),
    "ComplaintStatRows": object_of(
        ("figure", "items", "next"),
        figure={"type": "object"},
        items={"type": "array", "items": {"type": "object"}},
        next=MAYBE_TEXT,
    ),
    "NewComplaint": object_of(
        ("statement",),
        **dict.fromkeys(("statement", "remedy_wanted", "email", "phone", "name", "product", "order_number", "category"), TEXT),
        locale=TEXT,
        ticket=NUMBER,
        policies=many(TEXT),
    ),
    "Move": object_of(("stage",), stage=TEXT, category=TEXT, severity=NUMBER, reason=TEXT),
    "ClockChange": object_of(("do",), **dict.fromkeys(("do", "reason", "needed", "policy", "reference"), TEXT), until=TIME),
    "NewTicket": object_of(
        ("subject",),
        **dict.fromkeys(("subject", "text", "email", "phone", "name", "type", "queue", "locale"), TEXT),
        impact=IMPACT,
        urgency=URGENCY,
    ),
    "TicketChange": object_of(
        (),
        **dict.fromkeys(("subject", "category", "priority_reason"), TEXT),
        impact=IMPACT,
        urgency=URGENCY,
        priority=NUMBER,
        owner=NUMBER,
        fields={"type": "object"},
    ),
    "Tags": object_of(("tags",), tags={"type": "array", "items": TEXT}),
    "Snooze": object_of(("until",), until=TIME),
    "NewLink": object_of(("kind", "ticket"), kind={"enum": ["related", "duplicate", "caused_by", "child"]}, ticket=NUMBER),
    "Merge": object_of(("into",), into=NUMBER),
    # `unproven`: why a reply may go to somebody of whom it is not proven that they speak for the complainant.
    "NewMessage": object_of(
        ("text",), text=TEXT, kind={"enum": ["message", "note"]}, cc={"type": "array", "items": TEXT}, unproven=TEXT
    ),
    "NewCustomer": object_of(("name",), name=TEXT, email=TEXT, phone=TEXT, tier=TEXT, locale=TEXT),
    "Problem": object_of(
        ("type", "title", "status", "detail"), type=TEXT, title=TEXT, status=NUMBER, detail=TEXT, fields={"type": "object"}
    ),
}

# Days as 2026-11-20, both within; a queue by its id.
SCOPE = (("from", "string"), ("until", "string"), ("policy", "string"), ("queue", "integer"), ("product", "string"))

# (method, path, what it does, filters, body or None, answer, status)
OPERATIONS: tuple[tuple[str, str, str, tuple[tuple[str, str], ...], str | None, Any, int], ...] = (
    (
        "get",
        "/tickets",
        "Tickets, the newest first.",
        (
            *PAGING,
            ("status", "string"),
            ("type", "string"),
            ("channel", "string"),
            ("queue", "string"),
            ("customer", "integer"),
            ("owner", "integer"),
            ("impact", "string"),
            ("urgency", "string"),
            ("priority", "integer"),
        ),
        None,
        list_of("Ticket"),
        200,
    ),
    ("post", "/tickets", "Open a ticket and queue it.", (), "NewTicket", ref("Ticket"), 201),
    ("get", "/tickets/{number}", "One ticket.", (), None, ref("Ticket"), 200),
    ("patch", "/tickets/{number}", "Change what a ticket says.", (), "TicketChange", ref("Ticket"), 200),
    ("get", "/tags", "Words that tickets are marked with.", PAGING, None, list_of("Tag"), 200),
    ("put", "/tickets/{number}/tags", "Mark a ticket with these tags and no others.", (), "Tags", list_of("Tag"), 200),
    ("post", "/tickets/{number}/snooze", "Leave a ticket alone until a moment.", (), "Snooze", ref("Snoozed"), 200),
    ("post", "/tickets/{number}/wake", "End the snoozing of a ticket.", (), None, ref("Snoozed"), 200),
    ("get", "/tickets/{number}/links", "The tickets that one is linked with.", (), None, list_of("Link"), 200),
    ("post", "/tickets/{number}/links", "Link two tickets.", (), "NewLink", ref("Link"), 201),
    ("delete", "/tickets/{number}/links/{link_id}", "Remove a link.", (), None, None, 204),
    ("post", "/tickets/{number}/merge", "Merge a ticket into another one.", (), "Merge", ref("Merged"), 200),
    ("post", "/tickets/{number}/unmerge", "Take the merging of a ticket back.", (), None, ref("Merged"), 200),
    ("get", "/tickets/{number}/messages", "A ticket's messages, the oldest first.", PAGING, None, list_of("Message"), 200),
    ("post", "/tickets/{number}/messages", "Reply by mail, or add a note.", (), "NewMessage", ref("Message"), 201),
    (
        "get",
        "/customers",
        "Customers.",
        (*PAGING, ("tier", "string"), ("email", "string"), ("phone", "string")),
        None,
        list_of("Customer"),
        200,
    ),
    ("post", "/customers", "Add a customer, or find the one with this contact.", (), "NewCustomer", ref("Customer"), 201),
    ("get", "/customers/{customer_id}", "One customer.", (), None, ref("Customer"), 200),
    ("get", "/agents", "People who work at the desk.", PAGING, None, list_of("Agent"), 200),
    (
        "get",
        "/work-items",
        "Work that waits, is offered or in hand.",
        (*PAGING, ("state", "string"), ("channel", "string"), ("kind", "string")),
        None,
        list_of("WorkItem"),
        200,
    ),
    ("get", "/work-items/{item_id}/why", "Why work waits, who could take it, and what comes next.", (), None, ref("Why"), 200),
    ("get", "/work-items/{item_id}/offers", "To whom work was offered, the latest first.", PAGING, None, list_of("Offer"), 200),
    ("get", "/offers/{offer_id}/why", "Why an offer went to whom it went to.", (), None, ref("Offer"), 200),
    ("get", "/complaints", "Complaints, the newest first.", (*PAGING, ("stage", "string")), None, list_of("Complaint"), 200),
    ("post", "/complaints", "Record a complaint.", (), "NewComplaint", ref("Complaint"), 201),
    ("get", "/complaints/{number}", "One complaint, its clocks, and what may follow.", (), None, ref("Complaint"), 200),
    (
        "post",
        "/complaints/{number}/moves",
        "Move a complaint along. A forbidden move is a 409 with what is `allowed`.",
        (),
        "Move",
        ref("Complaint"),
        200,
    ),
    ("post", "/complaints/{number}/clock", "Pause a clock, or change policies.", (), "ClockChange", ref("Complaint"), 200),
    *description_articles.OPERATIONS,
    (
        "get",
        "/search/tickets",
        "Tickets by number, subject and customer, best first.",
        (*PAGING, ("q", "string")),
        None,
        list_of("FoundTicket"),
        200,
    ),
    (
        "get",
        "/search/messages",
        "Tickets by what was written on them, best first.",
        (*PAGING, ("q", "string")),
        None,
        list_of("FoundTicket"),
        200,
    ),
    (
        "get",
        "/search/customers",
        "Customers by name, address or number, the newest first.",
        (*PAGING, ("q", "string")),
        None,
        list_of("FoundCustomer"),
        200,
    ),
    (
        "get",
        "/events",
        "Everything that happened, the oldest first, from a cursor on.",
        (*PAGING, ("kind", "string"), ("ticket", "integer")),
        None,
        object_of(
            ("items", "next", "cursor"), items={"type": "array", "items": ref("Event")}, next=MAYBE_TEXT, cursor=MAYBE_TEXT
        ),
        200,
    ),
    ("get", "/stats", "How much waits and who is there, now.", (), None, ref("Stats"), 200),
    ("get", "/stats/complaints", "The measures of complaint handling.", SCOPE, None, ref("ComplaintStats"), 200),
    (
        "get",
        "/stats/complaints/{key}",
        "The rows that a measure is made of, the oldest first.",
        (*SCOPE, ("after", "string"), ("limit", "integer")),
        None,
        ref("ComplaintStatRows"),
        200,
    ),
)


def describe(base_url: str) -> dict[str, Any]:
    """The OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, what, filters, body, answer, status in OPERATIONS:
        paths.setdefault(path, {})[method] = _operation(method, path, what, filters, body, answer, status)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Service desk",
            "version": "1",
            "description": "Lists answer {items, next}; errors are RFC 9457 problems.",
        },
        "servers": [{"url": f"{base_url}/api/v1"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(
    method: str, path: str, what: str, filters: tuple[tuple[str, str], ...], body: str | None, answer: Any, status: int
) -> dict[str, Any]:
    inside = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": TEXT if name == "key" else NUMBER} for name in inside
    ]
    parameters += [{"name": name, "in": "query", "schema": {"type": kind}} for name, kind in filters]
    if method == "post":
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": TEXT})
    problem = {
        "description": "What was wrong, and what to do.",
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }
    operation: dict[str, Any] = {
        "summary": what,
        "operationId": method + "_" + path.strip("/").replace("/", "_").replace("{", "").replace("}", "").replace("-", "_"),
        "parameters": parameters,
        "responses": {
            str(status): {"description": what} | ({"content": {"application/json": {"schema": answer}}} if answer else {}),
            "default": problem,
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(body)}}}
    return operation
