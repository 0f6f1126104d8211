// Times that move: <time datetime data-tick="ago|since|until|countdown">, redrawn once a second by the server's clock.

import { lang, text } from "./texts.js";

const SECOND = 1000, MINUTE = 60, HOUR = 3600, DAY = 86400;
const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" });
const list = new Intl.ListFormat(lang, { type: "unit", style: "narrow" });
const unit = (name) => new Intl.NumberFormat(lang, { style: "unit", unit: name, unitDisplay: "narrow" });
const units = { day: unit("day"), hour: unit("hour"), minute: unit("minute") };
const hourMinute = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// How far the server's clock is ahead of ours. Below two seconds it is only the rounding of the Date header.
let ahead = 0;

export const now = () => Date.now() + ahead;
export const clockTime = (at = now()) => hourMinute.format(at);

/** Learns the server's time from an answer's Date header. */
export function correctClock(date) {
  const difference = Date.parse(date ?? "") - Date.now();
  if (Number.isNaN(difference)) return;
  ahead = Math.abs(difference) > 2 * SECOND ? difference : 0;
}

export function startTimes() {
  tick();
  const again = () => {
    tick();
    // Aligned to the full second, so that several clocks on one page step together.
    setTimeout(again, SECOND - (now() % SECOND) + 5);
  };
  again();
}

/** Redraws all moving times below `root` at once; called after each morph so that nothing is seen to jump. */
export function tick(root = document) {
  for (const node of root.querySelectorAll("time[data-tick]")) draw(node);
}

function draw(node) {
  const at = Date.parse(node.dateTime);
  if (Number.isNaN(at)) return;
  const past = Math.floor((now() - at) / SECOND);
  const words = drawings[node.dataset.tick]?.(node, past);
  if (words !== undefined && node.textContent !== words) node.textContent = words;
}

const drawings = {
  ago: (_node, past) => ago(past),
  since: (_node, past) => running(Math.max(0, past)),
  until(node, past) {
    node.toggleAttribute("data-late", past > 0);
    node.toggleAttribute("data-soon", past <= 0 && -past <= Number(node.dataset.warn ?? 0));
    return past > 0 ? text("late", { time: span(past) }) : text("due", { time: span(-past) });
  },
  countdown(node, past) {
    const over = past >= 0;
    if (over && !node.hasAttribute("data-over")) node.dispatchEvent(new CustomEvent("time:up", { bubbles: true }));
    node.toggleAttribute("data-over", over);
    return running(Math.max(0, -past));
  },
};

function ago(past) {
  if (past < MINUTE) return text("justNow");
  if (past < HOUR) return relative.format(-Math.floor(past / MINUTE), "minute");
  if (past < DAY) return relative.format(-Math.floor(past / HOUR), "hour");
  return relative.format(-Math.floor(past / DAY), "day");
}

/** 2:41, 1:02:41; from a day on in words. */
function running(seconds) {
  if (seconds >= DAY) return span(seconds);
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / HOUR), Math.floor((seconds % HOUR) / MINUTE), seconds % MINUTE];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** 2d 3h, 1h 12m, 45m; the last ten minutes by the second, because then it matters. */
function span(seconds) {
  if (seconds < 10 * MINUTE) return running(seconds);
  if (seconds < HOUR) return units.minute.format(Math.floor(seconds / MINUTE));
  const big = seconds < DAY ? ["hour", HOUR, "minute", MINUTE] : ["day", DAY, "hour", HOUR];
  const [name, size, lesser, lesserSize] = big;
  const rest = Math.floor((seconds % size) / lesserSize);
  const parts = [units[name].format(Math.floor(seconds / size))];
  if (rest) parts.push(units[lesser].format(rest));
  return list.format(parts);
}
