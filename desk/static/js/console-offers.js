// An offer may ring: a short tone and a notice of the browser's own, if the agent switched them on.

const STORE = "offer-sound";
let known = new Set();

/** Watches the work list for offers that were not there before. */
export function startOffers() {
  known = offers();
  const button = document.getElementById("offer-sound");
  if (button) {
    button.ariaPressed = String(isOn());
    button.addEventListener("click", () => toggle(button));
  }
  document.body.addEventListener("live:morphed", ({ target }) => {
    if (target.id === "worklist") look();
  });
}

const offers = () => new Set([...document.querySelectorAll("#worklist .offer")].map((row) => row.id));

function look() {
  const now = offers();
  const fresh = [...now].filter((id) => !known.has(id));
  known = now;
  document.title = `${now.size ? `(${now.size}) ` : ""}${document.title.replace(/^\(\d+\) /, "")}`;
  if (!fresh.length || !isOn()) return;
  ring();
  const row = document.getElementById(fresh[0]);
  if (document.hidden && window.Notification?.permission === "granted") new Notification(row?.dataset.say ?? "", { tag: "offer" });
}

function isOn() {
  try {
    return localStorage.getItem(STORE) === "1";
  } catch {
    return false;
  }
}

function toggle(button) {
  const on = !isOn();
  try {
    if (on) localStorage.setItem(STORE, "1");
    else localStorage.removeItem(STORE);
  } catch {
    return;
  }
  button.ariaPressed = String(on);
  if (!on) return;
  ring();
  if (window.Notification?.permission === "default") Notification.requestPermission();
}

function ring() {
  const context = new AudioContext();
  [660, 880].forEach((pitch, index) => {
    const tone = context.createOscillator();
    const loudness = context.createGain();
    const at = context.currentTime + index * 0.18;
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.0001, at);
    loudness.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, at + 0.16);
    tone.connect(loudness).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.18);
  });
  setTimeout(() => context.close(), 800);
}
