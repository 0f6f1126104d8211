// The console: moving between its pages without losing the frame (a call lives in it), the composer, the side pane, the keys.

import { live } from "./live.js";
import { toast } from "./notices.js";
import { text } from "./texts.js";
import { tick } from "./times.js";
import { startAtHand } from "./at-hand.js";
import { startCanned } from "./canned.js";
import { startCompany } from "./company.js";
import { startCrossed } from "./crossed.js";
import { startRecipients } from "./recipients.js";
import { startUnsent } from "./unsent.js";
import { startDropped } from "./dropped.js";

const TYPING_MS = 5000;
const TALLEST_PX = 2400; // of a mail in its frame; a longer one scrolls
let going = 0;
let typingTimer = 0;
let byKey = false;
let leaving = ""; // the words of the answer that is being sent

startMoving();
startComposer();
startRecipients();
startCanned();
startCompany();
startCrossed();
startUnsent();
startDropped();
startAtHand();
startSide();
startTyping();
startStepping();
startDialogs();
arrive();

// ------------------------------------------------------------------ from page to page

function startMoving() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute("download") || !isPlace(link.href)) return;
    event.preventDefault();
    go(link.href);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-place-form]");
    if (!form) return;
    event.preventDefault();
    go(`${form.action}?${new URLSearchParams([...new FormData(form)].filter(([, value]) => value))}`);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-place-form] select")) event.target.form.requestSubmit();
  });
  window.addEventListener("popstate", () => go(location.href, { push: false }));
  document.body.addEventListener("live:morphed", ({ target }) => target.id === "worklist" && markCurrent());
  // A row may be drawn anew before what it asked for is answered: the answer is told all the same.
  document.body.addEventListener("htmx:beforeSend", ({ detail: { elt, xhr } }) => xhr.addEventListener("readystatechange", () => {
    const told = xhr.readyState === 4 && !elt.isConnected && xhr.getResponseHeader("HX-Trigger");
    if (told) for (const [name, detail] of Object.entries(JSON.parse(told))) document.body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }));
  document.body.addEventListener("desk:done", ({ target, detail }) => {
    // The list may wait until the pointer has left it; what was answered is gone at once.
    target.closest?.(".offer")?.remove();
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    const place = detail.path && new URL(detail.path, location.href);
    // Another page, or another list on the same one.
    if (place && (place.pathname !== location.pathname || (place.search && place.search !== location.search))) go(detail.path);
    // Sent to where it is: what changed is the reader's own, and nobody is told of that.
    else if (detail.path || !live.connected) live.refresh();
  });
}

/** The pages that share the frame: the console, its lists and its tickets. */
function isPlace(href) {
  const url = new URL(href, location.href);
  return url.origin === location.origin && /^\/desk(\/tickets(\/\d+|\/new)?|\/complaints)?\/?$/.test(url.pathname);
}

async function go(href, { push = true } = {}) {
  const mine = ++going;
  document.getElementById("panes").ariaBusy = "true";
  let page;
  try {
    const answer = await fetch(href, { headers: { Accept: "text/html", "X-Part": "panes", "X-Language": document.documentElement.lang.slice(0, 2) }, credentials: "same-origin" });
    const html = await answer.text();
    if (mine !== going) return;
    if (!answer.headers.get("Content-Type")?.includes("html") || new URL(answer.url).pathname.startsWith("/login")) throw new Error("elsewhere");
    page = new DOMParser().parseFromString(html, "text/html");
    if (!page.getElementById("panes")) return location.assign(href);
  } catch {
    if (mine !== going) return;
    document.getElementById("panes").ariaBusy = null;
    toast(text("unreachable"), "late");
    return;
  }
  show(page);
  if (push && href !== location.href) history.pushState(null, "", href);
  arrive();
}

function show(page) {
  const panes = document.getElementById("panes");
  const fresh = page.getElementById("panes");
  const list = panes.querySelector(".pane-list");
  for (const pane of [...panes.children]) if (pane !== list) pane.remove();
  for (const pane of [...fresh.children]) if (!pane.matches(".pane-list")) panes.append(document.adoptNode(pane));
  list.querySelector(".pane-head > :is(h1, h2)").replaceWith(document.adoptNode(fresh.querySelector(".pane-list .pane-head > :is(h1, h2)")));
  panes.className = fresh.className;
  panes.ariaBusy = null;
  document.title = page.title;
  const work = document.getElementById("worklist");
  const newWork = page.getElementById("worklist");
  work.dataset.src = newWork.dataset.src;
  window.Idiomorph.morph(work, [...newWork.childNodes], { morphStyle: "innerHTML", ignoreActiveValue: true });
  for (const node of [...panes.children, work]) window.htmx?.process(node);
  tick(panes);
  panes.dispatchEvent(new CustomEvent("live:morphed", { bubbles: true }));
}

/** The row of what is open is known here first: the list itself may be a moment behind. */
function markCurrent() {
  for (const link of document.querySelectorAll("#worklist a[data-place]")) {
    const on = link.pathname === location.pathname;
    link.closest(".row").classList.toggle("is-current", on);
    if (on) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function arrive() {
  markCurrent();
  stayAtEnd(document.getElementById("ticket-scroll"));
  renewId();
  showKind();
  const first = document.querySelector(".new-ticket input, [data-focus]");
  if (first) first.focus();
  else if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
}

/** Begins at the end of the timeline, and stays there when the composer below grows. */
function stayAtEnd(place) {
  if (!place) return;
  let atEnd = true;
  place.addEventListener("scroll", () => (atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40));
  new ResizeObserver(() => {
    if (atEnd) place.scrollTop = place.scrollHeight;
  }).observe(place);
  place.scrollTop = place.scrollHeight;
}

function startDialogs() {
  // Who opens a dialog by a key wants to answer its first question, not to close it.
  document.addEventListener("dialog:opened", ({ target }) => {
    const fields = [...target.querySelectorAll(".dialog-body :is(select, textarea, input:not([type=hidden]))")];
    (fields.find((field) => !field.value) ?? fields[0])?.focus();
  });
}

// ------------------------------------------------------------------ writing

function startComposer() {
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-writes]")) {
      event.target.form.dataset.chosen = "1";
      showKind();
    }
    if (event.target.matches("[data-files]")) showFiles(event.target);
  });
  document.addEventListener("click", (event) => {
    const writes = event.target.closest("[data-writes]");
    if (writes) area()?.focus();
    const shows = event.target.closest("[data-shows]");
    if (shows) reveal(shows);
    const drop = event.target.closest("[data-drop-file]");
    if (drop) dropFile(Number(drop.dataset.dropFile));
    const again = event.target.closest(".attachment[data-open]");
    if (again) window.open(again.dataset.open);
  });
  // The key that chooses the kind of answer brings the caret to it at once: the next letter is text already.
  document.addEventListener("keydown", ({ key }) => (byKey = key.length === 1), true);
  document.addEventListener("keyup", () => (byKey = false), true);
  document.addEventListener("focusin", ({ target }) => {
    if (!byKey || !target.matches("[data-writes]")) return;
    target.checked = true;
    target.dispatchEvent(new Event("change", { bubbles: true }));
    area()?.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === area()) event.target.blur();
  });
  document.body.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.elt?.id === "composer") leaving = area().value;
  });
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
    const form = detail.elt;
    if (form?.id !== "composer" || !detail.successful || detail.requestConfig?.verb !== "post") return;
    empty(form.querySelector("textarea"));
    for (const input of form.querySelectorAll("input[type=file]")) input.value = "";
    showFiles(form.querySelector("[data-files]"));
    renewId();
    area()?.focus();
  });
  document.body.addEventListener("live:morphed", (event) => {
    if (event.target.id === "composer-channels") keepKind();
  });
}

/** What was typed while the answer was on its way is the next one's, and stays. */
function empty(field) {
  const next = field.value.startsWith(leaving) ? field.value.slice(leaving.length).trimStart() : field.value;
  if (next !== field.value) field.value = next;
  if (next) field.dispatchEvent(new Event("input", { bubbles: true }));
}

function area() {
  return document.getElementById("composer-text");
}

/** A message sent twice by accident has the same id and counts once. */
function renewId() {
  const field = document.querySelector("[data-client-id]");
  if (field) field.value = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
}

/** The ways to answer have changed (a chat began or ended): what was chosen stays chosen, above all a note stays a note. */
function keepKind() {
  const form = document.getElementById("composer");
  const before = form?.querySelector(`input[name=kind][value="${CSS.escape(form.dataset.writes ?? "")}"]`);
  if (before && form.dataset.chosen) before.checked = true;
  showKind();
}

function showKind() {
  const form = document.getElementById("composer");
  if (!form) return;
  let chosen = form.querySelector("input[name=kind]:checked");
  if (!chosen) {
    chosen = form.querySelector("input[name=kind]");
    if (chosen) chosen.checked = true;
  }
  const kind = chosen?.value ?? "note";
  form.dataset.writes = kind;
  // In a chat Enter sends, as everywhere; a mail is longer than a line.
  if (kind === "chat") form.dataset.enter = "send";
  else delete form.dataset.enter;
  const hint = form.querySelector("[data-hint]");
  hint.textContent = kind === "chat" ? hint.dataset.chat : hint.dataset.hint;
  const words = kind === "note" ? area().dataset.note : area().dataset.reply;
  if (area().placeholder !== words) area().placeholder = words;
}

function reveal(button) {
  const place = document.getElementById(button.dataset.shows);
  place.hidden = !place.hidden;
  button.ariaExpanded = String(!place.hidden);
  if (!place.hidden) place.querySelector("input")?.focus();
}

function showFiles(input) {
  const place = input && document.getElementById(input.dataset.files);
  if (!place) return;
  place.replaceChildren(
    ...[...input.files].map((file, index) => {
      const chip = document.createElement("span");
      chip.className = "chip";
      const drop = document.createElement("button");
      drop.type = "button";
      drop.dataset.dropFile = index;
      drop.ariaLabel = `${text("close")}: ${file.name}`;
      drop.textContent = "×";
      chip.append(file.name, drop);
      return chip;
    }),
  );
}

function dropFile(index) {
  const input = document.querySelector("[data-files]");
  const kept = new DataTransfer();
  [...input.files].forEach((file, at) => at !== index && kept.items.add(file));
  input.files = kept.files;
  showFiles(input);
}

// ------------------------------------------------------------------ beside the ticket

function startSide() {
  document.addEventListener("tab:chosen", ({ target }) => {
    if (target.id === "tab-side-knowledge") firstHits();
  });
  document.addEventListener("click", (event) => {
    const chooser = event.target.closest("[data-chooses]");
    if (chooser) chooseTab(chooser.dataset.chooses);
    if (event.target.closest("[data-back-to-hits]")) backToHits();
    const shows = event.target.closest("[data-shows-article]");
    if (shows) showKnowledge(shows.dataset.showsArticle);
    const inserts = event.target.closest("[data-inserts]");
    if (inserts) insert(document.getElementById(inserts.dataset.inserts).innerText.trim());
    const words = event.target.closest("[data-inserts-text]");
    if (words) insert(words.dataset.insertsText);
  });
  document.addEventListener("toggle", (event) => {
    const place = event.target;
    if (place instanceof HTMLDetailsElement && place.open && place.dataset.original) showOriginal(place);
  }, true);
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
    const button = detail.elt?.closest?.("[data-linked]");
    if (button && detail.successful) button.disabled = true;
    if (detail.successful && detail.elt?.id === "knowledge-search") document.getElementById("knowledge").dataset.src = hitsAddress();
  });
}

function chooseTab(id) {
  const tab = document.getElementById(id);
  const side = document.getElementById("side");
  if (!tab) return;
  tab.click();
  // On a narrow screen the side pane is a drawer; asking for one of its tabs opens it.
  if (getComputedStyle(side).position === "absolute" && !side.classList.contains("is-open")) document.querySelector('[data-toggles="side"]')?.click();
  document.querySelector("#knowledge-search input")?.focus();
}

function firstHits() {
  const place = document.getElementById("knowledge");
  if (!place?.dataset.first || place.dataset.asked) return;
  showKnowledge(place.dataset.first);
}

/** What the tab shows is its source from then on: suggestions follow the conversation, an article that is read stays. */
function showKnowledge(address) {
  const place = document.getElementById("knowledge");
  place.dataset.asked = "1";
  place.dataset.src = address;
  live.refresh("articles");
}

const backToHits = () => showKnowledge(hitsAddress());

function hitsAddress() {
  const query = document.querySelector("#knowledge-search input")?.value ?? "";
  const { first } = document.getElementById("knowledge").dataset;
  return query ? `${first}?q=${encodeURIComponent(query)}` : first;
}

function insert(words) {
  const field = area();
  if (!field) return;
  const gap = field.value && !/\s$/.test(field.value) ? "\n\n" : "";
  field.setRangeText(gap + words, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

async function showOriginal(place) {
  const box = place.querySelector("[data-keep]");
  if (box.childElementCount) return;
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
  frame.title = place.querySelector("summary").textContent;
  frame.src = place.dataset.original;
  box.append(frame);
  const answer = await about(place.dataset.original, frame);
  if (answer?.headers.get("X-Pictures") !== "left-out") return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button small wraps";
  button.textContent = document.getElementById("ticket").dataset.loadPictures;
  button.addEventListener("click", () => {
    frame.src = `${place.dataset.original}?pictures=1`;
    about(frame.src, frame);
    button.remove();
  });
  box.prepend(button);
}

/** Makes the frame about as tall as the mail in it. It is sealed, from us too, so the server says how tall that is. */
async function about(address, frame) {
  const asked = `${address}${address.includes("?") ? "&" : "?"}width=${Math.round(frame.clientWidth)}`;
  const answer = await fetch(asked, { method: "HEAD", credentials: "same-origin" }).catch(() => null);
  const height = Number(answer?.headers.get("X-Height"));
  if (height > 0) frame.style.height = `${Math.min(height, TALLEST_PX)}px`;
  return answer;
}

// ------------------------------------------------------------------ who is writing

function startTyping() {
  live.on("typing", ({ topic, name }) => {
    const place = document.getElementById("typing");
    if (name) return; // a colleague: they stand above the timeline
    if (!place || topic !== `ticket:${document.getElementById("ticket")?.dataset.number}`) return;
    place.textContent = place.dataset.text.replace("{name}", place.dataset.customer);
    clearTimeout(typingTimer);
    typingTimer = setTimeout(() => (place.textContent = ""), TYPING_MS);
  });
  document.body.addEventListener("live:morphed", ({ target }) => {
    if (target.id !== "timeline") return;
    const place = document.getElementById("typing");
    if (place) place.textContent = "";
  });
}

// ------------------------------------------------------------------ along the list

function startStepping() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (!button) return;
    const rows = document.querySelector(".pane-middle .table tbody") ?? document.getElementById("worklist");
    const stops = [...rows.querySelectorAll("a[data-place]")].filter((link) => link.checkVisibility());
    const at = stops.indexOf(document.activeElement);
    const current = stops.findIndex((link) => link.ariaCurrent);
    const from = at >= 0 ? at : current;
    const next = stops[from < 0 ? 0 : Math.max(0, Math.min(stops.length - 1, from + Number(button.dataset.step)))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  });
}
