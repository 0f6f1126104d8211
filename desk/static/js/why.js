// A panel that says why work waits knows when time alone will change it: it is fetched again at that moment, and no sooner.

import { live } from "/static/js/live.js";
import { now } from "/static/js/times.js";

const LATER_MS = 300; // the server decides at the very moment; ask when it has
const LONGEST_MS = 2 ** 31 - 1;
const timers = new Map();

function arm() {
  for (const [panel, timer] of timers) if (!panel.isConnected) drop(panel, timer);
  for (const panel of document.querySelectorAll("[data-again-at]")) {
    const at = panel.dataset.againAt;
    if (timers.get(panel)?.at === at) continue;
    if (timers.has(panel)) drop(panel, timers.get(panel));
    const wait = Math.max(0, Date.parse(at) - now()) + LATER_MS;
    if (wait > LONGEST_MS) continue;
    timers.set(panel, { at, id: setTimeout(() => again(panel), wait) });
  }
}

function drop(panel, timer) {
  clearTimeout(timer.id);
  timers.delete(panel);
}

function again(panel) {
  timers.delete(panel);
  const region = panel.closest("[data-live]");
  if (region?.isConnected) live.refresh(region.dataset.live.split(/\s+/)[0]);
}

for (const event of ["htmx:afterSwap", "live:morphed"]) document.body.addEventListener(event, arm);
arm();
