"""One call from the first ring to the end, over real HTTP with real signatures."""

from __future__ import annotations

CALLER = "+8613800138000"


def ring_agent(carrier, desk, call_sid, identity="agent-7", **options):
    return carrier.add_participant(
        conference="room of " + call_sid,
        to=f"client:{identity}",
        from_=CALLER,
        label=identity,
        status_url="/status",
        **options,
    )


def call_in_queue(carrier, ear):
    call = carrier.dial(CALLER)
    ear.wait_for("gather", call)
    carrier.press(call, "1")
    ear.wait_for("say", call, that=lambda event: event.data["text"] == "请稍候。")
    carrier.settle()
    carrier.advance(2)
    ear.wait_for("joined", call)
    return call


def conversation(carrier, desk, ear):
    call = call_in_queue(carrier, ear)
    leg = ring_agent(carrier, desk, call)
    ear.wait_for("ringing", leg, identity="agent-7")
    carrier.answer(leg, "agent-7")
    ear.wait_for("connected", call)
    ear.wait_for("connected", leg)
    carrier.settle()
    return call, leg


def test_a_call_goes_from_the_menu_through_the_queue_to_an_agent_and_ends(carrier, desk, ear):
    call = carrier.dial(CALLER)
    ear.wait_for("answered", call)
    first = ear.wait_for("say", call)
    assert (first.data["text"], first.data["lang"]) == ("账单请按 1。", "zh-CN")
    assert ear.wait_for("gather", call).data["num_digits"] == 1

    assert carrier.press(call, "1") is True
    carrier.settle()
    carrier.advance(2)
    ear.wait_for("joined", call)
    ear.wait_for("say", call, that=lambda event: event.data["text"] == "You are first.")

    leg = ring_agent(carrier, desk, call)
    ringing = ear.wait_for("ringing", leg, identity="agent-7")
    assert ringing.data["from"] == CALLER
    carrier.answer(leg, "agent-7")
    ear.wait_for("connected", call)

    assert carrier.speak(call, "我被扣了两次款") == 1
    assert ear.wait_for("heard", leg).data["text"] == "我被扣了两次款"
    assert carrier.speak(leg, "I see the second charge.") == 1
    assert ear.wait_for("heard", call).data["by_identity"] == "agent-7"

    room = desk.conferences[0].conference_sid
    carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="/hold")
    ear.wait_for("say", call, that=lambda event: event.data["text"] == "One moment.")
    assert carrier.speak(leg, "Nobody hears this.") == 0
    carrier.hold(conference_sid=room, call_sid=call, on=False, hold_url="")
    assert carrier.speak(leg, "Back again.") == 1

    carrier.hang_up_phone(call)
    end = ear.wait_for("ended", call).data
    assert (end["reason"], end["status"]) == ("hung_up", "completed")
    assert ear.wait_for("ended", leg).data["reason"] == "room_ended"
    carrier.settle()

    assert desk.forged == 0
    assert desk.room_events() == [
        "participant-join",
        "participant-join",
        "conference-start",
        "participant-hold",
        "participant-unhold",
        "participant-leave",
        "participant-leave",
        "conference-end",
    ]
    assert [event.sequence for event in desk.conferences] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert desk.statuses(leg) == ["initiated", "ringing", "in-progress", "completed"]
    assert desk.statuses(call) == ["completed"]
    assert carrier.call_state(call) == "completed"


def test_requests_carry_the_fields_of_the_real_carrier(carrier, desk, ear):
    call = call_in_queue(carrier, ear)
    carrier.settle()

    path, voice = desk.asked[0]
    assert path == "voice"
    assert voice["CallSid"] == call
    assert (voice["From"], voice["To"], voice["CallStatus"], voice["Direction"]) == (CALLER, carrier.number, "ringing", "inbound")
    assert voice["ApiVersion"] == "2010-04-01"
    path, menu = desk.asked[1]
    assert (path, menu["Digits"], menu["CallStatus"]) == ("menu", "1", "in-progress")
    path, wait = desk.asked[2]
    assert path == "wait"
    assert wait["ConferenceSid"] == desk.conferences[0].conference_sid
    assert wait["FriendlyName"] == "room of " + call
