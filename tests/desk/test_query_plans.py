"""What grows is never read from end to end: the plans of intake, routing and the screens, and how many queries each takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields, replace
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text

from channels.message import Contact, Inbound
from desk.access import Viewer, viewer_of, visible_tickets
from desk.actions import intake, search_words
from desk.actions.mail import acknowledging, outbox
from desk.actions.mail.mail import ReadMail, take_in_all
from desk.actions.people import sessions
from desk.actions.tickets import spam
from desk.actions.work import places, work_items
from desk.api import v1
from desk.files import KeptFile
from desk.models import (
    Agent,
    Call,
    Chat,
    Complaint,
    Customer,
    Message,
    Offer,
    Queue,
    Ticket,
    TicketFollower,
    WorkItem,
)
from desk.models.search import CUSTOMERS, TICKETS
from desk.models.ticket import FIRST_NUMBER
from desk.queries import audit, opening
from desk.queries.board import board, calls_now, estimates, floor_notes, recorded_day, staffing
from desk.queries.calls import callbacks, callers, listing, strip
from desk.queries.calls import page as call_page
from desk.queries.chats import blocks as chat_blocks
from desk.queries.chats import chats, pace, report, silence
from desk.queries.complaints import complaints, desk_list, file, keeping, policies, representatives
from desk.queries.mail import crossed, deliveries, ledger, recipients, unsent
from desk.queries.people import consents, contact_limits, customer_page, customers, skill_matrix
from desk.queries.search import results, search
from desk.queries.search.documents import customer_documents, ticket_documents
from desk.queries.search.question import question_of
from desk.queries.surveys import surveys
from desk.queries.tickets import belongings, canned, drafts, following, links, mentions, saved_views, tags, tickets, timeline
from desk.queries.tickets import page as ticket_page
from desk.queries.tickets.belongings import Belongings
from desk.queries.work import concerns, fit, hand_ups, why, why_offer, work_list
from desk.queries.work import queues as queue_settings
from desk.queries.work.concerns import Concerns
from desk.work import picture
from desk.work.picture import Changed
from tests.desk.conftest import on_postgres, on_sqlite
from tests.desk.house import House
from tests.desk.long_past import GROWING, fill

PARTIAL = (  # they hold what is to be read
    *("ix_work_item_waiting", "ix_work_item_open", "ix_work_item_queued", "uq_offer_one_holder", "ix_timer_due", "ix_call_live"),
    "ix_outbox_recipient_unsettled",
)
# Without a filter it is the last page of the table, in its own order.
FROM_THE_END = ("audit log", "rows of the ledger", "list of calls")
# Whatever a ticket and an agent may have is asked for.
EVERYTHING, MUCH = Belongings(*[True] * len(fields(Belongings))), Concerns(*[True] * len(fields(Concerns)))
HISTORY = 1500  # tickets long settled, each with what belongs to it
ZONE = "Asia/Shanghai"


@pytest.fixture
def full(house: House) -> House:
    """A desk with a past."""
    return with_a_past(house)


@pytest.fixture(scope="module", params=[on_sqlite, on_postgres], ids=["sqlite", "postgresql"])
def past(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The same for all that only read it."""
    with contextmanager(request.param)(request, tmp_path_factory.mktemp("past")) as house:
        yield with_a_past(house)


def with_a_past(house: House) -> House:
    house.agent("Maya")
    house.agent("Bo")
    for _ in range(2):
        house.offer(house.item(), house.agent("Ada"))
        house.item("voice")
        house.item("chat")
    fill(house, HISTORY)
    make_findable(house)
    return house


def test_no_way_in_and_no_screen_reads_what_grows_from_end_to_end(full):
    scans = {name: scans_of(full, path) for name, path in paths(full).items() if name not in FROM_THE_END}
    assert {name: found for name, found in scans.items() if found} == {}


def test_the_number_of_queries_stays_when_rows_double(full):
    before = {name: len(statements(full, path)) for name, path in paths(full).items()}
    fill(full, HISTORY, first=HISTORY)
    assert {name: len(statements(full, path)) for name, path in paths(full).items()} == before


@pytest.mark.parametrize("view", tickets.VIEWS)
def test_a_list_of_tickets_is_merged_in_its_order_and_goes_on_where_it_ended(past, view):
    viewer = people(past)["agent"]
    with past.store.read() as reading:
        seen, before = [], None
        while True:
            rows = tickets.ticket_list(reading, viewer, view=view, before=before, limit=400)
            seen += [row.ticket for row in rows[:400]]
            if len(rows) <= 400:
                break
            before = (seen[-1].updated_at, seen[-1].id)
        followed = select(TicketFollower.ticket_id).where(TicketFollower.agent_id == viewer.agent_id)
        conditions = {
            "mine": Ticket.owner_id == viewer.agent_id,
            "unassigned": Ticket.owner_id.is_(None),
            "snoozed": Ticket.snoozed_until.is_not(None),
            "followed": Ticket.id.in_(followed),
        }
        everything = reading.scalars(
            select(Ticket)
            .where(tickets.visible_tickets(viewer), conditions.get(view, Ticket.id > 0))
            .order_by(Ticket.updated_at.desc(), Ticket.id.desc())
        ).all()
        statuses = {
            "open": ("new", "open"),
            "pending": ("pending_customer", "pending_internal"),
            "solved": ("solved", "closed"),
            "all": tickets.STATUSES,
            "followed": tickets.STATUSES,
        }.get(view, tickets.LIVE)
        assert [ticket.id for ticket in seen] == [ticket.id for ticket in everything if ticket.status in statuses]


@pytest.mark.parametrize("owner", ["", "none", "somebody"])
@pytest.mark.parametrize("sort", tickets.orders_of("open"))
def test_what_is_to_do_stands_in_every_order_and_goes_on_where_it_ended(past, sort, owner):
    viewer = people(past)["agent"]
    is_open = Ticket.status.in_(("new", "open"))
    with past.store.read() as reading:
        busy = reading.scalars(select(Ticket.owner_id).where(Ticket.owner_id.is_not(None), is_open)).first()
        asked = str(busy) if owner == "somebody" else owner
        seen, before = [], None
        while True:
            rows = tickets.ticket_list(reading, viewer, view="open", sort=sort, owner=asked, before=before, limit=2)
            seen += [row.ticket for row in rows[:2]]
            if len(rows) <= 2:
                break
            before = tickets.place_of(seen[-1], sort)
        theirs = {"": Ticket.id > 0, "none": Ticket.owner_id.is_(None), "somebody": Ticket.owner_id == busy}[owner]
        query = select(Ticket).where(tickets.visible_tickets(viewer), is_open, theirs)
        expected = reading.scalars(query.order_by(*tickets.ORDERS[sort].by())).all()
        assert len(expected) > 2
        assert [ticket.id for ticket in seen] == [ticket.id for ticket in expected]


@pytest.mark.parametrize("asked", ["anna 7", "ANNA 7", "Invoice 12", "p7@", "+8613800000007", "138 0000 0007", "#10012"])
def test_tickets_are_found_by_how_something_about_them_begins(past, asked):
    with past.store.read() as reading:
        rows = tickets.ticket_list(reading, people(past)["senior"], view="all", search=asked)
    assert rows
    assert all("7" in row.customer_name or "12" in row.ticket.subject or row.ticket.number == 10012 for row in rows)


def test_a_search_that_fits_more_than_can_be_sorted_shows_the_latest_of_all(past):
    viewer = people(past)["senior"]
    with past.store.read() as reading:
        rows = tickets.ticket_list(reading, viewer, view="all", search="invoice")
        latest = select(Ticket.id).where(Ticket.subject.startswith("Invoice"))
        expected = reading.scalars(latest.order_by(Ticket.updated_at.desc(), Ticket.id.desc()).limit(51)).all()
    assert [row.ticket.id for row in rows] == expected


def paths(house: House) -> dict[str, Callable[[Any], Any]]:
    """Every way in and every screen, as a function of a session; what it writes is rolled back."""
    who = people(house)
    agent, senior, officer, auditor = (who[name] for name in ("agent", "senior", "officer", "auditor"))
    now, day = house.clock.now(), board.start_of_day(house.clock.now(), ZONE)
    with house.store.read() as reading:
        ticket = reading.scalars(select(Ticket).where(Ticket.status == "closed").order_by(Ticket.id.desc())).first()
        customer = reading.get(Customer, ticket.customer_id)
        complaint = reading.scalars(select(Complaint).order_by(Complaint.id.desc())).first()
        chat = reading.scalars(select(Chat).where(Chat.state == "queued")).first()
        call = reading.scalars(select(Call).where(Call.state == "queued")).first()
        offered = reading.scalars(select(Offer).where(Offer.state == "offered")).first()
        waiting = reading.scalars(select(WorkItem).where(WorkItem.state == "waiting", WorkItem.channel == "voice")).first()
        queues = {queue.id: queue for queue in reading.scalars(select(Queue))}
    found: dict[str, Callable[[Any], Any]] = {
        "duplicate, sender, thread": lambda s: Writing(house, s).receive(in_reply_to="m7@mail.example"),
        "number in the subject": lambda s: Writing(house, s).receive(subject=f"Re: [#{ticket.number}]"),
        "offer": lambda s: work_items.offer(Writing(house, s), waiting.id, agent.agent_id, epoch=1, reason={}),
        "accept": lambda s: work_items.accept(Writing(house, s), offered.id),
        "finish": lambda s: work_items.finish(Writing(house, s), s.get_one(WorkItem, offered.item_id)),
        "router, everything": lambda s: picture.read(s, Changed(all=True), now),
        "router, a change": lambda s: picture.read(s, Changed({waiting.id, offered.item_id}, {agent.agent_id}), now),
        "router, a queue": lambda s: picture.read(s, Changed(queues={waiting.queue_id}), now),
        "deadlines that moved": lambda s: work_items.extend_offers(Writing(house, s), 60.0),
        "a policy that changed": lambda s: places.requeue_by(Writing(house, s), s.get_one(Queue, waiting.queue_id)),
        "a batch of mails": lambda s: Writing(house, s).take_in(),
        "whether to acknowledge": lambda s: (
            acknowledging._told_before(Writing(house, s), ticket),
            acknowledging._sent_lately(Writing(house, s), "p7@customers.example"),
            acknowledging._too_much(Writing(house, s)),
        ),
        "outbox": lambda s: outbox.claim_due(Writing(house, s)),
        "mail ledger": lambda s: ledger.ledger(s, now, ZONE),
        "how mail comes in": lambda s: ledger.state(s, now),
        "rows of the ledger": lambda s: ledger.rows(s, senior, now=now, zone=ZONE),
        "rows of a day": lambda s: ledger.rows(s, senior, now=now, zone=ZONE, day=f"{now:%Y-%m-%d}"),
        "rows of an address": lambda s: ledger.rows(s, senior, now=now, zone=ZONE, mailbox="support@desk.example"),
        "rows of a day and address": lambda s: ledger.rows(
            s, senior, now=now, zone=ZONE, day=f"{now:%Y-%m-%d}", mailbox="support@desk.example", outcome="opened"
        ),
        "quarantine": lambda s: ledger.rows(s, senior, now=now, zone=ZONE, outcome="quarantined"),
        "a mail of the ledger": lambda s: ledger.one(s, senior, 7),
        "what became of mails": lambda s: deliveries.deliveries(
            s, s.scalars(select(Message).where(Message.ticket_id == ticket.id, Message.direction == "out")).all()
        ),
        "what did not arrive": lambda s: deliveries.undelivered_of(s, agent.agent_id),
        "how mail goes out": lambda s: deliveries.mail_figures(s, day),
        "whom an answer goes to": lambda s: (
            recipients.recipients(s, house.settings, ticket),
            recipients.participants(s, ticket),
        ),
        "answers that have not left": lambda s: (
            unsent.unsent_on(s, ticket),
            unsent.macro_to_undo(s, ticket, agent.agent_id, now),
        ),
        "drafts": lambda s: (drafts.draft_on(s, agent, ticket), drafts.drafts_of(s, agent)),
        "answers of colleagues": lambda s: (crossed.seen_now(s, ticket), crossed.crossed(s, ticket, agent.agent_id, "7.7")),
        "where somebody is named": lambda s: mentions.mentions_of(s, agent),
        "news of followed tickets": lambda s: (following.news_of(s, agent), following.has_news(s, agent, ticket)),
        "who follows": lambda s: following.followers_of(s, ticket),
        "links and merges": lambda s: (
            links.links_of(s, agent, ticket),
            links.moves_to_undo(s, agent, ticket, now),
            links.merged_tickets(s, ticket.id),
            links.merged_into(s, [ticket.id]),
        ),
        "tags of tickets": lambda s: tags.tags_of(s, [ticket.id]),
        "kept views": lambda s: saved_views.counted(s, agent, saved_views.views_of(s, agent)),
        "canned replies": lambda s: canned.offered_on(s, agent, ticket, {}),
        "sign-in": lambda s: sessions._too_many(s, now, "maya@desk.example", "10.0.0.1"),
        "work list": lambda s: work_list.work_list(s, agent, now, MUCH),
        "call strip": lambda s: (strip.call_strip(s, agent, MUCH), strip.call_strip(s, who["supervisor"], MUCH)),
        "calls now": lambda s: calls_now.calls_now(s, who["supervisor"]),
        "one call": lambda s: call_page.call_page(s, agent, s.get_one(Call, call.id), now),
        "list of calls": lambda s: listing.call_list(s, senior, listing.CallQuestion(), ZONE),
        "list of calls of a day": lambda s: listing.call_list(s, senior, listing.CallQuestion(first=now.date()), ZONE),
        "list of calls of a number": lambda s: listing.call_list(s, senior, listing.CallQuestion(number="13800000007"), ZONE),
        "what an agent has to do with": lambda s: concerns.concerns(s, agent),
        "what a ticket has": lambda s: belongings.belongings(s, agent, ticket, now),
        "timeline": lambda s: timeline.timeline(s, ticket, EVERYTHING),
        "head": lambda s: (ticket_page.head(s, agent, ticket, EVERYTHING), ticket_page.channels(s, ticket)),
        "questions to the next level": lambda s: (hand_ups.hand_ups_of(s, agent, ticket), hand_ups.is_only_asked(s, ticket, 1)),
        "panel": lambda s: customers.panel(s, agent, customer),
        "customer": lambda s: customer_page.happenings(s, agent, customer),
        "board": lambda s: board.board(s, who["supervisor"], now, ZONE),
        "words to an agent": lambda s: (
            floor_notes.unseen_of(s, agent.agent_id),
            floor_notes.notes_to(s, agent.agent_id),
            callbacks.open_promises(s, who["supervisor"], queue_id=waiting.queue_id),
        ),
        "visitors who wait for their agent": lambda s: (
            silence.silent_chats(s, who["supervisor"]),
            silence.silent_since(s, [chat.id]),
        ),
        "how quickly an agent answers": lambda s: pace.usual_reply_s(s, agent.agent_id),
        "measures of chats": lambda s: report.chat_report(
            s, who["supervisor"], report.Scope(day, now, agent_id=agent.agent_id), now
        ),
        "whose mail is junk": lambda s: s.execute(spam.junk_query(["a@customers.example", "b@customers.example"])).all(),
        "why it waits": lambda s: why.why_waits(s, who["supervisor"], s.get_one(WorkItem, waiting.id), now),
        "rates of the last quarter of an hour": lambda s: estimates._measure(s, now),
        "why it was offered": lambda s: why_offer.why_offered(s, who["supervisor"], offered.id),
        "offers of an item": lambda s: why_offer.offers_of(s, who["supervisor"], [s.get_one(WorkItem, offered.item_id)]),
        "waiting lines": lambda s: board.waiting_lines(s, who["supervisor"], now, queues),
        "scores": lambda s: board.scores_since(s, day),
        "complaint counts": lambda s: complaints.complaint_counts(s, officer, now=now),
        "complaint file": lambda s: file.case_file(s, officer, complaint.ticket_id + FIRST_NUMBER, now=now),
        "limits on contact": lambda s: contact_limits.limits(s, who["supervisor"]),
        "limits to look at again": lambda s: contact_limits.limits_to_review(s, who["supervisor"], now),
        "limits of customers": lambda s: contact_limits.limit_rows(s, [1, 2], now),
        "who speaks for whom": lambda s: representatives.representatives_of(s, complaint.id),
        "calls kept for a case": lambda s: keeping.preserved_calls(s, complaint),
        "evidence": lambda s: complaints.is_in_evidence(s, 1),
        "complaint clocks": lambda s: policies.clock_lines(s, complaint),
        "people heard": lambda s: keeping.interviews_of(s, complaint.id),
        "holds": lambda s: keeping.holds_of(s, complaint.id),
        "cases whose time is over": lambda s: keeping.over(s, now),
        "complainant's page": lambda s: complaints.status_view(s, complaint, "en", now=now),
        "chat state": lambda s: chats.state_of(s, chat, now),
        "whether a visitor is kept out": lambda s: chat_blocks.is_kept_out(s, now, visitor="b", email="a@b.example", network="n"),
        "visitors kept out": lambda s: chat_blocks.kept_out(s, who["supervisor"], now),
        "what a customer agreed to": lambda s: (
            consents.consents_of(s, customer.id),
            consents.consent_in_force(s, customer.id, "chat"),
        ),
        "a recorded day": lambda s: (recorded_day.latest_day(s, ZONE, now), recorded_day.recorded_day(s, now.date(), ZONE, now)),
        "staffing of a day": lambda s: staffing.staffing_day(s, s.get_one(Queue, waiting.queue_id), now.date(), now),
        "queued chats": lambda s: (
            chats.waiting_in(s, waiting.queue_id),
            chats.states_of_waiting(s, list(queues), range(1, 100), now),
        ),
        "place of a caller": lambda s: callers.waiting_line(s, call, now),
        "promised calls": lambda s: (
            callbacks.open_promises(s, agent),
            callbacks.past_promises(s, agent, day),
            callbacks.kept_promises(s, day, now),
            callbacks.voicemails(s, agent),
        ),
        "a promise to a number": lambda s: callbacks.open_callback(s, "+8613800138000"),
        "follow-ups": lambda s: surveys.open_follow_ups(s, senior),
        "people by skills": lambda s: skill_matrix.matrix(s, now, search="M"),
        "skills of a person": lambda s: skill_matrix.spells(s, now, agent.agent_id),
        "queues and who fits": lambda s: (queue_settings.all_queues(s), fit.workers(s, now)),
        "opening hours": lambda s: opening.all_calendars(s, now),
        "who changed a setting": lambda s: queue_settings.last_change(s, "ticket.opened", lambda _event: False),
        "audit log": lambda s: audit.audit_log(s, auditor),
        "audit log of a noun": lambda s: audit.audit_log(s, auditor, kind="ticket"),
        "audit log of a person": lambda s: audit.audit_log(s, auditor, agent_id=agent.agent_id),
        "audit log of a day": lambda s: audit.audit_log(s, auditor, day=now.date(), zone=ZONE),
    }
    for state in complaints.STATES:
        found[f"complaints {state}"] = lambda s, state=state: desk_list.desk_list(s, officer, desk_list.Narrowed(state), now)
    for name, viewer in (("agent", agent), ("senior", senior)):
        for view in tickets.VIEWS:
            found[f"tickets {view} {name}"] = lambda s, v=viewer, view=view: tickets.ticket_list(s, v, view=view)
        found[f"tickets with a tag {name}"] = lambda s, v=viewer: tickets.ticket_list(s, v, view="all", tag_id=1)
        found[f"tickets with a rare tag {name}"] = lambda s, v=viewer: tickets.ticket_list(s, v, view="open", tag_id=2)
        found[f"the earliest tickets {name}"] = lambda s, v=viewer: tickets.ticket_list(s, v, view="all", sort="oldest")
        for order in tickets.TO_DO:
            found[f"tickets by {order} {name}"] = lambda s, v=viewer, order=order: tickets.ticket_list(
                s, v, view="open", sort=order
            )
        found[f"tickets of a colleague {name}"] = lambda s, v=viewer: tickets.ticket_list(
            s, v, view="all", owner=str(senior.agent_id)
        )
        found[f"tickets of nobody {name}"] = lambda s, v=viewer: tickets.ticket_list(
            s, v, view="pending", owner="none", sort="due"
        )
        found[f"tickets of a colleague, for a program {name}"] = lambda s, v=viewer: s.execute(
            v1._tickets().where(visible_tickets(v), Ticket.owner_id == senior.agent_id).order_by(Ticket.id.desc()).limit(26)
        )
        found[f"tickets counted {name}"] = lambda s, v=viewer: tickets.ticket_count(s, v, most=100, view="open", priority=3)
        found[f"tickets sought {name}"] = lambda s, v=viewer: tickets.ticket_list(s, v, view="all", search="anna 7")
        for asked in (
            "help -bill",
            "invoice 12",
            "13800000007",
            "anna",
            "status:open help",
            "from:anna help",
            "assigned:me tag:x",
        ):
            found[f"searched for {asked} {name}"] = lambda s, v=viewer, asked=asked: searched(s, v, asked)
        found[f"customers sought {name}"] = lambda s, v=viewer: customers.customer_list(s, v, search="anna 7")
    return found


def searched(session: Any, viewer: Viewer, asked: str) -> None:
    """All that a page of results asks for."""
    question = question_of(asked)
    found = search.find_tickets(session, viewer, question)
    results.ticket_hits(session, question, found)
    results.customer_hits(session, viewer, search.find_customers(session, viewer, question))


def make_findable(house: House, newest: int = 120) -> None:
    """The words of some, as those of all take long."""
    with house.tx() as tx:
        for table, model, documents in ((TICKETS, Ticket, ticket_documents), (CUSTOMERS, Customer, customer_documents)):
            ids = tx.session.scalars(select(model.id).order_by(model.id.desc()).limit(newest)).all()
            search_words.put(tx, table, ids, documents(tx.session, ids))


def people(house: House) -> dict[str, Viewer]:
    with house.store.read() as reading:
        maya = viewer_of(reading.scalars(select(Agent).order_by(Agent.id)).first())
    roles = {"agent": "agent", "senior": "senior", "officer": "complaint_officer", "supervisor": "supervisor"}
    found = {name: Viewer(maya.agent_id, "Maya", (role,), maya.team_id) for name, role in roles.items()}
    return found | {"auditor": Viewer(None, "Ida", ("auditor",))}


class Writing:
    """Just enough of a transaction for actions, in a session that is never committed."""

    def __init__(self, house: House, session: Any) -> None:
        self.session, self.now, self.settings = session, house.clock.now(), house.settings

    def ahead(self, _counts: Any) -> Any:
        return nullcontext()

    def emit(self, kind: str, **about: Any) -> None:
        self.session.flush()

    def receive(self, **more: Any) -> None:
        sender = Contact("email", "p7@customers.example")
        intake.receive(self, Inbound("email", "new", sender, **{"subject": "Hello", "text": "My bill", **more}))

    def take_in(self) -> None:
        """Mails that begin something, one that goes on with something, and one that comes again."""
        raw, at, to = KeptFile("0" * 64, "message.eml", "message/rfc822", 9), self.now, ("support@desk.example",)
        mails = [Inbound("email", f"new{n}", Contact("email", f"p{n}@customers.example"), "Hello", "My bill") for n in range(7)]
        mails = [*mails, replace(mails[0], external_id="answer", in_reply_to="m7@mail.example"), mails[1]]
        take_in_all(self, [ReadMail(mail, (), raw, "x@customers.example", to, at, "person", ()) for mail in mails])


def scans_of(house: House, path: Callable[[Any], Any]) -> list[str]:
    asked = statements(house, path)
    with house.store.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            for way in ("seqscan", "mergejoin", "hashjoin"):  # quicker while tables are small: is there another?
                connection.execute(text(f"SET enable_{way} = off"))
        return [line for statement, values in asked for line in plan(connection, statement, values)]


def statements(house: House, path: Callable[[Any], Any]) -> list[tuple[str, Any]]:
    """What is asked of the database on this path. Nothing stays written."""
    from sqlalchemy.orm import Session

    estimates._kept.clear()  # what is measured every few seconds is measured here each time
    with listening(house.store.engine) as asked, Session(house.store.engine, autoflush=False) as session:
        path(session)
        session.rollback()
    return [(statement, values) for statement, values in asked if re.match(r"\s*(SELECT|UPDATE|WITH)", statement)]


@contextmanager
def listening(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        asked.append((statement, values[0] if many else values))

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def plan(connection: Any, statement: str, values: Any) -> list[str]:
    """The tables that are read from end to end."""
    cursor = connection.connection.dbapi_connection.cursor()
    if connection.dialect.name == "postgresql":
        return list(read_whole(cursor.execute("EXPLAIN (FORMAT JSON) " + statement, values).fetchone()[0][0]["Plan"]))
    lines = [row[3] for row in cursor.execute("EXPLAIN QUERY PLAN " + statement, values).fetchall()]
    return [line for line in lines if is_scan(line) or seeks_nothing(line, statement)]


def read_whole(node: dict[str, Any], limited: bool = False) -> Iterator[str]:
    """PostgreSQL, told to avoid it, still reads a table whole, or a whole index of it. The end of an index is another thing."""
    table, index = node.get("Relation Name"), node.get("Index Name", "")
    bounded = "Index Cond" in node or index in PARTIAL or (limited and node["Node Type"].startswith("Index"))
    if table in GROWING and node["Node Type"].endswith("Scan") and not bounded and node["Node Type"] != "Bitmap Heap Scan":
        yield f"{node['Node Type']} of {table} {index}"
    for child in node.get("Plans", ()):
        yield from read_whole(child, limited or node["Node Type"] == "Limit")


def is_scan(line: str) -> bool:
    """Whether a line of SQLite's plan reads a whole table, or a whole index that is not made to be read whole."""
    found = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", line)
    return found is not None and found[1] in GROWING and found[2] not in PARTIAL


def seeks_nothing(line: str, statement: str) -> bool:
    """Whether a line of SQLite's plan takes an index to find where its column is empty: mostly that is nearly every row."""
    found = re.match(r"SEARCH (\w+) USING (?:COVERING )?INDEX \w+ \((\w+)=\?\)$", line)
    if found is None or found[1] not in GROWING:
        return False
    asked = re.search(rf'\b{found[2]}\b"? (IS NULL|=|IN)', statement)
    return asked is not None and asked[1] == "IS NULL"
