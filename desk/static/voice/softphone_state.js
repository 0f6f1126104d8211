// What both kinds of softphones remember of themselves, and how they tell of the microphone.

import { sentence } from "./words.js";

export const IDLE = { callSid: null, from: "", muted: false };

/** The state of a softphone; whoever listens hears of changes only. */
export function stateKeeper(onState) {
  let current = { state: "offline", ...IDLE };
  return {
    get current() {
      return current;
    },
    set(change) {
      const next = { ...current, ...change };
      if (Object.keys(next).every((key) => next[key] === current[key])) return;
      current = next;
      onState?.(current);
    },
  };
}

const MICROPHONE = {
  microphone_granted: "granted",
  microphone_refused: "denied",
  microphone_missing: "missing",
  microphone_busy: "missing",
  not_secure: "missing",
};

/** The event that tells of a note of the sound. */
export function noteAsEvent(code) {
  const message = sentence(code);
  return MICROPHONE[code]
    ? { kind: "microphone", data: { state: MICROPHONE[code], code, message } }
    : { kind: "sound", data: { code, message } };
}
