// The softphone over Twilio's Voice JavaScript SDK 2 (docs: twilio.com/docs/voice/sdks/javascript).

import { createSound } from "./sound.js";
import { IDLE, noteAsEvent, stateKeeper } from "./softphone_state.js";
import { sentence } from "./words.js";

const LEVELS_MS = 100;
// Which of our sentences says what a code of the SDK means for the agent; others are told as Twilio words them.
const FAULTS = {
  20101: "token",
  20104: "token",
  31000: "network",
  31003: "network",
  31005: "network",
  31009: "network",
  31401: "microphone_refused",
  31402: "microphone_missing",
  31006: "device",
  53000: "network",
  53001: "network",
  53405: "media",
};
const EXPIRED = [20101, 20104];

/** The softphone over Twilio's device. Options and what it gives: see softphone.js. */
export function twilioSoftphone({ token, edge, onState, onEvent, onLevels, fetchToken }) {
  const keeper = stateKeeper(onState);
  // Devices are listed, kept and tested as without a carrier; in a call the SDK takes the chosen ones.
  const sound = createSound({ onLevels, onNote: (code) => note(code) });
  let device = null;
  let call = null;
  let usable = null;
  let measuredAt = 0;
  let quality = "";

  function tell(kind, data = {}) {
    onEvent?.({ callSid: keeper.current.callSid, kind, data });
  }

  function note(code) {
    const event = noteAsEvent(code);
    if (event.kind === "microphone") usable = event.data.state === "granted";
    tell(event.kind, event.data);
  }

  function fault(error) {
    const code = FAULTS[error.code];
    if (code?.startsWith("microphone_")) note(code);
    tell("error", { code: String(error.code), message: code ? sentence(code) : sentence("carrier", error.message) });
    if (EXPIRED.includes(error.code)) renew();
  }

  async function renew() {
    const fresh = await fetchToken?.().catch(() => null);
    if (!fresh || !device) return;
    device.updateToken(fresh);
    // A device whose old token had ended was put out and does not come back by itself.
    if (device.state === "unregistered") await device.register().catch(fault);
  }

  function over(reason) {
    if (!call) return;
    tell("ended", { reason });
    call = null;
    quality = "";
    onLevels?.({ mic: 0, speaker: 0 });
    // Given back, so that the browser does not show a microphone in use.
    if (device?.audio?.inputDevice) device.audio.unsetInputDevice().catch(() => {});
    keeper.set({ state: device?.state === "registered" ? "ready" : "offline", ...IDLE });
  }

  function ring(incoming) {
    if (call) {
      // The desk offers one call at a time; whatever else reaches this browser goes back at once.
      incoming.reject();
      return;
    }
    call = incoming;
    const mine = (then) => (...values) => void (call === incoming && then(...values));
    incoming.on("accept", mine(() => {
      keeper.set({ state: "connected" });
      note("microphone_granted");
      tell("connected");
    }));
    incoming.on("mute", mine((on) => {
      keeper.set({ muted: on });
      tell("mute", { on });
    }));
    incoming.on("reconnecting", mine((error) => {
      keeper.set({ state: "reconnecting" });
      const code = FAULTS[error?.code] ?? "media";
      tell("sound", { code, message: sentence(code) });
    }));
    incoming.on("reconnected", mine(() => {
      keeper.set({ state: "connected" });
      tell("sound", { code: "sound_back", message: sentence("sound_back") });
    }));
    incoming.on("disconnect", mine(() => over("other_side")));
    incoming.on("cancel", mine(() => over("canceled")));
    incoming.on("reject", mine(() => over("rejected")));
    incoming.on("error", mine(fault));
    incoming.on("volume", mine(measured));
    incoming.on("sample", mine(judge));
    keeper.set({ state: "ringing", callSid: incoming.parameters.CallSid, from: incoming.parameters.From ?? "", muted: false });
  }

  // With every picture that the browser draws: more often than a meter can show.
  function measured(mic, speaker) {
    if (performance.now() - measuredAt < LEVELS_MS) return;
    measuredAt = performance.now();
    onLevels?.({ mic: keeper.current.muted ? 0 : mic, speaker });
  }

  // Once a second; `packetsLostFraction` is per cent, `mos` is 1 (bad) to 4.5.
  function judge({ rtt, packetsLostFraction, mos }) {
    const loss = (packetsLostFraction ?? 0) / 100;
    const level = rtt > 400 || loss > 0.05 || mos < 3.1 ? "bad" : rtt > 250 || loss > 0.02 || mos < 3.7 ? "poor" : "good";
    if (level === quality) return;
    quality = level;
    tell("quality", { level, rtt_ms: Math.round(rtt ?? 0), loss });
  }

  async function start() {
    if (device) return;
    const { Device } = globalThis.Twilio;
    if (Device.isSupported === false) {
      tell("error", { code: "unsupported", message: sentence("unsupported") });
      return;
    }
    device = new Device(token, { closeProtection: true, codecPreferences: ["opus", "pcmu"], ...(edge && { edge }) });
    // The desk rings by itself, and Twilio's sounds would come from another host than our pages may ask.
    for (const name of ["incoming", "outgoing", "disconnect"]) device.audio?.[name](false);
    device.audio?.on("deviceChange", (lost) => {
      tell("devices");
      if (lost.length && call) note("microphone_lost");
    });
    device.on("registered", () => keeper.set({ state: call ? keeper.current.state : "ready" }));
    device.on("unregistered", () => keeper.set({ state: call ? keeper.current.state : "offline" }));
    device.on("incoming", ring);
    device.on("error", fault);
    device.on("tokenWillExpire", renew);
    const { chosen } = await sound.devices();
    if (chosen.output) await speakInto(chosen.output);
    await device.register().catch(fault);
  }

  async function speakInto(output) {
    if (!device?.audio?.isOutputSelectionSupported) return;
    await device.audio.speakerDevices.set(output || "default").catch(() => note("device"));
  }

  async function microphone() {
    const { chosen } = await sound.devices();
    const cleaned = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return chosen.input ? { ...cleaned, deviceId: { exact: chosen.input } } : cleaned;
  }

  return {
    canSay: false,
    get canSpeak() {
      return usable !== false;
    },
    get current() {
      return keeper.current;
    },
    start,
    stop: () => {
      device?.destroy();
      device = null;
      call = null;
      sound.close();
      keeper.set({ state: "offline", ...IDLE });
    },
    answer: async () => {
      if (!call || keeper.current.state !== "ringing") return;
      keeper.set({ state: "connecting" });
      call.accept({ rtcConstraints: { audio: await microphone() } });
    },
    reject: async () => call?.reject(),
    hangUp: async () => call?.disconnect(),
    mute: async (on) => call?.mute(Boolean(on)),
    sendDigits: async (digits) => call?.sendDigits(digits),
    say: async () => ({ error: { code: "not_here", message: sentence("speak_up") } }),
    levels: sound.levels,
    devices: sound.devices,
    choose: async ({ input, output }) => {
      await sound.choose({ input, output });
      if (output !== undefined) await speakInto(output);
      if (input !== undefined && call) await device.audio?.setInputDevice(input || "default").catch(() => note("device"));
    },
    test: async () => {
      const { fault: code, ...found } = await sound.test();
      return { ...found, error: sentence(code) };
    },
    takeSound: async () => undefined,
  };
}
