// Whom a call goes to: one box to search, a list that the arrows move in, Enter to choose and Enter to send.

import { send, words } from "./call-words.js";

const PAUSE_MS = 180;
const AGAIN_MS = 5000;
let asked = 0;
let typing = 0;
let watching = 0;

export function startTargets() {
  const dialog = document.getElementById("call-targets");
  if (!dialog) return;
  const { search, list, form, note } = partsOf(dialog);
  document.addEventListener("click", ({ target }) => {
    const opener = target.closest("[data-targets]");
    if (opener) open(dialog, opener);
  });
  search.addEventListener("input", () => {
    choose(dialog, null);
    clearTimeout(typing);
    typing = setTimeout(() => fetchList(dialog), PAUSE_MS);
  });
  search.addEventListener("keydown", (event) => move(dialog, event));
  note.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
  list.addEventListener("click", ({ target }) => {
    const option = target.closest("[role=option]");
    if (option) choose(dialog, option, true);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!dialog.dataset.to) return;
    send(`/desk/calls/${dialog.dataset.call}/${dialog.dataset.mode}`, form, { to: dialog.dataset.to, note: note.value });
  });
  dialog.addEventListener("close", () => clearInterval(watching));
}

const partsOf = (dialog) => ({
  form: dialog.querySelector("form"),
  search: dialog.querySelector("[role=combobox]"),
  list: dialog.querySelector("[role=listbox]"),
  note: dialog.querySelector("[name=note]"),
  button: dialog.querySelector("[type=submit]"),
});

function open(dialog, opener) {
  const { search, list, note } = partsOf(dialog);
  dialog.dataset.mode = opener.dataset.targets;
  dialog.dataset.call = opener.dataset.call;
  dialog.querySelector("h2").textContent = words(dialog.dataset.mode);
  dialog.querySelector("[data-mode-word]").textContent = words(`${dialog.dataset.mode}Verb`);
  search.value = note.value = "";
  delete list.dataset.looked;
  choose(dialog, null);
  dialog.showModal();
  search.focus();
  fetchList(dialog);
  // Who is free changes while one thinks; what is chosen stays chosen.
  clearInterval(watching);
  watching = setInterval(() => fetchList(dialog), AGAIN_MS);
}

async function fetchList(dialog) {
  const { search, list } = partsOf(dialog);
  const mine = ++asked;
  const looked = search.value;
  const query = new URLSearchParams({ q: looked, mode: dialog.dataset.mode });
  const answer = await fetch(`/desk/calls/${dialog.dataset.call}/targets?${query}`, {
    headers: { "X-Fragment": "1", Accept: "text/html" },
    credentials: "same-origin",
    cache: "no-store",
  }).catch(() => null);
  const html = answer?.ok ? await answer.text().catch(() => null) : null;
  if (mine !== asked || html === null) return;
  const active = search.getAttribute("aria-activedescendant");
  list.innerHTML = html;
  list.dataset.looked = looked;
  const options = possible(list);
  const chosen = dialog.dataset.to && options.find((option) => option.dataset.to === dialog.dataset.to);
  if (dialog.dataset.to && !chosen) choose(dialog, null);
  if (chosen) chosen.ariaChecked = "true";
  point(dialog, options.find((option) => option.id === active) ?? options[0] ?? null);
}

const possible = (list) => [...list.querySelectorAll("[role=option]:not([aria-disabled=true])")];

function move(dialog, event) {
  if (event.isComposing || event.keyCode === 229) return;
  const { search, list } = partsOf(dialog);
  const options = possible(list);
  const at = options.findIndex((option) => option.id === search.getAttribute("aria-activedescendant"));
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1 };
  if (event.key in steps && options.length) {
    event.preventDefault();
    point(dialog, options[(steps[event.key] + options.length) % options.length], true);
  }
  if (event.key === "Enter") {
    event.preventDefault();
    if (list.dataset.looked !== search.value) enter(dialog);
    else if (options[at]) choose(dialog, options[at], true);
  }
}

/** Enter that was quicker than the list means the first of what was typed, not of what still stands there. */
async function enter(dialog) {
  const { search, list } = partsOf(dialog);
  clearTimeout(typing);
  await fetchList(dialog);
  const first = list.dataset.looked === search.value && dialog.open && document.activeElement === search ? possible(list)[0] : null;
  if (first) choose(dialog, first, true);
}

function point(dialog, option, scroll = false) {
  const { search, list } = partsOf(dialog);
  for (const other of list.querySelectorAll("[role=option]")) other.ariaSelected = String(other === option);
  if (option) search.setAttribute("aria-activedescendant", option.id);
  else search.removeAttribute("aria-activedescendant");
  if (scroll) option?.scrollIntoView({ block: "nearest" });
}

/** What is chosen is sent with the next Enter; the note comes between. */
function choose(dialog, option, goOn = false) {
  if (option?.ariaDisabled === "true") return;
  const { list, note, button } = partsOf(dialog);
  dialog.dataset.to = option?.dataset.to ?? "";
  for (const other of list.querySelectorAll("[role=option]")) other.ariaChecked = String(other === option);
  button.disabled = !option;
  if (option) point(dialog, option);
  if (option && goOn) note.focus();
}
