// An agent's softphone: one interface over Twilio's device in the browser and over the simulated carrier's /softphone door.

import { simulatedSoftphone } from "./softphone_simulated.js";
import { twilioSoftphone } from "./softphone_twilio.js";

/**
 * kind          "twilio" | "simulated"
 * token         what the server gave for this agent
 * socketFactory (namespace, auth) => a socket.io socket that is not connected yet; used by "simulated"
 * onState       ({state, callSid, from, muted}) on every change; state is one of
 *               "offline" | "ready" | "ringing" | "connecting" | "connected" | "reconnecting"
 * onEvent       ({callSid, kind, data}): "said" and "heard" {text, ...}, "hold" {on}, "mute" {on}, "connected" {}, "ended" {reason},
 *               "error" {code, message}, "microphone" {state: "granted" | "denied" | "missing", message}, "sound" {code, message},
 *               "quality" {level: "good" | "poor" | "bad", rtt_ms, loss}, "devices" {}, and what else the carrier lets a leg
 *               perceive; every message is a sentence in the language of the page
 * onLevels      ({mic, speaker}) 0..1, some ten times a second in a call and in a test
 * edge          optional, Twilio's name of the place where calls enter its network, when it is not the nearest
 * insists       optional, true when this page alone telephones: it takes the sound from one that is closing just now
 * fetchToken    optional async () => a new token, asked for shortly before the old one ends
 *
 * Gives {start, stop, answer, reject, hangUp, mute, sendDigits, say, canSay, canSpeak, levels, devices, choose, test, takeSound,
 * current}; the simulated one its `socket` too. `devices()` => {inputs, outputs: [{id, label}], chosen: {input, output}},
 * `choose({input, output})`, `test()` => {heard: 0..1, microphone, error} and all that speaks to the carrier are promises.
 */
export function createSoftphone(options) {
  return options.kind === "twilio" ? twilioSoftphone(options) : simulatedSoftphone(options);
}
