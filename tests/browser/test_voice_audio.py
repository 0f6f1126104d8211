"""Two browsers telephone with real sound: a newcomer on the try page and people at the desk, over the built-in carrier."""

from __future__ import annotations

import math
import struct
import time
import wave
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from channels.voice.simulated.carrier import SimulatedCarrier
from desk.models import Agent, Calendar, Call, Queue
from tests.services.chromium import running_chromium
from tests.world import PASSWORD, World, running, settings_for

pytestmark = pytest.mark.one_process(
    "calls by the demo's telephone, whose carrier is a part of `serve --demo`, which is one process"
)

TOKEN = "the token that signs what the carrier posts"
NUMBER = "+862155501234"
ALL_DAY = [[["00:00", "24:00"]]] * 7
SPEED = 2
RATE = 16_000
# A microphone that is given without asking; the addresses of this machine instead of names that a network resolves.
FLAGS = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
)
# What a page measures of the sound that comes from the others, written down as "yes" and "no" where a test can wait for it.
LISTEN = """(meter) => {
  let heardAt = -Infinity;
  document.documentElement.dataset.hears = "no";
  setInterval(() => {
    const now = performance.now();
    if (document.querySelector(meter)?.value > 0) heardAt = now;
    if (now - heardAt < 250) document.documentElement.dataset.hears = "yes";
    if (now - heardAt > 600) document.documentElement.dataset.hears = "no";
  }, 50);
}"""
AT_PHONE, AT_DESK = ".phone-meter:last-child meter", "#call-levels [data-level=speaker]"


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    expect.set_options(timeout=45_000)
    voice = tmp_path_factory.mktemp("voice") / "voice.wav"
    with wave.open(str(voice), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(humming())
    with running_chromium(*FLAGS, f"--use-file-for-fake-audio-capture={voice}") as chromium:
        yield chromium


def humming(seconds: int = 2) -> bytes:
    """Somebody who hums without drawing breath, swelling and wavering as a voice does: a steady tone is filtered out as noise."""
    samples = []
    for n in range(RATE * seconds):
        t = n / RATE
        pitch = 2 * math.pi * (140 * t + 3 * math.sin(2 * math.pi * t))
        tone = sum(math.sin(k * pitch) / k for k in range(1, 12))
        samples.append(int(7000 * tone * (0.7 + 0.3 * math.sin(2 * math.pi * 4 * t))))
    return struct.pack(f"<{len(samples)}h", *samples)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    settings = replace(settings_for(tmp_path_factory.mktemp("desk"), TWILIO_AUTH_TOKEN=TOKEN), demo=True)
    carrier = SimulatedCarrier(base_url=settings.base_url, auth_token=TOKEN, number=NUMBER, speed=SPEED, now=time.time)
    with running(settings, carrier=carrier) as world:
        with world.tx() as tx:
            for calendar in tx.session.scalars(select(Calendar)):
                calendar.week, calendar.holidays, calendar.workdays = ALL_DAY, [], {}
            for queue in tx.session.scalars(select(Queue)):
                queue.offer_timeout_s = 300
        yield world


@pytest.fixture
def pages(browser) -> Iterator[list[Page]]:
    """Pages that a test opened; each complaint of one of them fails it."""
    opened: list[Page] = []
    yield opened
    for page in opened:
        page.context.close()
    assert [fault for page in opened for fault in page.faults] == []


def open_page(browser: Browser, pages: list[Page], address: str, locale: str = "en-GB") -> Page:
    page = browser.new_context(locale=locale, timezone_id="Asia/Shanghai", viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(45_000)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    pages.append(page)
    page.goto(address)
    return page


def at_the_desk(browser: Browser, pages: list[Page], world: World, person: Agent, start: str = "/desk") -> Page:
    """Signed in, with the telephone ready."""
    page = open_page(browser, pages, f"{world.url}/login")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto(world.url + start)
    expect(page.locator("#net")).to_have_attribute("data-state", "live")
    page.evaluate(LISTEN, AT_DESK)
    return page


def agent_at_work(browser: Browser, pages: list[Page], world: World, name: str) -> tuple[Agent, Page]:
    person = world.agent(name)
    page = at_the_desk(browser, pages, world, person)
    page.get_by_role("button", name="Become available", exact=True).click()
    expect(page.locator("#presence-button")).to_contain_text("Available")
    return person, page


def newcomer(browser: Browser, pages: list[Page], world: World, caller: int = 0) -> Page:
    """At the telephone of the try page, as one of its customers whom the desk has not yet spoken with."""
    page = open_page(browser, pages, f"{world.url}/try")
    page.locator(".phone-from").select_option(index=caller)
    page.evaluate(LISTEN, AT_PHONE)
    expect(page.locator(".phone-status")).to_have_text("Ready")
    return page


def call_in(phone: Page) -> None:
    """Dial and go through the menu until the music plays."""
    phone.get_by_role("button", name="Call", exact=True).click()
    keys = iter("21")
    for sentence in ("For English, press 2", "billing"):
        expect(phone.locator(".phone-screen")).to_contain_text(sentence, ignore_case=True)
        phone.locator(f"[data-digit='{next(keys)}']").click()
    expect(phone.locator(".phone-status")).to_have_text("Waiting for an agent")


def hears(page: Page, word: str) -> None:
    """Wait until this page hears something ("yes") or nothing any more ("no")."""
    expect(page.locator("html")).to_have_attribute("data-hears", word)


def accept(page: Page) -> None:
    page.locator("li.offer").get_by_role("button", name="Accept").click()
    expect(page.locator("[data-call-state]")).to_have_attribute("data-call-state", "talking")


def the_call(world: World) -> Call:
    return world.one(select(Call).order_by(Call.id.desc()).limit(1))


def test_a_newcomer_and_agents_hear_each_other_through_mute_hold_and_transfer(browser, pages, world):
    maya, agent = agent_at_work(browser, pages, world, "Maya")
    phone = newcomer(browser, pages, world)
    call_in(phone)
    hears(phone, "no")
    accept(agent)
    for page in (agent, phone):
        hears(page, "yes")
    expect(phone.locator(".phone-status")).to_have_text("Connected")

    agent.locator("#call-mute").click()
    hears(phone, "no")
    hears(agent, "yes")
    agent.locator("#call-mute").click()
    hears(phone, "yes")

    agent.locator("#call-hold").click()
    expect(phone.locator(".phone-status")).to_have_text("On hold")
    for page in (agent, phone):
        hears(page, "no")
    agent.locator("#call-hold").click()
    for page in (agent, phone):
        hears(page, "yes")

    ben, other = agent_at_work(browser, pages, world, "Ben")
    passed = world.browser(maya.email).post(f"/desk/calls/{the_call(world).id}/transfer", data={"to": f"agent:{ben.id}"})
    assert passed.ok, passed.text
    hears(agent, "no")
    accept(other)
    for page in (other, phone):
        hears(page, "yes")
    hears(agent, "no")

    phone.get_by_role("button", name="Hang up").click()
    expect(phone.locator(".phone-status")).to_have_text("The call has ended")
    for page in (other, phone):
        hears(page, "no")


# Two ends of a connection in one page; one of the things that they tell each other is `lost`.
TWO_ENDS = """async (lost) => {
  const { createMesh } = await import("/static/voice/mesh.js");
  const [track] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
  const ends = {};
  const told = [];
  const sound = new Promise((resolve) => {
    const end = (me, other) => createMesh({
      iceServers: [],
      onStream: (_peer, stream) => me === "b" && stream.getTracks()[0].addEventListener("unmute", () => resolve("heard")),
      onHear() {}, onGone() {}, onNote() {},
      send({ to, ...signal }) {
        const what = `${signal.kind} ${signal.turn}`;
        if (signal.sdp) told.push([what, signal.sdp.includes("a=candidate")]);
        if (what !== lost) ends[other].take({ ...signal, from: me });
      },
    });
    for (const [me, other] of ["ab", "ba"]) ends[me] = end(me, other);
    for (const [me, other] of ["ab", "ba"]) {
      ends[me].setTrack(track);
      ends[me].peers([{ peer: other, hear: true, speak: true, offer: me === "a" }]);
    }
    setTimeout(() => resolve("silence"), 100_000);
  });
  return [await sound, told];
}"""


def test_two_browsers_find_each_other_though_the_first_answer_is_lost(browser, pages, world):
    page = open_page(browser, pages, f"{world.url}/try")
    sound, told = page.evaluate(TWO_ENDS, "answer 1")
    assert sound == "heard"
    assert [(what, place) for what, place in told if not place] == [], "each says where its sender is found"
    assert "offer 2" in [what for what, _place in told]


def test_a_supervisor_hears_both_and_whispers_to_the_agent_alone(browser, pages, world):
    su = world.agent("Su", roles=("supervisor",))
    _, agent = agent_at_work(browser, pages, world, "Kim")
    board = at_the_desk(browser, pages, world, su, "/board")
    board.evaluate("""() => {
      const meter = document.createElement("meter");
      meter.dataset.level = "speaker";
      document.body.append(document.createElement("div"));
      document.body.lastChild.id = "call-levels";
      document.body.lastChild.append(meter);
    }""")
    phone = newcomer(browser, pages, world, 1)
    call_in(phone)
    accept(agent)
    hears(agent, "yes")
    # From here on nobody speaks but the supervisor, until somebody does again.
    phone.get_by_role("button", name="Mute the microphone").click()
    agent.locator("#call-mute").click()
    for page in (agent, phone):
        hears(page, "no")

    call = the_call(world).id
    board.locator(f"#listen-{call}").click()
    phone.get_by_role("button", name="Mute the microphone").click()
    hears(board, "yes")
    hears(agent, "yes")
    hears(phone, "no")
    phone.get_by_role("button", name="Mute the microphone").click()
    hears(agent, "no")

    board.locator(f"#whisper-{call}").click()
    hears(agent, "yes")
    hears(phone, "no")
    board.locator(f"#barge-{call}").click()
    hears(phone, "yes")
    phone.get_by_role("button", name="Hang up").click()


def test_whoever_loads_the_page_again_is_in_the_sound_of_the_call_again(browser, pages, world):
    _, agent = agent_at_work(browser, pages, world, "Lee")
    phone = newcomer(browser, pages, world, 2)
    call_in(phone)
    accept(agent)
    hears(phone, "yes")

    phone.reload()
    phone.evaluate(LISTEN, AT_PHONE)
    expect(phone.locator(".phone-status")).to_have_text("Connected")
    hears(phone, "yes")
    hears(agent, "yes")
    agent.reload()
    agent.evaluate(LISTEN, AT_DESK)
    hears(agent, "yes")
    hears(phone, "yes")

    # Without a microphone words go by keyboard, and nothing is said.
    phone.locator(".phone-options > summary").click()
    phone.get_by_label("Speak by microphone").uncheck()
    hears(agent, "no")
    hears(phone, "yes")
    phone.get_by_label("Speak", exact=True).fill("I am typing now")
    phone.keyboard.press("Enter")
    expect(agent.locator("#call-heard")).to_contain_text("I am typing now")
    phone.get_by_role("button", name="Hang up").click()
