// What the phone's scripts share: their sentences in the language of the page (templates/console/_call_dialogs.html), the call
// that is on, and asking the server to do something in it.

/** The sentence `name` with words in braces filled in. */
export function words(name, given = {}) {
  const sentence = document.getElementById("call-texts")?.dataset[name] ?? "";
  return sentence.replace(/\{(\w+)\}/g, (whole, word) => given[word] ?? whole);
}

/** The call that the keys act on, by its id; nothing when the phone is free. */
export const currentCall = () => document.querySelector("[data-current-call]")?.dataset.currentCall ?? "";

/** Posts values in the name of an element, so that what the server refuses is shown at it. */
export const send = (path, source, values = {}) => window.htmx.ajax("POST", path, { source, values, swap: "none" });
