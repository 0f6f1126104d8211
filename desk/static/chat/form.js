// A form that the desk checks: faults are said at their fields and together on top, and nothing typed is lost.

import { text } from "/static/js/texts.js";
import { newId } from "./keep.js";

export class Form {
  constructor(form, send) {
    this.form = form;
    this.summary = form.querySelector(".chat-summary");
    this.button = form.querySelector("button:not([type='button'])");
    this.busy = false;
    this.messageId = "";
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (this.busy) return;
      this.busy = this.button.disabled = true;
      this.forgive();
      try {
        await send(this.values());
      } finally {
        this.busy = this.button.disabled = false;
      }
    });
    form.addEventListener("input", () => (this.messageId = ""));
  }

  values() {
    return Object.fromEntries([...new FormData(this.form)].map(([name, value]) => [name, value.trim()]));
  }

  /** The id of this message: the same until something is changed, so that sending again is no second message. */
  id() {
    return (this.messageId ||= newId());
  }

  fill(values) {
    for (const field of this.form.elements) {
      if (!field.name || !values?.[field.name]) continue;
      if (field.type === "checkbox") field.checked ||= field.name !== "consent"; // agreeing is done by hand, each time
      else if (!field.value) field.value = values[field.name];
    }
  }

  clear() {
    this.form.reset();
    this.forgive();
    this.messageId = "";
  }

  focus() {
    const empty = [...this.form.elements].find((field) => field.name && (!field.value || (field.type === "checkbox" && !field.checked)));
    (empty ?? this.form.elements[0]).focus();
  }

  /** One sentence on top. */
  say(sentence) {
    this.summary.textContent = sentence;
    this.summary.hidden = false;
    this.summary.focus();
  }

  /** The desk's refusal: {error, fields}. */
  refuse({ error, fields = {} }) {
    this.forgive(); // refused twice, each fault is said once
    const names = Object.keys(fields).filter((name) => this.form.elements[name]);
    if (!names.length) return this.say(Object.values(fields)[0] ?? error);
    this.summary.replaceChildren(text("check"));
    for (const name of names) {
      const field = this.form.elements[name];
      const link = Object.assign(document.createElement("a"), { href: `#${field.id}`, textContent: fields[name] });
      link.addEventListener("click", (event) => {
        event.preventDefault();
        field.focus();
      });
      this.summary.append(link);
      this.blame(field, fields[name]);
    }
    this.summary.hidden = false;
    this.summary.focus();
  }

  blame(field, sentence) {
    const fault = Object.assign(document.createElement("p"), { className: "error", id: `${field.id}-error`, textContent: sentence });
    if (field.type === "checkbox") field.parentElement.append(fault);
    else field.before(fault);
    field.setAttribute("aria-invalid", "true");
    field.dataset.described = field.getAttribute("aria-describedby") ?? "";
    field.setAttribute("aria-describedby", `${field.dataset.described} ${fault.id}`.trim());
    field.closest(".field, .tick").classList.add("has-error");
  }

  forgive() {
    this.summary.hidden = true;
    for (const fault of this.form.querySelectorAll("p.error")) fault.remove();
    for (const field of this.form.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      if (field.dataset.described) field.setAttribute("aria-describedby", field.dataset.described);
      else field.removeAttribute("aria-describedby");
      field.closest(".field, .tick").classList.remove("has-error");
    }
  }
}
