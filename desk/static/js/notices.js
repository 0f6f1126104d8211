// What the page says by itself: toasts, the banner under the top bar, words for a screen reader.

import { text } from "./texts.js";

const SHAPES = { info: "bell", good: "check", waiting: "clock", late: "alert" };
const TOAST_MS = 6000;
const toasts = document.getElementById("toasts");

/** A short notice. Errors (kind "late") stay until they are closed. */
export function toast(words, kind = "info") {
  if (!toasts || !words) return;
  const place = toasts;
  // Under a modal dialog everything else is out of reach, so the notice goes where the person is.
  const dialog = [...document.querySelectorAll("dialog:modal")].at(-1);
  const home = dialog ?? document.body;
  if (place.parentElement !== home) home.append(place);
  dialog?.addEventListener("close", () => document.body.append(place), { once: true });
  const same = [...place.children].find((shown) => shown.dataset.words === words);
  same?.remove();
  const node = element("div", `toast is-${kind}`);
  node.dataset.words = words;
  const close = element("button", "button quiet icon-only small");
  close.type = "button";
  close.ariaLabel = text("close");
  close.append(icon("x"));
  close.addEventListener("click", () => node.remove());
  node.append(icon(SHAPES[kind] ?? "bell"), element("p", "", words), close);
  place.append(node);
  if (kind !== "late") setTimeout(() => node.remove(), TOAST_MS);
}

/** One banner at a time; no words take it away. action: {words, run} or {words, href}. */
export function banner(words, kind = "late", action = null) {
  const place = document.getElementById("banner");
  if (!place) return;
  const key = `${kind} ${words ?? ""}`;
  if (place.dataset.shown === key) return;
  place.dataset.shown = key;
  place.replaceChildren();
  if (!words) return;
  const node = element("div", `banner is-${kind}`);
  node.append(icon(SHAPES[kind] ?? "alert"), element("p", "grow", words));
  if (action) {
    const button = element(action.href ? "a" : "button", "button small", action.words);
    if (action.href) button.href = action.href;
    else {
      button.type = "button";
      button.addEventListener("click", action.run);
    }
    node.append(button);
  }
  place.append(node);
}

/** Said once to a screen reader, when it is free. */
export function announce(words) {
  const place = document.getElementById("announce");
  if (!place || !words) return;
  // The same sentence twice is silent unless the node changes.
  place.replaceChildren(element("p", "", words));
}

/** A sentence out of a refused answer: problem details, an error summary, or our own words. */
export function sentenceOf(body, contentType, fallback) {
  if (contentType?.includes("json")) {
    try {
      const problem = JSON.parse(body);
      return problem.detail || problem.title || fallback;
    } catch {
      return fallback;
    }
  }
  if (!contentType?.includes("html") || !body) return fallback;
  const page = new DOMParser().parseFromString(body, "text/html");
  const told = page.querySelector("[data-problem], .error-summary li, .lead") ?? page.querySelector("h1");
  const isFragment = !/<html[\s>]/i.test(body);
  return (told ?? (isFragment ? page.body : null))?.textContent.trim().slice(0, 300) || fallback;
}

export function startNotices() {
  const on = (name, handler) => document.body.addEventListener(name, handler);
  // Problem details are never page content, whatever their status.
  on("htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr.status < 400 || !typeOf(detail.xhr).includes("json")) return;
    detail.shouldSwap = false;
    detail.isError = true;
  });
  on("htmx:beforeRequest", ({ detail }) => unmarkFields(formOf(detail.elt)));
  on("htmx:responseError", ({ detail }) => {
    const xhr = detail.xhr;
    markFields(formOf(detail.elt), fieldsOf(xhr));
    if (xhr.getResponseHeader("X-Asks")) return; // something is asked instead
    if (xhr.status === 401) return banner(text("signedOut"), "late", { words: text("signIn"), href: "/login" });
    toast(sentenceOf(xhr.responseText, typeOf(xhr), text("failed")), "late");
  });
  on("htmx:sendError", () => toast(text("unreachable"), "late"));
  on("htmx:timeout", () => toast(text("unreachable"), "late"));
  // The server may say something with any answer: HX-Trigger: {"toast": {"text": "...", "kind": "good"}}
  on("toast", ({ detail }) => toast(detail.text ?? detail.value, detail.kind));
}

const formOf = (asker) => asker.form ?? asker; // a button that asks by itself still speaks for its form
const typeOf = (xhr) => xhr.getResponseHeader("Content-Type") ?? "";

function fieldsOf(xhr) {
  if (!typeOf(xhr).includes("json")) return {};
  try {
    return JSON.parse(xhr.responseText).fields ?? {};
  } catch {
    return {};
  }
}

/** Says at each field what is wrong with it, as the server would have printed it. */
function markFields(form, fields) {
  const inputs = Object.keys(fields).map((name) => form.querySelector?.(`[name="${CSS.escape(name)}"]`));
  for (const input of inputs.filter(Boolean)) {
    const told = element("p", "error");
    told.id = `told-${input.id || input.name}`;
    told.dataset.told = "";
    told.append(icon("alert"), element("span", "", fields[input.name]));
    input.before(told);
    input.ariaInvalid = "true";
    input.setAttribute("aria-errormessage", told.id);
    input.dataset.describedBefore = input.getAttribute("aria-describedby") ?? "";
    input.setAttribute("aria-describedby", `${told.id} ${input.dataset.describedBefore}`.trim()); // not everybody's reader knows the other
  }
  inputs.find(Boolean)?.focus();
}

function unmarkFields(form) {
  for (const told of form.querySelectorAll?.("[data-told]") ?? []) told.remove();
  for (const input of form.querySelectorAll?.("[aria-errormessage]") ?? []) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-errormessage");
    if (input.dataset.describedBefore) input.setAttribute("aria-describedby", input.dataset.describedBefore);
    else input.removeAttribute("aria-describedby");
  }
}

function element(tag, className, words) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (words) node.textContent = words;
  return node;
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}
