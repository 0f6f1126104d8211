// Canned replies in the composer: a slash at the beginning of a word opens the list, letters narrow it, arrows and Enter choose.
// In a note an @ does the same with the colleagues who can be named. The full-width slash and the mark that Chinese keyboards have in its place do the same; nothing happens while an input method composes.

const TRIGGER = /(^|\s)[/／、]([^\s/／、]{0,30})$/;
const NAMES = /(^|[^A-Za-z0-9.])[@＠]([^@＠\n]{0,30})$/;
let loadedFor = "";
let loading = { source: "", done: null };
let chosen = -1;

export function startCanned() {
  document.addEventListener("input", (event) => event.target.id === "composer-text" && !event.isComposing && look());
  document.addEventListener("compositionend", ({ target }) => target.id === "composer-text" && look());
  // Before the composer's own keys: Enter chooses here and does not send.
  document.addEventListener("keydown", press, true);
  document.addEventListener("click", ({ target }) => {
    const option = target.closest("#canned [role=option]");
    if (option) return insert(option);
    if (target.closest("[data-opens-canned]")) openByButton();
    else if (target.closest("[data-drop-macro]")) dropMacro();
    else if (!target.closest("#canned, #composer-text")) close();
  });
  document.addEventListener("mousedown", (event) => event.target.closest("#canned [role=option]") && event.preventDefault());
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => detail.elt?.id === "composer" && detail.successful && detail.requestConfig?.verb === "post" && dropMacro());
}

const area = () => document.getElementById("composer-text");
const box = () => document.getElementById("canned");
const shown = () => [...box().querySelectorAll("[role=option]:not([hidden])")];

function asked() {
  const field = area();
  if (!field || field.selectionStart !== field.selectionEnd) return null;
  const before = field.value.slice(0, field.selectionStart);
  const names = field.form.dataset.writes === "note" ? NAMES.exec(before) : null;
  if (names) return { words: names[2], people: true };
  const slash = TRIGGER.exec(before);
  return slash && { words: slash[2], people: false };
}

async function look() {
  const found = asked();
  if (!found) return close();
  await load(found.people);
  if (asked()?.people === found.people) filter(asked().words);
}

async function load(people) {
  const source = people ? box().dataset.people : box().dataset.src;
  box().classList.toggle("is-people", people);
  if (loadedFor === source && box().querySelector("li")) return;
  // Asked for once, however fast somebody types: a second answer would undo what the arrows have chosen in the first.
  if (loading.source !== source) loading = { source, done: fill(source) };
  await loading.done;
}

async function fill(source) {
  const answer = await fetch(source, { headers: { "X-Fragment": "1" }, credentials: "same-origin" }).catch(() => null);
  const items = answer?.ok ? await answer.text().catch(() => null) : null;
  if (loading.source !== source) return; // the other list is wanted by now
  loading = { source: "", done: null };
  const list = box()?.querySelector("ul");
  if (!list || items === null) return;
  list.innerHTML = items;
  loadedFor = source;
}

function filter(words) {
  const wanted = words.normalize("NFKC").toLowerCase();
  for (const option of box().querySelectorAll("[role=option]")) option.hidden = !option.dataset.find.normalize("NFKC").toLowerCase().includes(wanted);
  // What is called exactly so comes first; among the others the order of the list.
  const options = shown();
  box().hidden = !options.length && Boolean(wanted);
  const exact = options.findIndex(({ dataset }) => dataset.keyWord === wanted);
  const begins = options.findIndex(({ dataset }) => dataset.keyWord.startsWith(wanted));
  choose(Math.max(0, exact >= 0 ? exact : begins));
}

function choose(index) {
  const options = shown();
  chosen = options.length ? (index + options.length) % options.length : -1;
  options.forEach((option, at) => (option.ariaSelected = String(at === chosen)));
  const field = area();
  if (chosen < 0 || box().hidden) return field.removeAttribute("aria-activedescendant");
  field.setAttribute("aria-activedescendant", options[chosen].id);
  options[chosen].scrollIntoView({ block: "nearest" });
}

function press(event) {
  if (event.target !== area() || !box() || box().hidden || event.isComposing || event.keyCode === 229) return;
  const act = { ArrowDown: () => choose(chosen + 1), ArrowUp: () => choose(chosen - 1), Escape: close, Enter: take, Tab: take }[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (["Enter", "Tab"].includes(event.key) && chosen < 0) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  act();
}

const take = () => insert(shown()[chosen]);

function close() {
  if (!box() || box().hidden) return;
  box().hidden = true;
  area().removeAttribute("aria-activedescendant");
}

function openByButton() {
  const field = area();
  field.focus();
  const before = field.value.slice(0, field.selectionStart);
  field.setRangeText(before && !/\s$/.test(before) ? " /" : "/", field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function insert(option) {
  const field = area();
  const found = asked();
  const from = found ? field.selectionStart - found.words.length - 1 : field.selectionStart;
  field.setRangeText(option.dataset.words, from, field.selectionStart, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  close();
  field.focus();
  if (!("macro" in option.dataset)) return;
  if (!option.dataset.words) return window.htmx.ajax("POST", `${box().dataset.runs}/${option.dataset.canned}`, { source: "#canned", swap: "none" });
  setMacro({ id: option.dataset.canned, name: option.dataset.name });
}

/** The steps of this macro are taken when the answer leaves. */
export function setMacro({ id, name }) {
  const place = document.getElementById("composer-macro");
  place.querySelector("input").value = id;
  place.querySelector("[data-macro-name]").textContent = name;
  place.hidden = false;
}

function dropMacro() {
  const place = document.getElementById("composer-macro");
  if (!place) return;
  place.querySelector("input").value = "";
  place.hidden = true;
}
