// The sounds of a telephone, made here: ringing, keys, the music one waits with, the end of a call.

// Low and high tone of each key, as telephones have had them since 1963 (ITU-T Q.23).
const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];
const PAD = ["123", "456", "789", "*0#"];
const KEY_S = 0.14;
const LOUDNESS = 0.09;
// What a caller in China hears while it rings at the other end: 450 Hz, one second of five.
const RINGING = { pitches: [450], on: 1, off: 4 };
const BELL = { pitches: [587.33, 880], on: 0.9, off: 2.1, trill: true };
// Four chords without an end, slow and soft: nobody should mind hearing them for ten minutes.
const CHORDS = [[196, 293.66, 392, 493.88], [164.81, 246.94, 329.63, 493.88], [130.81, 261.63, 329.63, 440], [146.83, 220, 293.66, 440]];
const BEAT_S = 0.5;
const BEATS = 8;

/** `context` () => the page's AudioContext. One long sound plays at a time; `enabled` false keeps everything quiet. */
export function createTones(context) {
  let playing = "";
  let stopPlaying = () => {};
  let enabled = true;

  // Before the first click or key on a page, browsers play nothing and complain when asked to.
  function mayPlay() {
    return enabled && navigator.userActivation?.hasBeenActive !== false;
  }

  function begin(name, loop) {
    if (playing === name) return;
    stop();
    if (!mayPlay()) return;
    playing = name;
    stopPlaying = loop(context());
  }

  function stop() {
    stopPlaying();
    stopPlaying = () => {};
    playing = "";
  }

  function once(pitches, seconds, at = 0) {
    if (!mayPlay()) return;
    const audio = context();
    const volume = gain(audio, LOUDNESS);
    const start = audio.currentTime + at;
    for (const pitch of pitches) voice(audio, volume, pitch, start, seconds);
  }

  return {
    ringing: () => begin("ringing", (audio) => repeat(audio, RINGING)),
    bell: () => begin("bell", (audio) => repeat(audio, BELL)),
    music: () => begin("music", tune),
    /** A sound file of the desk, instead of ours; `again` without an end. */
    file: (url, again) => begin(url, () => recording(url, again)),
    key(digit) {
      const row = PAD.findIndex((keys) => keys.includes(digit));
      if (row >= 0) once([ROWS[row], COLUMNS[PAD[row].indexOf(digit)]], KEY_S);
    },
    ended() {
      stop();
      for (const at of [0, 0.35, 0.7]) once([450], 0.2, at);
    },
    stop,
    get enabled() {
      return enabled;
    },
    enable(on) {
      enabled = on;
      if (!on) stop();
    },
  };
}

function repeat(audio, { pitches, on, off, trill = false }) {
  const volume = gain(audio, LOUDNESS);
  const ring = () => {
    const now = audio.currentTime + 0.02;
    if (!trill) return pitches.forEach((pitch) => voice(audio, volume, pitch, now, on));
    for (let at = 0; at < on; at += 0.12) voice(audio, volume, pitches[Math.round(at / 0.12) % 2], now + at, 0.11);
  };
  ring();
  const timer = setInterval(ring, (on + off) * 1000);
  return () => {
    clearInterval(timer);
    fade(audio, volume);
  };
}

function tune(audio) {
  const volume = gain(audio, LOUDNESS * 0.7);
  const soft = audio.createBiquadFilter();
  soft.type = "lowpass";
  soft.frequency.value = 900;
  soft.connect(volume);
  let bar = 0;
  const play = () => {
    const chord = CHORDS[bar % CHORDS.length];
    const now = audio.currentTime + 0.05;
    bar += 1;
    voice(audio, soft, chord[0], now, BEATS * BEAT_S, "sine", 0.8);
    for (let beat = 0; beat < BEATS; beat += 1) voice(audio, soft, chord[1 + ((beat * 2) % 3)], now + beat * BEAT_S, 1.4, "triangle", 0.5);
  };
  play();
  const timer = setInterval(play, BEATS * BEAT_S * 1000);
  return () => {
    clearInterval(timer);
    fade(audio, volume);
  };
}

function recording(url, again) {
  const player = new Audio(url);
  player.loop = again;
  player.play().catch(() => {});
  return () => player.pause();
}

function gain(audio, loudness) {
  const volume = audio.createGain();
  volume.gain.value = loudness;
  volume.connect(audio.destination);
  return volume;
}

// What is stopped must not click, and what was planned ahead must not sound.
function fade(audio, volume) {
  volume.gain.setTargetAtTime(0, audio.currentTime, 0.03);
  setTimeout(() => volume.disconnect(), 300);
}

function voice(audio, into, pitch, start, seconds, type = "sine", strength = 1) {
  const tone = audio.createOscillator();
  const shape = audio.createGain();
  tone.type = type;
  tone.frequency.value = pitch;
  shape.gain.setValueAtTime(0, start);
  shape.gain.linearRampToValueAtTime(strength, start + 0.02);
  shape.gain.setValueAtTime(strength, start + Math.max(0.03, seconds - 0.06));
  shape.gain.linearRampToValueAtTime(0, start + seconds);
  tone.connect(shape).connect(into);
  tone.start(start);
  tone.stop(start + seconds);
  tone.addEventListener("ended", () => shape.disconnect());
}
