"""The caller's way over signed webhooks: what each step says, and that a strict reader of documents can carry it out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests
from sqlalchemy import select

from desk.actions import intake
from desk.actions.calls import closures, voice_texts
from desk.actions.calls import menus as call_flow
from desk.actions.people import customers
from desk.actions.work import queues
from desk.events import Event
from desk.files import KeptFile
from desk.models import Calendar, Call, CallFlow, CallFlowVersion, LineClosure, Queue, Ticket, WorkItem
from desk.queries.calls.voice_policy import VoicePolicy
from desk.voice_texts import TEXTS
from routing.call_flow import Flow, FlowMenu, Option
from tests.web.caller import OTHERS, OURS, Caller, FridayNoon, clock, numbers, world  # noqa: F401 - fixtures

BOTH = {"zh": "好", "en": "good"}


@pytest.fixture(autouse=True)
def as_it_ships(world, clock):
    """Each test begins with the built-in settings."""
    yield
    clock.at = FridayNoon.at
    with world.tx() as tx:
        voice_texts.set_policy(tx, VoicePolicy())
        for key in TEXTS:
            voice_texts.set_text(tx, key, TEXTS[key], {})
        for closure in tx.session.scalars(select(LineClosure)):
            closures.open_lines(tx, closure)
        for number in tx.session.scalars(select(call_flow.OurNumber)).all():
            call_flow.remove_number(tx, number)
        for flow in tx.session.scalars(select(CallFlow)):
            flow.published = 0


def menu(*options, key="main", name="Main"):
    return FlowMenu(key, name, {"zh": "请选择。", "en": "Choose."}, options)


def calendar_of_complaints(tx):
    return tx.session.scalars(
        select(Calendar).join(Queue, Queue.calendar_id == Calendar.id).where(Queue.key == "complaints")
    ).one()


def published(world, *menus, number=None, locale="", **more):
    """Menus that callers hear from now on."""
    with world.tx() as tx:
        flow = call_flow.add_flow(tx, f"Menus {next(numbers)}")
        call_flow.save_draft(tx, flow, Flow(menus, **more), flow.name)
        call_flow.publish(tx, flow)
        if number:
            call_flow.set_number(tx, None, number=number, name="Ours", flow_id=flow.id, locale=locale)
    return flow


def test_a_stranger_hears_both_languages_chooses_hears_of_the_recording_and_waits(world):
    caller = Caller(world)
    assert caller.languages == {"zh", "en"}
    assert "中文服务，请按 1。" in caller.heard
    caller.press("2")
    assert caller.languages == {"en"}
    assert "For billing, press 1." in caller.heard
    caller.press("1")
    assert caller.heard == f"{TEXTS['connecting']['en']} {TEXTS['recording']['en']}"
    assert caller.call.state == "ivr"
    caller.press("")
    assert caller.room.room == caller.call.conference
    call = caller.call
    assert (call.state, call.topic, call.locale, call.recording) == ("queued", "billing", "en", "")
    assert call.announced_at is not None
    assert call.announcement.startswith("recording@")
    assert world.one(select(Event.kind).where(Event.call_id == call.id, Event.kind == "call.announced"))


def test_the_same_webhook_again_has_one_effect_and_the_same_answer(world):
    caller = Caller(world).press("2")
    first, url, form = caller.document, caller.url, caller.form
    caller._ask(url, **form)
    assert caller.document == first
    caller.press("1").press("")
    assert len(world.all(select(Ticket.id).where(Ticket.id == caller.call.ticket_id))) == 1


def test_who_does_not_want_to_be_recorded_presses_9_and_is_not(world):
    caller = Caller(world).press("2").press("0").press("9")
    assert caller.heard == TEXTS["not_recorded"]["en"]
    assert (caller.call.state, caller.call.recording) == ("queued", "declined")


def test_who_cuts_the_notice_short_hears_it_in_short_before_anybody_answers(world):
    caller = Caller(world).press("1").press("3").press("1")
    assert caller.heard == TEXTS["recorded"]["zh"]
    assert caller.room is not None


def test_without_recording_there_is_no_notice_and_no_recording(world):
    with world.tx() as tx:
        voice_texts.set_policy(tx, VoicePolicy(recording=False))
    caller = Caller(world).press("2").press("1")
    assert caller.room is not None
    assert (caller.call.recording, caller.call.announced_at) == ("off", None)


def test_a_known_caller_is_greeted_in_their_language_and_can_change_it(world):
    number = f"+86{next(numbers)}"
    with world.tx() as tx:
        customers.identify(tx, "phone", number, name="Wang", locale="zh")
    caller = Caller(world, number)
    assert caller.said[0] == ("zh", "您好，欢迎致电服务台。")
    assert ("en", "For English, press star.") in caller.said
    assert "账单问题，请按 1。" in caller.heard
    caller.press("*")
    assert "For billing, press 1." in caller.heard
    caller.press("1").press("")
    assert (caller.call.locale, world.one(select(Ticket.locale).where(Ticket.id == caller.call.ticket_id))) == ("en", "en")
    with world.tx() as tx:
        voice_texts.set_policy(tx, VoicePolicy(identify_callers=False))
    assert Caller(world, number).languages == {"zh", "en"}


@pytest.mark.parametrize("number", ["anonymous", "+266696687", "", "Restricted"])
def test_a_caller_who_withholds_the_number_is_served_and_not_promised_to_be_rung(world, number, clock):
    caller = Caller(world, number)
    caller.press("2").press("0").press("")
    assert (caller.call.state, caller.call.from_number) == ("queued", "")
    with world.tx() as tx:
        closures.close_lines(tx, reason_zh="停电", reason_en="a power cut", expires_at=clock.at + timedelta(hours=1))
    assert "press 2" not in Caller(world, number).heard


def test_words_choose_as_keys_do_and_what_is_not_understood_is_asked_again_then_a_person_answers(world):
    caller = Caller(world).say("English please")
    assert caller.languages == {"en"}
    caller.say("there is a mistake in my bill").press("")
    assert caller.call.topic == "billing"
    caller = Caller(world).press("2").say("mumble")
    assert caller.heard.startswith(TEXTS["not_an_option"]["en"])
    assert caller.say("bill", "0.1").heard.startswith(TEXTS["connecting"]["en"])
    assert caller.call.topic == "general"


def test_silence_reaches_a_person(world):
    caller = Caller(world).press("").press("")
    assert caller.heard.count("9") == 2  # the notice, in both languages
    caller.press("")
    assert caller.room is not None
    assert caller.call.topic == "general"


def test_out_of_hours_the_hours_the_next_opening_and_other_ways_are_said(world, clock):
    clock.at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # Friday, eight in the evening; complaints keep office hours
    with world.tx() as tx:
        voice_texts.set_policy(tx, VoicePolicy(emergency_number="112"))
    caller = Caller(world).press("1").press("3")
    assert caller.heard == (
        "现在是非工作时间，工作时间为周一至周五，上午九点到下午六点。下周一上午九点恢复服务。"
        " 紧急情况请拨一一二。 留言请按 1。 希望我们给您回电，请按 2。"
    )
    caller.press("1")
    assert "/voicemail?" in caller.on_to
    caller = Caller(world).press("2").press("3")
    assert "our hours are Monday to Friday, 9 in the morning to 6 in the evening. We are back on Monday at 9" in caller.heard
    caller.press("2")
    assert "/callback?" in caller.on_to
    caller = Caller(world).press("2").press("3").press("")
    assert caller.over
    assert (caller.call.state, caller.call.flow_out) == ("overflow", "overflow")


def test_when_all_lines_are_closed_the_first_words_say_so(world, clock):
    clock.at = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # Saturday
    published(world, menu(Option("1", BOTH, queue="complaints")), person="complaints")
    caller = Caller(world)
    assert "后天上午九点恢复服务" in caller.heard
    assert caller.languages == {"zh", "en"}


def test_an_emergency_closure_is_heard_at_once_in_both_languages_and_ends_by_itself(world, clock):
    waiting = Caller(world).press("2")
    expected = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
    with world.tx() as tx:
        closures.close_lines(
            tx, reason_zh="机房停电", reason_en="a power cut", expected_at=expected, expires_at=expected + timedelta(hours=1)
        )
    caller = Caller(world)
    assert "因机房停电，热线暂停，预计今天下午三点恢复。" in caller.heard
    assert "Because of a power cut our lines are closed, expected back today at 3 in the afternoon." in caller.heard
    assert waiting.press("1").press("").room is not None  # who was under way goes on
    clock.at = expected + timedelta(hours=1)
    assert "中文服务" in Caller(world).heard


def test_a_holiday_is_told_as_closed_until_the_day_after_it(world):
    with world.tx() as tx:
        calendar = calendar_of_complaints(tx)
        calendar.holidays = ["2026-11-20"]
    caller = Caller(world).press("2").press("3")
    assert caller.heard.startswith("We are closed now;")
    assert "We are back on Monday at 9" in caller.heard
    assert caller.call.state == "ivr"
    with world.tx() as tx:
        calendar_of_complaints(tx).holidays = []
    assert TEXTS["recording"]["en"] in Caller(world).press("2").press("3").heard


@pytest.mark.parametrize("why", ["closed", "closure", "full"])
def test_who_hangs_up_when_told_that_nobody_can_answer_has_given_up_no_place(world, clock, why):
    keys = ("2", "3")
    if why == "closed":
        clock.at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    elif why == "closure":
        keys = ()
        with world.tx() as tx:
            closures.close_lines(tx, reason_zh="停电", reason_en="a power cut", expires_at=clock.at + timedelta(hours=1))
    else:
        with world.tx() as tx:
            voice_texts.set_policy(tx, VoicePolicy(queue_limit=1))
        Caller(world).press("2").press("3").press("")
    caller = Caller(world)
    for key in keys:
        caller.press(key)
    assert caller.call.menu["stage"] == f"away:{why}"
    clock.at += timedelta(seconds=7)
    caller.hang_up()
    call = caller.call
    assert (call.state, call.flow_out, call.abandoned_at, call.abandon_point) == ("overflow", "overflow", None, "")
    assert call.ended_at == call.flow_out_at == clock.at
    kinds = world.all(select(Event.kind).where(Event.call_id == call.id).order_by(Event.id))
    assert kinds[-2:] == ["call.turned_away", "call.sent_elsewhere"]
    if keys:
        again = Caller(world).press("2")
        again.hang_up()
        assert (again.call.state, again.call.abandon_point) == ("abandoned", "ivr")  # who is in the menus gives up as before


def test_who_waits_while_the_lines_are_closed_hears_so_and_of_no_turn_that_is_near(world, clock):
    caller = Caller(world).press("2").press("3").press("")
    caller.wait()
    assert TEXTS["next"]["en"] in caller.heard
    with world.tx() as tx:
        closures.close_lines(tx, reason_zh="停电", reason_en="a power cut", expires_at=clock.at + timedelta(hours=1))
    for turn in range(4):
        caller.wait(turn)
        assert caller.heard.startswith("Because of a power cut our lines are closed") == (turn % 2 == 0)
        assert TEXTS["closure_in_line"]["en"] in caller.heard
        assert "shortly" not in caller.heard
        assert "minutes" not in caller.heard
    clock.at += timedelta(hours=1)
    caller.wait()
    assert TEXTS["next"]["en"] in caller.heard
    assert "power cut" not in caller.heard


def test_a_full_line_takes_nobody_more_and_offers_other_ways(world):
    with world.tx() as tx:
        voice_texts.set_policy(tx, VoicePolicy(queue_limit=1, voicemail=False, callback=False))
        for item in tx.session.scalars(select(WorkItem)):
            item.state = "done"
    assert Caller(world).press("2").press("2").press("").room is not None
    caller = Caller(world).press("2").press("2")
    assert caller.heard == TEXTS["full"]["en"]
    assert caller.press("").over


def test_a_blocked_number_is_refused_politely(world):
    caller = Caller(world).press("2")
    with world.tx() as tx:
        blocked = call_flow.block(tx, caller.number, "threats")
    again = Caller(world, caller.number)
    assert again.over
    assert TEXTS["refused"]["zh"] in again.heard
    assert again.call.state == "failed"
    with world.tx() as tx:
        call_flow.unblock(tx, tx.session.get_one(call_flow.BlockedNumber, blocked.id))
    assert not Caller(world, caller.number).over


def test_each_number_of_ours_has_its_menus_and_its_language(world):
    published(world, menu(Option("5", {"zh": "租赁", "en": "rentals"}, queue="technical")), number=OTHERS, locale="zh")
    caller = Caller(world, to=OTHERS)
    assert caller.said[0][0] == "zh"
    assert "租赁，请按 5。" in caller.heard
    caller.press("5").press("")
    ticket = world.one(select(Ticket).where(Ticket.id == caller.call.ticket_id))
    assert ticket.subject == "来电：租赁"
    assert world.one(select(Queue.key).where(Queue.id == ticket.queue_id)) == "technical"


def test_a_call_goes_on_with_the_version_that_it_began_with(world):
    flow = published(world, menu(Option("1", {"zh": "旧", "en": "old"}, queue="billing", topic="billing")))
    caller = Caller(world).press("2")
    with world.tx() as tx:
        row = tx.session.get_one(CallFlow, flow.id)
        call_flow.save_draft(tx, row, Flow((menu(Option("1", {"zh": "新", "en": "new"}, queue="technical")),)), row.name)
        call_flow.publish(tx, row)
    assert "new" in Caller(world).press("2").heard
    caller.press("1").press("")
    assert caller.call.topic == "billing"
    version = world.one(select(CallFlowVersion).where(CallFlowVersion.id == caller.call.menu["version"]))
    assert (version.flow_id, version.number) == (flow.id, 1)


def test_a_second_level_a_skill_a_message_and_something_told(world):
    below = menu(Option("1", BOTH, queue="billing", skill="technical"), key="sub", name="Sub")
    first = menu(
        Option("1", {"zh": "更多", "en": "more"}, do="menu", menu="sub"),
        Option("2", {"zh": "留言", "en": "a message"}, do="voicemail"),
        Option("3", {"zh": "地址", "en": "our address"}, say={"zh": "在主街。", "en": "We are in Main Street."}, do="tell"),
    )
    published(world, first, below)
    caller = Caller(world).press("2").press("3")
    assert caller.heard.startswith("We are in Main Street. Choose.")
    caller.press("1").press("1").press("")
    assert ["technical", 1] in world.one(select(WorkItem.requires).where(WorkItem.id == caller.call.item_id))
    assert "/voicemail?" in Caller(world).press("2").press("2").on_to


def test_audio_is_played_in_place_of_words_from_an_address_that_only_we_say(world):
    kept: KeptFile = world.desk.files.keep(b"RIFF\x04\x00\x00\x00WAVE", "notice.wav", "audio/wav")
    with world.tx() as tx:
        audio = voice_texts.add_audio(tx, kept).id
        voice_texts.set_text(tx, "recording", TEXTS["recording"], {"en": audio})
    caller = Caller(world).press("2").press("1")
    assert len(caller.played) == 1
    answer = requests.get(caller.played[0], timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "audio/wav")
    other = caller.played[0][:-1] + ("y" if caller.played[0].endswith("x") else "x")
    assert requests.get(other, timeout=60).status_code == 404
    assert Caller(world).press("1").press("1").played == []


def test_who_waits_hears_the_music_of_the_menus_that_they_came_by(world):
    kept: KeptFile = world.desk.files.keep(b"RIFF\x04\x00\x00\x00WAVE\x02", "music.wav", "audio/wav")
    with world.tx() as tx:
        music = voice_texts.add_audio(tx, kept)
    published(world, menu(Option("1", BOTH, queue="billing")), music=music.id)
    address = f"{world.url}/hooks/twilio/voice/audio/{music.token}"
    caller = Caller(world).press("2").press("1").press("")
    for turn in (0, 1):
        caller.wait(turn)
        assert caller.played == [address]
        assert caller.said, "the place is told before it"
    caller.ask_held()
    assert caller.played == [address]
    assert requests.get(address, timeout=60).status_code == 200
    with world.tx() as tx:
        for flow in tx.session.scalars(select(CallFlow)):
            flow.published = 0
    other = Caller(world).press("2").press("1").press("")
    other.wait()
    assert other.played == [f"{world.url}/static/music/waiting.wav"]
    caller.wait(2)
    assert caller.played == [address], "a call goes on with what it began with"


def test_a_queue_may_have_music_of_its_own_for_the_line_and_on_hold(world):
    """It goes before that of the menus, holds at once, and its address dies when the queue gives it up."""
    with world.tx() as tx:
        menus, own = (
            voice_texts.add_audio(tx, world.desk.files.keep(sound, "music.wav", "audio/wav"))
            for sound in (b"RIFF\x04\x00\x00\x00WAVE\x02", b"RIFF\x04\x00\x00\x00WAVE\x03")
        )
    published(world, menu(Option("1", BOTH, queue="billing"), Option("2", BOTH, queue="general")), music=menus.id)
    billing, general = (Caller(world).press("2").press(key).press("") for key in "12")
    theirs, its_own = (f"{world.url}/hooks/twilio/voice/audio/{audio.token}" for audio in (menus, own))

    def heard(caller):
        caller.wait()
        waiting = caller.played
        caller.ask_held()
        assert caller.played == waiting, "the same in the line and on hold"
        return waiting

    def play(music):
        with world.tx() as tx:
            queues.set_queue(tx, intake.find_queue(tx, "billing"), music=music)

    assert heard(billing) == heard(general) == [theirs]
    play(own.id)
    assert heard(billing) == [its_own]
    assert heard(general) == [theirs]
    assert requests.get(its_own, timeout=60).status_code == 200
    play(0)
    assert heard(billing) == [theirs]
    assert requests.get(its_own, timeout=60).status_code == 404


def test_the_address_of_audio_dies_when_nothing_says_it_any_more(world):
    def upload(sound, where):
        kept = world.desk.files.keep(sound, "menu.wav", "audio/wav")
        with world.tx() as tx:
            audio = voice_texts.add_audio(tx, kept)
            where(tx, audio.id)
            return f"{world.url}/hooks/twilio/voice/audio/{audio.token}"

    def hear(address):
        return requests.get(address, timeout=60).status_code

    def say(tx, audio):
        voice_texts.set_text(tx, "hold", TEXTS["hold"], {"en": audio})

    old = upload(b"RIFF\x04\x00\x00\x00WAVE", say)
    assert hear(old) == 200
    new = upload(b"RIFF\x04\x00\x00\x00WAVE\x00", say)
    assert (hear(old), hear(new)) == (404, 200)

    def play(tx, audio):
        flow = call_flow.add_flow(tx, f"Menus {next(numbers)}")
        main = replace(menu(Option("1", BOTH, queue="billing")), audio={"zh": 0, "en": audio})
        call_flow.save_draft(tx, flow, Flow((main,)), flow.name)
        call_flow.publish(tx, flow)
        flows.append(flow.id)

    flows = []
    menus = upload(b"RIFF\x04\x00\x00\x00WAVE\x01", play)
    caller = Caller(world).press("2")
    assert caller.played == [menus]
    with world.tx() as tx:
        row = tx.session.get_one(CallFlow, flows[0])
        call_flow.save_draft(tx, row, Flow((menu(Option("1", BOTH, queue="billing")),)), row.name)
        call_flow.publish(tx, row)
    assert hear(menus) == 200  # the caller who is in the old menus may hear them again
    caller.hang_up()
    with world.tx() as tx:
        for call in tx.session.scalars(select(Call).where(Call.ended_at.is_(None))):
            call.ended_at = tx.now
    assert hear(menus) == 404


def test_a_queue_without_a_calendar_that_ever_opens_again_still_says_something(world):
    with world.tx() as tx:
        queue = tx.session.scalars(select(Queue).where(Queue.key == "delivery")).one()
        never = Calendar(key="never", name="Never", zone="UTC", week=[[], [], [], [], [], [], []])
        tx.session.add(never)
        tx.session.flush()
        queue.calendar_id = never.id
    published(world, menu(Option("1", BOTH, queue="delivery")))
    assert Caller(world).press("2").press("1").heard.startswith("We are closed now")


def test_a_caller_whose_end_was_told_before_their_call_is_not_waited_for(world):
    caller = Caller(world, gone_already=True)
    assert (caller.call.state, caller.call.abandon_point) == ("abandoned", "ivr")
    assert caller.press("2").over
