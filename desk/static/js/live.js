// The live engine. A push is only a hint and the page is the truth: on every connect, the first included, the topics on the
// page are watched and then every region is fetched again; nothing that happened meanwhile can be missed.

import { banner, announce } from "./notices.js";
import { Region } from "./region.js";
import { text } from "./texts.js";
import { clockTime, now } from "./times.js";

const ACK_MS = 10000;
// A blip shorter than this changes the small light, not the page.
const PATIENCE_MS = 1500;
const GATHER_MS = 15;

const regions = new Map();
const listeners = new Map();
const hinted = new Set();
let socket = null;
let caughtUpAt = now();
let lostTimer = 0;
let wasLost = false;
let refusedAtDoor = false;
let watched = "";

export const live = {
  /** The id of the last event known to be on the page. */
  at: 0,
  get connected() {
    return Boolean(socket?.connected);
  },

  /** Hears an event of the server, or one of the engine's own: "live:connected", "live:watched", "live:lost". Gives back a way to stop. */
  on(event, listener) {
    if (!listeners.has(event)) listeners.set(event, new Set());
    listeners.get(event).add(listener);
    return () => listeners.get(event).delete(listener);
  },

  /** Sends and promises the server's answer; fails when it is offline or does not answer in ten seconds. */
  emit(event, payload = {}) {
    if (!socket?.connected) return Promise.reject(new Error(text("unreachable")));
    return socket.timeout(ACK_MS).emitWithAck(event, payload);
  },

  /** Sends something that is worth nothing when late, such as "is typing"; lost without a word when offline, and only then. */
  hint(event, payload = {}) {
    if (socket?.connected) socket.emit(event, payload);
  },

  /** Fetches the regions of one topic again, or all of them. */
  refresh(topic = null) {
    return Promise.allSettled(
      [...regions.values()].filter((region) => !topic || region.topics.includes(topic)).map((region) => region.refresh()),
    );
  },

  /** Fetches the region of this element again. */
  refreshOne(element) {
    return regions.get(element)?.refresh();
  },

  scan,
};

/** Connects to the namespace that the page names in <body data-socket>; pages without one have no live parts. */
export function startLive() {
  const namespace = document.body.dataset.socket;
  scan();
  if (!namespace || !window.io) return;
  socket = window.io(namespace, {
    transports: ["websocket"],
    reconnectionDelay: 500,
    reconnectionDelayMax: 8000,
    timeout: ACK_MS,
    autoConnect: false,
  });
  // A page is live when all of it listens: what comes or is pressed before would pass by those parts whose script is under way.
  document.addEventListener("DOMContentLoaded", reconnect, { once: true });
  socket.on("connect", connected);
  socket.on("disconnect", disconnected);
  socket.on("connect_error", notConnected);
  socket.on("changed", ({ topics = [], at = 0 }) => {
    live.at = Math.max(live.at, at);
    // One change often concerns several topics and comes as several hints; they make one fetch.
    if (!hinted.size) setTimeout(follow, GATHER_MS);
    topics.forEach((topic) => hinted.add(topic));
  });
  // A right was taken away: fetching tells which parts are closed now.
  socket.on("refused", ({ topics = [] }) => topics.forEach((topic) => live.refresh(topic)));
  socket.onAny((event, ...words) => hear(event, ...words));
  showNet("connecting");

  for (const event of ["htmx:afterSwap", "htmx:oobAfterSwap", "live:morphed"]) document.body.addEventListener(event, scan);
  // The machine woke up or the network is back: do not wait for the next try.
  window.addEventListener("online", reconnect);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && reconnect());
}

function follow() {
  const named = new Set(hinted);
  hinted.clear();
  for (const region of regions.values()) if (region.topics.some((topic) => named.has(topic))) region.refresh();
}

/** Finds regions that came or went. New ones are watched first and then fetched once, so that the gap between is covered. */
function scan() {
  for (const [element, region] of regions) {
    if (element.isConnected) continue;
    region.close();
    regions.delete(element);
  }
  const fresh = [];
  for (const element of document.querySelectorAll("[data-live]")) {
    if (regions.has(element)) continue;
    const region = new Region(element, judge);
    regions.set(element, region);
    fresh.push(region);
  }
  if (live.connected && (fresh.length || topicsOnPage().join(" ") !== watched)) watch().then(() => fresh.forEach((region) => region.refused || region.refresh()));
}

const topicsOnPage = () => [...new Set([...regions.values()].flatMap((region) => region.topics))].sort();

/** Tells the server the full list of topics on the page. */
async function watch() {
  const topics = topicsOnPage();
  watched = topics.join(" ");
  if (!topics.length) return;
  try {
    const { refused = [], at = 0 } = (await live.emit("watch", { topics })) ?? {};
    live.at = Math.max(live.at, at);
    const closed = new Set(refused);
    for (const region of regions.values()) {
      if (region.topics.length && region.topics.every((topic) => closed.has(topic))) region.refuse();
    }
    hear("live:watched");
  } catch {
    // Lost again while asking; the next connect asks afresh.
    watched = "";
  }
}

async function connected() {
  refusedAtDoor = false;
  clearTimeout(lostTimer);
  showNet("live");
  await watch();
  await Promise.allSettled([...regions.values()].filter((region) => !region.refused).map((region) => region.refresh()));
  if (!live.connected) return;
  if (wasLost && !isBehind()) announce(text("back"));
  wasLost = false;
  judge();
  hear("live:connected");
}

function disconnected(reason) {
  watched = "";
  lose();
  hear("live:lost", reason);
  // Sent away by the server (rights changed, server going down): the client library does not come back by itself.
  if (reason === "io server disconnect") setTimeout(reconnect, 1000 + Math.random() * 2000);
}

function notConnected() {
  // Inactive means that the server answered and said no, rather than that nobody answered.
  refusedAtDoor = !socket.active;
  lose();
  if (refusedAtDoor) setTimeout(reconnect, 15000);
}

function lose() {
  showNet("offline");
  clearTimeout(lostTimer);
  lostTimer = setTimeout(judge, wasLost || refusedAtDoor ? 0 : PATIENCE_MS);
}

/** Not while it is connecting by itself already: to knock twice is to be refused. */
function reconnect() {
  if (socket && !socket.active) socket.connect();
}

const isBehind = () => [...regions.values()].some((region) => region.behind);

/** Decides what the page says about itself, from the state of the line and of each region. */
function judge() {
  const values = [...regions.values()];
  const stale = socket && !socket.connected;
  if (refusedAtDoor || values.some((region) => region.signedOut)) {
    banner(text("signedOut"), "late", { words: text("signIn"), href: `/login?next=${encodeURIComponent(location.pathname + location.search)}` });
  } else if (stale) {
    wasLost = true;
    banner(text("offline", { time: clockTime(caughtUpAt) }), "late", { words: text("retry"), run: reconnect });
  } else if (isBehind()) {
    banner(text("behind", { time: clockTime(caughtUpAt) }), "waiting", { words: text("retry"), run: () => live.refresh() });
  } else {
    caughtUpAt = now();
    banner(null);
  }
  document.body.toggleAttribute("data-stale", Boolean(stale || isBehind()));
}

function showNet(state) {
  const light = document.getElementById("net");
  if (!light) return;
  light.dataset.state = state;
  const word = light.querySelector("[data-net-word]");
  const words = { live: "netLive", connecting: "netConnecting", offline: "netOffline" };
  if (word) word.textContent = text(words[state]);
}

function hear(event, ...words) {
  for (const listener of listeners.get(event) ?? []) listener(...words);
}
