// What is offered may ring: a tone, for calls until they are answered, and a notice of the system's own while the tab is out of
// sight. What rings, and how loud, is kept in this browser, because the loudspeaker is this desk's and not the person's.

import { announce } from "./notices.js";

const STORE = "ring";
const AGAIN_MS = 3000;
const PITCHES = { call: [587, 784, 587, 784], other: [660, 880], help: [880, 660, 880] };
let known = new Map();
let nudged = new Set(); // chats whose visitor waits too long, by the id of their row
let context = null;
let repeating = 0;
const notices = new Map();

/** Watches the strip and the work list for offers that were not there before. */
export function startRings() {
  known = offers();
  document.body.addEventListener("live:morphed", ({ target }) => {
    if (["worklist", "call-strip", "floor-notes"].includes(target.id)) look();
  });
  startSettings();
  look(true);
}

/** A tone for something that needs this person now; says nothing when they want no rings at all. */
export function sound(kind) {
  if (settings().for !== "none") tone(PITCHES[kind] ?? PITCHES.other);
}

export function settings() {
  const usual = { for: "calls", loud: 4, notice: false };
  try {
    return { ...usual, ...JSON.parse(localStorage.getItem(STORE) ?? "{}") };
  } catch {
    return usual;
  }
}

/** By the id of the offer: what kind it is and what is said of it. A call stands in the strip and in the list; it is one. */
function offers() {
  const found = new Map();
  for (const row of document.querySelectorAll("#worklist .offer, #call-strip [data-offer]")) {
    const id = row.dataset.offer ?? row.id.replace("offer-", "");
    if (!found.has(id) || row.dataset.offer) found.set(id, { kind: row.dataset.offerKind ?? "other", say: row.dataset.say ?? "" });
  }
  return found;
}

function look(first = false) {
  const now = offers();
  const fresh = [...now].filter(([id]) => first || !known.has(id));
  known = now;
  document.title = `${now.size ? `(${now.size}) ` : ""}${document.title.replace(/^\(\d+\) /, "")}`;
  for (const [id, notice] of notices) if (!now.has(id) && !document.getElementById(id)?.hasAttribute("data-nudge")) notice.close();
  clearInterval(repeating);
  const wanted = (offer) => settings().for === "all" || (settings().for === "calls" && offer.kind === "call");
  if ([...now.values()].some((offer) => offer.kind === "call" && wanted(offer))) repeating = setInterval(() => tone(PITCHES.call), AGAIN_MS);
  for (const [id, offer] of fresh.filter(([, offer]) => wanted(offer))) {
    tone(PITCHES[offer.kind] ?? PITCHES.other);
    notify(id, offer);
  }
  nudge(first);
}

/** A visitor waits for this person's answer, or a supervisor has written: said once, whatever else rings. */
function nudge(first) {
  const rows = [...document.querySelectorAll(":is(#worklist, #floor-notes) [data-nudge]")];
  const fresh = rows.filter(({ id }) => !nudged.has(id));
  nudged = new Set(rows.map(({ id }) => id));
  if (first || !fresh.length) return;
  const unsaid = fresh.filter((row) => !row.closest("[data-announce]:not(#worklist)")); // such a part says itself what is new
  if (unsaid.length) announce(unsaid.map(({ dataset }) => dataset.say).join(" "));
  sound("other");
  if (settings().for !== "none") for (const { id, dataset } of fresh) notify(id, { kind: "other", say: dataset.say });
}

function notify(id, offer) {
  if (!settings().notice || !document.hidden || window.Notification?.permission !== "granted") return;
  const notice = new Notification(offer.say, { tag: `offer-${id}`, requireInteraction: offer.kind === "call" });
  notice.onclick = () => {
    window.focus();
    notice.close();
  };
  notices.set(id, notice);
}

function tone(pitches) {
  context ??= new AudioContext();
  // Before the first press of a key or a button a page may not sound; the strip and the title say it all the same.
  if (context.state === "suspended") context.resume().catch(() => {});
  if (context.state === "closed") return;
  const top = 0.03 * settings().loud;
  pitches.forEach((pitch, index) => {
    const oscillator = context.createOscillator();
    const loudness = context.createGain();
    const at = context.currentTime + index * 0.18;
    oscillator.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.0001, at);
    loudness.gain.exponentialRampToValueAtTime(top, at + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, at + 0.16);
    oscillator.connect(loudness).connect(context.destination);
    oscillator.start(at);
    oscillator.stop(at + 0.18);
  });
}

function startSettings() {
  const place = document.querySelector(".ring-settings");
  if (!place) return;
  const [what, loud, notice] = ["ring-for", "ring-loud", "ring-notice"].map((id) => document.getElementById(id));
  const now = settings();
  what.value = now.for;
  loud.value = now.loud;
  notice.checked = now.notice && window.Notification?.permission === "granted";
  place.addEventListener("change", async ({ target }) => {
    if (target === notice && notice.checked && window.Notification) notice.checked = (await Notification.requestPermission()) === "granted";
    try {
      localStorage.setItem(STORE, JSON.stringify({ for: what.value, loud: Number(loud.value), notice: notice.checked }));
    } catch {
      return;
    }
    if (target === loud || (target === what && what.value !== "none")) tone(PITCHES.call);
  });
}
