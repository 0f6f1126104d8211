// Keyboard shortcuts. Each one belongs to a button, link or field that carries data-key="r" (or "Alt+j", "Mod+k"), so there is
// nothing a key can do that a pointer cannot. Single letters rest while somebody types or an input method composes. Whoever likes
// other keys has chosen them on a page of their own (“Your keys”); the page says which, by the key as it comes.

import { text } from "./texts.js";

const OWN = ownKeys();
const own = (key) => OWN[key] ?? key;

export function startShortcuts() {
  document.addEventListener("keydown", press);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-shortcut-list]")) showList();
  });
}

function press(event) {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.repeat) return;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (plain && (isTyping(event.target) || !singleKeysOn())) return;
  const open = topLayer();
  if (!open && matches(own("?"), event)) {
    event.preventDefault();
    showList();
    return;
  }
  const target = [...(open ?? document).querySelectorAll("[data-key]")].find((node) => matches(own(node.dataset.key), event) && isUsable(node));
  if (!target) return;
  event.preventDefault();
  if (target.matches("input, textarea, select")) target.focus();
  else if (target.matches("summary")) enterPart(target);
  else target.click();
}

/** Open what is folded under this, and go on in its first field. */
export function enterPart(summary) {
  const part = summary.parentElement;
  if (!part.open) summary.click();
  (part.querySelector("input:not([type=hidden]), select, textarea, button") ?? summary).focus();
}

function matches(keys, event) {
  const parts = keys.split("+");
  const key = parts.pop() || "+";
  const wants = new Set(parts.map((part) => part.toLowerCase()));
  const mod = event.ctrlKey || event.metaKey;
  if (wants.has("mod") !== mod || wants.has("alt") !== event.altKey) return false;
  if (wants.has("shift") && !event.shiftKey) return false;
  const pressed = event.key.normalize("NFKC").toLowerCase();
  // With Alt some systems type another letter; the place of the key still tells which one was meant.
  return pressed === key.toLowerCase() || (event.altKey && event.code === `Key${key.toUpperCase()}`);
}

function isTyping(node) {
  return node instanceof Element && (node.isContentEditable || node.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])"));
}

function isUsable(node) {
  return !node.disabled && node.ariaDisabled !== "true" && node.checkVisibility({ visibilityProperty: true });
}

const topLayer = () => [...document.querySelectorAll("dialog[open], [popover]:popover-open")].at(-1) ?? null;

const singleKeysOn = () => !document.body.hasAttribute("data-no-single-keys");

function ownKeys() {
  try {
    return JSON.parse(document.body.dataset.ownKeys ?? "{}");
  } catch {
    return {};
  }
}

function showList() {
  document.getElementById("shortcut-list")?.remove();
  const dialog = document.createElement("dialog");
  dialog.id = "shortcut-list";
  dialog.setAttribute("aria-label", text("shortcuts"));
  const rows = [...document.querySelectorAll("[data-key]")].filter(isUsable).map((node) => [own(node.dataset.key), nameOf(node)]);
  rows.push([own("?"), text("shortcutsHelp")]);
  dialog.append(headOf(text("shortcuts")), bodyOf(rows));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** What a button, link or field is called. */
export function nameOf(node) {
  if (node.dataset.keyText || node.ariaLabel) return node.dataset.keyText || node.ariaLabel;
  const copy = node.cloneNode(true);
  copy.querySelectorAll("kbd, .count, time").forEach((part) => part.remove());
  return copy.textContent.trim() || node.labels?.[0]?.textContent.trim() || node.placeholder || "";
}

function headOf(title) {
  const head = document.createElement("header");
  const heading = document.createElement("h2");
  heading.textContent = title;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button quiet";
  close.textContent = text("close");
  close.dataset.closes = "";
  head.append(heading, close);
  return head;
}

function bodyOf(rows) {
  const body = document.createElement("div");
  body.className = "dialog-body";
  const list = document.createElement("dl");
  list.className = "facts";
  for (const [keys, name] of rows) {
    const line = document.createElement("div");
    const term = document.createElement("dt");
    for (const part of keys === "+" ? ["+"] : keys.split("+")) {
      const key = document.createElement("kbd");
      key.textContent = part === "Mod" ? (/Mac/.test(navigator.platform) ? "⌘" : "Ctrl") : part;
      term.append(key, " ");
    }
    const meaning = document.createElement("dd");
    meaning.textContent = name;
    line.append(term, meaning);
    list.append(line);
  }
  const change = document.createElement("a");
  change.className = "button quiet";
  change.href = "/desk/keys";
  change.textContent = singleKeysOn() ? text("shortcutsOwn") : text("shortcutsOff");
  body.append(list, change);
  return body;
}
