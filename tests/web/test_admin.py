"""The administration through its real pages: checked, on record, and closed to whoever lacks the right."""

from __future__ import annotations

import re
from html import unescape

from sqlalchemy import select

from desk.models import Agent, ApiToken, StaffSession, Ticket
from tests.web.board_world import NOON, admin, boss, work, world  # noqa: F401 - fixtures among them


def test_nobody_changes_their_own_roles_or_locks_themselves_out(world, admin):
    me = world.one(select(Agent).where(Agent.name == "Priya"))
    refused = admin.post(f"/admin/people/{me.id}/roles", data={"roles": ["admin", "supervisor"]})
    assert refused.status_code == 422
    assert admin.post(f"/admin/people/{me.id}/active", data={"active": "no"}).status_code == 422
    now = world.one(select(Agent).where(Agent.name == "Priya"))
    assert (now.roles, now.active) == (["admin"], True)


def test_a_change_of_roles_ends_the_sessions_and_holds_at_once(world, admin):
    maya = world.agent("Maya")
    hers = world.browser("maya@desk.example")
    assert "/login" not in hers.get("/desk/articles").url
    assert admin.post(f"/admin/people/{maya.id}/roles", data={"roles": ["senior"]}).status_code == 303
    assert "/login" in hers.get("/desk/articles").url
    assert world.one(select(StaffSession.id).where(StaffSession.agent_id == maya.id, StaffSession.ended_at.is_(None))) is None


def test_people_are_added_locked_moved_and_given_a_capacity(world, admin):
    added = {
        "email": "New@Desk.example",
        "name": "New",
        "password": "a good password",
        "roles": ["agent"],
        "team": "1",
        "locale": "zh",
    }
    assert admin.post("/admin/people/new", data=added).status_code == 303
    new = world.one(select(Agent).where(Agent.name == "New"))
    assert (new.email, new.team_id, new.locale) == ("new@desk.example", 1, "zh")
    assert admin.post("/admin/people/new", data=added).status_code == 409
    for capacity, status in (("60", 303), ("", 422), ("19", 422), ("201", 422), ("much", 422)):
        assert admin.post(f"/admin/people/{new.id}/capacity", data={"capacity": capacity}).status_code == status
    assert admin.post(f"/admin/people/{new.id}/team", data={"team": ""}).status_code == 303
    assert admin.post(f"/admin/people/{new.id}/active", data={"active": "no"}).status_code == 303
    now = world.one(select(Agent).where(Agent.name == "New"))
    assert (now.team_id, now.active, now.capacity) == (None, False, 60)


def test_a_form_with_mistakes_says_where_and_keeps_what_was_typed(world, admin):
    answer = admin.post(
        "/admin/people/new", data={"email": "nobody", "name": "Ann", "password": "a good password", "roles": ["agent"]}
    )
    assert answer.status_code == 422
    assert 'id="f-email-error"' in answer.text
    assert 'value="Ann"' in answer.text


def test_a_token_is_shown_once_and_opens_nothing_after_it_was_revoked(world, admin):
    page = admin.post("/admin/tokens", data={"name": "Shop", "role": "agent"}).text
    secret = re.search(r'id="secret" readonly value="([^"]+)"', page).group(1)
    assert secret not in admin.get("/admin/tokens").text
    token = world.one(select(ApiToken))
    assert secret not in (token.token_hash, token.name)
    assert admin.post(f"/admin/tokens/{token.id}/revoke").status_code == 303
    assert world.one(select(ApiToken.revoked_at)) == NOON
    assert admin.post("/admin/tokens", data={"name": "", "role": "agent"}).status_code == 422
    assert admin.post("/admin/tokens", data={"name": "Shop", "role": "king"}).status_code == 422


def test_the_audit_log_is_filtered_by_kind_person_ticket_and_day(world, admin):
    maya = world.agent("Maya")
    item = work(world)
    number = world.one(select(Ticket.number).where(Ticket.id == item.ticket_id))
    kinds = lambda query: set(re.findall(r'class="code"\s+href="[^"]*">([a-z_.]+)<', admin.get(f"/admin/audit?{query}").text))  # noqa: E731
    assert {kind.partition(".")[0] for kind in kinds("kind=ticket")} == {"ticket"}
    assert kinds("kind=ticket.opened") == {"ticket.opened"}
    assert kinds(f"person={maya.id}") == {"agent.added", "agent.skill_set"}
    assert "ticket.opened" in kinds(f"ticket={number}")
    assert "agent.added" not in kinds(f"ticket={number}")
    assert "ticket.opened" in kinds("day=2026-11-20")
    assert kinds("day=2026-11-19") == set()
    assert 'id="f-day-error"' in admin.get("/admin/audit?day=someday").text
    assert 'id="f-ticket-error"' in admin.get("/admin/audit?ticket=ten").text


def test_the_audit_log_has_a_word_for_each_kind_and_says_what_a_step_did(world, admin):
    with world.tx() as tx:
        tx.emit("item.relaxed", data={"step": {"after_s": 120, "do": "also_team", "team": "care"}})
    page = admin.get("/admin/audit?kind=item.relaxed&lang=zh").text
    assert "溢出步骤已生效" in page
    assert "2 分钟后：“投诉与关怀”的成员也可接手" in page
    assert "after_s" not in page


def test_paging_through_the_audit_log_meets_every_event_once(world, admin):
    with world.tx() as tx:
        for number in range(250):
            tx.emit("setting.changed", data={"number": number})
    seen, address = [], "/admin/audit?kind=setting"
    while address:
        page = admin.get(address).text
        seen += re.findall(r"number: (\d+)", page.split("<tbody>", 1)[1])
        later = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(later.group(1)) if later else ""
    assert seen == [str(number) for number in reversed(range(250))]


def test_the_audit_log_masks_addresses_and_numbers(world, admin):
    with world.tx() as tx:
        tx.emit("mail.failed", data={"reason": "550 <li.na@customers.example> unknown, call +8613800138000"})
    page = admin.get("/admin/audit?kind=mail").text
    assert "li.na@" not in page
    assert "+8613800138000" not in page
    assert "li•••@customers.example" in page


def test_a_supervisor_reads_in_the_audit_log_what_their_team_did(world, boss):
    world.agent("Hejing", roles=("complaint_officer",), team="care")
    world.browser("hejing@desk.example")
    page = boss.get("/admin/audit").text
    assert "Su" in page
    assert "Hejing" not in page
    assert "hejing" not in boss.get("/admin/sign-ins").text


def test_the_state_of_the_system_names_its_parts_and_the_mail_that_failed(world, admin):
    page = admin.get("/admin/health").text
    for words in ("sqlite", "simulated", "Asia/Shanghai", "nobody routes"):
        assert words in page
