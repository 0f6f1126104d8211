// Writing: <form data-compose="ticket:12"> with a textarea. Ctrl or Cmd with Enter sends (plain Enter too with data-enter="send"),
// never while an input method composes; what is not sent yet survives a reload, a lost session and a change of page.

import { live } from "./live.js";
import { text } from "./texts.js";

const TYPING_MS = 3000;
const lastTyping = new WeakMap();

export function startCompose() {
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-compose]");
    if (!form || event.target.tagName !== "TEXTAREA" || event.key !== "Enter") return;
    if (event.isComposing || event.keyCode === 229 || event.shiftKey || event.altKey) return;
    const modified = event.ctrlKey || event.metaKey;
    if (!modified && form.dataset.enter !== "send") return;
    event.preventDefault();
    if (event.target.value.trim() && !form.classList.contains("htmx-request")) form.requestSubmit();
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-compose]");
    if (!form || event.target.tagName !== "TEXTAREA") return;
    grow(event.target);
    keep(form, event.target);
    tellTyping(form);
  });
  document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const form = detail.requestConfig?.elt?.closest?.("form[data-compose]");
    if (form && detail.xhr.status < 300) forget(form);
  });
  for (const event of ["htmx:afterSwap", "live:morphed"]) document.body.addEventListener(event, restoreAll);
  restoreAll();
}

function restoreAll() {
  for (const form of document.querySelectorAll("form[data-compose]")) {
    for (const area of form.querySelectorAll("textarea")) {
      const draft = read(nameOf(form, area));
      if (!draft || area.value) continue;
      area.value = draft;
      grow(area);
      const told = form.querySelector("[data-draft-told]");
      if (told) told.textContent = text("draft");
    }
  }
}

// One draft per ticket and per kind of message, so that a note never becomes a reply by accident.
function nameOf(form, area) {
  const kind = new FormData(form).get("kind") ?? "";
  return `draft:${form.dataset.compose}:${area.name}:${kind}`;
}

function keep(form, area) {
  try {
    if (area.value.trim()) sessionStorage.setItem(nameOf(form, area), area.value);
    else sessionStorage.removeItem(nameOf(form, area));
  } catch {
    // Full or closed storage loses only the safety net, not the text in the field.
  }
}

function read(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

function forget(form) {
  for (const area of form.querySelectorAll("textarea")) {
    try {
      sessionStorage.removeItem(nameOf(form, area));
    } catch {
      return;
    }
  }
}

/** For browsers without `field-sizing`: as tall as its text. */
function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

// An internal note is nobody's business outside: only replies show that somebody is typing.
function tellTyping(form) {
  const topic = form.dataset.typing;
  if (!topic || new FormData(form).get("kind") === "note") return;
  if (performance.now() - (lastTyping.get(form) ?? -TYPING_MS) < TYPING_MS) return;
  lastTyping.set(form, performance.now());
  live.hint("typing", { topic });
}
