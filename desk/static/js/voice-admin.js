// Says aloud what callers would hear, where the browser has a voice for it.

const synthesis = window.speechSynthesis;

function say(text, lang) {
  const spoken = new SpeechSynthesisUtterance(text);
  spoken.lang = lang;
  const voice = synthesis.getVoices().find((each) => each.lang.replace("_", "-").startsWith(lang.slice(0, 2)));
  if (voice) spoken.voice = voice;
  synthesis.speak(spoken);
}

function show(root) {
  for (const button of root.querySelectorAll("[data-speak][hidden], .speak-all[hidden]")) button.hidden = false;
}

function sayNew(walk) {
  synthesis.cancel();
  const lines = [...walk.children];
  const last = lines.findLastIndex((line) => line.classList.contains("walk-key"));
  for (const line of lines.slice(last + 1)) {
    const button = line.querySelector("[data-speak]");
    if (button) say(button.dataset.speak, button.dataset.lang);
  }
}

let aloud = false;
if (synthesis) {
  show(document);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-speak]");
    if (!button) return;
    synthesis.cancel();
    say(button.dataset.speak, button.dataset.lang);
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-speak-all]")) return;
    event.stopPropagation();
    aloud = event.target.checked;
    if (!aloud) synthesis.cancel();
  });
}

document.addEventListener("htmx:afterSwap", (event) => {
  const walk = event.target.querySelector("[data-walk]");
  if (walk) walk.scrollTop = walk.scrollHeight;
  if (!synthesis) return;
  show(event.target);
  const box = event.target.querySelector("[data-speak-all]");
  if (box) box.checked = aloud;
  const pressed = event.detail.requestConfig?.elt?.name === "press";
  if (walk && aloud && pressed) sayNew(walk);
});
