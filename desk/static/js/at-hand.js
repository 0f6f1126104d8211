// Choosing several tickets of the list: by click, by Shift and click, by the key x on a row; what is chosen stays chosen while the
// list is fetched again. What is done with them is sent under one id, so that a second click is the same act.

const chosen = new Set();
let last = null;

export function startAtHand() {
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", pressed);
  document.body.addEventListener("live:morphed", ({ target }) => {
    if (target.id === "ticket-rows" || target.id === "panes") show();
    if (target.id === "own-views" || target.id === "panes") markView();
  });
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.successful || detail.requestConfig?.verb !== "post") return;
    const form = detail.elt?.closest?.("form");
    if (form?.matches("[data-clears]")) form.reset();
    if (detail.requestConfig.path?.endsWith("/tickets/many")) none();
  });
}

const boxes = () => [...document.querySelectorAll("[data-pick]")];

function clicked(event) {
  const box = event.target.closest("[data-pick]");
  if (box) return pick(box, box.checked, event.shiftKey);
  const all = event.target.closest("[data-pick-all]");
  if (all) {
    for (const each of boxes()) set(each, all.checked);
    return show();
  }
  if (event.target.closest("[data-pick-none]")) none();
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.keyCode === 229) return;
  const row = event.target.closest?.("tr:has([data-pick])");
  if (!row || event.target.matches("input:not([type=checkbox]), textarea, select")) return;
  const box = row.querySelector("[data-pick]");
  if (event.key.normalize("NFKC").toLowerCase() === "x") {
    event.preventDefault();
    pick(box, !box.checked, event.shiftKey);
  }
}

/** One box, or with Shift all from the last one on. */
function pick(box, on, range) {
  const all = boxes();
  const from = all.findIndex((each) => each.value === last);
  const to = all.indexOf(box);
  const some = range && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [box];
  for (const each of some) set(each, on);
  last = box.value;
  show();
}

function set(box, on) {
  box.checked = on;
  if (on) chosen.add(box.value);
  else chosen.delete(box.value);
}

function none() {
  chosen.clear();
  last = null;
  show();
}

/** The boxes say what is chosen of what is there; what left the list is chosen no more. */
function show() {
  const form = document.querySelector("[data-many]");
  if (!form) return chosen.clear();
  const all = boxes();
  const there = new Set(all.map((box) => box.value));
  for (const number of [...chosen]) if (!there.has(number)) chosen.delete(number);
  for (const box of all) box.checked = chosen.has(box.value);
  const whole = document.querySelector("[data-pick-all]");
  if (whole) {
    whole.checked = chosen.size > 0 && chosen.size === all.length;
    whole.indeterminate = chosen.size > 0 && chosen.size < all.length;
  }
  if (form.hidden && chosen.size) form.elements.namedItem("key").value = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
  form.hidden = !chosen.size;
  const count = form.querySelector("[data-count]");
  count.textContent = chosen.size ? count.dataset.count.replace("{n}", chosen.size) : "";
}

/** The kept view that is open. */
function markView() {
  for (const link of document.querySelectorAll("#own-views a")) {
    const on = link.pathname + link.search === location.pathname + location.search;
    if (on) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
