// The sentences of the page's language, printed by the base template; scripts hold none of their own.

export const lang = document.documentElement.lang || "en";

/** The sentence `name` with words in braces filled in: text("offline", {time: "09:31"}). */
export function text(name, words = {}) {
  const sentence = document.getElementById("texts")?.dataset[name] ?? "";
  return sentence.replace(/\{(\w+)\}/g, (whole, word) => words[word] ?? whole);
}
