// A soft tone when something comes that the visitor does not see, as long as they want it.

import * as keep from "./keep.js";

const PITCHES = [660, 880];
const button = document.getElementById("sound");
let context = null;

const wanted = () => keep.read("chat:sound") !== "off";

button.addEventListener("click", () => {
  keep.write("chat:sound", wanted() ? "off" : "on");
  show();
  if (wanted()) chime();
});
show();

export function chime() {
  if (!wanted() || !window.AudioContext) return;
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume().catch(() => {}); // nothing sounds before the visitor has pressed anything
  PITCHES.forEach((pitch, index) => {
    const [tone, loudness, at] = [context.createOscillator(), context.createGain(), context.currentTime + index * 0.16];
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.0001, at);
    loudness.gain.exponentialRampToValueAtTime(0.08, at + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, at + 0.15);
    tone.connect(loudness).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.16);
  });
}

function show() {
  button.setAttribute("aria-pressed", String(wanted()));
  for (const icon of button.querySelectorAll("[data-sound]")) icon.hidden = (icon.dataset.sound === "on") !== wanted();
}
