// The board between hints: figures that change by time alone are asked for again, and acting closes the dialog.

import { live } from "/static/js/live.js";
import { now } from "/static/js/times.js";

for (const region of document.querySelectorAll("[data-every][data-live]")) {
  setInterval(() => {
    if (!document.hidden && live.connected) live.refresh(region.dataset.live);
  }, Number(region.dataset.every) * 1000);
}

document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful && detail.elt.matches("[data-acts]")) detail.elt.closest("dialog")?.close();
});

// Who opens it wants to write: what comes into the dialog brings its field along.
document.body.addEventListener("htmx:afterSwap", ({ target }) => target.id === "notes-body" && target.querySelector("textarea")?.focus());

const clock = document.querySelector("[data-wall-clock]");
if (clock) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
    hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: clock.dataset.wallClock,
  });
  const show = () => {
    clock.textContent = format.format(now());
    setTimeout(show, 1000 - (now() % 1000) + 5);
  };
  show();
}
