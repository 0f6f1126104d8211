// The wallboard behind a link: asks for its figures again and again, and says in words when they have become old.

import { clockTime, correctClock, now, startTimes, tick } from "./times.js";

const EVERY_MS = 10_000;
const PATIENCE_MS = 8_000;
const wall = document.getElementById("wall");
const stale = document.getElementById("wall-stale");
const clock = document.querySelector("[data-wall-clock]");
let at = now();

async function fetchFigures() {
  try {
    const answer = await fetch(location.href, { headers: { "X-Fragment": "1" }, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(String(answer.status));
    correctClock(answer.headers.get("Date"));
    const parts = new DOMParser().parseFromString(await answer.text(), "text/html");
    wall.replaceChildren(...parts.body.childNodes);
    tick(wall);
    wall.dispatchEvent(new CustomEvent("live:morphed"));
    at = now();
    stale.hidden = true;
  } catch {
    const words = stale.dataset.words.replace("{time}", clockTime(at));
    if (stale.textContent !== words) stale.textContent = words; // said once, not every time
    stale.hidden = false;
  }
  setTimeout(fetchFigures, EVERY_MS);
}

const format = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: clock.dataset.wallClock,
});
const show = () => {
  clock.textContent = format.format(now());
  setTimeout(show, 1000 - (now() % 1000) + 5);
};

startTimes();
show();
setTimeout(fetchFigures, EVERY_MS);
