// The editor: leaving with unsaved text asks first, the preview speaks the language that is chosen, and follows the title too.

const form = document.querySelector("#editor");
const [title, text, cause, lang] = ["#f-title", "#f-text", "#f-cause", "#f-lang"].map((name) => form.querySelector(name));
const preview = document.querySelector("#preview");
let saved = false;

form.addEventListener("submit", () => {
  saved = true;
});
addEventListener("beforeunload", (event) => {
  const changed = [title, text, cause].some((field) => field.value !== field.defaultValue);
  if (changed && !saved) event.preventDefault();
});
title.addEventListener("input", () => {
  const shown = preview.querySelector(".preview-title");
  if (!shown) return;
  shown.textContent = title.value;
  // An empty heading is none.
  for (const [name, value] of [["role", "heading"], ["aria-level", "2"]]) {
    if (title.value) shown.setAttribute(name, value);
    else shown.removeAttribute(name);
  }
});
lang.addEventListener("change", () => {
  for (const node of [title, text, cause, preview]) node.lang = lang.value === "zh" ? "zh-CN" : lang.value;
});
