"""The board through its real pages: figures add up, and hands reach no further than their right."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import event, select

from desk.access import Right, Viewer
from desk.errors import NotFound
from desk.events import Event
from desk.http.guard import guard_of
from desk.models import Agent, Complaint, Queue, Ticket, WorkItem
from desk.queries.board.board import access_agent, board
from desk.queries.board.entries import entries_since
from desk.queries.board.rows import rows_of
from tests.web.board_world import NOON, a_day_of_calls, admin, boss, figure, total, work, world  # noqa: F401 - fixtures among them


def test_the_figures_of_the_board_are_the_sums_of_their_rows(world, boss):
    a_day_of_calls(world)
    page = boss.get("/board", headers={"X-Fragment": "1"}).text
    assert figure(page, "service_level") == f"{3 / 7 * 100:.1f}%"  # 3 in time of 5 answered and 4 lost, 2 of those at once
    assert figure(page, "abandoned") == f"{3 / 9 * 100:.1f}%"
    assert figure(page, "waiting") == "2"
    for name in ("service_level", "abandoned", "waiting", "agents", "complaints"):
        assert total(boss.get(f"/board/rows?figure={name}").text) == figure(page, name), name
    rows = Counter(re.findall(r'data-counts="(\w+)"', boss.get("/board/rows?figure=service_level").text))
    assert rows == {"in_time": 3, "too_late": 2, "gave_up": 2, "left_out": 2, "still_waiting": 1}
    assert rows["in_time"] / (rows["in_time"] + rows["too_late"] + rows["gave_up"]) == pytest.approx(3 / 7)


def test_the_cells_of_a_queue_lead_to_exactly_their_rows(world, boss):
    a_day_of_calls(world)
    work(world, "voice", queue="billing", ago=100, wait=4)
    page = boss.get("/board", headers={"X-Fragment": "1"}).text
    links = re.findall(r'href="(/board/rows\?figure=(?:offered|answered)[^"]+)">(\d+)<', page)
    assert len(links) == 7
    for address, number in links:
        assert total(boss.get(unescape(address)).text) == number
    lost = re.findall(r'href="(/board/rows\?figure=abandoned&amp;[^"]+)">(\d+)<', page)
    assert len(lost) == 2
    for address, number in lost:
        rows = re.findall(r'data-counts="(gave_up|left_out)"', boss.get(unescape(address)).text)
        assert len(rows) == int(number)


def test_today_begins_at_midnight_of_the_installation_and_not_of_the_server(world, boss):
    work(world, "voice", ago=12 * 3600 + 1, wait=5)  # yesterday 23:59:59 in Shanghai
    work(world, "voice", ago=12 * 3600, wait=5)
    assert total(boss.get("/board/rows?figure=answered").text) == "1"


def test_the_board_asks_a_constant_number_of_questions(world):
    world.agent("Su", roles=("supervisor",), skills={})
    viewer = Viewer(1, "Su", ("supervisor",), team_id=1)

    def questions() -> list[str]:
        asked: list[str] = []
        with world.desk.store.read() as session:
            connection = session.connection()
            event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
            board(session, viewer, NOON, "Asia/Shanghai")
        return asked

    questions()  # rates are measured now, and kept for some seconds
    few = questions()
    for number in range(6):
        world.agent(f"Agent{number}", available=True)
        work(world, "voice", ago=50, wait=3)
        work(world, "email", ago=80, name=f"Customer {number}")
    assert questions() == few
    assert len(few) <= 16


def test_todays_work_is_found_by_an_index(world):
    statements = []
    note = lambda *args: statements.append((args[2], args[3]))  # noqa: E731
    event.listen(world.desk.store.engine, "before_cursor_execute", note)
    with world.desk.store.read() as session:
        entries_since(session, [1, 2, 3], NOON, NOON)
        event.remove(world.desk.store.engine, "before_cursor_execute", note)
        sql, values = next((sql, values) for sql, values in statements if "FROM work_item" in sql)
        plan = " ".join(str(row) for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values))
    assert "ix_work_item_queue (queue_id=? AND enqueued_at>?)" in plan


def test_a_supervisor_sees_and_moves_only_people_of_their_own_team(world, boss):
    world.agent("Maya", available=True)
    he = world.agent("Hejing", roles=("complaint_officer",), team="care", available=True)
    page = boss.get("/board", headers={"X-Fragment": "1"}).text
    assert "Maya" in page
    assert "Hejing" not in page
    item = work(world)
    assert boss.post(f"/board/agents/{he.id}/presence", data={"presence": "away"}).status_code == 404
    assert boss.post(f"/board/items/{item.id}/give", data={"agent": he.id}).status_code == 404
    assert world.one(select(Agent.presence).where(Agent.id == he.id)) == "available"
    assert world.one(select(WorkItem.state).where(WorkItem.id == item.id)) == "waiting"


def test_without_a_team_one_is_seen_by_administrators_only(world):
    with world.tx() as tx:
        lone = Agent(
            email="lone@desk.example", name="Lone", password_hash="", roles=["agent"], presence_since=tx.now, idle_since=tx.now
        )
        tx.session.add(lone)
    with world.desk.store.read() as session:
        assert access_agent(session, Viewer(99, "Priya", ("admin",)), lone.id).name == "Lone"
        for viewer in (Viewer(99, "Su", ("supervisor",), team_id=1), Viewer(99, "Su", ("supervisor",))):
            with pytest.raises(NotFound):
                access_agent(session, viewer, lone.id)


def test_waiting_work_is_given_sent_back_and_moved_and_all_of_it_is_on_record(world, boss):
    maya = world.agent("Maya", available=True)
    item = work(world)
    assert boss.post(f"/board/items/{item.id}/give", data={"agent": maya.id}).status_code == 204
    held = world.one(select(WorkItem).where(WorkItem.id == item.id))
    assert (held.state, held.agent_id) == ("active", maya.id)
    assert world.one(select(Ticket.owner_id).where(Ticket.id == item.ticket_id)) == maya.id
    assert boss.post(f"/board/items/{item.id}/give", data={"agent": maya.id}).status_code == 409

    assert boss.post(f"/board/items/{item.id}/back").status_code == 204
    back = world.one(select(WorkItem).where(WorkItem.id == item.id))
    assert (back.state, back.agent_id, back.due_at) == ("waiting", None, held.due_at)
    assert world.one(select(Ticket.owner_id).where(Ticket.id == item.ticket_id)) is None
    assert world.one(select(Agent.used).where(Agent.id == maya.id)) == 0
    assert boss.post(f"/board/items/{item.id}/back").status_code == 409

    billing = world.one(select(Queue).where(Queue.key == "billing"))
    assert boss.post(f"/board/items/{item.id}/move", data={"queue": billing.id}).status_code == 204
    moved = world.one(select(WorkItem).where(WorkItem.id == item.id))
    assert (moved.queue_id, moved.requires) == (billing.id, [["billing", 1]])
    actors = {row.kind: row.actor_name for row in world.all(select(Event))}
    assert {actors[kind] for kind in ("item.given", "item.sent_back", "ticket.moved")} == {"Su"}


def test_a_call_is_not_put_into_somebodys_hands_but_rings_for_them_first(world, boss):
    maya = world.agent("Maya", available=True)
    item = work(world, "voice", ago=10)
    answer = boss.post(f"/board/items/{item.id}/give", data={"agent": maya.id})
    assert answer.status_code == 204
    assert "asked first" in answer.headers["HX-Trigger"]
    kept = world.one(select(WorkItem).where(WorkItem.id == item.id))
    assert (kept.state, kept.sticky_agent_id) == ("waiting", maya.id)


def test_moving_a_chat_does_not_make_a_second_piece_of_work_of_it(world, boss):
    item = work(world, "chat", ago=10)
    billing = world.one(select(Queue).where(Queue.key == "billing"))
    assert boss.post(f"/board/items/{item.id}/move", data={"queue": billing.id}).status_code == 204
    assert len(world.all(select(WorkItem).where(WorkItem.ticket_id == item.ticket_id))) == 1
    assert world.one(select(Ticket.queue_id).where(Ticket.id == item.ticket_id)) == billing.id


def test_a_supervisor_changes_the_state_of_an_agent(world, boss):
    maya = world.agent("Maya", available=True)
    assert boss.post(f"/board/agents/{maya.id}/presence", data={"presence": "away:lunch"}).status_code == 204
    now = world.one(select(Agent).where(Agent.id == maya.id))
    assert (now.presence, now.presence_reason) == ("away", "lunch")
    assert boss.post(f"/board/agents/{maya.id}/presence", data={"presence": "asleep"}).status_code == 422


def test_complaints_at_risk_are_those_near_or_past_their_promise(world, boss):
    for hours in (-1, 100):
        item = work(world, "complaint", queue="complaints")
        with world.tx() as tx:
            tx.session.add(
                Complaint(
                    ticket_id=item.ticket_id,
                    statement="Late",
                    stage="investigating",
                    received_at=tx.now - timedelta(hours=10),
                    acknowledge_due_at=tx.now,
                    decide_due_at=tx.now + timedelta(hours=hours),
                    access_key=f"key{hours}",
                )
            )
    page = boss.get("/board", headers={"X-Fragment": "1"}).text
    assert figure(page, "complaints") == "1"
    assert total(boss.get("/board/rows?figure=complaints").text) == "1"


def test_the_wallboard_shows_at_most_nine_tiles_and_no_customer(world, boss):
    a_day_of_calls(world)
    page = boss.get("/wallboard").text
    assert 0 < page.count('id="tile-') <= 9
    assert "Li Na" not in page
    assert "12:00:00" in page


def test_board_and_fragment_are_the_same_words(world, boss):
    a_day_of_calls(world)
    words = lambda html: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()  # noqa: E731
    assert words(boss.get("/board", headers={"X-Fragment": "1"}).text) in words(boss.get("/board").text)


def test_rows_are_of_the_figure_asked_for_and_of_no_other(world, boss):
    assert boss.get("/board/rows?figure=nonsense").status_code == 404
    with world.desk.store.read() as session:
        found = rows_of(session, Viewer(1, "Su", ("supervisor",), team_id=1), NOON, "Asia/Shanghai", "agents")
    assert found.total == len(found.agents)


@pytest.mark.parametrize(
    ("role", "closed"),
    [
        ("agent", ["/board", "/wallboard", "/board/rows?figure=waiting", "/admin", "/admin/audit"]),
        ("supervisor", ["/admin", "/admin/tokens", "/admin/health", "/admin/queues/new", "/admin/calendars/new"]),
        ("admin", ["/board", "/wallboard"]),
        ("auditor", ["/board", "/admin", "/admin/people/1", "/admin/tokens"]),
        ("knowledge_editor", ["/board", "/admin/audit"]),
    ],
)
def test_pages_are_closed_to_whoever_lacks_the_right(world, role, closed):
    world.agent("Who", roles=(role,), skills={})
    browser = world.browser("who@desk.example")
    assert {browser.get(address).status_code for address in closed} == {403}


def test_every_route_of_these_pages_asks_for_a_right_of_staff(world):
    names = ("board.", "admin.", "customers.", "articles.", "article_editor.", "article_care.", "knowledge_work.")
    views = {name: view for name, view in world.app.view_functions.items() if name.startswith(names)}
    assert len(views) > 30
    others = {name for name, view in views.items() if not isinstance(guard_of(view), Right)}
    assert others == {"board.wall_link.show"}  # for whoever has the link


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_page_answers_in_both_languages_with_ids_that_are_unique(world, boss, admin, locale):
    a_day_of_calls(world)
    item = work(world)
    pages = {
        boss: ["/board", "/wallboard", "/board/rows?figure=waiting", "/board/rows?figure=offered", f"/board/items/{item.id}"],
        admin: ["/admin", "/admin/people/new", "/admin/people/1", "/admin/queues", "/admin/queues/1", "/admin/tokens",
                "/admin/sign-ins", "/admin/audit", "/admin/health"],
    }  # fmt: skip
    for browser, addresses in pages.items():
        for address in addresses:
            page = browser.get(address + ("&" if "?" in address else "?") + f"lang={locale}")
            assert page.status_code == 200, address
            doubles = [name for name, times in Counter(re.findall(r'\sid="([^"]+)"', page.text)).items() if times > 1]
            assert doubles == [], address
            assert " style=" not in page.text
            assert "onclick" not in page.text
