// A page's ears and mouth: the microphone, what is played, which devices do it and how loud both are.

const CLEANED = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const KEPT = "voice.devices";
const LEVELS_MS = 100;
const TEST_MS = 2000;
// Between the two a voice moves the meter from nothing to full; a digital silence is below any of them.
const QUIET_DB = -60;
const LOUD_DB = -10;

const FAULTS = {
  NotAllowedError: "microphone_refused",
  SecurityError: "microphone_refused",
  NotFoundError: "microphone_missing",
  OverconstrainedError: "microphone_missing",
  NotReadableError: "microphone_busy",
  AbortError: "microphone_busy",
};

/**
 * onLevels  ({mic, speaker}), each 0..1, ten times a second while there is sound to measure
 * onNote    (code) when something is as the person should know: see words.js; "microphone_granted" when it was given
 * onTrack   (track | null) when there is another microphone track than before
 *
 * Give `open`, `mute` and `choose` a gesture of the person to stand on where there is one: browsers ask for it.
 */
export function createSound({ onLevels, onNote, onTrack }) {
  const played = new Map();
  const chosen = kept();
  let context = null;
  let stream = null;
  let meter = null;
  let muted = false;
  let opening = null;
  let ticking = 0;
  let blocked = false;

  navigator.mediaDevices?.addEventListener?.("devicechange", replaceLost);
  for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, wake, { capture: true, passive: true });

  /** Take the microphone. Answers its track, or null; why not is noted. Asking twice at once is asking once. */
  function open() {
    opening ??= take().finally(() => (opening = null));
    return opening;
  }

  async function take() {
    if (live()) return live();
    if (stream) drop();
    if (!navigator.mediaDevices?.getUserMedia) return refuse("not_secure");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: wanted() });
    } catch (error) {
      if (chosen.input && ["OverconstrainedError", "NotFoundError"].includes(error.name)) {
        // The chosen one is not plugged in today: any other is better than none.
        stream = await navigator.mediaDevices.getUserMedia({ audio: CLEANED }).catch(() => null);
      }
      if (!stream) return refuse(FAULTS[error.name] ?? "device");
    }
    const track = stream.getAudioTracks()[0];
    track.enabled = !muted;
    track.addEventListener("ended", lost);
    meter = measure(stream);
    tick();
    onNote?.("microphone_granted");
    onTrack?.(track);
    return track;
  }

  function refuse(code) {
    onNote?.(code);
    return null;
  }

  function lost() {
    if (!stream) return;
    drop();
    onNote?.("microphone_lost");
    open();
  }

  function drop() {
    const before = stream;
    stream = null;
    meter?.disconnect();
    meter = null;
    for (const track of before?.getTracks() ?? []) {
      track.removeEventListener("ended", lost);
      track.stop();
    }
    onTrack?.(null);
  }

  /** Give the microphone back, and go on playing. */
  function release() {
    if (stream) drop();
  }

  function close() {
    release();
    for (const key of [...played.keys()]) silence(key);
    muted = false;
    clearInterval(ticking);
    ticking = 0;
    onLevels?.({ mic: 0, speaker: 0 });
  }

  /** Play a stream that came; `hear` false measures and plays nothing of it. */
  function play(key, remote, hear) {
    silence(key);
    const element = new Audio();
    element.autoplay = true;
    element.srcObject = remote;
    element.muted = !hear;
    if (chosen.output) element.setSinkId?.(chosen.output).catch(() => onNote?.("device"));
    played.set(key, { element, hear, meter: measure(remote) });
    start(element);
    tick();
  }

  function audible(key, hear) {
    const one = played.get(key);
    if (!one) return;
    one.hear = hear;
    one.element.muted = !hear;
  }

  function silence(key) {
    const one = played.get(key);
    if (!one) return;
    played.delete(key);
    one.meter?.disconnect();
    one.element.srcObject = null;
  }

  function start(element) {
    element.play().catch((error) => {
      if (error.name !== "NotAllowedError" || blocked) return;
      blocked = true;
      onNote?.("blocked");
    });
  }

  // After a click or a key the browser lets us play what it held back.
  function wake() {
    if (context?.state === "suspended") context.resume();
    if (!blocked) return;
    blocked = false;
    for (const { element } of played.values()) start(element);
    onNote?.("sound_back");
  }

  function mute(on) {
    muted = on;
    // The device stays open: a wireless headset would change its sound with every press. Nothing of it leaves the page.
    for (const track of stream?.getTracks() ?? []) track.enabled = !on;
  }

  function live() {
    const track = stream?.getAudioTracks()[0];
    return track?.readyState === "live" ? track : null;
  }

  function wanted() {
    return chosen.input ? { ...CLEANED, deviceId: { exact: chosen.input } } : CLEANED;
  }

  function audioContext() {
    context ??= new AudioContext();
    if (context.state === "suspended") context.resume().catch(() => {});
    return context;
  }

  function measure(from) {
    const source = audioContext().createMediaStreamSource(from);
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    const samples = new Float32Array(analyser.fftSize);
    source.connect(analyser);
    return {
      read() {
        analyser.getFloatTimeDomainData(samples);
        return level(samples);
      },
      disconnect: () => source.disconnect(),
    };
  }

  function levels() {
    const heard = [...played.values()].filter(({ hear }) => hear).map((one) => one.meter.read());
    return { mic: meter && !muted ? meter.read() : 0, speaker: Math.max(0, ...heard) };
  }

  function tick() {
    ticking ||= setInterval(() => onLevels?.(levels()), LEVELS_MS);
  }

  async function devices() {
    const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const list = (kind) => all.filter((one) => one.kind === kind && one.deviceId).map(({ deviceId, label }) => ({ id: deviceId, label }));
    // Where the loudspeaker cannot be chosen there is nothing to offer.
    const outputs = "setSinkId" in HTMLMediaElement.prototype ? list("audiooutput") : [];
    return { inputs: list("audioinput"), outputs, chosen: { ...chosen } };
  }

  /** Use other devices from now on, in a call as well; "" is what the system uses. */
  async function choose({ input, output }) {
    if (output !== undefined) {
      chosen.output = output;
      const moved = [...played.values()].map(({ element }) => element.setSinkId?.(output));
      await Promise.all(moved).catch(() => onNote?.("device"));
    }
    if (input !== undefined && input !== chosen.input) {
      chosen.input = input;
      if (stream) {
        drop();
        await open();
      }
    }
    keep(chosen);
  }

  async function replaceLost() {
    const { inputs } = await devices();
    if (stream && !live() && inputs.length) open();
  }

  /** Play a tone and listen for two seconds. Answers how loud the microphone was at most, which one it is, and what was wrong. */
  async function test() {
    let fault = "";
    const had = Boolean(live());
    const track = await open();
    if (!track) fault = (await permission()) === "denied" ? "microphone_refused" : "microphone_missing";
    tone(audioContext());
    let heard = 0;
    const began = performance.now();
    while (performance.now() - began < TEST_MS) {
      await new Promise((resolve) => setTimeout(resolve, LEVELS_MS));
      heard = Math.max(heard, levels().mic);
    }
    if (!had && !played.size) close();
    return { heard, microphone: track?.label ?? "", fault };
  }

  // The tone takes the way that calls take, so that it comes out of the chosen loudspeaker.
  function tone(audio) {
    const end = audio.createMediaStreamDestination();
    const volume = audio.createGain();
    const now = audio.currentTime;
    volume.gain.setValueAtTime(0, now);
    volume.gain.linearRampToValueAtTime(0.2, now + 0.05);
    volume.gain.setTargetAtTime(0, now + 0.9, 0.1);
    volume.connect(end);
    for (const [at, pitch] of [[0, 523.25], [0.3, 659.25], [0.6, 783.99]]) {
      const voice = audio.createOscillator();
      voice.frequency.value = pitch;
      voice.connect(volume);
      voice.start(now + at);
      voice.stop(now + at + 0.35);
    }
    play("test", end.stream, true);
    setTimeout(() => silence("test"), TEST_MS - LEVELS_MS);
  }

  return { open, release, close, play, audible, silence, mute, levels, devices, choose, test, audioContext, get track() {
    return live();
  } };
}

/** Whether the browser would give the microphone: "granted", "denied", "prompt", or "" where it does not say. */
export async function permission() {
  const asked = navigator.permissions?.query({ name: "microphone" });
  return (await asked?.catch(() => null))?.state ?? "";
}

function level(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const decibels = 10 * Math.log10(power || 1e-12);
  return Math.min(1, Math.max(0, (decibels - QUIET_DB) / (LOUD_DB - QUIET_DB)));
}

function kept() {
  try {
    return { input: "", output: "", ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
  } catch {
    return { input: "", output: "" };
  }
}

function keep(chosen) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(chosen));
  } catch {
    // A browser that keeps nothing is asked again tomorrow.
  }
}
