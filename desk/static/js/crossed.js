// A colleague has answered while this answer was being written: it is shown before ours leaves, once; nothing is lost meanwhile.

export function startCrossed() {
  document.body.addEventListener("reply:crossed", ({ detail }) => ask(detail));
  document.addEventListener("click", ({ target }) => target.closest("[data-sends-crossed]") && sendNow());
}

const composer = () => document.getElementById("composer");

async function ask({ then = "" }) {
  const dialog = document.getElementById("crossed");
  const form = composer();
  if (!dialog || !form) return;
  const send = dialog.querySelector("[data-sends-crossed]");
  dialog.dataset.then = then;
  send.disabled = true; // until the colleague's answer is there to be seen
  document.getElementById("crossed-answers").replaceChildren();
  const seen = encodeURIComponent(form.elements.seen.value);
  if (!dialog.open) dialog.showModal();
  await window.htmx.ajax("GET", `${dialog.dataset.src}?seen=${seen}`, { target: "#crossed-answers", swap: "innerHTML" });
  const now = document.getElementById("crossed-seen");
  if (!now) return;
  form.elements.seen.value = now.value;
  send.disabled = false;
  send.focus();
}

function sendNow() {
  const dialog = document.getElementById("crossed");
  dialog.close();
  composer().requestSubmit([...composer().querySelectorAll("button[name=then]")].find(({ value }) => value === dialog.dataset.then));
}
