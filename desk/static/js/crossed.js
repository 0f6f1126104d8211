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
  dialog.dataset.then = then;
  const seen = encodeURIComponent(form.elements.seen.value);
  if (!dialog.open) dialog.showModal();
  await window.htmx.ajax("GET", `${dialog.dataset.src}?seen=${seen}`, { target: "#crossed-answers", swap: "innerHTML" });
  const now = document.getElementById("crossed-seen");
  if (now) form.elements.seen.value = now.value;
  dialog.querySelector("[data-sends-crossed]").focus();
}

function sendNow() {
  const dialog = document.getElementById("crossed");
  dialog.close();
  composer().requestSubmit([...composer().querySelectorAll("button[name=then]")].find(({ value }) => value === dialog.dataset.then));
}
