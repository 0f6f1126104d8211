// The telephone on the try page: a keypad, a screen with what the caller hears, and a field to "speak" into.

export const STRINGS = [
  "phone", "yourNumber", "call", "hangUp", "answer", "decline", "keypad", "screen", "speak", "speakHint", "send", "readAloud",
  "idle", "ringing", "inMenu", "waiting", "connected", "onHold", "ended", "incoming", "reconnecting", "offline",
  "you", "them", "machine", "music", "pressed", "notHeard", "failed",
];

// The codes that `strings.errors` should have a sentence for.
export const ERRORS = [
  "bad_number", "no_such_call", "ended", "not_ringing", "not_allowed", "line_busy", "too_many_calls", "timeout",
];

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const SMALL_LETTERS = { 2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ", 0: "+" };
const LIVE = ["dialling", "inMenu", "waiting", "connected", "onHold"];

/**
 * Builds the phone into `element` and connects it.
 *
 * io       the global of socket.io-client
 * strings  the words named in STRINGS, in the language of the page, and `errors`: {code: sentence} for those of the door
 * numbers  [{number: "+8613800138000", label: "李娜"}, ...] to call from
 *
 * Gives {socket, stop}. Fires the bubbling event "phone:state" {state, callSid} on `element`, for pages that show more around it.
 */
export function mountPhone(element, { io, strings, numbers }) {
  const missing = STRINGS.filter((key) => !strings[key]);
  if (missing.length) throw new Error(`The phone lacks the words ${missing.join(", ")}.`);

  const view = build(element, strings, numbers);
  const voice = reader(view.readAloud);
  const socket = io("/phone");
  let state = "offline";
  let callSid = null;
  let ringingSid = null;
  let seen = 0;
  let pending = false;
  let missed = false;

  socket.on("connect", () => {
    if (callSid) resume();
    else show("idle");
    socket.emit("line", { from: view.from.value });
  });
  socket.on("disconnect", () => show(callSid ? "reconnecting" : "offline"));
  socket.on("connect_error", () => show(callSid ? "reconnecting" : "offline"));
  socket.on("phone", (event) => {
    if (event.call_sid === callSid) {
      if (event.n === seen + 1) perceive(event);
      else if (event.n > seen) resume();
    } else if (event.kind === "ringing" && !callSid) {
      ringingSid = event.call_sid;
      show("incoming", event.data.from);
    } else if (event.call_sid === ringingSid && !pending) {
      // Answered on another telephone with this number, or given up.
      ringingSid = null;
      show("idle");
    } else if (pending) {
      missed = true;
    }
  });

  view.call.addEventListener("click", () => (ringingSid ? pick("answer", { call_sid: ringingSid }) : dial()));
  view.hangUp.addEventListener("click", hangUp);
  view.from.addEventListener("change", () => socket.emit("line", { from: view.from.value }));
  view.keys.forEach((key) => key.addEventListener("click", () => press(key.dataset.digit)));
  view.form.addEventListener("submit", (event) => {
    event.preventDefault();
    speak();
  });
  view.words.addEventListener("keydown", (event) => {
    // Enter that only chooses a Chinese character does not speak.
    if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) event.preventDefault();
  });
  view.root.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS.includes(event.key)) return;
    event.preventDefault();
    press(event.key);
  });

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
    ringingSid = null;
    if (reply.error) {
      complain(reply.error);
      show("idle");
      return;
    }
    callSid = reply.call_sid;
    seen = 0;
    show("dialling");
    reply.events.forEach(perceive);
    if (missed) resume();
    missed = false;
  }

  async function resume() {
    const sid = callSid;
    const reply = await ask("resume", { call_sid: sid });
    if (sid !== callSid) return;
    if (reply.error) {
      complain(reply.error);
      end();
      return;
    }
    if (state === "reconnecting") show("dialling");
    const fresh = state === "dialling" ? reply.events : reply.events.filter((event) => event.n > seen);
    fresh.forEach(perceive);
  }

  async function press(digit) {
    if (!callSid) return;
    voice.hush();
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
    if (ringingSid) await ask("reject", { call_sid: ringingSid });
    else if (callSid) await ask("hang_up", { call_sid: callSid });
  }

  function perceive(event) {
    const { kind, data } = event;
    const again = event.n <= seen;
    seen = Math.max(seen, event.n);
    const next = { gather: "inMenu", joined: "waiting", connected: "connected" }[kind];
    if (next) show(next);
    if (kind === "hold") show(data.on ? "onHold" : "connected");
    if (!again) write(kind, data);
    if (kind === "ended") end();
  }

  function write(kind, data) {
    if (kind === "say") {
      line("machine", data.text, strings.machine, data.lang);
      voice.read(data.text, data.lang);
    } else if (kind === "heard") {
      line("them", data.text, strings.them, langOf(data.text));
      voice.read(data.text, langOf(data.text));
    } else if (kind === "said") {
      line("you", data.text, data.heard_by ? strings.you : `${strings.you} (${strings.notHeard})`, langOf(data.text));
    } else if (kind === "music") {
      line("music", "♪", strings.music);
    } else if (kind === "error") {
      complain(data);
    }
  }

  function end() {
    voice.hush();
    callSid = null;
    seen = 0;
    show("ended");
  }

  function complain(error) {
    const words = strings.errors?.[error.code];
    line("failed", words ?? `${error.message} (${error.code})`, strings.failed, words ? "" : "en");
  }

  function line(kind, text, who, lang) {
    const entry = node("p", { class: `phone-line phone-${kind}` });
    const words = node("span", { class: "phone-words" }, text);
    if (lang) words.lang = lang;
    entry.append(node("span", { class: "phone-who" }, who), " ", words);
    view.log.append(entry);
    view.log.scrollTop = view.log.scrollHeight;
  }

  function show(next, detail = "") {
    state = next;
    view.root.dataset.state = next;
    const word = strings[next === "dialling" ? "ringing" : next];
    view.status.textContent = detail ? `${word} ${detail}` : word;
    const live = LIVE.includes(next);
    view.call.textContent = next === "incoming" ? strings.answer : strings.call;
    view.hangUp.textContent = next === "incoming" ? strings.decline : strings.hangUp;
    view.call.disabled = live || next === "offline" || next === "reconnecting";
    view.hangUp.disabled = !live && next !== "incoming";
    view.from.disabled = live || next === "reconnecting" || next === "incoming";
    view.words.disabled = view.send.disabled = !live;
    view.keys.forEach((key) => (key.disabled = !live));
    element.dispatchEvent(new CustomEvent("phone:state", { bubbles: true, detail: { state: next, callSid } }));
  }

  function ask(name, data) {
    return new Promise((resolve) => {
      socket.timeout(10000).emit(name, data, (late, reply) => {
        resolve(late || !reply ? { error: { code: "timeout", message: strings.offline } } : reply);
      });
    });
  }

  show("offline");
  return {
    socket,
    stop() {
      voice.hush();
      socket.disconnect();
      element.replaceChildren();
    },
  };
}

function build(element, strings, numbers) {
  const root = node("section", { class: "phone", "aria-label": strings.phone });
  const status = node("p", { class: "phone-status", role: "status" });
  const log = node("div", { class: "phone-screen", role: "log", "aria-label": strings.screen, tabindex: "0" });

  const from = node("select", { class: "phone-from" });
  for (const { number, label } of numbers) from.append(node("option", { value: number }, label ? `${label} ${number}` : number));
  const fromLabel = node("label", { class: "phone-label" }, strings.yourNumber);
  fromLabel.append(from);

  const pad = node("div", { class: "phone-keys", role: "group", "aria-label": strings.keypad });
  const keys = KEYS.map((digit) => {
    const key = node("button", { type: "button", class: "button phone-key", "data-digit": digit });
    key.append(node("span", { class: "phone-digit" }, digit), node("small", {}, SMALL_LETTERS[digit] ?? ""));
    pad.append(key);
    return key;
  });

  const call = node("button", { type: "button", class: "button primary phone-call" }, strings.call);
  const hangUp = node("button", { type: "button", class: "button danger phone-hang-up" }, strings.hangUp);
  const actions = node("div", { class: "phone-actions" });
  actions.append(call, hangUp);

  const form = node("form", { class: "phone-say" });
  const words = node("input", { type: "text", maxlength: "1000", autocomplete: "off", placeholder: strings.speakHint });
  const wordsLabel = node("label", { class: "phone-label" }, strings.speak);
  wordsLabel.append(words);
  const send = node("button", { type: "submit", class: "button" }, strings.send);
  form.append(wordsLabel, send);

  const readAloud = node("button", { type: "button", class: "button quiet", "aria-pressed": "false" }, strings.readAloud);
  root.append(fromLabel, status, log, pad, actions, form, readAloud);
  element.replaceChildren(root);
  return { root, status, log, from, keys, call, hangUp, form, words, send, readAloud };
}

// Speaks what is heard, when the button is on. Browsers without voices keep the button hidden.
function reader(button) {
  const synth = globalThis.speechSynthesis;
  let on = false;
  button.hidden = !synth;
  button.addEventListener("click", () => {
    on = !on;
    button.setAttribute("aria-pressed", String(on));
    if (!on) synth.cancel();
  });
  return {
    read(text, lang) {
      if (!on) return;
      const utterance = new SpeechSynthesisUtterance(text);
      utterance.lang = lang;
      synth.speak(utterance);
    },
    hush: () => synth?.cancel(),
  };
}

function langOf(text) {
  return /\p{Script=Han}/u.test(text) ? "zh-CN" : "en";
}

function node(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}
