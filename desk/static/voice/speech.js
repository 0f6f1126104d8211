// Reads aloud what the telephone says, by the browser's own voices.

const KEPT = "voice.aloud";

/** Gives {read, hush, on, turn}. `possible` is false in a browser that has no voice. */
export function createSpeech() {
  const synth = globalThis.speechSynthesis;
  let on = localStorage.getItem(KEPT) !== "off";
  return {
    get possible() {
      return Boolean(synth?.getVoices().length);
    },
    get on() {
      return on;
    },
    /** Call `then` when the browser has found its voices. */
    whenKnown: (then) => synth?.addEventListener?.("voiceschanged", then),
    turn(next) {
      on = next;
      localStorage.setItem(KEPT, on ? "on" : "off");
      if (!on) synth?.cancel();
    },
    read(text, lang) {
      if (!on || !synth || !text) return;
      const utterance = new SpeechSynthesisUtterance(text);
      utterance.lang = lang;
      const voice = synth.getVoices().find((one) => one.lang.replace("_", "-").startsWith(lang.slice(0, 2)));
      if (voice) utterance.voice = voice;
      synth.speak(utterance);
    },
    hush: () => synth?.cancel(),
  };
}
