"""The API's own description in OpenAPI 3.1, made from one table."""

from __future__ import annotations

from typing import Any

from desk.queries.why import RULES

PAGING = (("limit", "integer"), ("cursor", "string"))
TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
MAYBE_TEXT, MAYBE_TIME = {"type": ["string", "null"]}, {"type": ["string", "null"], "format": "date-time"}
TIME = {"type": "string", "format": "date-time"}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _list(of: str) -> dict[str, Any]:
    return _object(("items", "next"), items={"type": "array", "items": _ref(of)}, next=MAYBE_TEXT)


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _many(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


SKILL = _object(("skill", "level"), skill=TEXT, level=NUMBER)
COUNTS = {"type": "object", "additionalProperties": NUMBER}
MAYBE_FIGURE = {"type": ["number", "null"]}
SCHEMAS: dict[str, Any] = {
    "Ticket": _object(
        ("number", "subject", "status", "type", "channel", "priority", "customer", "owner", "created_at"),
        id=NUMBER,
        number=NUMBER,
        subject=TEXT,
        status={"enum": ["new", "open", "pending_customer", "pending_internal", "solved", "closed", "merged", "spam"]},
        type={"enum": ["enquiry", "request", "incident", "complaint"]},
        category=MAYBE_TEXT,
        channel={"enum": ["email", "chat", "voice", "form", "manual"]},
        priority={"type": "integer", "minimum": 1, "maximum": 4},
        level={"type": "integer", "minimum": 1, "maximum": 3},
        locale=MAYBE_TEXT,
        queue=TEXT,
        customer=_object(("id", "name", "tier"), id=NUMBER, name=TEXT, tier=TEXT),
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
    "Tag": _object(("id", "word", "colour"), id=NUMBER, word=TEXT, colour=TEXT),
    "Link": _object(
        ("id", "kind", "ticket"),
        id=NUMBER,
        kind={"enum": ["related", "duplicate", "duplicate_of", "caused_by", "caused_by_of", "child", "child_of"]},
        ticket=NUMBER,
    ),
    "Snoozed": _object(("number", "snoozed_until"), number=NUMBER, snoozed_until=MAYBE_TIME),
    "Merged": _object(("number", "merged_into"), number=NUMBER, merged_into={"type": ["integer", "null"]}),
    "Message": _object(
        ("id", "ticket", "channel", "direction", "from", "to", "text", "reply_text", "attachments", "kind", "created_at"),
        id=NUMBER,
        ticket=NUMBER,
        channel=TEXT,
        direction={"enum": ["in", "out", "internal"]},
        kind={"enum": ["message", "note", "auto_reply", "bounce"]},
        **{"from": _object((), name=TEXT, address=MAYBE_TEXT)},
        to={"type": "array", "items": TEXT},
        cc={"type": "array", "items": TEXT},
        subject=MAYBE_TEXT,
        text=TEXT,
        reply_text=TEXT,
        attachments={
            "type": "array",
            "items": _object((), id=NUMBER, name=TEXT, content_type=TEXT, size=NUMBER, sha256=TEXT),
        },
        delivery=MAYBE_TEXT,
        held=FLAG,
        threaded_by=MAYBE_TEXT,
        created_at=TIME,
    ),
    "Customer": _object(
        ("id", "name", "tier"),
        id=NUMBER,
        name=TEXT,
        tier={"enum": ["vip", "gold", "silver", "standard"]},
        locale=MAYBE_TEXT,
        contacts={"type": "array", "items": _object((), kind=TEXT, value=TEXT, verified=FLAG)},
        created_at=TIME,
    ),
    "Agent": _object(
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
    "WorkItem": _object(
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
        requires={"type": "array", "items": _object((), skill=TEXT, level=NUMBER)},
        band=NUMBER,
        due_at=TIME,
        enqueued_at=TIME,
        offered_at=MAYBE_TIME,
        answered_at=MAYBE_TIME,
        ended_at=MAYBE_TIME,
        attempts=NUMBER,
    ),
    "Complaint": _object(
        ("id", "ticket", "stage"),
        id=NUMBER,
        ticket=NUMBER,
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
        clocks=_many(
            _object(
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
        allowed=_many(TEXT),
    ),
    "Article": _object(
        ("id", "lang", "title", "text"),
        id=TEXT,
        lang={"enum": ["en", "zh"]},
        title=TEXT,
        text=TEXT,
        audience=TEXT,
        state={"enum": ["draft", "published", "archived"]},
        tags={"type": "array", "items": TEXT},
        twin=MAYBE_TEXT,
        version=NUMBER,
        updated_at=TIME,
    ),
    "Hit": _object(("id", "score", "title"), id=TEXT, score={"type": "number"}, title=TEXT, snippet_html=TEXT, lang=TEXT),
    "FoundTicket": _object(
        ("number", "subject", "status", "customer", "title_html"),
        number=NUMBER,
        subject=TEXT,
        status=TEXT,
        customer=_object(("id", "name"), id=NUMBER, name=TEXT),
        title_html=TEXT,
        snippet_html=MAYBE_TEXT,
    ),
    "FoundCustomer": _object(("id", "name"), id=NUMBER, name=TEXT, contact=MAYBE_TEXT),
    "Event": _object(
        ("id", "at", "kind", "actor", "about", "data"),
        id=NUMBER,
        at=TIME,
        kind=TEXT,
        actor=_object((), kind=TEXT, id={"type": ["integer", "null"]}, name=TEXT),
        about={"type": "object"},
        data={"type": "object"},
    ),
    "Why": _object(
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
        band=_object(("code", "words"), code={"enum": ["escalated", "live", "deferred"]}, words=TEXT),
        place=_maybe(_object(("position", "size", "words"), position=NUMBER, size=NUMBER, words=TEXT)),
        requires=_many(SKILL),
        also=_many(_many(SKILL)),
        steps=_many(_ref("OverflowStep")),
        next_step={"anyOf": [_ref("OverflowStep"), {"type": "null"}]},
        held=_maybe(_object(("until", "words"), until=TIME, words=TEXT)),
        expected=_maybe(
            _object(
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
        candidates=_many(
            _object(
                ("agent", "able", "rule", "detail", "scores", "words"),
                agent=_object((), id=NUMBER, name=TEXT),
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
        helps=_many(_object(("code", "count", "words"), code=TEXT, count=NUMBER, detail={"type": "object"}, words=TEXT)),
        next_change_at=MAYBE_TIME,
    ),
    "OverflowStep": _object(
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
    "Offer": _object(
        ("id", "item", "ticket", "agent", "state", "offered_at", "mode"),
        id=NUMBER,
        item=NUMBER,
        ticket=NUMBER,
        agent=_object((), id=NUMBER, name=TEXT),
        state=_object(("code", "words"), code=TEXT, words=TEXT),
        offered_at=TIME,
        deadline=TIME,
        answered_at=MAYBE_TIME,
        ended_at=MAYBE_TIME,
        mode=_object(("code", "words"), code=MAYBE_TEXT, words=TEXT),
        waited_s=MAYBE_FIGURE,
        requires=_many(SKILL),
        also=_many(_many(SKILL)),
        relaxed=_many(_ref("OverflowStep")),
        promoted=FLAG,
        waiting={"type": ["integer", "null"]},
        passed_over={"type": ["integer", "null"]},
        able={"type": ["integer", "null"]},
        free={"type": ["integer", "null"]},
        scores={"type": "object"},
        candidates=_many(
            _object((), agent=_object((), id=NUMBER, name=MAYBE_TEXT), chosen=FLAG, scores={"type": "object"}),
        ),
        kept_away=COUNTS,
    ),
    "Stats": _object((), waiting={"type": "object"}, agents={"type": "object"}, tickets={"type": "object"}),
    "ComplaintStats": _object(("since", "until", "figures"), since=TEXT, until=TEXT, figures={"type": "object"}),
    "ComplaintStatRows": _object(
        ("figure", "items", "next"),
        figure={"type": "object"},
        items={"type": "array", "items": {"type": "object"}},
        next=MAYBE_TEXT,
    ),
    "NewComplaint": _object(
        ("statement",),
        **dict.fromkeys(("statement", "remedy_wanted", "email", "phone", "name", "product", "order_number", "category"), TEXT),
        locale=TEXT,
        ticket=NUMBER,
        policies=_many(TEXT),
    ),
    "Move": _object(("stage",), stage=TEXT, category=TEXT, severity=NUMBER, reason=TEXT),
    "ClockChange": _object(("do", "reason"), **dict.fromkeys(("do", "reason", "needed", "policy", "reference"), TEXT), until=TIME),
    "NewTicket": _object(
        ("subject",), subject=TEXT, text=TEXT, email=TEXT, phone=TEXT, name=TEXT, type=TEXT, queue=TEXT, locale=TEXT
    ),
    "TicketChange": _object((), subject=TEXT, category=TEXT, priority=NUMBER, owner=NUMBER, fields={"type": "object"}),
    "Tags": _object(("tags",), tags={"type": "array", "items": TEXT}),
    "Snooze": _object(("until",), until=TIME),
    "NewLink": _object(("kind", "ticket"), kind={"enum": ["related", "duplicate", "caused_by", "child"]}, ticket=NUMBER),
    "Merge": _object(("into",), into=NUMBER),
    "NewMessage": _object(("text",), text=TEXT, kind={"enum": ["message", "note"]}, cc={"type": "array", "items": TEXT}),
    "NewCustomer": _object(("name",), name=TEXT, email=TEXT, phone=TEXT, tier=TEXT, locale=TEXT),
    "Problem": _object(
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
        (*PAGING, ("status", "string"), ("type", "string"), ("channel", "string"), ("queue", "string"), ("customer", "integer")),
        None,
        _list("Ticket"),
        200,
    ),
    ("post", "/tickets", "Open a ticket and queue it.", (), "NewTicket", _ref("Ticket"), 201),
    ("get", "/tickets/{number}", "One ticket.", (), None, _ref("Ticket"), 200),
    ("patch", "/tickets/{number}", "Change what a ticket says.", (), "TicketChange", _ref("Ticket"), 200),
    ("get", "/tags", "Words that tickets are marked with.", PAGING, None, _list("Tag"), 200),
    ("put", "/tickets/{number}/tags", "Mark a ticket with these tags and no others.", (), "Tags", _list("Tag"), 200),
    ("post", "/tickets/{number}/snooze", "Leave a ticket alone until a moment.", (), "Snooze", _ref("Snoozed"), 200),
    ("post", "/tickets/{number}/wake", "End the snoozing of a ticket.", (), None, _ref("Snoozed"), 200),
    ("get", "/tickets/{number}/links", "The tickets that one is linked with.", (), None, _list("Link"), 200),
    ("post", "/tickets/{number}/links", "Link two tickets.", (), "NewLink", _ref("Link"), 201),
    ("delete", "/tickets/{number}/links/{link_id}", "Remove a link.", (), None, None, 204),
    ("post", "/tickets/{number}/merge", "Merge a ticket into another one.", (), "Merge", _ref("Merged"), 200),
    ("post", "/tickets/{number}/unmerge", "Take the merging of a ticket back.", (), None, _ref("Merged"), 200),
    ("get", "/tickets/{number}/messages", "A ticket's messages, the oldest first.", PAGING, None, _list("Message"), 200),
    ("post", "/tickets/{number}/messages", "Reply by mail, or add a note.", (), "NewMessage", _ref("Message"), 201),
    (
        "get",
        "/customers",
        "Customers.",
        (*PAGING, ("tier", "string"), ("email", "string"), ("phone", "string")),
        None,
        _list("Customer"),
        200,
    ),
    ("post", "/customers", "Add a customer, or find the one with this contact.", (), "NewCustomer", _ref("Customer"), 201),
    ("get", "/customers/{customer_id}", "One customer.", (), None, _ref("Customer"), 200),
    ("get", "/agents", "People who work at the desk.", PAGING, None, _list("Agent"), 200),
    (
        "get",
        "/work-items",
        "Work that waits, is offered or in hand.",
        (*PAGING, ("state", "string"), ("channel", "string"), ("kind", "string")),
        None,
        _list("WorkItem"),
        200,
    ),
    ("get", "/work-items/{item_id}/why", "Why work waits, who could take it, and what comes next.", (), None, _ref("Why"), 200),
    ("get", "/work-items/{item_id}/offers", "To whom work was offered, the latest first.", PAGING, None, _list("Offer"), 200),
    ("get", "/offers/{offer_id}/why", "Why an offer went to whom it went to.", (), None, _ref("Offer"), 200),
    ("get", "/complaints", "Complaints, the newest first.", (*PAGING, ("stage", "string")), None, _list("Complaint"), 200),
    ("post", "/complaints", "Record a complaint.", (), "NewComplaint", _ref("Complaint"), 201),
    ("get", "/complaints/{number}", "One complaint, its clocks, and what may follow.", (), None, _ref("Complaint"), 200),
    (
        "post",
        "/complaints/{number}/moves",
        "Move a complaint along. A forbidden move is a 409 with what is `allowed`.",
        (),
        "Move",
        _ref("Complaint"),
        200,
    ),
    ("post", "/complaints/{number}/clock", "Pause a clock, or change policies.", (), "ClockChange", _ref("Complaint"), 200),
    (
        "get",
        "/articles",
        "Knowledge articles.",
        (*PAGING, ("lang", "string"), ("state", "string"), ("audience", "string")),
        None,
        _list("Article"),
        200,
    ),
    ("get", "/search", "Articles that answer a question.", (("q", "string"), ("lang", "string")), None, _list("Hit"), 200),
    (
        "get",
        "/search/tickets",
        "Tickets by number, subject and customer, best first.",
        (*PAGING, ("q", "string")),
        None,
        _list("FoundTicket"),
        200,
    ),
    (
        "get",
        "/search/messages",
        "Tickets by what was written on them, best first.",
        (*PAGING, ("q", "string")),
        None,
        _list("FoundTicket"),
        200,
    ),
    (
        "get",
        "/search/customers",
        "Customers by name, address or number, the newest first.",
        (*PAGING, ("q", "string")),
        None,
        _list("FoundCustomer"),
        200,
    ),
    (
        "get",
        "/events",
        "Everything that happened, the oldest first, from a cursor on.",
        (*PAGING, ("kind", "string"), ("ticket", "integer")),
        None,
        _object(("items", "next", "cursor"), items={"type": "array", "items": _ref("Event")}, next=MAYBE_TEXT, cursor=MAYBE_TEXT),
        200,
    ),
    ("get", "/stats", "How much waits and who is there, now.", (), None, _ref("Stats"), 200),
    ("get", "/stats/complaints", "The measures of complaint handling.", SCOPE, None, _ref("ComplaintStats"), 200),
    (
        "get",
        "/stats/complaints/{key}",
        "The rows that a measure is made of, the oldest first.",
        (*SCOPE, ("after", "string"), ("limit", "integer")),
        None,
        _ref("ComplaintStatRows"),
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
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
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
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    return operation
