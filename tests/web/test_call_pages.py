"""The list of calls and one call: who may read what, what the filters find, what the times add up to, who may listen."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from desk.actions.people.customers import add_contact_point
from desk.models import Attachment, Call, CallRecording, CallSegment, ContactPoint, Customer
from desk.queries.calls.page import figures, holds
from tests.web.call_world import NUMBER, a_call, a_leg, a_part, a_ticket, team_id
from tests.web.console_world import Page, squeezed
from tests.world import running, settings_for

ELSEWHERE = "+442079460000"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("calls")), background=False) as world:
        yield world


@pytest.fixture(scope="module")
def floor(world):
    """Maya had a billing call, Tom of another team one of his own, somebody gave up in the menu."""
    maya, tom = world.agent("Maya"), world.agent("Tom", team="care")
    boss = world.agent("Sumin", roles=("supervisor",))
    with world.tx() as tx:
        ticket = a_ticket(tx)
        ticket.team_id = team_id(world)
        hers = a_call(
            tx,
            ticket,
            state="done",
            recording="on",
            hold=[[_at(tx, -250), _at(tx, -230)]],
            wrap_ended_at=tx.now - timedelta(seconds=120),
        )
        part = a_part(tx, hers, maya, state="done", hold_s=20, ended_by="caller", outcome="solved", wrap_up_code="billing")
        part.wrap_ended_at = hers.ended_at + timedelta(seconds=30)
        a_leg(tx, hers, "customer")
        sound = CallRecording(
            call_id=hers.id,
            sid="RE1",
            state="completed",
            started_at=hers.answered_at,
            duration_s=120,
            attachment_id=None,
            pauses=[
                [(hers.answered_at + timedelta(seconds=60)).isoformat(), (hers.answered_at + timedelta(seconds=80)).isoformat()]
            ],
        )
        tx.session.add(sound)
        tx.emit("call.answered", call=hers, ticket=ticket, agent=maya)
        came = hers.answered_at + timedelta(seconds=5)
        a_leg(tx, hers, "supervisor", boss, mode="listen", joined_at=came, left_at=came + timedelta(seconds=25))
        tx.emit("call.supervisor_left", call=hers, ticket=ticket, agent=maya, data={"supervisor": boss.id})
        other = a_ticket(tx, ELSEWHERE, name="Emma Stone", queue="technical", tier="standard")
        other.team_id = team_id(world, "care")
        his = a_call(
            tx,
            other,
            state="done",
            number=ELSEWHERE,
            minutes_ago=3,
            direction="out",
            to_number=ELSEWHERE,
            from_number="+862155501234",
        )
        a_part(tx, his, tom, state="done", kind="outbound")
        lost = a_call(tx, None, state="abandoned", minutes_ago=1, abandon_point="ivr", queued_at=None, number="+8613900000000")
    return {"maya": maya, "tom": tom, "boss": boss, "hers": hers, "his": his, "lost": lost, "ticket": ticket}


def _at(tx, seconds: float) -> str:
    return (tx.now + timedelta(seconds=seconds)).isoformat()


def ids(html: str) -> set[int]:
    return {int(found) for found in re.findall(r'id="call-row-(\d+)"', html)}


def test_an_agent_sees_the_calls_of_their_team_and_a_supervisor_all(world, floor):
    hers, his, lost = floor["hers"].id, floor["his"].id, floor["lost"].id
    assert ids(world.browser(floor["maya"].email).get("/desk/calls").text) == {hers}
    assert ids(world.browser(floor["tom"].email).get("/desk/calls").text) == {his}
    assert ids(world.browser(floor["boss"].email).get("/desk/calls").text) == {hers, his, lost}


def test_somebody_elses_call_is_not_there(world, floor):
    tom = world.browser(floor["tom"].email)
    for path in (f"/desk/calls/{floor['hers'].id}", f"/desk/calls/{floor['hers'].id}/body", f"/desk/calls/{floor['lost'].id}"):
        assert tom.get(path).status_code == 404
    assert world.browser(floor["maya"].email).get(f"/desk/calls/{floor['hers'].id}").status_code == 200


def test_numbers_are_masked_for_those_who_may_not_reveal_them(world, floor):
    seen = {who: world.browser(floor[who].email).get(f"/desk/calls/{floor['hers'].id}").text for who in ("maya", "boss")}
    assert NUMBER not in seen["maya"]
    assert NUMBER[1:] not in seen["maya"]
    assert "+861••••000" in seen["maya"]
    assert NUMBER in seen["boss"]
    assert NUMBER not in world.browser(floor["maya"].email).get("/desk/calls").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("outcome=answered", {"hers", "his"}),
        ("outcome=abandoned", {"lost"}),
        ("outcome=out", {"his"}),
        ("outcome=nonsense", {"hers", "his", "lost"}),
        ("number=13800138000", {"hers"}),
        ("number=%2B4420", {"his"}),
        ("number=nobody", set()),
        ("from=2001-01-01&to=2001-12-31", set()),
        ("from=2001-01-01", {"hers", "his", "lost"}),
        ("from=yesterday", {"hers", "his", "lost"}),
        ("queue=99999999999999999999", {"hers", "his", "lost"}),
        ("before=99999999", {"hers", "his", "lost"}),
    ],
)
def test_the_list_finds_what_is_asked_for(world, floor, query, found):
    answer = world.browser(floor["boss"].email).get(f"/desk/calls?{query}")
    assert answer.status_code == 200
    assert ids(answer.text) == {floor[name].id for name in found}


def test_the_list_finds_by_person_and_queue(world, floor):
    boss = world.browser(floor["boss"].email)
    assert ids(boss.get(f"/desk/calls?agent={floor['tom'].id}").text) == {floor["his"].id}
    assert ids(boss.get(f"/desk/calls?queue={floor['ticket'].queue_id}").text) == {floor["hers"].id}


def test_a_long_list_goes_on_page_by_page_and_loses_nothing(world, floor):
    with world.tx() as tx:
        made = {
            a_call(tx, None, state="abandoned", number="+8613700000000", queued_at=None, minutes_ago=9999).id for _ in range(60)
        }
    boss = world.browser(floor["boss"].email)
    first = boss.get("/desk/calls?outcome=abandoned").text
    later = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    assert "outcome=abandoned" in later
    second = boss.get(later).text
    assert len(ids(first)) == 50
    assert ids(first) | ids(second) == made | {floor["lost"].id}
    assert not ids(first) & ids(second)
    with world.tx() as tx:
        for each in made:
            tx.session.delete(tx.session.get_one(Call, each))


def test_the_page_of_a_call_tells_its_course_in_words_and_as_a_bar(world, floor):
    html = squeezed(world.browser(floor["boss"].email).get(f"/desk/calls/{floor['hers'].id}").text)
    bar = re.search(r'class="call-bar" role="img" aria-label="([^"]+)"', html)[1]
    assert bar.startswith("Customer: Menu 0:10, Waiting 0:20, Talking ")
    assert "On hold 0:20" in bar
    assert "Wrap-up 0:30" in bar
    assert "; Sumin: Supervisor on the line 0:25" in bar
    assert "Call answered: Maya" in html
    assert "Supervisor left the call: Sumin · Maya" in html
    assert "the customer hung up" in html
    page = Page(html)
    assert page.inline == []
    assert len(page.ids) == len(set(page.ids))
    assert f"/desk/calls/{floor['hers'].id}/body" in page.live


def test_the_figures_add_up(world, floor):
    call, parts = floor["hers"], world.all(select(CallSegment).where(CallSegment.call_id == floor["hers"].id))
    now = world.desk.clock.now()
    times = figures(call, parts, now)
    assert (times.menu, times.wait, times.talk, times.hold, times.wrap) == (10, 20, 100, 20, 30)
    assert times.handle == times.talk + times.hold + times.wrap
    assert len(holds(call, now)) == 1


def test_advice_is_not_counted_as_talk_a_second_time(floor):
    hers = floor["hers"]
    times = {"started_at": hers.answered_at, "ended_at": hers.ended_at, "hold_s": 0}
    parts = [CallSegment(kind=kind, **times) for kind in ("handle", "consult")]
    assert figures(hers, parts, hers.ended_at).handle == 120


def test_only_who_may_listen_is_given_a_player_and_the_pauses_are_said(world, floor):
    path = f"/desk/calls/{floor['hers'].id}"
    boss, maya = world.browser(floor["boss"].email), world.browser(floor["maya"].email)
    auditor = world.browser(world.agent("Arthur", roles=("auditor",)).email)
    assert "being fetched from the carrier" in boss.get(path).text
    kept = world.desk.files.keep(b"RIFF....WAVE", "call.wav", "audio/wav")
    with world.tx() as tx:
        file = Attachment(name="call.wav", content_type="audio/wav", size=kept.size, sha256=kept.sha256, created_at=tx.now)
        tx.session.add(file)
        tx.session.flush()
        sound = tx.session.scalars(select(CallRecording)).one()
        sound.attachment_id = file.id
    for browser in (boss, maya):
        html = squeezed(browser.get(path).text)
        assert f'src="/desk/recordings/{sound.id}/audio"' in html
        assert "Not recorded: 1:00–1:20" in re.sub(r"<[^>]+>", "", html).replace("  ", " ")
    html = auditor.get(path).text
    assert "does not allow you to listen" in html
    assert "<audio" not in html


def test_the_ticket_and_the_customer_lead_to_the_call(world, floor):
    boss = world.browser(floor["boss"].email)
    link = f'href="/desk/calls/{floor["hers"].id}"'
    assert link in boss.get(f"/desk/tickets/{floor['ticket'].number}").text
    assert link in boss.get(f"/desk/customers/{floor['ticket'].customer_id}").text


def test_the_dialler_knows_a_number_however_it_is_typed_and_whose_it_is(world, floor):
    boss = world.browser(floor["boss"].email)
    for typed in ("13800138000", "%2B86 138 0013 8000", "0086-138-0013-8000", "138 0013 8000"):
        html = squeezed(boss.get(f"/desk/dialer?number={typed}").text)
        assert "+86 138 0013 8000" in html, typed
        assert "Li Na" in html, typed
        assert f"#{floor['ticket'].number}" in html, typed
    assert "no whole number yet" in boss.get("/desk/dialer?number=138").text
    assert boss.get("/desk/dialer?number=%3Cscript%3E").status_code == 200


def test_a_number_does_not_tell_a_stranger_whose_it_is(world, floor):
    tom = world.browser(floor["tom"].email)
    html = tom.get(f"/desk/dialer?number={NUMBER.replace('+', '%2B')}").text
    assert "Li Na" not in html
    assert f"#{floor['ticket'].number}" not in html
    assert tom.get(f"/desk/dialer?number=1&ticket={floor['ticket'].number}").status_code == 404


def test_a_customers_number_is_dialled_without_being_shown(world, floor):
    maya = world.browser(floor["maya"].email)
    with world.tx() as tx:
        add_contact_point(tx, tx.session.get_one(Customer, floor["ticket"].customer_id), "phone", "+8613800138077")
    contact = world.one(select(ContactPoint.id).where(ContactPoint.value == "+8613800138077"))
    html = maya.get(f"/desk/dialer?contact={contact}&ticket={floor['ticket'].number}").text
    assert f'name="contact" value="{contact}"' in html
    assert "38077" not in html.replace("••••077", "")
    assert world.browser(floor["tom"].email).get(f"/desk/dialer?contact={contact}").status_code == 404
