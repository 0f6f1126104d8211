// The command palette: what can be done on this page, by the very buttons of the page; every page there is; and whatever is found
// by the words. Nothing is done here by itself: choosing presses the button or follows the link.

import { initials } from "./palette-initials.js";
import { fragment, isComposing, moved, optionsOf, point, pointedAt } from "./search-options.js";
import { enterPart, nameOf } from "./shortcuts.js";

const RECENT = "palette-recent";
const MOST_RECENT = 6;
const MOST_HERE = 150;
const PAUSE_MS = 160;
const HERE = "[data-key], [data-menu] :is(a, button), main .pane-head :is(button, a.button), main .ticket-facts button, main .page-head :is(a.button, button), main [data-opens], main [role=tab]:not([aria-selected=true]), main [role=tabpanel] :is(summary, button[type=button][id])";
let places = null; // the pages, as options
let bilingual = new Map(); // names of shortcuts in every language
let here = []; // what this page offers just now
let asked = 0;
let timer = 0;

function start() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const { field, list } = partsOf(dialog);
  dialog.addEventListener("dialog:opened", () => open(dialog));
  field.addEventListener("input", (event) => !event.isComposing && show(dialog));
  field.addEventListener("compositionend", () => show(dialog));
  field.addEventListener("keydown", (event) => {
    if (isComposing(event) || moved(event, field, list)) return;
    if (event.key !== "Enter") return;
    event.preventDefault();
    pointedAt(field, list)?.click();
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    remember(option);
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    dialog.close();
    const action = here.find((each) => each.id === option.id);
    if (action) {
      event.preventDefault();
      act(action.node);
    }
  });
  if (dialog.open) open(dialog); // its key was quicker than this script
}

const partsOf = (dialog) => ({
  field: dialog.querySelector("[role=combobox]"),
  list: dialog.querySelector("[role=listbox]"),
  count: dialog.querySelector("[data-count]"),
});

async function open(dialog) {
  const { field } = partsOf(dialog);
  field.value = "";
  here = actionsOf(dialog);
  show(dialog);
  field.focus();
  if (places) return;
  const html = await fragment(dialog.dataset.places);
  const holder = document.createElement("div");
  holder.innerHTML = html ?? "";
  if (html !== null) places = optionsOf(holder);
  bilingual = new Map([...holder.querySelectorAll("[data-shortcut]")].map((each) => [each.dataset.shortcut, each.dataset.find]));
  if (dialog.open) show(dialog);
}

/** What the page offers now: its keys, its menus, the buttons of its heads. */
function actionsOf(dialog) {
  const found = new Map();
  for (const node of document.querySelectorAll(HERE)) {
    if (dialog.contains(node) || node.dataset.opens === "palette" || node.closest("dialog:not([open])") || node.disabled) continue;
    const menu = node.closest("[popover]");
    const opener = menu && document.querySelector(`[popovertarget="${menu.id}"]`);
    const covers = coversOf(opener ?? node);
    if (!covers?.concat(opener ?? node)[0].checkVisibility({ visibilityProperty: true })) continue;
    if (node.getAttribute("popovertarget")) continue;
    const word = nameOf(node);
    const under = opener && menu.id !== "user-menu" ? opener : covers.findLast((cover) => cover.matches("[role=tab]"));
    const name = under ? `${nameOf(under)}: ${word}` : word;
    if (word && !found.has(name)) found.set(name, { node, name, key: node.dataset.key ?? "" });
  }
  return [...found.values()].slice(0, MOST_HERE).map((each, at) => ({ ...each, id: `here-${at}` }));
}

/** What has to be pressed before it is seen, the outermost first: a tab, a closed part, the side pane of a narrow screen; null if nothing helps. */
function coversOf(node) {
  const covers = [];
  for (let at = node.parentElement; at && at !== document.body; at = at.parentElement) {
    if (at.matches("[role=tabpanel][hidden]")) covers.unshift(document.querySelector(`[role=tab][aria-controls="${at.id}"]`));
    else if (at.hidden) return null;
    else if (at.matches("details:not([open])") && node.parentElement !== at) covers.unshift(at.querySelector(":scope > summary"));
    else if (at.matches(".pane-side:not(.is-open)") && getComputedStyle(at).visibility === "hidden") covers.unshift(document.querySelector(`[data-toggles="${at.id}"]`));
  }
  return covers.every(Boolean) ? covers : null;
}

function show(dialog) {
  const { field, list } = partsOf(dialog);
  const words = plain(field.value);
  const recent = recentNames();
  const own = here.map((each) => ({ ...each, find: plain(`${each.name} ${bilingual.get(each.key) ?? ""}`), group: dialog.dataset.here, make: actionOption }));
  const pages = (places ?? []).map((node) => ({ node, name: node.textContent.trim(), find: plain(`${node.textContent.trim()} ${node.dataset.find}`), group: dialog.dataset.go, make: (each) => each.node.cloneNode(true) }));
  const fitting = [...own, ...pages]
    .map((each, at) => ({ ...each, at, fits: fits(words, each), used: recent.indexOf(each.name) }))
    .filter((each) => each.fits > 0)
    .sort((one, other) => (words ? other.fits - one.fits : 0) || age(one.used) - age(other.used) || one.at - other.at);
  list.replaceChildren(...grouped(fitting, dialog, !words));
  point(field, list, optionsOf(list)[0] ?? null);
  tell(dialog);
  clearTimeout(timer);
  asked += 1;
  if (words.length > 1) timer = setTimeout(() => look(dialog), PAUSE_MS);
}

const age = (place) => (place < 0 ? MOST_RECENT : place);

/** Under their headings; with nothing typed what was used lately comes first, with words the best group does. */
function grouped(fitting, dialog, isEmpty) {
  const groups = new Map();
  for (const each of fitting) {
    const name = isEmpty && each.used >= 0 ? dialog.dataset.recent : each.group;
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  return [...groups].map(([name, members]) => {
    const group = document.createElement("div");
    group.setAttribute("role", "group");
    group.ariaLabel = name;
    const heading = document.createElement("p");
    heading.className = "option-group";
    heading.ariaHidden = "true";
    heading.textContent = name;
    group.append(heading, ...members.map((each) => each.make(each)));
    return group;
  });
}

function actionOption({ id, name, key, node }) {
  const option = document.createElement("div");
  option.id = id;
  option.setAttribute("role", "option");
  option.ariaSelected = "false";
  option.dataset.name = name;
  const line = document.createElement("span");
  line.className = "line tight";
  const icon = node.querySelector("svg.icon")?.cloneNode(true) ?? document.createElement("i");
  icon.removeAttribute("aria-label");
  icon.removeAttribute("role");
  icon.ariaHidden = "true";
  const word = document.createElement("span");
  word.className = "clip grow";
  word.textContent = name;
  line.append(icon, word);
  const shown = node.querySelector("kbd")?.textContent || key;
  if (shown) {
    const hint = document.createElement("kbd");
    hint.ariaHidden = "true";
    hint.textContent = shown;
    line.append(hint);
  }
  option.append(line);
  return option;
}

/** Tickets, customers and articles, behind what the page itself has. */
async function look(dialog) {
  const mine = ++asked;
  const { field, list } = partsOf(dialog);
  const html = await fragment(`${dialog.dataset.instant}?${new URLSearchParams({ q: field.value })}`);
  if (mine !== asked || !dialog.open) return;
  const found = document.createElement("div");
  found.innerHTML = html ?? "";
  if (html === null) found.textContent = dialog.dataset.failed;
  const before = pointedAt(field, list);
  list.append(...found.childNodes);
  point(field, list, before ?? optionsOf(list)[0] ?? null);
  tell(dialog);
}

function tell(dialog) {
  const { list, count } = partsOf(dialog);
  const found = optionsOf(list).length;
  count.textContent = found === 1 ? dialog.dataset.one : dialog.dataset.many.replace("{count}", found);
}

/** How well a name fits: begins so, a word begins so, holds it, the first letters in pinyin, the letters in their order. */
function fits(words, { name, find }) {
  if (!words) return 1;
  const first = initials(find);
  if (plain(name).startsWith(words)) return 100;
  if (` ${find}`.includes(` ${words}`)) return 80;
  if (find.includes(words)) return 60;
  if (` ${first}`.includes(` ${words}`)) return 55;
  if (first.includes(words)) return 50;
  if (words.split(" ").every((word) => find.includes(word))) return 40;
  return words.length > 2 && inOrder(words, find) ? 10 : 0;
}

function inOrder(words, text) {
  let at = 0;
  for (const letter of words.replaceAll(" ", "")) {
    at = text.indexOf(letter, at) + 1;
    if (!at) return false;
  }
  return true;
}

const plain = (text) => text.normalize("NFKC").toLowerCase().trim().replaceAll(/\s+/g, " ");

function act(node) {
  const now = node.isConnected ? node : node.id && document.getElementById(node.id);
  if (!now) return;
  for (const cover of coversOf(now) ?? []) cover.click();
  if (now.matches("summary")) enterPart(now);
  else if (now.matches("select, textarea, input:not([type=radio], [type=checkbox], [type=submit], [type=button])")) now.focus();
  else now.click();
}

function remember(option) {
  const name = option.dataset.name ?? option.querySelector("[data-name]")?.textContent.trim();
  if (!name) return;
  try {
    localStorage.setItem(RECENT, JSON.stringify([name, ...recentNames().filter((each) => each !== name)].slice(0, MOST_RECENT)));
  } catch {
    // Without storage nothing is remembered.
  }
}

function recentNames() {
  try {
    const kept = JSON.parse(localStorage.getItem(RECENT) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

start();
