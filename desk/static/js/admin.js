// The state of the system between hints: heartbeats change by time alone.

import { live } from "/static/js/live.js";

for (const region of document.querySelectorAll("[data-every][data-live]")) {
  setInterval(() => {
    if (!document.hidden && live.connected) live.refresh(region.dataset.live);
  }, Number(region.dataset.every) * 1000);
}
