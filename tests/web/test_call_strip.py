"""The strip says in words what the phone is doing, in every state, and offers only what can be done in it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import delete

from desk.actions.work import work_items
from desk.actions.work.presence import set_presence
from desk.models import Agent, Call, CallLeg, CallSegment, HelpRequest, Queue, RouterLease, Setting
from desk.queries.calls.voice_policy import SETTING, VoicePolicy
from tests.web.call_world import a_call, a_cry, a_leg, a_part, a_ticket
from tests.web.console_world import squeezed
from tests.world import running, settings_for

OTHER = "+8613800138055"
EPOCH = 1


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("strip")), background=False) as world:
        yield world


@pytest.fixture(scope="module")
def maya(world):
    return world.agent("Maya", skills={"lang:en": 9, "billing": 5})


@pytest.fixture(scope="module")
def browser(world, maya):
    return world.browser(maya.email)


@pytest.fixture(autouse=True)
def nothing_on_the_line(world):
    yield
    with world.tx() as tx:
        for noun in (HelpRequest, CallSegment, CallLeg):
            tx.session.execute(delete(noun))


def strip(browser) -> str:
    answer = browser.get("/desk/strip")
    assert answer.status_code == 200
    return squeezed(answer.text)


def words(html: str) -> str:
    return squeezed(re.sub(r"<[^>]+>", " ", html))


def button(html: str, name: str) -> str:
    """The tag of the button with this text."""
    found = [each for each in re.findall(r"<button.*?</button>", html) if words(each).startswith(name)]
    assert found, f"no button {name}"
    return found[0]


def test_a_phone_that_does_nothing_shows_nothing(browser):
    assert strip(browser) == ""


def test_a_conversation_shows_who_it_is_what_it_is_about_and_all_that_can_be_done(world, maya, browser):
    with world.tx() as tx:
        call = a_call(tx, a_ticket(tx), recording="on")
        a_part(tx, call, maya)
    html = strip(browser)
    for word in (
        "On call",
        "Li Na",
        "VIP",
        "Billing",
        "English",
        "Recorded",
        "Mute",
        "Hold",
        "Transfer",
        "Consult",
        "Pause for card data",
    ):
        assert word in words(html), word
    assert f'data-current-call="{call.id}"' in html
    assert 'data-key="x"' in button(html, "Transfer")
    assert "disabled" in button(html, "Keypad"), "a caller who dialled us does not listen to keys"


def test_on_hold_there_is_a_second_clock_since_the_music_began(world, maya, browser):
    with world.tx() as tx:
        began = tx.now - timedelta(seconds=40)
        call = a_call(tx, a_ticket(tx), state="hold", hold=[[began.isoformat(), ""]])
        a_part(tx, call, maya, state="hold")
    html = strip(browser)
    assert "On hold" in words(html)
    assert f'datetime="{began.isoformat()}"' in html
    assert words(button(html, "Resume"))


@pytest.mark.parametrize(
    ("status", "word"),
    [("busy", "It is busy there."), ("rejected", "Your colleague declined."), ("fax", "They could not be reached.")],
)
def test_who_could_not_be_had_is_said_until_the_customer_is_off_hold_again(world, maya, browser, status, word):
    with world.tx() as tx:
        call = a_call(tx, a_ticket(tx), state="hold", hold=[[tx.now.isoformat(), ""]])
        a_part(tx, call, maya, state="hold")
        tx.emit("call.consult_failed", call=call, ticket=call.ticket_id, agent=maya.id, data={"status": status})
    assert word in words(strip(browser))
    with world.tx() as tx:
        later = (tx.now + timedelta(seconds=5)).isoformat()
        tx.session.get_one(Call, call.id).hold = [*call.hold, [later, ""]]
    assert word not in words(strip(browser))


def test_what_is_stated_of_a_call_is_marked_to_be_said(world, maya, browser):
    with world.tx() as tx:
        call = a_call(tx, a_ticket(tx), muted=True)
        a_part(tx, call, maya)
        leg = a_leg(tx, call, "customer")
    said = re.findall(r"<(\w+)[^>]* data-said[^>]*>(.*?)</\1>", strip(browser))
    assert [words(text) for _tag, text in said] == ["On call", "You are muted"]
    with world.tx() as tx:
        tx.session.get_one(CallLeg, leg.id).mode = "machine"
    assert "An answering machine" in words(strip(browser))


@pytest.mark.parametrize(
    ("state", "ended_by", "word"),
    [
        ("wrap_up", "takeover", "A supervisor took over"),
        ("wrap_up", "caller", "The customer hung up"),
        ("busy", "caller", "It was busy"),
        ("failed", "dropped", "Could not be reached"),
    ],
)
def test_a_wrap_up_says_how_the_call_ended(world, maya, browser, state, ended_by, word):
    with world.tx() as tx:
        call = a_call(tx, a_ticket(tx), state=state, direction="in" if state == "wrap_up" else "out")
        a_part(tx, call, maya, state="wrap_up", ended_by=ended_by)
    html = strip(browser)
    assert word in words(html)
    assert "The line broke" not in html


def test_a_paused_recording_cannot_be_missed_and_says_when_it_goes_on(world, maya, browser):
    with world.tx() as tx:
        until = tx.now + timedelta(seconds=90)
        call = a_call(tx, a_ticket(tx), recording="paused", recording_pause_until=until)
        a_part(tx, call, maya)
    html = strip(browser)
    assert "NOT RECORDED" in words(html)
    assert "is-paused" in html
    assert re.search(rf'datetime="{re.escape(until.isoformat())}"[^>]*data-tick="countdown"', html)
    assert "primary" in button(html, "Record again")


@pytest.mark.parametrize(("recording", "word"), [("declined", "Customer declined recording"), ("off", "Not recorded")])
def test_what_is_not_recorded_says_so_and_cannot_be_paused(world, maya, browser, recording, word):
    with world.tx() as tx:
        a_part(tx, a_call(tx, a_ticket(tx), recording=recording), maya)
    html = strip(browser)
    assert word in words(html)
    assert "Pause for card data" not in html


def test_while_consulting_the_bar_offers_what_to_do_with_the_two(world, maya, browser):
    tom = world.agent("Tom")
    with world.tx() as tx:
        call = a_call(tx, a_ticket(tx), state="consult", hold=[[tx.now.isoformat(), ""]])
        a_part(tx, call, maya, state="consult")
        leg = a_leg(tx, call, "consult", tom, status="ringing", joined_at=None)
    html = strip(browser)
    assert "Ringing Tom" in words(html)
    assert "disabled" in button(html, "Hand over"), "nobody has answered there yet"
    with world.tx() as tx:
        row = tx.session.get_one(CallLeg, leg.id)
        row.status, row.joined_at = "in-progress", tx.now
    html = strip(browser)
    assert "You speak with Tom; the customer waits" in words(html)
    for name, key in (("Swap", "w"), ("All three", "y"), ("Hand over", "x"), ("Back to the customer", "o")):
        assert f'data-key="{key}"' in button(html, name)
        assert "disabled" not in button(html, name)


def test_whoever_gives_advice_mutes_and_leaves_with_their_own_phone(world, maya, browser):
    tom = world.agent("Ada")
    with world.tx() as tx:
        call = a_call(tx, a_ticket(tx), state="consult")
        a_part(tx, call, tom, state="consult")
        a_part(tx, call, maya, kind="consult")
        call.agent_id = tom.id
    html = strip(browser)
    assert "Advice for Ada" in words(html)
    assert "Ada speaks with the customer; you wait." in words(html)
    assert 'data-phone="hang-up"' in html
    assert f"/desk/calls/{call.id}/hang-up" not in html, "the call is not theirs to end"


def test_one_call_is_wrapped_up_while_the_next_is_on_and_the_keys_are_those_of_the_next(world, maya, browser):
    with world.tx() as tx:
        ticket = a_ticket(tx)
        past = a_part(tx, a_call(tx, ticket, state="wrap_up"), maya, state="wrap_up", wrap_until=tx.now + timedelta(seconds=30))
        now = a_part(tx, a_call(tx, ticket), maya)
    html = strip(browser)
    assert html.index(f'id="call-{now.id}"') < html.index(f'id="call-{past.id}"')
    assert html.count('data-key="e"') == 1
    assert f'name="segment" value="{past.id}"' in html
    assert "One minute more" in words(html)
    assert "How the call ended" in html
    assert "What it was about" in html


def test_a_call_that_broke_off_is_rung_back_from_its_wrap_up(world, maya, browser):
    with world.tx() as tx:
        call = a_call(tx, a_ticket(tx), state="wrap_up")
        a_part(tx, call, maya, state="wrap_up", ended_by="dropped")
    html = strip(browser)
    assert "The line broke" in words(html)
    assert f'hx-post="/desk/calls/{call.id}/ring-back"' in html
    assert re.search(r'<option value="dropped" selected>', html)


def test_who_listens_is_named_unless_the_house_keeps_it_quiet_and_who_speaks_always(world, maya, browser):
    boss = world.agent("Sumin", roles=("supervisor",))
    with world.tx() as tx:
        call = a_call(tx, a_ticket(tx))
        a_part(tx, call, maya)
        leg = a_leg(tx, call, "supervisor", boss, mode="listen")
    assert "Sumin listens" in words(strip(browser))
    with world.tx() as tx:
        tx.session.add(Setting(key=SETTING, value=VoicePolicy(announce_listening=False).to_dict()))
    assert "Sumin" not in strip(browser)
    with world.tx() as tx:
        tx.session.get_one(CallLeg, leg.id).mode = "barge"
    assert "Sumin speaks with you both" in words(strip(browser))
    assert "You speak with both" in words(strip(world.browser(boss.email)))
    with world.tx() as tx:
        tx.session.delete(tx.session.get_one(Setting, SETTING))


def test_help_that_was_asked_for_is_seen_to_come(world, maya, browser):
    with world.tx() as tx:
        call = a_call(tx, a_ticket(tx))
        a_part(tx, call, maya)
        cry = a_cry(tx, call, maya)
    assert "You asked for help" in words(strip(browser))
    with world.tx() as tx:
        tx.session.get_one(HelpRequest, cry.id).answered_at = tx.now
    assert "Help is coming" in words(strip(browser))


def test_a_call_that_is_offered_says_who_waits_how_long_and_what_else_is_open(world, maya, browser):
    with world.tx() as tx:
        ticket = a_ticket(tx, OTHER, name="Wang Wei")
        a_ticket(tx, OTHER, name="Wang Wei").type = "complaint"
        queue = tx.session.get_one(Queue, ticket.queue_id)
        item = work_items.enqueue(tx, "call", "voice", ticket, queue)
        call = a_call(tx, ticket, state="queued", number=OTHER, item_id=item.id, note_for_agent="Asked twice for a refund.")
        set_presence(tx, tx.session.get_one(Agent, maya.id), "available")
        tx.session.add(RouterLease(id=1, epoch=EPOCH, holder="test", until=tx.now))
    with world.tx() as tx:
        offer = work_items.offer(tx, item.id, maya.id, epoch=EPOCH, reason={})
    html = strip(browser)
    for word in (
        "Call for you",
        "Wang Wei",
        "VIP",
        "Billing",
        "English",
        "2 open tickets",
        "1 complaint",
        "Asked twice for a refund.",
    ):
        assert word in words(html), word
    assert f'datetime="{call.queued_at.isoformat()}"' in html
    assert f'data-offer="{offer.id}"' in html
    assert f'hx-post="/desk/offers/{offer.id}/accept"' in html
    assert 'data-key="a"' in button(html, "Accept")
