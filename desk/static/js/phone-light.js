// How the phone is, always in sight: the light in the bar, a banner when calls cannot reach the agent, levels while talking.

import { currentCall, words } from "./call-words.js";
import { icon } from "./notices.js";

const CHECKED = "phone-checked";
// A phone that connects again at once is not worth a banner.
const PATIENCE_MS = 4000;
const HINTS = { offline: "offlineHint", deaf: "deafHint", elsewhere: "elsewhereHint", ready: "readyHint" };
let state = "starting";
let waiting = 0;

export function startPhoneLight() {
  showPhone("starting");
  document.addEventListener("click", ({ target }) => {
    if (target.closest("[data-checks-later]")) wasChecked();
  });
  document.body.addEventListener("live:morphed", ({ target }) => target.id === "call-strip" && state !== "offline" && showBanner());
}

/**
 * One of offline, ready, ringing, connecting, connected, reconnecting (as the phone says), starting, elsewhere, deaf. A phone
 * without a microphone stays deaf while it says that it is connected, until it is `heard`.
 */
export function showPhone(next, heard = false) {
  if (state === "deaf" && !heard && !["offline", "elsewhere", "starting"].includes(next)) return;
  state = next;
  for (const light of document.querySelectorAll(".phone-light")) light.dataset.state = state;
  for (const word of document.querySelectorAll("[data-phone-word]")) word.textContent = words(state);
  for (const hint of document.querySelectorAll("[data-phone-hint]")) hint.textContent = HINTS[state] ? words(HINTS[state]) : "";
  const here = document.getElementById("phone-here");
  if (here) here.hidden = state !== "elsewhere" || Boolean(currentCall());
  clearTimeout(waiting);
  if (state === "reconnecting") showQuality("reconnecting");
  else if (state === "connected") showQuality("good");
  if (state === "offline") waiting = setTimeout(showBanner, PATIENCE_MS);
  else showBanner();
}

/** good says nothing; anything worse stands in the strip of the call. */
export function showQuality(level) {
  const place = document.getElementById("line-quality");
  if (!place) return;
  place.dataset.level = level;
  place.replaceChildren();
  const said = { poor: words("poor"), bad: words("bad"), reconnecting: words("reconnecting") }[level];
  if (said) place.append(icon("alert"), said);
}

/** Loudness from 0 to 1, of the microphone and of what is heard. */
export function showLevels({ mic = 0, speaker = 0 }) {
  for (const meter of document.querySelectorAll("meter[data-level]")) meter.value = meter.dataset.level === "mic" ? mic : speaker;
  const place = document.getElementById("call-levels");
  if (place && (mic || speaker)) place.hidden = false;
}

/** The devices have been looked at, or the agent wants to do it later: nobody is asked again in this browser. */
export function wasChecked() {
  keep();
  showBanner();
}

function showBanner() {
  const place = document.getElementById("phone-banner");
  if (!place) return;
  const said = state === "offline" ? "offlineBanner" : state === "deaf" ? "deafBanner" : isFirst() && state === "ready" && !document.querySelector(".call-strip") ? "firstBanner" : "";
  if (place.dataset.shown === said) return;
  place.dataset.shown = said;
  place.replaceChildren();
  if (!said) return;
  const node = document.createElement("div");
  // A hint lies over the page: if it pushed it down, whoever was about to press a button would miss it.
  node.className = said === "firstBanner" ? "banner is-info over-page" : "banner is-late";
  const told = document.createElement("p");
  told.className = "grow";
  told.textContent = words(said);
  node.append(icon(said === "firstBanner" ? "headset" : "alert"), told, button("check", { opens: "phone-check" }));
  if (said === "firstBanner") node.append(button("later", { checksLater: "" }));
  place.append(node);
}

function button(name, data) {
  const node = document.createElement("button");
  node.type = "button";
  node.className = "button small";
  node.textContent = words(name);
  Object.assign(node.dataset, data);
  return node;
}

function isFirst() {
  try {
    return localStorage.getItem(CHECKED) === null;
  } catch {
    return false;
  }
}

function keep() {
  try {
    localStorage.setItem(CHECKED, "1");
  } catch {
    // Without storage they are asked again on the next page.
  }
}
