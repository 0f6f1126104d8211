// The sound of one leg in this page: the microphone and loudspeaker, joined to the other pages of the room by the carrier's door.

import { createMesh } from "./mesh.js";
import { createSound } from "./sound.js";

const PAGE = "voice.page";

/**
 * socket     the door's; ask(name, data) => its answer
 * onLevels   ({mic, speaker}) 0..1; onNote (code), see words.js; onQuality ({level, rtt_ms, loss})
 * silent     () => true while this page wants no microphone
 */
export function createAudio({ socket, ask, onLevels, onNote, onQuality, silent = () => false }) {
  const sound = createSound({ onLevels, onNote: note, onTrack: give });
  let leg = null;
  let peer = "";
  let mesh = null;
  let known = [];
  let waiting = [];
  let selfMuted = false;
  let usable = null;

  socket.on("peers", (told) => {
    if (told.call_sid !== leg) return;
    known = told.peers;
    peer = told.peer;
    mesh?.peers(known);
  });
  socket.on("signal", (signal) => {
    if (signal.call_sid !== leg) return;
    if (mesh) mesh.take(signal);
    else waiting.push(signal);
  });
  socket.on("audio", ({ call_sid }) => {
    if (call_sid !== leg) return;
    unlink();
    sound.close();
    note("elsewhere");
  });

  /** This page is in this call, for the first time or again after its connection broke. */
  async function join(callSid, take = false) {
    if (leg !== callSid) {
      leave();
      leg = callSid;
    }
    if (!silent()) sound.open();
    const answer = await ask("audio", { call_sid: callSid, page: pageName(), peer, take });
    if (leg !== callSid || answer?.error) return;
    if (!answer.mine) {
      unlink();
      sound.close();
      note("elsewhere");
      return;
    }
    if (mesh && peer === answer.peer && !take) return;
    unlink(true);
    peer = answer.peer;
    mesh = createMesh({
      iceServers: answer.ice_servers,
      send: (signal) => ask("signal", { call_sid: callSid, ...signal }, true),
      onStream: (name, stream, hear) => sound.play(name, stream, hear),
      onHear: (name, hear) => sound.audible(name, hear),
      onGone: (name) => sound.silence(name),
      onNote: note,
      onQuality,
    });
    give(sound.track);
    mesh.peers(known);
    waiting.splice(0).forEach(mesh.take);
  }

  function unlink(keep = false) {
    mesh?.close();
    mesh = null;
    if (keep) return;
    known = [];
    waiting = [];
    peer = "";
  }

  function leave() {
    leg = null;
    unlink();
    selfMuted = false;
    sound.close();
  }

  function give(track) {
    mesh?.setTrack(selfMuted ? null : track);
  }

  function mute(on) {
    selfMuted = on;
    sound.mute(on);
    give(sound.track);
  }

  function note(code) {
    if (code === "microphone_granted") usable = true;
    else if (code.startsWith("microphone_") || code === "not_secure") usable = false;
    onNote?.(code);
  }

  return {
    join,
    leave,
    mute,
    takeSound: () => (leg ? join(leg, true) : undefined),
    /** Begin or stop to use the microphone in mid-call. */
    microphone: (on) => (on ? leg && sound.open() : sound.release()),
    levels: sound.levels,
    devices: sound.devices,
    choose: sound.choose,
    test: sound.test,
    audioContext: sound.audioContext,
    get usable() {
      return usable;
    },
  };
}

// The same after a reload, so that this window is given its sound back; another for each window.
function pageName() {
  try {
    const name = sessionStorage.getItem(PAGE) ?? crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    sessionStorage.setItem(PAGE, name);
    return name;
  } catch {
    return String(performance.timeOrigin);
  }
}
