// The field on top: the few best while somebody types. Enter without a choice goes to the page of results, which needs no script.

import { fragment, isComposing, moved, optionsOf, point, pointedAt } from "./search-options.js";

const PAUSE_MS = 160;
let asked = 0;
let timer = 0;

start();

function start() {
  const form = document.querySelector("form[data-instant]");
  if (!form) return;
  const field = form.querySelector("input[name=q]");
  const list = form.querySelector("[role=listbox]");
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  field.ariaExpanded = "false";
  field.addEventListener("input", (event) => {
    if (event.isComposing) return; // letters of a word that is not chosen yet
    later(form, field, list);
  });
  field.addEventListener("compositionend", () => later(form, field, list));
  field.addEventListener("focus", () => field.value.trim() && later(form, field, list));
  field.addEventListener("keydown", (event) => press(event, field, list));
  form.addEventListener("focusout", ({ relatedTarget }) => {
    if (form.contains(relatedTarget)) return;
    close(field, list);
    form.classList.remove("is-open");
  });
  openOverTheBar(form, field);
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the field
  list.addEventListener("click", () => close(field, list));
}

/** Where the bar has no room for the field, its button lays the field over the bar; without scripts it goes to the page. */
function openOverTheBar(form, field) {
  const button = document.querySelector(".top-search-link");
  button?.addEventListener("click", (event) => {
    event.preventDefault();
    form.classList.add("is-open");
    field.focus();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !form.classList.contains("is-open")) return;
    form.classList.remove("is-open");
    button.focus();
  });
}

function later(form, field, list) {
  clearTimeout(timer);
  timer = setTimeout(() => look(form, field, list), PAUSE_MS);
}

async function look(form, field, list) {
  const mine = ++asked;
  const words = field.value.trim();
  if (!words) return close(field, list);
  const html = await fragment(`${form.dataset.instant}?${new URLSearchParams({ q: words })}`);
  if (mine !== asked || html === null || document.activeElement !== field) return;
  const chosen = list.hidden ? null : pointedAt(field, list)?.id; // by arrows, in the answer to the letters before
  list.innerHTML = html;
  list.dataset.words = words;
  point(field, list, optionsOf(list).find(({ id }) => id === chosen) ?? null);
  list.hidden = false;
  field.ariaExpanded = "true";
}

function press(event, field, list) {
  if (isComposing(event)) return;
  const open = !list.hidden;
  if (event.key === "Escape" && open) {
    event.preventDefault();
    return close(field, list);
  }
  if (open && moved(event, field, list)) return;
  const option = open && pointedAt(field, list);
  if (event.key === "Enter" && option) {
    event.preventDefault();
    option.click();
    field.blur();
  }
}

function close(field, list) {
  clearTimeout(timer);
  asked += 1;
  list.hidden = true;
  field.ariaExpanded = "false";
  field.removeAttribute("aria-activedescendant");
}
