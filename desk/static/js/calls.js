// The agent's telephone, as long as a page of the desk is open: it takes the calls that the agent has accepted. Of several tabs
// only one runs it, or two would answer the same call; the others say so, and can take it over.

import { createSoftphone } from "../voice/softphone.js";
import { startCallDialogs } from "./call-dialogs.js";
import { currentCall, words } from "./call-words.js";
import { startCallSaid } from "./call-said.js";
import { startDeviceCheck } from "./device-check.js";
import { toast } from "./notices.js";
import { showLevels, showPhone, showQuality, startPhoneLight } from "./phone-light.js";
import { startRings } from "./rings.js";

const LOCK = "desk-softphone";
const RETRY_MS = 15000;
let phone = null;
let retry = 0;
let letGo = () => {};
let heard = "";
let told = false;

startPhoneLight();
startRings();
startCallDialogs();
startCallSaid();
startDeviceCheck({ phone: () => phone, again, here: () => hold({ steal: true }) });
document.addEventListener("submit", speak);
document.addEventListener("click", keepTab, true);
document.addEventListener("click", actHere);
document.body.addEventListener("live:morphed", ({ target }) => target.id === "call-strip" && showWords());
window.addEventListener("beforeunload", (event) => phone?.current.callSid && event.preventDefault());
hold();

/** Runs the phone when this tab is the one that may; until then waits for the tab that does to go. */
async function hold({ steal = false } = {}) {
  // Without a secure page there are no locks; nor is there a microphone that two tabs could fight over.
  if (!navigator.locks) return start();
  if (!steal) {
    const { held } = await navigator.locks.query();
    if (held.some((lock) => lock.name === LOCK)) showPhone("elsewhere");
  }
  const until = () => new Promise((resolve) => {
    letGo = resolve;
    start();
  });
  navigator.locks.request(LOCK, { steal }, until).catch(() => {
    // Another tab has taken the phone.
    stop();
    showPhone("elsewhere");
    hold();
  });
}

async function start() {
  clearTimeout(retry);
  showPhone("starting");
  const pass = await fetchPass().catch(() => null);
  if (!pass) {
    showPhone("offline");
    retry = setTimeout(start, RETRY_MS);
    return;
  }
  try {
    if (pass.kind === "twilio") await load("/static/vendor/twilio.min.js");
    phone = createSoftphone({
      kind: pass.kind,
      token: pass.token,
      edge: pass.edge || undefined,
      insists: Boolean(navigator.locks),
      socketFactory: (namespace, auth) =>
        window.io(namespace, { auth, path: pass.door || undefined, transports: ["websocket"], autoConnect: false }),
      onState: took,
      onEvent: perceived,
      onLevels: showLevels,
      fetchToken: async () => (await fetchPass()).token,
    });
    await phone.start();
  } catch {
    stop();
    showPhone("offline");
    retry = setTimeout(start, RETRY_MS);
  }
}

function stop() {
  clearTimeout(retry);
  told = false;
  phone?.stop();
  phone = null;
}

/** Connects anew, in this tab. */
function again() {
  if (phone?.current.callSid) return;
  stop();
  start();
}

window.addEventListener("pagehide", () => letGo());

async function fetchPass() {
  const answer = await fetch("/desk/softphone", { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

function load(address) {
  if (window.Twilio) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

function took({ state }) {
  // The agent accepted the offer before this rang: there is nothing to ask.
  if (state === "ringing") phone.answer();
  showPhone(state);
  showWords();
  if (state === "ready" && !told) tellReady();
  if (state === "offline") told = false;
}

/** The desk may be waiting for this phone: an agent whose line broke in a call is rung into it again. */
async function tellReady() {
  told = true;
  const token = document.querySelector("meta[name=csrf-token]")?.content ?? "";
  await fetch("/desk/softphone/ready", { method: "POST", headers: { "X-CSRFToken": token }, credentials: "same-origin" }).catch(() => (told = false));
}

/** Who gives a colleague advice does not have the call: muting and leaving are their own phone's. */
async function actHere({ target }) {
  const button = target.closest?.("[data-phone]");
  if (!button || !phone) return;
  if (button.dataset.phone === "hang-up") return phone.hangUp();
  await phone.mute(!phone.current.muted);
  showWords();
}

function perceived({ kind, data }) {
  if (kind === "heard") heard = data.text ?? "";
  if (kind === "ended") {
    heard = "";
    showLevels({ mic: 0, speaker: 0 });
    showQuality("good");
  }
  if (kind === "quality") showQuality(data.level);
  if (kind === "microphone") hears(data);
  if (kind === "sound" && data.message) toast(data.message, data.code === "sound_back" ? "good" : "waiting");
  if (kind === "error" && !["connect", "no_call"].includes(data.code)) toast(data.message, "late");
  showWords();
}

/** Without a microphone nobody hears the agent; on the simulated carrier they can write instead, so it is no alarm there. */
function hears({ state, message }) {
  if (state === "granted") showPhone(phone?.current.state ?? "ready", true);
  else if (phone?.canSay) toast(message, "waiting");
  else showPhone("deaf");
}

/** What was last heard, in the strip; the box to speak only where the phone can be spoken to in writing. */
function showWords() {
  const place = document.getElementById("call-heard");
  const box = document.getElementById("call-say");
  if (!place || !box) return;
  const talking = phone?.canSay && phone.current.state === "connected";
  showMuted(Boolean(phone?.current.muted));
  place.textContent = heard && talking ? `“${heard}”` : "";
  box.hidden = !talking;
}

function showMuted(on) {
  const button = document.querySelector("[data-phone=mute]");
  if (!button) return;
  button.querySelector("span").textContent = button.dataset[on ? "unmute" : "mute"];
  button.querySelector("use").setAttribute("href", `/static/icons.svg#${on ? "mic-off" : "mic"}`);
}

async function speak(event) {
  if (event.target.id !== "call-say") return;
  event.preventDefault();
  const field = event.target.elements.text;
  const said = field.value.trim();
  if (!said) return;
  const answer = await phone.say(said);
  if (!answer?.error) field.value = "";
  field.focus();
}

/** Leaving the page would cut the voice: while a call is on here, other pages open beside it. The console moves without leaving. */
function keepTab(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || !phone?.current.callSid || !currentCall() || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href, location.href);
  if (url.origin !== location.origin || url.pathname === location.pathname) return;
  const isInConsole = document.getElementById("panes") && /^\/desk(\/tickets(\/\d+|\/new)?|\/complaints)?\/?$/.test(url.pathname);
  if (isInConsole) return;
  event.preventDefault();
  event.stopPropagation();
  window.open(url.href, "_blank", "noopener");
  toast(words("newTab"), "info");
}
