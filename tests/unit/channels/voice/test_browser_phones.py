"""The telephone of the try page and the agent's softphone in a real browser, under a strict content policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, send_from_directory
from flask_socketio import SocketIO
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from channels.voice.simulated.door import attach

STATIC = Path(__file__).parents[4] / "desk/static"
CALLER = "+8613800138000"

PAGE = """<!doctype html><html lang="en"><title>Phones</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/css/tokens.css"><link rel="stylesheet" href="/static/css/base.css">
<link rel="stylesheet" href="/static/css/controls.css"><link rel="stylesheet" href="/static/css/parts.css">
<link rel="stylesheet" href="/static/voice/phone.css">
<script src="/static/vendor/socket.io.min.js"></script><script type="module" src="/page.js"></script>
<main id="phone"></main><p id="soft"></p><ul id="seen"></ul></html>"""

WORDS = """
import { STRINGS, mountPhone } from "/static/voice/phone.js";
import { createSoftphone } from "/static/voice/softphone.js";
const strings = Object.fromEntries(STRINGS.map((key) => [key, key]));
const numbers = [{ number: "+8613800138000", label: "李娜" }, { number: "+14155550100", label: "" }];
Object.assign(strings, { errors: { line_busy: "one call" } });
window.phone = mountPhone(document.querySelector("#phone"), { io, strings, numbers });

// What the phone has said of itself: some of it stands for a moment only.
window.stood = [];
const status = document.querySelector("#phone [role=status]");
new MutationObserver(() => stood.push(status.textContent)).observe(status, { childList: true });

// What the softphone says, written down where a test can wait for it.
const soft = document.querySelector("#soft"), seen = document.querySelector("#seen");
window.openSoftphone = (options) => {
  window.states = [];
  window.soft = createSoftphone({
    socketFactory: (namespace, auth) => io(namespace, { auth, autoConnect: false }),
    onState: ({ state, callSid, muted }) => {
      states.push(state);
      soft.textContent = [state, callSid, muted && "muted"].filter(Boolean).join(" ");
    },
    onEvent: ({ kind, data }) => {
      const entry = document.createElement("li");
      entry.textContent = `${kind} ${data.text ?? data.reason ?? data.on ?? data.code ?? ""}`.trim();
      seen.append(entry);
    },
    ...options,
  });
  return window.soft.start();
};
"""


@pytest.fixture
def address(carrier) -> Iterator[str]:
    """The page with the phone, and both doors."""
    app = Flask("page", static_folder=None)
    app.secret_key = "for tests"
    io = SocketIO(app, async_mode="threading")
    attach(io, carrier, identify=lambda auth: carrier.identity_of(auth.get("token", "")), phone_allowed=lambda: True)

    @app.after_request
    def strict(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
        )
        return response

    app.add_url_rule("/", "page", lambda: PAGE)
    app.add_url_rule("/page.js", "script", lambda: Response(WORDS, mimetype="text/javascript"))
    app.add_url_rule("/static/<path:path>", "static", lambda path: send_from_directory(STATIC, path))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium, address) -> Iterator[Page]:
    """The page, connected; a test fails when the browser complained about anything."""
    complaints: list[str] = []
    with chromium.new_context(reduced_motion="reduce") as context:
        context.set_default_timeout(45_000)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        expect(page.get_by_role("status")).to_have_text("idle")
        yield page
    assert complaints == []


def call_and_choose_the_queue(page, carrier):
    page.get_by_role("button", name="call", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("inMenu")
    page.get_by_role("button", name="1", exact=True).click()
    expect(page.get_by_role("log")).to_contain_text("请稍候。")
    carrier.settle()
    carrier.advance(2)
    expect(page.get_by_role("status")).to_have_text("waiting")
    return next(iter(carrier.live_calls()))


def ring(carrier, call, identity="agent-7", label="agent-7"):
    return carrier.add_participant(
        conference="room of " + call, to=f"client:{identity}", from_=CALLER, label=label, status_url="/status"
    )


def test_a_visitor_calls_chooses_waits_talks_and_hangs_up(page, carrier, desk):
    call = call_and_choose_the_queue(page, carrier)
    chinese = page.locator(".phone-machine .phone-words").first
    expect(chinese).to_have_text("账单请按 1。")
    expect(chinese).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_label("yourNumber")).to_be_disabled()

    leg = ring(carrier, call)
    carrier.answer(leg, "agent-7")
    expect(page.get_by_role("status")).to_have_text("connected")
    carrier.speak(leg, "您好")
    expect(page.locator(".phone-them .phone-words")).to_have_text("您好")
    expect(page.locator(".phone-them .phone-words")).to_have_attribute("lang", "zh-CN")

    page.get_by_label("speak").fill("<b>I was charged twice</b>")
    page.get_by_label("speak").press("Enter")
    expect(page.locator(".phone-you .phone-words")).to_have_text("<b>I was charged twice</b>")

    room = desk.conferences[0].conference_sid
    carrier.hold(conference_sid=room, call_sid=call, on=True, hold_url="/hold")
    expect(page.get_by_role("status")).to_have_text("onHold")
    carrier.hold(conference_sid=room, call_sid=call, on=False, hold_url="")
    expect(page.get_by_role("status")).to_have_text("connected")

    page.get_by_role("button", name="hangUp").click()
    expect(page.get_by_role("status")).to_have_text("ended")
    assert carrier.call_state(call) == "completed"
    expect(page.get_by_role("button", name="call", exact=True)).to_be_enabled()


def test_the_phone_works_by_keyboard_alone(page, carrier, desk):
    page.get_by_label("yourNumber").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="call", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("inMenu")
    page.get_by_role("log").focus()
    page.keyboard.press("1")

    expect(page.get_by_role("log")).to_contain_text("请稍候。")
    assert desk.asked[0][1]["From"] == "+14155550100"
    assert desk.asked[1][1]["Digits"] == "1"


def test_digits_in_the_speaking_field_are_words_not_keys(page, carrier, desk):
    page.get_by_role("button", name="call", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("inMenu")
    page.get_by_label("speak").press_sequentially("1")

    expect(page.get_by_label("speak")).to_have_value("1")
    carrier.settle()
    assert [step for step, _ in desk.asked] == ["voice"]


def test_a_phone_whose_connection_broke_shows_what_was_said_meanwhile(page, carrier, desk):
    call = call_and_choose_the_queue(page, carrier)
    leg = ring(carrier, call)
    page.evaluate("window.phone.socket.io.engine.close()")
    page.wait_for_function("stood.includes('reconnecting')")
    carrier.answer(leg, "agent-7")
    carrier.speak(leg, "Are you there?")

    expect(page.locator(".phone-them .phone-words")).to_have_text("Are you there?")
    expect(page.get_by_role("status")).to_have_text("connected")
    expect(page.locator(".phone-machine", has_text="请稍候。")).to_have_count(1)


def test_the_phone_rings_when_the_desk_calls_back(page, carrier, desk):
    back = carrier.add_participant(conference="back", to=CALLER, from_=carrier.number, label="caller", status_url="/status")
    expect(page.get_by_role("status")).to_have_text(f"incoming {carrier.number}")
    page.get_by_role("button", name="answer").click()

    expect(page.get_by_role("button", name="hangUp")).to_be_enabled()
    expect(page.get_by_role("status")).to_have_text("waiting")
    assert carrier.call_state(back) == "in-progress"


def test_a_call_back_can_be_declined(page, carrier, desk):
    back = carrier.add_participant(conference="back", to=CALLER, from_=carrier.number, label="caller", status_url="/status")
    page.get_by_role("button", name="decline").click()

    expect(page.get_by_role("status")).to_have_text("idle")
    assert carrier.call_state(back) == "busy"


def test_a_phone_without_a_microphone_says_so_and_goes_on_in_writing(page, carrier, desk):
    call = call_and_choose_the_queue(page, carrier)
    expect(page.locator(".phone-note")).to_contain_text("microphone")
    leg = ring(carrier, call)
    carrier.answer(leg, "agent-7")
    expect(page.get_by_role("status")).to_have_text("connected")
    page.get_by_label("speak", exact=True).fill("I have no microphone")
    page.get_by_label("speak", exact=True).press("Enter")

    expect(page.locator(".phone-you .phone-words")).to_have_text("I have no microphone")
    page.get_by_role("button", name="hangUp").click()
    expect(page.locator(".phone-note")).to_be_hidden()


def test_a_phone_that_is_loaded_again_is_in_its_call_again_and_one_whose_call_is_over_is_ready(page, carrier, desk):
    call = call_and_choose_the_queue(page, carrier)
    page.get_by_role("button", name="mute").click()
    page.reload()

    expect(page.get_by_role("status")).to_have_text("waiting")
    expect(page.locator(".phone-machine", has_text="请稍候。")).to_have_count(1)
    expect(page.get_by_role("button", name="mute")).to_have_attribute("aria-pressed", "true")
    carrier.hang_up(call)
    expect(page.get_by_role("status")).to_have_text("ended")
    page.reload()
    expect(page.get_by_role("status")).to_have_text("idle")


def test_the_phone_has_no_accessibility_faults(page, carrier, axe_source):
    page.evaluate(axe_source)
    for _ in ("idle", "in a call"):
        # Settled, not finished: a change of colour that another overtakes is cancelled, and says so with an error.
        page.evaluate("Promise.allSettled(document.getAnimations().map((colour) => colour.finished))")
        found = page.evaluate("axe.run(document.querySelector('#phone'))")
        assert [(fault["id"], node["html"]) for fault in found["violations"] for node in fault["nodes"]] == []
        page.get_by_role("button", name="call", exact=True).click(force=True)
        expect(page.get_by_role("status")).to_have_text("inMenu")


def open_softphone(page, carrier, identity="agent-7"):
    page.evaluate("(token) => openSoftphone({ kind: 'simulated', token })", carrier.client_token(identity).token)
    expect(page.locator("#soft")).to_have_text("ready")


def answer(page, leg):
    expect(page.locator("#soft")).to_have_text(f"ringing {leg}")
    page.evaluate("soft.answer()")
    expect(page.locator("#soft")).to_have_text(f"connected {leg}")


def test_an_agent_takes_a_call_in_the_browser(page, carrier, desk):
    open_softphone(page, carrier)
    call = call_and_choose_the_queue(page, carrier)
    leg = ring(carrier, call)
    answer(page, leg)
    assert page.evaluate("soft.current.from") == CALLER

    page.evaluate("soft.say('How can I help?')")
    expect(page.locator(".phone-them .phone-words")).to_have_text("How can I help?")
    page.evaluate("soft.mute(true)")
    expect(page.locator("#soft")).to_have_text(f"connected {leg} muted")
    assert page.evaluate("soft.say('aside')") == {"ok": True, "heard_by": 0}
    page.evaluate("soft.mute(false)")
    carrier.speak(call, "你好")
    expect(page.locator("#seen")).to_contain_text("heard 你好")

    page.evaluate("soft.hangUp()")
    expect(page.locator("#soft")).to_have_text("ready")
    assert page.evaluate("states") == ["ready", "ringing", "connecting", "connected", "connected", "connected", "ready"]
    expect(page.locator("#seen li").last).to_have_text("ended hung_up")
    assert carrier.call_state(call) == "in-progress"


def test_a_softphone_whose_connection_broke_is_in_its_call_again(page, carrier, desk):
    open_softphone(page, carrier)
    call = call_and_choose_the_queue(page, carrier)
    leg = ring(carrier, call)
    answer(page, leg)

    page.evaluate("soft.socket.io.engine.close()")
    page.wait_for_function("states.includes('reconnecting')")
    carrier.speak(call, "Are you there?")
    expect(page.locator("#soft")).to_have_text(f"connected {leg}")
    expect(page.locator("#seen li", has_text="heard Are you there?")).to_have_count(1)


def test_a_second_call_rings_when_the_first_has_ended(page, carrier, desk):
    open_softphone(page, carrier)
    call = call_and_choose_the_queue(page, carrier)
    first = ring(carrier, call)
    expect(page.locator("#soft")).to_have_text(f"ringing {first}")
    second = ring(carrier, call, label="consult-7")
    carrier.hang_up(first)

    expect(page.locator("#soft")).to_have_text(f"ringing {second}")
    page.evaluate("soft.reject()")
    expect(page.locator("#soft")).to_have_text("ready")
    assert carrier.call_state(second) == "busy"


def test_a_softphone_with_an_old_token_asks_for_a_new_one(page, carrier, desk):
    fresh = carrier.client_token("agent-7").token
    page.evaluate("(fresh) => openSoftphone({ kind: 'simulated', token: 'old', fetchToken: async () => fresh })", fresh)

    expect(page.locator("#soft")).to_have_text("ready")


def test_what_cannot_be_done_is_said_and_changes_nothing(page, carrier, desk):
    open_softphone(page, carrier)

    assert page.evaluate("soft.answer()")["error"]["code"] == "no_call"
    call = call_and_choose_the_queue(page, carrier)
    leg = ring(carrier, call)
    answer(page, leg)
    assert page.evaluate("soft.answer()")["error"]["code"] == "not_ringing"
    expect(page.locator("#seen li").last).to_have_text("error not_ringing")
    expect(page.locator("#soft")).to_have_text(f"connected {leg}")


TWILIO = """
class Emitter {
  on(name, then) { (this.heard ??= {})[name] = then; return this; }
  fire(name, ...values) { return this.heard?.[name]?.(...values); }
}
class Call extends Emitter {
  constructor(sid) { super(); this.parameters = {CallSid: sid, From: "+8613800138000"}; this.did = []; }
  accept() { this.did.push("accept"); this.fire("accept", this); }
  reject() { this.did.push("reject"); this.fire("reject"); }
  disconnect() { this.did.push("disconnect"); this.fire("disconnect", this); }
  mute(on) { this.did.push("mute " + on); this.fire("mute", on, this); }
  sendDigits(digits) { this.did.push("digits " + digits); }
}
window.Call = Call;
window.Twilio = {Device: class extends Emitter {
  constructor(token) { super(); this.token = token; this.state = "unregistered"; window.device = this; }
  async register() { this.state = "registered"; this.fire("registered"); }
  updateToken(token) { this.token = token; }
  destroy() { this.state = "destroyed"; }
}};
"""

# A device with its sound: what the SDK calls `device.audio`.
AUDIO = """
window.asked = [];
class Sound extends Emitter {
  isOutputSelectionSupported = true;
  inputDevice = null;
  speakerDevices = {set: async (id) => void asked.push("speaker " + id)};
  incoming(on) { asked.push("incoming " + on); }
  outgoing(on) { asked.push("outgoing " + on); }
  disconnect(on) { asked.push("disconnect " + on); }
  async setInputDevice(id) { asked.push("microphone " + id); this.inputDevice = {deviceId: id}; }
  async unsetInputDevice() { asked.push("microphone given back"); this.inputDevice = null; }
}
const Plain = Twilio.Device;
Twilio.Device = class extends Plain {
  audio = new Sound();
  constructor(token, options) { super(token); asked.push("edge " + options.edge); }
};
true;
"""


def test_the_same_softphone_works_over_the_twilio_device(page):
    page.evaluate(TWILIO)
    page.evaluate(
        """async () => {
          await openSoftphone({ kind: "twilio", token: "first", fetchToken: async () => "second" });
          window.call = new Call("CA1");
          window.other = new Call("CA2");
          device.fire("incoming", call);
          device.fire("incoming", other);
          await soft.answer();
          await soft.mute(true);
          await soft.sendDigits("5");
          await soft.mute(false);
          await device.fire("tokenWillExpire");
        }"""
    )
    expect(page.locator("#soft")).to_have_text("connected CA1")
    assert page.evaluate("[soft.canSay, device.token]") == [False, "second"]
    assert page.evaluate("call.did") == ["accept", "mute true", "digits 5", "mute false"]
    assert page.evaluate("other.did") == ["reject"]

    page.evaluate("soft.hangUp()")
    expect(page.locator("#soft")).to_have_text("ready")
    expect(page.locator("#seen li").last).to_have_text("ended other_side")
    page.evaluate("soft.stop()")
    expect(page.locator("#soft")).to_have_text("offline")
    assert page.evaluate("device.state") == "destroyed"


def test_the_sound_of_the_twilio_device_is_chosen_measured_and_explained(page):
    page.evaluate(TWILIO + AUDIO)
    page.evaluate(
        """async () => {
          window.levels = [];
          await openSoftphone({ kind: "twilio", token: "first", edge: "dublin", onLevels: (both) => levels.push(both) });
          window.call = new Call("CA1");
          device.fire("incoming", call);
          await soft.answer();
          await soft.choose({ input: "headset", output: "headset" });
          call.fire("volume", 0.25, 0.5);
          call.fire("sample", { rtt: 40, packetsLostFraction: 0, mos: 4.3 });
          call.fire("sample", { rtt: 40, packetsLostFraction: 0, mos: 4.3 });
          call.fire("sample", { rtt: 500, packetsLostFraction: 9, mos: 2 });
          call.fire("reconnecting", { code: 53405 });
        }"""
    )
    expect(page.locator("#soft")).to_have_text("reconnecting CA1")
    expect(page.locator("#seen li").last).to_have_text("sound media")
    page.evaluate("call.fire('reconnected')")
    expect(page.locator("#soft")).to_have_text("connected CA1")
    page.evaluate("device.fire('error', { code: 31401, message: 'PermissionDeniedError' })")
    expect(page.locator("#seen li").last).to_have_text("error 31401")
    page.evaluate("soft.hangUp()")
    expect(page.locator("#soft")).to_have_text("ready")

    assert page.evaluate("levels[0]") == {"mic": 0.25, "speaker": 0.5}
    assert page.locator("#seen li", has_text="quality").count() == 2
    asked = page.evaluate("asked")
    assert asked[:4] == ["edge dublin", "incoming false", "outgoing false", "disconnect false"]
    assert asked[4:] == ["speaker headset", "microphone headset", "microphone given back"]


def test_a_twilio_device_whose_pass_has_ended_gets_a_new_one_and_registers_again(page):
    page.evaluate(TWILIO + AUDIO)
    page.evaluate(
        """async () => {
          await openSoftphone({ kind: "twilio", token: "first", fetchToken: async () => "second" });
          device.state = "unregistered";
          device.fire("unregistered");
          await device.fire("error", { code: 20104, message: "AccessTokenExpired" });
        }"""
    )
    expect(page.locator("#soft")).to_have_text("ready")
    assert page.evaluate("device.token") == "second"
