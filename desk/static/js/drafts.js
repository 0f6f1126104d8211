// What is being written and not sent. Each form of the kind `data-compose` keeps its words in this tab; the composer of a ticket
// keeps them on the server too, so that another browser, a crash or the next day finds them. Two windows never overwrite one
// another: what the other one wrote is shown, and its writer decides.

import { live } from "./live.js";
import { text } from "./texts.js";
import { areKept, setRecipients } from "./recipients.js";

const IDLE_MS = 700; // after the last key
const LONGEST_MS = 4000; // of writing without a pause
const RETRY_MS = 5000;
const states = new WeakMap();

export function startDrafts() {
  document.addEventListener("input", ({ target }) => written(target.closest?.("form[data-compose]")));
  document.addEventListener("change", ({ target }) => target.name === "kind" && written(target.closest("form[data-compose]")));
  document.addEventListener("recipients:edited", ({ target }) => {
    const form = target.closest("form[data-compose]");
    if (states.has(form)) states.get(form).recipients = true;
    written(form);
  });
  document.body.addEventListener("htmx:beforeRequest", ({ detail }) => {
    const form = detail.elt?.closest?.("form[data-compose]");
    const state = form && states.get(form);
    if (!state || detail.requestConfig?.verb !== "post") return;
    clearTimeout(state.timer);
    Object.assign(state, { named: state.version, sent: areaOf(form).value });
  });
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
    const form = detail.elt?.closest?.("form[data-compose]");
    if (form && !detail.successful) written(form);
  });
  document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const form = detail.requestConfig?.elt?.closest?.("form[data-compose]");
    if (form && detail.xhr.status < 300) wasSent(form);
  });
  for (const event of ["htmx:afterSwap", "live:morphed"]) document.body.addEventListener(event, restoreAll);
  document.addEventListener("click", ({ target }) => {
    const answer = target.closest("[data-other-draft]");
    if (answer) decide(answer.closest("form"), answer.dataset.otherDraft === "add");
  });
  document.addEventListener("visibilitychange", () => {
    const form = composer();
    if (!form) return;
    if (document.visibilityState === "hidden") save(form, { last: true });
    else live.refreshOne(form.querySelector("[data-draft]"));
  });
  window.addEventListener("pagehide", () => composer() && save(composer(), { last: true }));
  live.on("live:connected", () => composer() && save(composer()));
  restoreAll();
}

const composer = () => document.querySelector("form[data-compose]:has([data-draft])");
const areaOf = (form) => form.querySelector("textarea");
const keptIn = (form) => form.querySelector("#draft-kept");
const kindOf = (form) => new FormData(form).get("kind") ?? "";

function restoreAll() {
  for (const form of document.querySelectorAll("form[data-compose]")) {
    if (!keptIn(form)) restoreHere(form);
    else if (states.has(form)) follow(form);
    else begin(form);
  }
}

// ------------------------------------------------------------------ with the server

function begin(form) {
  const kept = keptOf(form);
  const state = { version: kept.version, words: kept.words, kind: kept.kind, spent: 0, gone: 0, saving: null, timer: 0, since: 0, other: false, recipients: false, named: 0, sent: null };
  states.set(form, state);
  name(form);
  const here = read(form);
  const isNews = here && !here.saved && !areaOf(form).value && here.words !== kept.words && setKind(form, here.kind);
  if (!isNews) return kept.words && adopt(form, here?.words === kept.words ? asTyped(form, kept) : kept);
  put(form, here.words);
  form.elements.seen.value = here.seen ?? "";
  tell(form, text("draft"));
  if (kept.version && here.version !== kept.version) return showOther(form, kept);
  written(form);
}

/** In the tab in which they were chosen the recipients stand as they were typed, also when our own last saving comes back. */
const asTyped = (form, kept) => (areKept(form) ? { ...kept, people: null } : kept);

/** The server's word has changed: another window saved or sent, or our own saving came back. */
function follow(form) {
  const state = states.get(form);
  const kept = keptOf(form);
  if (state.saving || state.other || kept.version === state.version) return;
  if (kept.version && (kept.version < state.version || kept.version <= state.spent)) return; // an answer from before
  const mine = areaOf(form).value;
  if (!kept.version) {
    // Gone: believed when it is said twice, as the first answer may be older than our last saving.
    if (state.gone === state.version) return mine === state.words ? adopt(form, kept) : again(form, 0);
    state.gone = state.version;
    live.refreshOne(form.querySelector("[data-draft]"));
    return;
  }
  if (kept.words === state.sent) return throwAway(form, kept); // our own saving, which came after the sending
  if (mine === state.words || mine === kept.words) adopt(form, mine === kept.words ? asTyped(form, kept) : kept);
  else showOther(form, kept);
}

function written(form) {
  if (!form || !areaOf(form)) return;
  noteSeen(form);
  keepHere(form, false);
  const state = states.get(form);
  if (!state) return;
  tell(form, "");
  clearTimeout(state.timer);
  if (state.other) return;
  state.since ||= performance.now();
  state.timer = setTimeout(() => save(form), performance.now() - state.since > LONGEST_MS ? 0 : IDLE_MS);
}

async function save(form, { last = false } = {}) {
  const state = states.get(form);
  clearTimeout(state.timer);
  const words = areaOf(form).value;
  const isNew = words !== state.words || (words.trim() && (kindOf(form) !== state.kind || state.recipients));
  if (state.other || state.saving || !isNew || form.classList.contains("htmx-request")) return;
  state.since = 0;
  const kind = kindOf(form);
  const body = new FormData();
  for (const field of ["kind", "draft", "seen", "text"]) body.set(field, new FormData(form).get(field) ?? "");
  if (form.querySelector("#recipients-chosen[data-keep]")) for (const field of ["recipients", "to", "cc"]) new FormData(form).getAll(field).forEach((value) => body.append(field, value));
  const headers = { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content, "X-Fragment": "1", Accept: "application/json" };
  state.recipients = false;
  state.saving = fetch(form.querySelector("[data-draft]").dataset.src, { method: "POST", body, headers, credentials: "same-origin", keepalive: last && words.length < 10_000 });
  let answer = null;
  try {
    answer = await state.saving;
    if (answer.ok) {
      saved(form, { version: (await answer.json()).version, words, kind });
    }
  } catch {
    // Offline: it is tried again when the line is back.
  }
  state.saving = null;
  if (answer?.status === 409) return live.refreshOne(form.querySelector("[data-draft]"));
  if (!form.isConnected) return;
  if (!answer?.ok) {
    tell(form, text("draftUnsaved"));
    state.timer = setTimeout(() => save(form), RETRY_MS);
  } else if (areaOf(form).value !== state.words) written(form);
  else follow(form);
}

function saved(form, { version, words, kind }) {
  const state = states.get(form);
  Object.assign(state, { version, words: version ? words : "", kind });
  note(keptIn(form), state);
  name(form);
  if (areaOf(form).value !== words) return;
  keepHere(form, true);
  tell(form, words.trim() ? text("draftSaved") : "");
}

/** The next saving begins a draft anew: what was known is gone. */
function again(form, version) {
  states.get(form).version = version;
  name(form);
  written(form);
}

function wasSent(form) {
  forgetHere(form);
  tell(form, "");
  const state = states.get(form);
  if (!state) return;
  state.since = 0;
  form.elements.seen.value = "";
  // Saved once more while it was being sent: that one is still there.
  if (state.named !== state.version) return throwAway(form, state);
  Object.assign(state, { spent: state.version, version: 0, words: "" });
  name(form);
  if (state.other) setTimeout(() => decide(form, true)); // now there is room for what the other window has
}

function throwAway(form, { version, words }) {
  Object.assign(states.get(form), { version, words, sent: null });
  name(form);
  setTimeout(() => written(form)); // when the field is empty
}

function adopt(form, kept) {
  // A note must never come back as a reply: without its kind the words stay where they are.
  if (kept.words && !setKind(form, kept.kind)) return;
  // Our own words come back with what was known when they were saved: what was shown since stays known.
  const seen = kept.words && kept.words === areaOf(form).value ? later(form.elements.seen.value, kept.seen) : kept.seen;
  Object.assign(states.get(form), { version: kept.version, words: kept.words, kind: kept.kind, other: false });
  name(form);
  put(form, kept.words);
  form.elements.seen.value = seen;
  if (kept.people) setRecipients(kept.people);
  states.get(form).recipients = false;
  keepHere(form, true);
  tell(form, kept.words ? text("draft") : "");
}

function showOther(form, kept) {
  const bar = form.querySelector("#draft-other");
  states.get(form).other = true;
  bar.querySelector("[data-other-words]").textContent = kept.words.slice(0, 200);
  bar.hidden = false;
}

function decide(form, add) {
  const state = states.get(form);
  const kept = keptOf(form);
  const mine = areaOf(form).value;
  form.querySelector("#draft-other").hidden = true;
  Object.assign(state, { other: false, version: kept.version, words: kept.words });
  name(form);
  if (add && kept.words) put(form, mine.trim() ? `${mine.trimEnd()}\n\n${kept.words}` : kept.words);
  written(form);
  areaOf(form).focus();
}

function keptOf(form) {
  const { version = 0, words = "", kind = "", seen = "", people = "" } = keptIn(form)?.dataset ?? {};
  return { version: Number(version), words, kind, seen, people: people ? JSON.parse(people) : null };
}

/** As the server draws it: of nothing that is kept there is nothing to say. */
function note(kept, { version, words, kind }) {
  if (!kept) return;
  for (const name of ["kind", "words", "seen", "people"]) if (!version) delete kept.dataset[name];
  Object.assign(kept.dataset, version ? { version, words, kind } : { version });
}

/** The form says which version it was written from: sending it throws away no other. */
function name(form) {
  form.elements.draft.value = states.get(form).version;
}

/** How far the answers on the ticket were known when the writing began: what colleagues answer after that is shown before sending. */
function noteSeen(form) {
  const seen = form.elements.seen;
  if (seen) seen.value = areaOf(form).value.trim() ? seen.value || (document.getElementById("timeline-seen")?.dataset.seen ?? "") : "";
}

/** The further of two words of how far the answers are known: the last message and the last one leaving. */
function later(one, other) {
  const numbers = (seen) => seen.split(".").map(Number);
  return numbers(one).some((number, at) => number > (numbers(other)[at] ?? 0)) ? one : other;
}

// ------------------------------------------------------------------ in this tab

const nameOf = (form) => `draft:${form.dataset.compose}`;

function restoreHere(form) {
  const area = areaOf(form);
  const here = area && !area.value && read(form);
  if (!here || !setKind(form, here.kind)) return;
  put(form, here.words);
  tell(form, text("draft"));
}

function keepHere(form, isSaved) {
  const words = areaOf(form).value;
  try {
    if (words.trim()) sessionStorage.setItem(nameOf(form), JSON.stringify({ kind: kindOf(form), words, saved: isSaved, seen: form.elements.seen?.value, version: states.get(form)?.version ?? 0 }));
    else sessionStorage.removeItem(nameOf(form));
  } catch {
    // Full or closed storage loses only the safety net, not the text in the field.
  }
}

function read(form) {
  try {
    return JSON.parse(sessionStorage.getItem(nameOf(form)));
  } catch {
    return null;
  }
}

function forgetHere(form) {
  try {
    sessionStorage.removeItem(nameOf(form));
  } catch {
    // Then nothing was kept either.
  }
}

// ------------------------------------------------------------------ the form

function setKind(form, kind) {
  if (kindOf(form) === kind) return true;
  const choice = form.querySelector(`input[type=radio][name=kind][value="${CSS.escape(kind)}"]`);
  if (!choice) return false;
  choice.checked = true;
  choice.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

function put(form, words) {
  areaOf(form).value = words;
  grow(areaOf(form));
}

function tell(form, words) {
  const place = form.querySelector("[data-draft-told]");
  if (place) place.textContent = words;
}

/** For browsers without `field-sizing`: as tall as its text. */
export function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}
