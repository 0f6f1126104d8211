// What can be set at the telephone of the try page: sounds, the voice that reads aloud, microphone and loudspeaker, and their test.

import { sentence } from "./words.js";

// Softer than this is a room, not a voice.
export const VOICE = 0.25;
const TEXT_ONLY = "phone.text";

/** Set up the options of a phone made by `buildPhone`. Gives {fillDevices}, to be called when more is known of the devices. */
export function setUpOptions({ view, strings, audio, speech, tones }) {
  view.readAloud.checked = speech.on;
  view.tones.checked = true;
  view.microphone.checked = localStorage.getItem(TEXT_ONLY) !== "yes";
  showVoices();
  speech.whenKnown(showVoices);
  view.readAloud.addEventListener("change", () => speech.turn(view.readAloud.checked));
  view.tones.addEventListener("change", () => tones.enable(view.tones.checked));
  view.microphone.addEventListener("change", () => {
    localStorage.setItem(TEXT_ONLY, view.microphone.checked ? "no" : "yes");
    audio.microphone(view.microphone.checked);
  });
  view.input.select.addEventListener("change", () => audio.choose({ input: view.input.select.value }));
  view.output.select.addEventListener("change", () => audio.choose({ output: view.output.select.value }));
  view.options.addEventListener("toggle", fillDevices);
  view.test.addEventListener("click", test);

  function showVoices() {
    view.aloudRow.hidden = !speech.possible;
  }

  async function test() {
    view.test.disabled = true;
    view.tested.textContent = strings.testing;
    const { heard, fault } = await audio.test();
    view.tested.textContent = sentence(fault) || (heard >= VOICE ? strings.tested : strings.testedSilent);
    view.test.disabled = false;
    fillDevices();
  }

  async function fillDevices() {
    const { inputs, outputs, chosen } = await audio.devices();
    view.input.fill(inputs, chosen.input, strings.system);
    view.output.fill(outputs, chosen.output, strings.system);
  }

  return { fillDevices };
}
