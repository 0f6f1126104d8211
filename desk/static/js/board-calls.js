// The calls on the board: keys act in the row that has the focus, and an agent who asks for help is heard at once.

import { announce } from "./notices.js";
import { sound } from "./rings.js";

const AGAIN_MS = 8000;
const board = document.getElementById("board");
const cries = document.getElementById("help-calls");
let asking = new Set();
let repeating = 0;

board.addEventListener("focusin", ({ target }) => give(target.closest("[data-call-row]")));
board.addEventListener("keydown", move);
board.addEventListener("live:morphed", () => give(document.activeElement?.closest?.("[data-call-row]") ?? null));
cries.addEventListener("live:morphed", hear);

/** The keys belong to the buttons of one row at a time; so they are in the list of shortcuts too. */
function give(row) {
  for (const button of board.querySelectorAll("[data-row-key]")) {
    if (row?.contains(button)) button.dataset.key = button.dataset.rowKey;
    else delete button.dataset.key;
  }
}

function move(event) {
  const row = event.target.closest("[data-call-row]");
  if (!row || event.target !== row || event.isComposing) return;
  const rows = [...board.querySelectorAll("[data-call-row]")];
  const at = rows.indexOf(row);
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
  if (!(event.key in steps)) return;
  event.preventDefault();
  rows[(steps[event.key] + rows.length) % rows.length].focus();
}

/** Sounds for each new cry for help, and again until somebody answers. */
function hear() {
  const now = new Map([...cries.querySelectorAll("[data-help]")].map((node) => [node.id, node.dataset.say]));
  const fresh = [...now].filter(([id]) => !asking.has(id));
  asking = new Set(now.keys());
  clearInterval(repeating);
  if (now.size) repeating = setInterval(() => sound("help"), AGAIN_MS);
  if (!fresh.length) return;
  sound("help");
  announce(fresh.map(([, say]) => say).join(" "));
}
