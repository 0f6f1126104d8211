// What opens over the page for a call: whom it goes to, the keypad, asking for help, the dialler.

import { startTargets } from "./call-targets.js";
import { currentCall, send } from "./call-words.js";

export function startCallDialogs() {
  startTargets();
  startKeypad();
  startHelp();
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
    const form = detail.elt?.closest?.("dialog form");
    if (detail.successful && detail.requestConfig?.verb === "post" && form?.matches("#targets-form, #help-form, #dial-form")) form.closest("dialog").close();
  });
}

function startKeypad() {
  const keypad = document.getElementById("keypad");
  const sent = document.getElementById("keypad-sent");
  if (!keypad) return;
  const press = (digit) => {
    const call = currentCall();
    if (!call) return;
    sent.value += digit;
    send(`/desk/calls/${call}/keys`, keypad, { digits: digit });
  };
  keypad.addEventListener("click", ({ target }) => target.dataset.digit && press(target.dataset.digit));
  keypad.addEventListener("toggle", ({ newState }) => newState === "open" && (sent.value = ""));
  document.addEventListener("keydown", (event) => {
    if (!keypad.matches(":popover-open") || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const digit = event.key.normalize("NFKC");
    if (!/^[0-9*#]$/.test(digit)) return;
    event.preventDefault();
    event.stopPropagation();
    press(digit);
  }, true);
}

function startHelp() {
  const dialog = document.getElementById("ask-help");
  const form = document.getElementById("help-form");
  if (!dialog) return;
  document.addEventListener("click", ({ target }) => {
    const opener = target.closest("[data-asks-help]");
    if (!opener) return;
    dialog.dataset.call = opener.dataset.asksHelp;
    form.elements.text.value = "";
    dialog.showModal();
    form.elements.text.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(`/desk/calls/${dialog.dataset.call}/help`, form, { text: form.elements.text.value });
  });
}
