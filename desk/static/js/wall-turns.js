// A wallboard of several pages shows one after the other. It stands still when somebody says so, and for whoever wants no motion.

const wall = document.getElementById("wall");
const bar = document.getElementById("wall-turns");
const [back, stop, on, word] = ["wall-back", "wall-stop", "wall-on", "wall-page-of"].map((id) => document.getElementById(id));
let at = 0;
let timer = 0;

if (bar) start();

function start() {
  const stays = matchMedia("(prefers-reduced-motion: reduce)");
  back.addEventListener("click", () => turn(-1));
  on.addEventListener("click", () => turn(1));
  stop.addEventListener("click", () => stay(stop.ariaPressed !== "true"));
  stays.addEventListener("change", () => stay(stays.matches));
  wall.addEventListener("live:morphed", show);
  document.addEventListener("keydown", press);
  show();
  stay(stays.matches);
}

function press(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button, a, input, select, textarea, summary")) return;
  if (event.key === "ArrowRight") turn(1);
  else if (event.key === "ArrowLeft") turn(-1);
  else if (event.key === " ") stay(stop.ariaPressed !== "true");
  else return;
  event.preventDefault();
}

function turn(by) {
  at += by;
  show();
  if (stop.ariaPressed !== "true") go();
}

/** Shows the page that it is at, also after the figures were drawn anew. */
function show() {
  const pages = [...wall.querySelectorAll("[data-wall-page]")];
  at = (at + pages.length) % pages.length;
  pages.forEach((page, number) => (page.hidden = number !== at));
  word.textContent = bar.dataset.words.replace("{page}", at + 1).replace("{pages}", pages.length);
}

function stay(still) {
  stop.ariaPressed = String(still);
  if (still) clearInterval(timer);
  else go();
}

function go() {
  clearInterval(timer);
  const every = Number(bar.dataset.every);
  if (every) timer = setInterval(() => document.hidden || turn(1), every * 1000);
}
