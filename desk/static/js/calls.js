// The agent's telephone, as long as the console is open: it takes the calls that the agent has accepted, and for the simulated
// carrier it shows what the caller says and lets the agent "speak" in writing.

import { createSoftphone } from "../voice/softphone.js";
import { toast } from "./notices.js";

const RETRY_MS = 15000;
let phone = null;
let heard = "";

start();

async function start() {
  const ticket = await fetchPass().catch(() => null);
  if (!ticket) return setTimeout(start, RETRY_MS);
  if (ticket.kind === "twilio") await load("/static/vendor/twilio.min.js");
  phone = createSoftphone({
    kind: ticket.kind,
    token: ticket.token,
    socketFactory: (namespace, auth) => window.io(namespace, { auth, transports: ["websocket"], autoConnect: false }),
    onState: took,
    onEvent: perceived,
    fetchToken: async () => (await fetchPass()).token,
  });
  document.addEventListener("submit", speak);
  document.body.addEventListener("live:morphed", ({ target }) => target.id === "call-strip" && showWords());
  await phone.start();
}

async function fetchPass() {
  const answer = await fetch("/desk/softphone", { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

function load(address) {
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
  showWords();
}

function perceived({ kind, data }) {
  if (kind === "heard") heard = data.text ?? "";
  if (kind === "ended") heard = "";
  if (kind === "error" && !["connect", "no_call"].includes(data.code)) toast(data.message, "late");
  showWords();
}

/** What was last heard, in the strip; the box to speak only where there is no microphone in it. */
function showWords() {
  const place = document.getElementById("call-heard");
  const box = document.getElementById("call-say");
  if (!place || !box) return;
  const talking = phone?.canSay && phone.current.state === "connected";
  place.textContent = heard && talking ? `“${heard}”` : "";
  box.hidden = !talking;
}

async function speak(event) {
  if (event.target.id !== "call-say") return;
  event.preventDefault();
  const field = event.target.elements.text;
  const words = field.value.trim();
  if (!words) return;
  const answer = await phone.say(words);
  if (!answer?.error) field.value = "";
  field.focus();
}
