// The conversation on the screen: bubbles by message id, lines by event id, unsent messages at the end. Nothing is ever twice.

import { lang, text } from "/static/js/texts.js";

const log = document.getElementById("log");
const clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const LAST = Number.MAX_SAFE_INTEGER;
let onRetry = () => {};
let onFile = () => {};

export const whenFileAsked = (fetchIt) => (onFile = fetchIt);
/** While the past is put in, it is not read out. */
export const busy = (yes) => log.setAttribute("aria-busy", String(yes));
export const whenRetried = (retry) => (onRetry = retry);

export function clear() {
  log.replaceChildren();
}

/** A message that the server has; it takes the place of its own unsent bubble. Returns false when it was there already. */
export function put(message) {
  const known = document.getElementById(`m-${message.id}`);
  document.getElementById(`out-${message.client_id}`)?.remove();
  if (known) {
    mark(known, message.delivery);
    return false;
  }
  const ours = message.from === "visitor";
  const node = bubble(`m-${message.id}`, ours, message.text, Date.parse(message.at), ours ? "" : message.name || text("us"));
  for (const file of message.files) node.querySelector(".bubble-text").append(press("chat-file", text("file", file), () => onFile(file)));
  place(node, Date.parse(message.at));
  if (ours) mark(node, message.delivery);
  return true;
}

/** A message that is not sent yet. state: sending | failed. */
export function putUnsent(message, state = "sending", reason = "") {
  let node = document.getElementById(`out-${message.client_id}`);
  if (!node) {
    node = bubble(`out-${message.client_id}`, true, message.text, message.at, "");
    place(node, LAST);
  }
  mark(node, state, reason, message);
}

/** How much of a file has left, with a way to stop it. */
export function putProgress(message, percent, stop) {
  const sign = document.getElementById(`out-${message.client_id}`)?.querySelector(".delivery");
  if (!sign) return;
  let button = sign.querySelector("button");
  if (!button) {
    button = press("retry", text("cancel"), stop);
    sign.replaceChildren(document.createTextNode(""), " ", button);
  }
  sign.firstChild.data = text("uploading", { percent });
}

/** A line between the bubbles. */
export function putLine(line) {
  if (document.getElementById(`e-${line.id}`)) return;
  const node = element("p", "chat-line", words(line));
  node.id = `e-${line.id}`;
  place(node, Date.parse(line.at));
}

/** Somebody has our messages in front of them. */
export function allDelivered() {
  for (const node of log.querySelectorAll(".bubble.is-us[data-state='sent']")) mark(node, "delivered");
}

/** The conversation as plain text, for keeping. */
export function transcript() {
  const rows = [...log.children].map((node) => {
    const at = new Date(Number(node.dataset.at) === LAST ? Date.now() : Number(node.dataset.at)).toLocaleString(lang, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
    const who = node.classList.contains("is-us") ? text("you") : node.querySelector(".bubble-who")?.textContent;
    return `[${at}] ${who ? `${who}: ${node.querySelector(".bubble-text").textContent}` : node.textContent}`;
  });
  return `${text("transcript")}\n\n${rows.join("\n")}\n`;
}

function words({ kind, by, name }) {
  if (kind === "ended") return text({ customer: "endedByYou", agent: "endedByAgent" }[by] ?? kind);
  return text(kind === "waiting" ? "passedOn" : kind, { name });
}

function bubble(id, ours, said, at, who) {
  const node = element("div", `bubble ${ours ? "is-us" : "is-them"}`);
  node.id = id;
  if (who) node.append(element("p", "bubble-who", who));
  else node.append(element("span", "sr", `${text("you")}: `));
  const body = element("div", "bubble-text");
  body.append(...linked(said));
  const foot = element("p", "bubble-foot");
  const time = element("time", "", clock.format(at));
  time.dateTime = new Date(at).toISOString();
  foot.append(time, element("span", "delivery"));
  node.append(body, foot);
  return node;
}

function mark(node, state, reason = "", message = null) {
  const sign = node.querySelector(".delivery");
  if (!node.classList.contains("is-us") || node.dataset.state === state) return;
  node.dataset.state = state;
  sign.className = `delivery is-${state}`;
  sign.textContent = text(state) + (reason ? ` – ${reason}` : "");
  if (state === "failed") sign.append(" ", press("retry", text("tryAgain"), () => onRetry(message)));
}

function place(node, at) {
  const down = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  node.dataset.at = at;
  const next = [...log.children].find((other) => Number(other.dataset.at) > at);
  log.insertBefore(node, next ?? null);
  if (down || at === LAST) log.scrollTop = log.scrollHeight;
}

/** Text with its web addresses as links; everything else stays text. */
function linked(said) {
  return said.split(/(https?:\/\/[^\s<>"，。；）)]+)/).map((part, index) => {
    if (index % 2 === 0) return document.createTextNode(part);
    const link = element("a", "", part);
    Object.assign(link, { href: part, target: "_blank", rel: "noopener noreferrer nofollow" });
    return link;
  });
}

function press(name, words, does) {
  const button = element("button", name, words);
  button.type = "button";
  button.addEventListener("click", does);
  return button;
}

function element(tag, name, content = "") {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (content) node.textContent = content;
  return node;
}
