// Talking with the page that shows us: only that we are closed or have something unread, never what is said.

const framed = window.parent !== window;
const button = document.getElementById("minimise");
button.hidden = !framed;
button.addEventListener("click", () => tellParent("close"));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) tellParent("close");
});

export function tellParent(what, more = {}) {
  if (framed) window.parent.postMessage({ desk: what, ...more }, "*");
}

/** Call `heard(open, focus)` whenever the page opens or closes us. */
export function onParent(heard) {
  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || !["open", "closed"].includes(event.data?.desk)) return;
    heard(event.data.desk === "open", Boolean(event.data.focus));
  });
}
