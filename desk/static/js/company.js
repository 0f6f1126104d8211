// Who else has this ticket open, and who of them is writing. Said to the server when something changes, shown above the timeline.

import { live } from "./live.js";

const IDLE_MS = 8000; // after the last key nobody is writing any more
let writing = "";
let timer = 0;
let told = "";
let turn = 0;

export function startCompany() {
  live.on("company", ({ topic, people }) => topic === topicHere() && show(people));
  live.on("live:watched", () => {
    told = "";
    tell();
  });
  live.on("live:lost", () => show([]));
  document.addEventListener("visibilitychange", tell);
  document.addEventListener("visibilitychange", look);
  document.body.addEventListener("live:morphed", look);
  look();
  document.addEventListener("input", ({ target }) => target.id === "composer-text" && wrote(target));
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => detail.elt?.closest?.("#composer") && detail.successful && rest());
}

const topicHere = () => {
  const number = document.getElementById("ticket")?.dataset.number;
  return number ? `ticket:${number}` : "";
};

function wrote(area) {
  clearTimeout(timer);
  if (!area.value.trim()) return rest();
  writing = area.form.dataset.writes === "note" ? "note" : "reply";
  timer = setTimeout(rest, IDLE_MS);
  tell();
}

function rest() {
  clearTimeout(timer);
  writing = "";
  tell();
}

/** Who was named in a note has looked when the ticket is before them. */
function look() {
  const bar = document.getElementById("mentioned");
  if (!bar || document.visibilityState === "hidden" || bar.dataset.told) return;
  bar.dataset.told = "1";
  window.htmx.ajax("POST", bar.dataset.looked, { source: "#unsent", swap: "none" });
}

function tell() {
  const topic = topicHere();
  if (!topic || !live.connected) return;
  const away = document.visibilityState === "hidden";
  const news = `${topic} ${away} ${writing}`;
  if (news === told) return;
  told = news;
  turn += 1;
  live.hint("here", { topic, away, writing, turn });
}

function show(people) {
  const place = document.getElementById("company");
  if (!place) return;
  const others = people.filter(({ id }) => String(id) !== place.dataset.me);
  const lines = others.map(({ name, away, writing: what }) => {
    const state = what || (away ? "away" : "looks");
    const line = Object.assign(document.createElement("span"), { className: `seat is-${state}` });
    const mark = Object.assign(document.createElement("i"), { className: `presence is-${{ reply: "busy", note: "busy", looks: "available", away: "away" }[state]}`, ariaHidden: "true" });
    line.append(mark, place.dataset[state].replace("{name}", name));
    return line;
  });
  place.replaceChildren(...lines);
  place.hidden = !lines.length;
}
