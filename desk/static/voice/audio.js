// The sound of one leg in this page: the microphone and loudspeaker, joined to the other pages of the room by the carrier's door.

import { createMesh } from "./mesh.js";
import { createSound } from "./sound.js";

const PAGE = "voice.page";

/**
 * socket     the door's; ask(name, data) => its answer
 * onLevels   ({mic, speaker}) 0..1; onNote (code), see words.js; onQuality ({level, rtt_ms, loss})
 * silent     () => true while this page wants no microphone
 * insists    this page is the one that telephones: another that has the sound is closing just now, and does not keep it
 */
export function createAudio({ socket, ask, onLevels, onNote, onQuality, silent = () => false, insists = false }) {
  const sound = createSound({ onLevels, onNote: note, onTrack: give });
  let leg = null;
  // What the carrier calls this page, and who it last said was there; of a page that was given a new name all is begun anew.
  let name = "";
  let known = { peer: "", peers: [] };
  let mesh = null;
  let joining = null;
  let waiting = [];
  let selfMuted = false;
  let usable = null;

  socket.on("peers", (told) => {
    if (told.call_sid !== leg) return;
    known = told;
    if (told.peer === name) mesh?.peers(told.peers);
  });
  socket.on("signal", (signal) => {
    if (signal.call_sid !== leg) return;
    if (mesh && !joining) mesh.take(signal);
    else waiting.push(signal);
  });
  socket.on("audio", ({ call_sid }) => {
    if (call_sid === leg) lose();
  });

  /** This page is in this call, for the first time or again after its connection broke. */
  function join(callSid, take = false) {
    if (leg && leg !== callSid) leave();
    leg = callSid;
    if (!silent()) sound.open();
    if (joining === callSid && !take) return;
    joining = callSid;
    claim(callSid, take).finally(() => {
      if (joining !== callSid) return;
      joining = null;
      if (mesh) waiting.splice(0).forEach(mesh.take);
    });
  }

  async function claim(callSid, take) {
    const answer = await ask("audio", { call_sid: callSid, page: pageName(), peer: name, take });
    if (leg !== callSid || answer?.error) return;
    if (!answer.mine) {
      if (insists && !take) return claim(callSid, true);
      lose();
      return;
    }
    if (!mesh || name !== answer.peer) build(callSid, answer);
    if (known.peer === name) mesh.peers(known.peers);
  }

  function build(callSid, answer) {
    mesh?.close();
    name = answer.peer;
    mesh = createMesh({
      iceServers: answer.ice_servers,
      send: (signal) => ask("signal", { call_sid: callSid, ...signal }),
      onStream: (peer, stream, hear) => sound.play(peer, stream, hear),
      onHear: (peer, hear) => sound.audible(peer, hear),
      onGone: (peer) => sound.silence(peer),
      onNote: note,
      onQuality,
    });
    give(sound.track);
  }

  // The sound of this call is in another window now.
  function lose() {
    unlink();
    sound.close();
    note("elsewhere");
  }

  function unlink() {
    mesh?.close();
    mesh = null;
    name = "";
    known = { peer: "", peers: [] };
    waiting = [];
  }

  function leave() {
    leg = null;
    unlink();
    joining = null;
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
