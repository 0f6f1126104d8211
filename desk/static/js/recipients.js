// Whom an answer by mail goes to: chips with a field to add more. Enter, a comma or leaving the field makes a chip of what was
// typed; Backspace in the empty field takes the last one away. What was edited stays until the answer is sent, through a reload too.

import { live } from "./live.js";
import { icon } from "./notices.js";

export function startRecipients() {
  document.addEventListener("click", (event) => {
    const drop = event.target.closest("[data-drop-recipient]");
    if (drop) remove(drop.closest("[data-recipient]"));
  });
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!field.matches?.("[data-adds]") || event.isComposing) return;
    if (["Enter", ",", ";", "，", "；"].includes(event.key) && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      add(field);
    } else if (event.key === "Backspace" && !field.value) {
      const last = [...field.parentElement.querySelectorAll("[data-recipient]")].at(-1);
      if (last) remove(last);
    }
  });
  document.addEventListener("focusout", ({ target }) => target.matches?.("[data-adds]") && add(target));
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.elt?.id === "composer" && detail.successful && detail.requestConfig?.verb === "post") renew(detail.elt);
  });
  for (const event of ["htmx:afterSwap", "live:morphed"]) document.body.addEventListener(event, restore);
  restore();
}

const nameOf = (chosen) => `recipients:${chosen.closest("form[data-compose]")?.dataset.compose}`;

/** What was edited before the page was loaded again; nothing where it stands still. */
function restore() {
  const chosen = document.getElementById("recipients-chosen");
  if (!chosen || chosen.dataset.keep === "") return;
  let people = null;
  try {
    people = JSON.parse(sessionStorage.getItem(nameOf(chosen)));
  } catch {
    // Closed storage: the answer goes where it is proposed, and says so.
  }
  if (people) setRecipients(people);
}

/** Whether this tab remembers who was chosen for this form. */
export function areKept(form) {
  try {
    return sessionStorage.getItem(`recipients:${form.dataset.compose}`) !== null;
  } catch {
    return false;
  }
}

function remember(chosen) {
  const people = { to: [], cc: [] };
  for (const place of chosen.querySelectorAll("[data-recipient]")) {
    const input = place.querySelector("input");
    people[input.name]?.push({ value: input.value, shown: place.querySelector(".clip").textContent });
  }
  try {
    sessionStorage.setItem(nameOf(chosen), JSON.stringify(people));
  } catch {
    // Then it only lasts as long as the page.
  }
}

function forget(chosen) {
  try {
    sessionStorage.removeItem(nameOf(chosen));
  } catch {
    // Then nothing was kept either.
  }
}

/** Puts these in the place of what stands there: an answer was taken back. */
export function setRecipients(chosen) {
  for (const [field, people] of Object.entries(chosen)) {
    const input = document.getElementById(`add-${field}`);
    if (!input) continue;
    for (const old of input.parentElement.querySelectorAll("[data-recipient]")) old.remove();
    for (const person of people) input.before(chip(field, person));
    edited(input);
  }
}

function add(field) {
  const typed = field.value.split(/[,;，；\s]+/).filter(Boolean);
  if (!typed.length) return;
  const known = new Set([...field.parentElement.querySelectorAll("[data-recipient] input")].map(({ value }) => value.toLowerCase()));
  for (const value of typed) {
    if (!known.has(value.toLowerCase())) field.before(chip(field.dataset.adds, { value, shown: value }));
    known.add(value.toLowerCase());
  }
  field.value = "";
  edited(field);
}

function remove(place) {
  const next = place.nextElementSibling;
  const chosen = place.closest("#recipients-chosen");
  place.remove();
  edited(chosen);
  (next?.querySelector("button") ?? next)?.focus();
}

function edited(within) {
  const chosen = within.closest("#recipients-chosen");
  chosen.dataset.keep = "";
  remember(chosen);
  chosen.dispatchEvent(new CustomEvent("recipients:edited", { bubbles: true }));
}

function renew(form) {
  const chosen = form.querySelector("#recipients-chosen");
  if (!chosen) return;
  delete chosen.dataset.keep;
  forget(chosen);
  live.refresh(form.querySelector("#composer-recipients").dataset.live);
}

function chip(field, { value, shown }) {
  const place = Object.assign(document.createElement("span"), { className: "chip" });
  place.dataset.recipient = "";
  const words = Object.assign(document.createElement("span"), { className: "clip", textContent: shown });
  const label = document.getElementById("recipients-chosen").dataset.remove.replace("{who}", shown);
  const drop = Object.assign(document.createElement("button"), { type: "button", ariaLabel: label });
  drop.dataset.dropRecipient = "";
  drop.append(icon("x"));
  place.append(Object.assign(document.createElement("input"), { type: "hidden", name: field, value }), words, drop);
  return place;
}
