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
    keep(form);
    tell(form, "");
    tellTyping(form);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.name === "kind" ? event.target.closest("form[data-compose]") : null;
    if (form?.querySelector("textarea")?.value) keep(form);
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
    const area = form.querySelector("textarea");
    const draft = area && !area.value && read(form);
    // A note must never come back as a reply: without its kind the words stay where they are.
    if (!draft || !setKind(form, draft.kind)) continue;
    area.value = draft.words;
    grow(area);
    tell(form, text("draft"));
  }
}

const nameOf = (form) => `draft:${form.dataset.compose}`;
const kindOf = (form) => new FormData(form).get("kind") ?? "";

function setKind(form, kind) {
  if (kindOf(form) === kind) return true;
  const choice = form.querySelector(`input[type=radio][name=kind][value="${CSS.escape(kind)}"]`);
  if (!choice) return false;
  choice.checked = true;
  choice.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

function keep(form) {
  const words = form.querySelector("textarea").value;
  try {
    if (words.trim()) sessionStorage.setItem(nameOf(form), JSON.stringify({ kind: kindOf(form), words }));
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

function forget(form) {
  tell(form, "");
  try {
    sessionStorage.removeItem(nameOf(form));
  } catch {
    // Then nothing was kept either.
  }
}

function tell(form, words) {
  const place = form.querySelector("[data-draft-told]");
  if (place) place.textContent = words;
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
  if (!topic || kindOf(form) === "note") return;
  if (performance.now() - (lastTyping.get(form) ?? -TYPING_MS) < TYPING_MS) return;
  lastTyping.set(form, performance.now());
  live.hint("typing", { topic });
}
