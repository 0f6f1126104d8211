// The chat frame. The desk is the truth: at each connection the frame asks for everything after the last message it has, and
// sends what it still holds; pushes in between only save the asking.

import * as keep from "./keep.js";
import * as log from "./log.js";
import { forgetAfterwards, offerAfterwards } from "./afterwards.js";
import { chime } from "./chime.js";
import { offerFiles, sendAgain } from "./files.js";
import { Form } from "./form.js";
import { onParent, tellParent } from "./parent.js";
import { suggestTo } from "./suggest.js";
import { ask, askSurely, connect } from "./wire.js";
import { lang, text } from "/static/js/texts.js";

const RETRY_MS = 4000;
const TYPING_MS = 3000;
const LOOK_MS = 15000;
const $ = (id) => document.getElementById(id);
const page = new URLSearchParams(location.search).get("page") ?? "";
const locale = document.body.dataset.locale;
const identity = new URLSearchParams(location.hash.slice(1)).get("identity") ?? ""; // the site's word for who this is

let token = keep.read("chat:token");
let last = 0;
let state = null;
let told = 0; // how often the desk has said by itself where the chat stands
let reception = JSON.parse(document.body.dataset.reception);
let shown = true; // whether the page around us shows us
let unread = 0;
let got = 0; // up to which message the visitor has seen all, as the desk knows
let sending = false;
let typedAt = 0;
let typingEnds = 0;
let netTimer = 0;

const socket = connect(locale, () => token);
const start = new Form($("ask"), submitAsk);
const letter = new Form($("letter"), submitLetter);
for (const form of ["ask", "letter"]) suggestTo($(`${form}-text`), $(`${form}-suggested`), (words) => ask(socket, "suggest", { text: words }), read);

/** An article was opened before anybody was asked: whoever answers will know of it. */
function read(href) {
  const key = decodeURIComponent(href.split("/").pop());
  keep.write("chat:read", [...(keep.read("chat:read") ?? []).filter((other) => other !== key), key].slice(-5));
}

socket.on("connect", () => {
  clearTimeout(netTimer);
  $("net").hidden = true;
  sync();
});
socket.on("disconnect", () => (netTimer = setTimeout(offline, 800)));
socket.on("connect_error", offline);
socket.on("message", (message) => (message.previous > last ? sync() : add([message])));
socket.on("state", (now) => {
  told += 1;
  apply(now);
});
socket.on("anyone", () => ask(socket, "here"));
socket.on("typing", ({ name }) => {
  $("typing").textContent = text("typing", { name });
  clearTimeout(typingEnds);
  typingEnds = setTimeout(() => ($("typing").textContent = ""), TYPING_MS + 1500);
});

async function sync() {
  const opening = keep.read("chat:opening");
  if (opening) await open(opening);
  let answer;
  if (!last) log.busy(true);
  do {
    const [asked, before] = [token, told];
    answer = await ask(socket, "since", { after: last, ...(token ? { token } : {}) });
    // Another tab has begun or left a chat meanwhile; or this answer may be older than what was told since.
    if (asked !== token || before !== told) return sync();
    if (!answer) return later(sync);
    if (!answer.ok && answer.status === 404) {
      leave();
      return sync();
    }
    if (!answer.ok) return later(sync);
    if (answer.reception) return welcome(answer.reception);
    add(answer.messages);
  } while (answer.more);
  apply(answer.state);
  log.busy(false);
  flush();
}

function later(what) {
  setTimeout(() => socket.connected && what(), RETRY_MS);
}

function offline() {
  $("net").textContent = text("reconnecting");
  $("net").hidden = false;
}

// ---- the views

function show(view) {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== `view-${view}`;
  $("ways").hidden = !["letter", "refused"].includes(view);
}

const visible = () => document.querySelector("main > section:not([hidden])")?.id.slice(5);

function welcome(now) {
  reception = now;
  $("end").hidden = true;
  $("opening").textContent = openingWords();
  explain(text("letterWhy"));
  if (["start", "letter"].includes(visible()) && (start.busy || letter.busy)) return;
  if (["thanks", "refused"].includes(visible())) return;
  const view = now.state === "open" ? "start" : "letter";
  const shown = { start, letter }[visible()];
  if (visible() === view || shown?.values().text) return; // never take a form away from whoever is writing in it
  show(view);
}

function explain(why) {
  $("letter-why").textContent = why;
  $("letter-why").hidden = false;
}

function openingWords() {
  if (reception.state === "open") {
    if (reception.minutes === 0) return text("openNow");
    return reception.minutes ? text("openWait", reception) : text("open");
  }
  if (["nobody", "full"].includes(reception.state)) return text(reception.state);
  if (!reception.opens_at) return text("closed");
  const time = new Date(reception.opens_at).toLocaleString(lang, { weekday: "long", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return text("closedUntil", { time });
}

function apply(now) {
  if (!token) return;
  const before = state?.state;
  state = now;
  show("talk");
  now.lines.forEach(log.putLine);
  const over = now.state === "ended";
  $("opening").textContent = { queued: text("waiting"), active: text("with", { name: now.agent }), ended: text("over") }[now.state];
  $("place").hidden = now.state !== "queued";
  if (now.state === "queued") setText($("place"), placeWords(now));
  if (now.state === "active") log.allDelivered();
  $("say").hidden = $("over").hidden = true;
  $(over ? "over" : "say").hidden = false;
  $("end").hidden = over;
  $("reopen").hidden = !now.can_reopen;
  if (over) {
    $("ending").hidden = true;
    $("typing").textContent = "";
    const chosen = document.querySelector(`[name="score"][value="${now.rating}"]`);
    if (chosen) chosen.checked = true;
    if (before && before !== "ended") $("log").scrollTop = $("log").scrollHeight;
  }
}

function placeWords({ position, minutes }) {
  if (minutes === 0 || position === null) return text("placeNow");
  return text(minutes ? "placeWait" : "place", { position, minutes });
}

function setText(node, words) {
  if (node.textContent !== words) node.textContent = words; // a status said again would be read out again
}

// ---- opening

async function submitAsk(values) {
  const before = keep.read("chat:opening"); // asked already and not answered: the same question is the same chat
  const same = before?.text === values.text ? before : { client_id: keep.newId(), token: keep.newToken() };
  const opening = { ...values, client_id: same.client_id, token: same.token, locale, page_url: page, identity, read: keep.read("chat:read") ?? [] };
  keep.write("chat:opening", opening);
  await open(opening);
  if (token) await sync();
}

/** Open the chat that was asked for. Kept until the desk has answered, and the same each time it is asked. */
async function open(opening) {
  const answer = await ask(socket, "open", opening);
  if (!answer) {
    start.fill(opening);
    show("start");
    start.say(text("unreachable"));
    return;
  }
  keep.forget("chat:opening");
  if (answer.ok) {
    keep.write("chat:who", { name: opening.name, email: opening.email, ...(opening.phone && { phone: opening.phone }) });
    keep.forget("chat:read");
    begin(opening.token);
  } else if (refused(answer)) {
    start.fill(opening);
  } else if (answer.allowed?.includes("leave_message")) {
    letter.fill(opening);
    show("letter");
    explain(answer.error);
    letter.focus();
  } else {
    start.fill(opening);
    show("start");
    start.refuse(answer);
  }
}

/** Somebody who may not chat hears it kindly, and where else they are heard. */
function refused(answer) {
  if (!answer.allowed?.includes("complain")) return false;
  $("refused-text").textContent = answer.error;
  for (const way of document.querySelectorAll("[data-way]")) way.hidden = true;
  show("refused");
  $("refused-title").focus();
  return true;
}

function begin(chat) {
  token = chat;
  keep.write("chat:token", chat);
  reset();
  start.clear();
  show("talk");
  $("say-text").focus();
}

function leave() {
  token = null;
  keep.forget("chat:token");
  reset();
}

function reset() {
  last = got = 0;
  state = null;
  log.clear();
  $("typing").textContent = "";
  forgetAfterwards(keep.read("chat:who")?.email);
}

async function submitLetter(values) {
  const answer = await askSurely(socket, "leave", { ...values, client_id: letter.id(), token: keep.newToken(), locale, page_url: page });
  if (!answer) return letter.say(text("unreachable"));
  if (!answer.ok) return refused(answer) || letter.refuse(answer);
  $("thanks-text").textContent = text("thanks", { number: answer.number, email: values.email });
  letter.clear();
  show("thanks");
  $("thanks-title").focus();
}

// ---- speaking

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const said = $("say-text").value.trim();
  if (!said || !token) return;
  const message = { client_id: keep.newId(), token, text: said, at: Date.now() };
  keep.keepUnsent(message);
  log.putUnsent(message);
  $("say-text").value = "";
  keep.forget("chat:draft");
  flush();
});

$("say-text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.isComposing || event.keyCode === 229) return; // Enter ends the composition of a word, not the message
  event.preventDefault();
  $("say").requestSubmit();
});

$("say-text").addEventListener("input", () => {
  keep.write("chat:draft", $("say-text").value);
  if (Date.now() - typedAt < TYPING_MS || state?.state !== "active") return;
  typedAt = Date.now();
  ask(socket, "typing");
});

offerFiles(() => (token && state?.state !== "ended" ? token : null));

/** Send what is unsent, in order, one after the other; what got no answer is sent again, and counts once. */
async function flush() {
  if (sending || !token) return;
  sending = true;
  try {
    for (const message of keep.unsent(token)) {
      if (message.failed) {
        log.putUnsent(message, "failed", message.failed);
        continue;
      }
      log.putUnsent(message);
      const answer = await ask(socket, "say", { client_id: message.client_id, text: message.text });
      if (!answer || answer.status === 429 || answer.status >= 500) return later(flush);
      if (answer.ok) {
        keep.sent(message.client_id);
      } else {
        const failed = Object.values(answer.fields ?? {})[0] ?? answer.error;
        keep.keepUnsent({ ...message, failed });
        log.putUnsent(message, "failed", failed);
      }
    }
  } finally {
    sending = false;
  }
  if (keep.unsent(token).some((message) => !message.failed)) flush();
}

log.whenRetried((message) => {
  if (message.isFile) return sendAgain(message);
  if (state?.state === "ended") {
    keep.sent(message.client_id);
    again(message.text);
    return;
  }
  keep.keepUnsent({ ...message, failed: undefined });
  flush();
});

function add(messages) {
  let theirs = 0;
  for (const message of messages) {
    if (message.client_id) keep.sent(message.client_id);
    const isNew = log.put(message);
    last = Math.max(last, message.id);
    if (message.from !== "agent") continue;
    $("typing").textContent = "";
    if (isNew && message.delivery !== "delivered") theirs += 1;
  }
  if (!theirs || looking()) return saw();
  tellParent("unread", { count: (unread += theirs) });
  chime();
}

const looking = () => shown && !document.hidden;

/** The visitor has the messages before their eyes: the desk is told, and whoever counted them stops. */
async function saw() {
  if (!looking()) return;
  if (unread) tellParent("unread", { count: (unread = 0) });
  if (!token || got >= last) return;
  const [asked, upTo] = [token, last];
  const answer = await ask(socket, "got", { up_to: upTo });
  if (answer?.ok && asked === token) got = Math.max(got, upTo);
}
document.addEventListener("visibilitychange", saw);

// ---- ending

$("end").addEventListener("click", () => {
  $("ending").hidden = false;
  $("end-yes").focus();
});
$("end-no").addEventListener("click", () => {
  $("ending").hidden = true;
  $("say-text").focus();
});
$("end-yes").addEventListener("click", async () => {
  const answer = await askSurely(socket, "end");
  if (answer?.ok) $("ending").hidden = true;
  else offline();
});
offerAfterwards((event, data) => (event === "rate" ? askSurely : ask)(socket, event, data));
for (const button of document.querySelectorAll("[data-again]")) button.addEventListener("click", () => again());

$("reopen").addEventListener("click", async () => {
  const answer = await askSurely(socket, "reopen");
  if (!answer) return offline();
  if (answer.ok) {
    await sync(); // brings the field back
    return $("say-text").focus();
  }
  if (refused(answer)) return;
  again();
  if (!answer.allowed?.includes("leave_message")) return start.say(answer.error);
  show("letter");
  explain(answer.error);
  letter.focus();
});

function again(question = "") {
  leave();
  show("none");
  socket.disconnect().connect(); // leaves the old chat's room
  start.fill({ ...keep.read("chat:who"), text: question });
  letter.fill({ ...keep.read("chat:who"), text: question });
  show(reception.state === "open" ? "start" : "letter");
  (reception.state === "open" ? start : letter).focus();
}

$("transcript").addEventListener("click", () => {
  save(new Blob(["\ufeff", log.transcript()], { type: "text/plain;charset=utf-8" }), `chat-${new Date().toISOString().slice(0, 10)}.txt`);
});

log.whenFileAsked(async (file) => {
  const answer = await fetch(`/chat/files/${file.id}`, { headers: { "X-Chat-Token": token } }).catch(() => null);
  if (answer?.ok) save(await answer.blob(), file.name);
  else offline();
});

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// ---- other tabs, and the page around us

window.addEventListener("storage", (event) => {
  if (event.key !== "chat:token" || keep.read("chat:token") === token) return;
  const other = keep.read("chat:token");
  if (!other) leave();
  else {
    token = other;
    reset();
  }
  socket.disconnect().connect();
});
onParent((open, focus) => {
  shown = open;
  if (!open) return;
  saw();
  look();
  // Never out of a field in which somebody types already: the page around says it when all of us has come, pictures too.
  if (focus && !document.activeElement?.matches("input, select, textarea")) (token ? $("say-text") : visible() === "letter" ? letter : start).focus();
});

// The other language: the page comes anew, with what was typed.
for (const button of document.querySelectorAll("[data-speak]")) {
  button.addEventListener("click", () => {
    keep.write("chat:form", (visible() === "letter" ? letter : start).values());
    const query = new URLSearchParams(location.search);
    query.set("lang", button.dataset.speak);
    location.search = query;
  });
}

/** Without a chat: is somebody there by now? */
function look() {
  if (!token && looking() && socket.connected && !start.busy) sync();
}
setInterval(look, LOOK_MS);

$("say-text").value = keep.read("chat:draft") ?? "";
for (const form of [start, letter]) form.fill({ ...keep.read("chat:who"), ...keep.said(identity), ...keep.read("chat:form") });
keep.forget("chat:form");
forgetAfterwards(keep.read("chat:who")?.email);
if (token) show("talk");
else welcome(reception);
