// The telephone of the try page.

import { mountPhone } from "/static/voice/phone.js";

const place = document.getElementById("phone");
mountPhone(place, {
  io: window.io,
  strings: JSON.parse(place.dataset.strings),
  numbers: JSON.parse(place.dataset.numbers),
});
