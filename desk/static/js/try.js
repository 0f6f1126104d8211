// The telephone of the try page.

import { mountPhone } from "/static/voice/phone.js";

const place = document.getElementById("phone");
mountPhone(place, {
  // The desk speaks websockets only.
  io: (namespace) => window.io(namespace, { transports: ["websocket"] }),
  strings: JSON.parse(place.dataset.strings),
  numbers: JSON.parse(place.dataset.numbers),
});
