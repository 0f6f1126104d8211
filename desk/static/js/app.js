// Starts the page: every part is small, knows nothing of the others, and finds its work by data attributes in the page.

import { startCompose } from "./compose.js";
import { startLive } from "./live.js";
import { startNotices } from "./notices.js";
import { startPlaces } from "./places.js";
import { startShortcuts } from "./shortcuts.js";
import { text } from "./texts.js";
import { startTimes, tick } from "./times.js";

const THEMES = ["auto", "light", "dark"];

startNotices();
startTimes();
startPlaces();
startShortcuts();
startThemeSwitch();
startHtmx();
startCompose();
startLive();
measureBars();
document.addEventListener("keydown", sendByKey);
document.querySelector("[data-focus]")?.focus();

/** Ctrl or Cmd with Enter sends the form that is being filled in: an answer, the wrap-up of a call, a dialog. */
function sendByKey(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing || event.keyCode === 229) return;
  const form = event.target.closest?.("form[data-sends]");
  if (!form || form.classList.contains("htmx-request")) return;
  event.preventDefault();
  form.requestSubmit();
}

// How high the bars on top are just now, for what else stays in view below them: a call or a notice makes them higher.
function measureBars() {
  const bars = document.querySelector(".bars");
  if (!bars) return;
  const root = document.documentElement.style;
  new ResizeObserver(() => root.setProperty("--bars", `${bars.offsetHeight}px`)).observe(bars);
}

function startHtmx() {
  const token = () => document.querySelector("meta[name=csrf-token]")?.content ?? "";
  document.body.addEventListener("htmx:configRequest", ({ detail }) => {
    detail.headers["X-CSRFToken"] = token();
    detail.headers["X-Language"] = document.documentElement.lang.slice(0, 2);
  });
  // What is swapped in works in the same instant (htmx would wait 20 ms before it makes a new button its own): defaultSettleDelay is 0.
  document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
    tick();
    detail.target?.querySelector?.("[data-focus]")?.focus();
  });
  // By itself it begins when every script of the page has come; who presses a button before that would press it for nothing.
  window.htmx?.process(document.body);
}

function startThemeSwitch() {
  const button = document.querySelector("[data-theme-switch]");
  if (!button) return;
  const root = document.documentElement;
  const name = () => {
    const theme = root.dataset.theme ?? "auto";
    button.title = button.ariaLabel = text(`theme${theme[0].toUpperCase()}${theme.slice(1)}`);
  };
  name();
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "auto") + 1) % THEMES.length];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      if (next === "auto") localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch {
      // Without storage the choice lasts until the next page.
    }
    name();
  });
}
