// An answer that was taken back: its words, copies and files stand in the composer again.

import { setMacro } from "./canned.js";
import { setRecipients } from "./recipients.js";

export function startUnsent() {
  document.body.addEventListener("reply:back", ({ detail }) => putBack(detail));
  document.addEventListener("click", (event) => event.target.closest("[data-drop-kept]")?.closest(".chip").remove());
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.elt?.id === "composer" && detail.successful && detail.requestConfig?.verb === "post") keptFiles().replaceChildren();
  });
}

const keptFiles = () => document.getElementById("composer-kept");

function putBack({ text, to, cc, files, macro }) {
  const form = document.getElementById("composer");
  const area = document.getElementById("composer-text");
  if (!form || !area) return;
  const mail = form.querySelector("input[name=kind][value=email]");
  if (mail) {
    mail.checked = true;
    mail.dispatchEvent(new Event("change", { bubbles: true }));
  }
  area.value = area.value.trim() ? `${text}\n\n${area.value}` : text;
  area.dispatchEvent(new Event("input", { bubbles: true }));
  setRecipients({ to, cc });
  if (macro) setMacro(macro);
  keptFiles().append(...files.map(chip));
  area.focus();
}

function chip({ name, value }) {
  const place = document.createElement("span");
  place.className = "chip";
  const field = Object.assign(document.createElement("input"), { type: "hidden", name: "kept", value });
  const drop = Object.assign(document.createElement("button"), { type: "button", textContent: "×", ariaLabel: `× ${name}` });
  drop.dataset.dropKept = "";
  place.append(field, name, drop);
  return place;
}
