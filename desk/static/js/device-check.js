// The dialog that checks the phone: which microphone and speaker, whether they work, and a new connection when there is none.

import { currentCall, words } from "./call-words.js";
import { showPhone, wasChecked } from "./phone-light.js";

const HEARD = 0.02; // loudness that no silent microphone reaches

/** phone: gives the softphone of this tab or nothing; again: connects it anew; here: takes the phone over from another tab. */
export function startDeviceCheck({ phone, again, here }) {
  const dialog = document.getElementById("phone-check");
  if (!dialog) return;
  dialog.addEventListener("dialog:opened", () => fill(phone()));
  document.getElementById("phone-again").addEventListener("click", again);
  document.getElementById("phone-here").addEventListener("click", () => currentCall() || here());
  document.getElementById("device-test").addEventListener("click", () => test(phone()));
  for (const [id, name] of [["device-input", "input"], ["device-output", "output"]]) {
    document.getElementById(id).addEventListener("change", async ({ target }) => {
      await phone()?.choose?.({ [name]: target.value });
    });
  }
  navigator.mediaDevices?.addEventListener?.("devicechange", () => dialog.open && fill(phone()));
}

async function fill(phone) {
  say("");
  const { inputs = [], outputs = [], chosen = {} } = (await phone?.devices?.().catch(() => null)) ?? {};
  list(document.getElementById("device-input"), inputs, chosen.input);
  list(document.getElementById("device-output"), outputs, chosen.output);
}

function list(select, devices, chosen = "") {
  const usual = new Option(words("defaultDevice"), "");
  const others = devices.filter((device) => !["", "default"].includes(device.id));
  select.replaceChildren(usual, ...others.map((device, at) => new Option(device.label || words("unnamed", { n: at + 1 }), device.id)));
  select.value = others.some((device) => device.id === chosen) ? chosen : "";
  select.disabled = !devices.length;
}

async function test(phone) {
  if (!phone?.test) return say("notHere", "late");
  say("testing");
  const { heard = 0, fault = "" } = await phone.test().catch(() => ({ fault: "failed" }));
  wasChecked();
  await fill(phone);
  if (fault) return say("testedRefused", "late");
  if (heard < HEARD) return say("testedSilent", "late");
  say("testedGood", "good");
  showPhone(phone.current.state, true);
}

function say(name, kind = "") {
  const verdict = document.getElementById("device-verdict");
  verdict.textContent = name ? words(name) : "";
  verdict.dataset.kind = kind;
}
