// The telephone on the try page: a keypad, what the caller hears in words and sound, and a microphone or a field to speak into.

import { createAudio } from "./audio.js";
import { setUpOptions, VOICE } from "./phone_options.js";
import { buildPhone, KEYS, logLine } from "./phone_view.js";
import { createSpeech } from "./speech.js";
import { createTones } from "./tones.js";
import { sentence } from "./words.js";

export const STRINGS = [
  "phone", "yourNumber", "call", "hangUp", "answer", "decline", "keypad", "screen", "speak", "speakHint", "send", "readAloud",
  "idle", "ringing", "inMenu", "waiting", "connected", "onHold", "ended", "incoming", "reconnecting", "offline", "recording",
  "you", "them", "machine", "music", "pressed", "notHeard", "failed", "beep", "mute", "options", "tones", "microphone", "input",
  "output", "system", "test", "testing", "tested", "testedSilent", "takeSound", "callFor",
];

// The codes that `strings.errors` should have a sentence for.
export const ERRORS = [
  "bad_number", "no_such_call", "ended", "not_ringing", "not_allowed", "line_busy", "too_many_calls", "timeout",
];

const LIVE = ["dialling", "inMenu", "waiting", "connected", "onHold", "recording"];
const CALL = "phone.call";
const MUTED = "phone.muted";

/**
 * Builds the phone into `element` and connects it.
 *
 * io       the global of socket.io-client
 * strings  the words named in STRINGS, in the language of the page, and `errors`: {code: sentence} for those of the door
 * numbers  [{number: "+8613800138000", label: "李娜"}, ...] to call from
 *
 * Gives {socket, stop}. Fires the bubbling event "phone:state" {state, callSid} on `element`, for pages that show more around it,
 * and "phone:levels" {mic, speaker} while there is sound. A page that is loaded again is in its call again.
 */
export function mountPhone(element, { io, strings, numbers }) {
  const missing = STRINGS.filter((key) => !strings[key]);
  if (missing.length) throw new Error(`The phone lacks the words ${missing.join(", ")}.`);

  const view = buildPhone(element, strings, numbers);
  const speech = createSpeech();
  const socket = io("/phone");
  const audio = createAudio({
    socket,
    ask,
    onLevels: showLevels,
    onNote: note,
    silent: () => !view.microphone.checked,
  });
  const tones = createTones(audio.audioContext);
  let state = "offline";
  let callSid = sessionStorage.getItem(CALL);
  let ringing = null;
  let seen = 0;
  let pending = false;
  let missed = false;
  let muted = false;
  let since = 0;
  let voicedAt = 0;

  socket.on("connect", () => {
    if (callSid) resume();
    else show("idle");
    takeLine();
  });
  socket.on("disconnect", () => show(callSid ? "reconnecting" : "offline"));
  socket.on("connect_error", () => show(callSid ? "reconnecting" : "offline"));
  socket.on("phone", (event) => {
    if (event.call_sid === callSid) {
      if (event.n === seen + 1) perceive(event);
      else if (event.n > seen) resume();
    } else if (event.kind === "ringing" && !callSid && !ringing) {
      ringing = event;
      show("incoming", event.data.from);
    } else if (event.call_sid === ringing?.call_sid && ["answered", "ended"].includes(event.kind) && !pending) {
      // Answered on another telephone with this number, or given up.
      ringing = null;
      show("idle");
    } else if (pending) {
      missed = true;
    }
  });

  view.call.addEventListener("click", () => (ringing ? pick("answer", { call_sid: ringing.call_sid }) : dial()));
  view.hangUp.addEventListener("click", hangUp);
  view.mute.addEventListener("click", () => setMuted(!muted));
  view.from.addEventListener("change", takeLine);
  view.takeSound.addEventListener("click", () => {
    view.takeSound.hidden = true;
    say("");
    audio.takeSound();
  });
  view.keys.forEach((key) => key.addEventListener("click", () => press(key.dataset.digit)));
  view.form.addEventListener("submit", (event) => {
    event.preventDefault();
    speak();
  });
  view.words.addEventListener("keydown", (event) => {
    // Enter that only chooses a Chinese character does not speak.
    if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (!callSid || typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS.includes(event.key)) return;
    event.preventDefault();
    press(event.key);
  });
  const clock = setInterval(() => {
    view.time.textContent = since ? minutes((performance.now() - since) / 1000) : "";
  }, 500);
  const options = setUpOptions({ view, strings, audio, speech, tones });

  function takeLine() {
    socket.emit("line", { from: view.from.value, all: true });
  }

  function dial() {
    view.log.replaceChildren();
    show("dialling");
    pick("dial", { from: view.from.value });
  }

  // Begin a call, ours or one that rings. Until the answer comes we do not know its name: what arrives early is fetched after.
  async function pick(name, data) {
    pending = true;
    const reply = await ask(name, data);
    pending = false;
    ringing = null;
    if (reply.error) {
      complain(reply.error);
      show("idle");
      return;
    }
    seen = 0;
    setCall(reply.call_sid);
    show("dialling");
    reply.events.forEach((event) => perceive(event));
    if (callSid) audio.join(callSid);
    if (missed) resume();
    missed = false;
  }

  async function resume() {
    const sid = callSid;
    const reply = await ask("resume", { call_sid: sid });
    if (sid !== callSid) return;
    if (reply.error) {
      // Over while this page was away.
      if (state === "offline") {
        setCall(null);
        show("idle");
        return;
      }
      complain(reply.error);
      end();
      return;
    }
    const past = state === "offline";
    if (["reconnecting", "offline"].includes(state)) show("dialling");
    const fresh = state === "dialling" ? reply.events : reply.events.filter((event) => event.n > seen);
    fresh.forEach((event) => perceive(event, past));
    if (callSid) audio.join(callSid);
  }

  async function press(digit) {
    if (!callSid) return;
    speech.hush();
    tones.key(digit);
    line("pressed", digit, strings.pressed);
    const reply = await ask("press", { call_sid: callSid, digit });
    if (reply.error) complain(reply.error);
  }

  async function speak() {
    const text = view.words.value.trim();
    if (!text || !callSid) return;
    view.words.value = "";
    const reply = await ask("say", { call_sid: callSid, text });
    if (reply.error) complain(reply.error);
  }

  async function hangUp() {
    if (ringing) await ask("reject", { call_sid: ringing.call_sid });
    else if (callSid) await ask("hang_up", { call_sid: callSid });
  }

  function setMuted(on) {
    muted = on;
    sessionStorage.setItem(MUTED, on ? "yes" : "no");
    view.mute.setAttribute("aria-pressed", String(on));
    audio.mute(on);
  }

  // What this leg perceives. Of what is `past` nothing is said aloud again.
  function perceive(event, past = false) {
    const { kind, data } = event;
    const again = event.n <= seen;
    seen = Math.max(seen, event.n);
    const next = { gather: "inMenu", joined: "waiting", connected: "connected", record: "recording" }[kind];
    if (next) show(next);
    if (kind === "hold") show(data.on ? "onHold" : "connected");
    if (!again) write(kind, data, past);
    if (kind === "ended") end();
  }

  function write(kind, data, past) {
    if (kind === "say") {
      line("machine", data.text, strings.machine, data.lang);
      tones.stop();
      if (!past) speech.read(data.text, data.lang);
    } else if (kind === "heard") {
      line("them", data.text, strings.them, langOf(data.text));
      if (!past) speech.read(data.text, langOf(data.text));
    } else if (kind === "said") {
      line("you", data.text, data.heard_by ? strings.you : `${strings.you} (${strings.notHeard})`, langOf(data.text));
    } else if (kind === "music") {
      const waits = ["waiting", "onHold"].includes(state);
      line("music", "♪", waits ? strings.music : strings.machine);
      if (!past) play(data.url, waits);
    } else if (kind === "beep") {
      line("music", "●", strings.beep);
    } else if (kind === "error") {
      complain(data);
    }
  }

  // A sound file of the desk itself is played as it is; for music from elsewhere we have a tune.
  function play(url, again) {
    const own = URL.canParse(url) && new URL(url).origin === location.origin;
    if (own) tones.file(url, again);
    else if (again) tones.music();
  }

  function end() {
    speech.hush();
    audio.leave();
    setCall(null);
    setMuted(false);
    seen = 0;
    view.takeSound.hidden = true;
    say("");
    show("ended");
    tones.ended();
  }

  function setCall(sid) {
    callSid = sid;
    if (sid) sessionStorage.setItem(CALL, sid);
    else sessionStorage.removeItem(CALL);
  }

  function complain(error) {
    const words = strings.errors?.[error.code];
    line("failed", words ?? `${error.message} (${error.code})`, strings.failed, words ? "" : "en");
  }

  function line(kind, text, who, lang) {
    logLine(view.log, kind, who, text, lang);
  }

  function say(text) {
    view.note.textContent = text;
    view.note.hidden = !text;
  }

  function note(code) {
    if (code === "elsewhere") view.takeSound.hidden = false;
    say(["microphone_granted", "sound_back"].includes(code) ? "" : sentence(code));
    if (code === "microphone_granted") options.fillDevices();
  }

  function showLevels(levels) {
    tellVoice(levels.mic);
    view.mine.set(levels.mic);
    view.theirs.set(levels.speaker);
    element.dispatchEvent(new CustomEvent("phone:levels", { bubbles: true, detail: levels }));
  }

  // A voicemail ends by itself when nobody speaks; the carrier cannot hear our microphone, so we tell it.
  function tellVoice(level) {
    if (state !== "recording" || level < VOICE || performance.now() - voicedAt < 1000) return;
    voicedAt = performance.now();
    ask("voice", { call_sid: callSid });
  }

  function show(next, detail = "") {
    state = next;
    view.root.dataset.state = next;
    const word = strings[next === "dialling" ? "ringing" : next];
    view.status.textContent = detail ? `${word} ${detail}` : word;
    const live = LIVE.includes(next);
    if (next === "connected") since ||= performance.now();
    if (["idle", "ended", "dialling"].includes(next)) since = 0;
    sounds(next);
    forWhom(next);
    view.call.textContent = next === "incoming" ? strings.answer : strings.call;
    view.hangUp.textContent = next === "incoming" ? strings.decline : strings.hangUp;
    view.call.disabled = live || next === "offline" || next === "reconnecting";
    view.hangUp.disabled = !live && next !== "incoming";
    view.mute.disabled = !live;
    view.from.disabled = live || next === "reconnecting" || next === "incoming";
    view.words.disabled = view.send.disabled = !live;
    view.keys.forEach((key) => (key.disabled = !live));
    element.dispatchEvent(new CustomEvent("phone:state", { bubbles: true, detail: { state: next, callSid } }));
  }

  function sounds(next) {
    if (next === "dialling") tones.ringing();
    else if (next === "incoming") tones.bell();
    else if (!["waiting", "onHold"].includes(next)) tones.stop();
  }

  // A call for somebody else of the demo rings here too when nobody else has their telephone.
  function forWhom(next) {
    if (next !== "incoming" || ringing.data.to === view.from.value) return;
    const { number, label } = numbers.find((one) => one.number === ringing.data.to) ?? { number: ringing.data.to };
    line("music", [label, number].filter(Boolean).join(" "), strings.callFor);
  }

  function ask(name, data) {
    return new Promise((resolve) => {
      socket.timeout(10000).emit(name, data, (late, reply) => {
        resolve(late || !reply ? { error: { code: "timeout", message: strings.offline } } : reply);
      });
    });
  }

  show("offline");
  // Whoever muted the microphone and loads the page again has not opened it.
  setMuted(Boolean(callSid) && sessionStorage.getItem(MUTED) === "yes");
  return {
    socket,
    stop() {
      clearInterval(clock);
      speech.hush();
      tones.stop();
      audio.leave();
      socket.disconnect();
      element.replaceChildren();
    },
  };
}

function minutes(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function langOf(text) {
  return /\p{Script=Han}/u.test(text) ? "zh-CN" : "en";
}
