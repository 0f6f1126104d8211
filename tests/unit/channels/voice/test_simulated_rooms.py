"""Rooms of the simulated carrier as the real one has them: coaching, announcements, keys, removal, who hears whom."""

from __future__ import annotations

import pytest

from channels.voice import twiml
from channels.voice.port import CarrierFailed, SeatInfo
from tests.unit.channels.voice.callers import CALLER, in_queue, ring, talking


def supervised(carrier, desk, **options):
    """A conversation with a supervisor's leg in it."""
    call, leg, room = talking(carrier, desk)
    supervisor = ring(carrier, "supervisor-3", **options)
    carrier.answer(supervisor, "supervisor-3")
    carrier.settle()
    return call, leg, supervisor, room


def test_who_listens_is_heard_by_nobody_and_who_whispers_by_the_agent_alone(carrier, desk, ear):
    call, leg, supervisor, room = supervised(carrier, desk, muted=True)
    assert carrier.speak(supervisor, "Nobody hears this.") == 0
    assert carrier.speak(call, "My bill is wrong.") == 2

    carrier.update_participant(conference_sid=room, call_sid=supervisor, muted=False, coach=leg)
    assert carrier.speak(supervisor, "Offer ten percent.") == 1
    carrier.update_participant(conference_sid=room, call_sid=supervisor, coach="")
    assert carrier.speak(supervisor, "This is the supervisor.") == 2
    carrier.settle()

    assert ear.texts(leg, "heard") == ["My bill is wrong.", "Offer ten percent.", "This is the supervisor."]
    assert ear.texts(call, "heard") == ["This is the supervisor."]


def test_audible_says_whom_a_coach_reaches(carrier, desk):
    call, leg, supervisor, room = supervised(carrier, desk)
    carrier.update_participant(conference_sid=room, call_sid=supervisor, coach=leg)

    assert carrier.audible(supervisor) == ([call, leg], [leg])
    assert carrier.audible(call) == ([leg], [leg, supervisor])
    carrier.hold(conference_sid=room, call_sid=leg, on=True, hold_url="/hold")
    assert carrier.audible(supervisor) == ([call], [])


def test_nobody_can_coach_a_leg_on_hold_or_one_that_is_elsewhere(carrier, desk):
    _, leg, supervisor, room = supervised(carrier, desk)
    carrier.hold(conference_sid=room, call_sid=leg, on=True, hold_url="/hold")

    for coached, code in ((leg, 16027), ("CA" + 32 * "0", 16028)):
        with pytest.raises(CarrierFailed) as error:
            carrier.update_participant(conference_sid=room, call_sid=supervisor, coach=coached)
        assert error.value.code == code
        with pytest.raises(CarrierFailed) as error:
            ring(carrier, "agent-9", coach=coached)
        assert error.value.code == code


def test_a_coach_whose_agent_goes_on_hold_while_it_rings_does_not_get_in(carrier, desk):
    _, leg, room = talking(carrier, desk)
    coach = ring(carrier, "supervisor-3", coach=leg)
    carrier.hold(conference_sid=room, call_sid=leg, on=True, hold_url="/hold")
    carrier.answer(coach, "supervisor-3")
    carrier.settle()

    assert desk.statuses(coach)[-1] == "failed"
    assert desk.conferences[-1].reason == "participant_add_failed"


def test_a_label_is_one_persons_in_a_room(carrier, desk):
    talking(carrier, desk)

    with pytest.raises(CarrierFailed) as error:
        ring(carrier, "agent-7")
    assert error.value.code == 16026
    for label in ("", "a/b", "CA" + 32 * "0", 129 * "x"):
        with pytest.raises(CarrierFailed) as error:
            ring(carrier, "agent-8", label=label)
        assert error.value.code == 16024


def test_an_announcement_is_heard_by_one_leg_that_stays_in_its_room(carrier, desk, ear):
    desk.answers["say"] = lambda event: twiml.announcement([("en", "This call is recorded."), ("play", "/chime.wav")])
    call, leg, room = talking(carrier, desk)
    desk.answers["chime.wav"] = lambda event: ""
    carrier.announce(conference_sid=room, call_sid=call, url="/say")
    carrier.settle()
    carrier.advance(60)

    assert "This call is recorded." in ear.texts(call)
    assert ear.texts(leg) == []
    assert carrier.speak(leg, "hello") == 1
    assert carrier.call_state(call) == "in-progress"


def test_an_announcement_can_do_no_more_than_speak(carrier, desk, ear):
    desk.answers["say"] = lambda event: twiml.goodbye([("en", "Bye.")])
    call, _, room = talking(carrier, desk)
    carrier.announce(conference_sid=room, call_sid=call, url="/say")
    carrier.settle()

    assert ear.wait_for("error", call).data["code"] == 13238
    assert carrier.call_state(call) == "in-progress"


def test_keys_reach_the_other_party_as_tones(carrier, desk, ear):
    desk.answers["keys"] = lambda event: twiml.play_digits("12w#")
    call, _, room = talking(carrier, desk)
    carrier.send_keys(conference_sid=room, call_sid=call, digits="12w#", play_url="/keys")
    carrier.settle()

    assert ear.wait_for("keys", call).data["digits"] == "12w#"
    for digits, room_sid in (("12x", room), ("", room), ("1", "")):
        with pytest.raises(CarrierFailed):
            carrier.send_keys(conference_sid=room_sid, call_sid=call, digits=digits, play_url="/keys")


def test_who_is_removed_goes_home_and_the_others_talk_on(carrier, desk):
    call, leg, supervisor, room = supervised(carrier, desk)
    carrier.remove_participant(conference_sid=room, call_sid=supervisor)
    carrier.settle()

    assert carrier.call_state(supervisor) == "completed"
    assert (desk.conferences[-1].event, desk.conferences[-1].reason) == ("participant-leave", "participant_updated_via_api")
    assert carrier.speak(call, "Still there?") == 1
    carrier.remove_participant(conference_sid=room, call_sid=supervisor)
    carrier.remove_participant(conference_sid="CF0", call_sid=leg)


def test_a_caller_who_is_removed_goes_on_with_the_document(carrier, desk, ear):
    desk.answers["after"] = lambda event: twiml.goodbye([("en", "Thank you.")])
    desk.answers["voice"] = lambda event: twiml.join_queue("room", "/wait", status_url="/conference", action_url="/after")
    call = carrier.dial(CALLER)
    carrier.settle()
    room = carrier.room_info("room")
    carrier.remove_participant(conference_sid=room.sid, call_sid=call)
    carrier.settle()

    assert ear.texts(call)[-1] == "Thank you."
    assert desk.conferences[-1].reason == "participant-with-end-conference-on-exit-kicked"


def test_the_agent_can_be_made_the_one_with_whom_the_room_ends(carrier, desk):
    call, leg, room = talking(carrier, desk)
    carrier.update_participant(conference_sid=room, call_sid=leg, end_on_exit=True)
    carrier.hang_up_phone(leg)
    carrier.settle()

    assert carrier.call_state(call) == "completed"
    assert [event.reason for event in desk.conferences if event.event == "participant-leave"] == [
        "participant_hung_up",
        "moderator_ended_conference",
    ]


def test_the_first_leg_in_decides_where_the_events_of_its_room_go(carrier, desk):
    leg = ring(carrier, room_url="/conference")
    carrier.answer(leg, "agent-7")
    carrier.settle()
    second = ring(carrier, "agent-8", room_url="/elsewhere")
    carrier.answer(second, "agent-8")
    carrier.settle()

    assert desk.room_events() == ["participant-join", "participant-join", "conference-start"]


def test_a_room_without_an_address_from_its_first_leg_is_silent_for_good(carrier, desk):
    leg = ring(carrier)
    carrier.answer(leg, "agent-7")
    in_queue(carrier, desk)
    carrier.settle()

    assert desk.room_events() == []


def test_a_phone_that_nobody_answers_is_reported_as_one_that_could_not_be_added(carrier, desk):
    in_queue(carrier, desk)
    leg = ring(carrier, ring_timeout_s=20)
    carrier.advance(20)

    event = desk.conferences[-1]
    assert (event.event, event.call_sid, event.reason, event.call_status) == (
        "participant-leave",
        leg,
        "participant_add_failed",
        "no-answer",
    )


def test_the_carrier_says_how_a_room_and_a_leg_are(carrier, desk):
    call, leg, room = talking(carrier, desk)
    carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="/hold")
    ringing = ring(carrier, "supervisor-3", coach=leg)

    info = carrier.room_info("room")
    assert (info.sid, info.name, info.status) == (room, "room", "in-progress")
    assert info.participants == (
        SeatInfo(call, "", held=True),
        SeatInfo(leg, "agent-7"),
        SeatInfo(ringing, "supervisor-3", coaching=leg, status="ringing"),
    )
    assert carrier.room_info(room) == info
    assert carrier.room_info("another") is None
    about = carrier.call_info(call)
    assert (about.status, about.direction, about.from_, about.ended_at) == ("in-progress", "inbound", CALLER, None)
    carrier.hang_up_phone(call)
    carrier.settle()
    assert carrier.call_info(call).ended_at is not None
    assert carrier.call_info("CA0") is None


def test_a_conversation_that_lasts_too_long_is_ended(carrier, desk):
    in_queue(carrier, desk)
    leg = ring(carrier, time_limit_s=60)
    carrier.answer(leg, "agent-7")
    carrier.settle()
    carrier.advance(59)
    assert carrier.call_state(leg) == "in-progress"
    carrier.advance(1)

    assert carrier.call_state(leg) == "completed"


def test_a_room_whose_wait_document_cannot_be_had_sends_the_caller_on(carrier, desk, ear):
    desk.answers["voice"] = lambda event: twiml.join_queue("room", "/nowhere", status_url="/conference", action_url="/sorry")
    desk.answers["sorry"] = lambda event: twiml.goodbye([("en", "Please call again.")])
    call = carrier.dial(CALLER)
    carrier.settle()

    assert ear.wait_for("error", call).data["code"] == 11200
    assert ear.texts(call)[-1] == "Please call again."


def test_a_wait_document_that_does_not_lead_back_to_itself_leaves_silence(carrier, desk, ear):
    desk.answers["wait"] = lambda event: twiml.announcement([("en", "You are first.")])
    call = in_queue(carrier, desk)
    carrier.advance(120)

    assert ear.texts(call) == ["You are first."]


def test_somebody_who_joins_twice_under_one_label_goes_on_without_the_room(carrier, desk, ear):
    desk.answers["voice"] = lambda event: twiml.agent_join("room", label="agent-7")
    talking_call, _leg, _room = talking(carrier, desk)
    desk.answers["voice"] = lambda event: twiml.agent_join("room", label="agent-7")
    second = carrier.dial("+8613900139000")
    carrier.settle()

    assert ear.wait_for("error", second).data["code"] == 16025
    assert carrier.call_state(second) == "completed"
    assert carrier.call_state(talking_call) == "in-progress"
