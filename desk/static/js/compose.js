// Writing: <form data-compose="ticket:12"> with a textarea. Ctrl or Cmd with Enter sends (plain Enter too with data-enter="send"),
// never while an input method composes; what is not sent yet is kept (see drafts.js).

import { grow, startDrafts } from "./drafts.js";
import { live } from "./live.js";

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
    tellTyping(form);
  });
  startDrafts();
}

// An internal note is nobody's business outside: only replies show that somebody is typing.
function tellTyping(form) {
  const topic = form.dataset.typing;
  if (!topic || new FormData(form).get("kind") === "note") return;
  if (performance.now() - (lastTyping.get(form) ?? -TYPING_MS) < TYPING_MS) return;
  lastTyping.set(form, performance.now());
  live.hint("typing", { topic });
}
