// The matrix of skills by keyboard: arrows move, a digit or Enter begins to type, Enter saves, Escape gives up, Delete takes away.
// The server answers every change with the cell as it is now; what somebody else has changed meanwhile is never overwritten unseen.

const table = document.querySelector("[data-matrix]");
const said = document.getElementById("matrix-said");
const csrf = () => document.querySelector("meta[name=csrf-token]")?.content ?? "";
const cells = (row) => [...row.querySelectorAll("[data-cell]")];

if (table) {
  const first = table.querySelector("[data-cell]");
  if (first) first.tabIndex = 0;
  table.addEventListener("focusin", ({ target }) => target.closest("[data-cell]") && rove(target.closest("[data-cell]")));
  table.addEventListener("keydown", pressed);
  table.addEventListener("dblclick", ({ target }) => edit(target.closest("[data-cell]")));
}

/** One cell of the table is in the order of the Tab key: the one that had the focus last. */
function rove(cell) {
  for (const other of table.querySelectorAll('[data-cell][tabindex="0"]')) other.tabIndex = -1;
  cell.tabIndex = 0;
}

function pressed(event) {
  const cell = event.target.closest("[data-cell]");
  if (!cell || event.target !== cell || event.altKey || event.ctrlKey || event.metaKey) return;
  const row = cell.parentElement;
  const at = cells(row).indexOf(cell);
  const below = { ArrowUp: row.previousElementSibling, ArrowDown: row.nextElementSibling };
  const beside = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: cells(row).length - 1 };
  if (event.key in below) go(below[event.key] && cells(below[event.key])[at]);
  else if (event.key in beside) go(cells(row)[beside[event.key]]);
  else if (event.key === "Enter" || event.key === "F2") edit(cell);
  else if (/^[0-9]$/.test(event.key)) edit(cell, event.key);
  else if (event.key === "Delete" || event.key === "Backspace") save(cell, "");
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function go(cell) {
  if (!cell) return;
  cell.focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function edit(cell, typed) {
  if (!cell || cell.ariaReadOnly === "true" || cell.querySelector("input")) return;
  const input = document.createElement("input");
  input.inputMode = "numeric";
  input.maxLength = 2;
  input.autocomplete = "off";
  input.ariaLabel = `${table.dataset.levelName}: ${cell.ariaLabel}`;
  input.value = typed ?? cell.dataset.level;
  cell.append(input);
  input.focus();
  if (typed === undefined) input.select();
  let over = false;
  const finish = (keep, step) => {
    if (over) return;
    over = true;
    const value = input.value.trim();
    input.remove();
    if (keep && value !== cell.dataset.level) save(cell, value, step);
    else if (step !== undefined) go(step ? next(cell, step) ?? cell : cell);
  };
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const steps = { Enter: "down", ArrowDown: "down", ArrowUp: "up", Tab: event.shiftKey ? "left" : "right" };
    if (event.key === "Escape") finish(false, "");
    else if (event.key in steps) finish(true, steps[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  input.addEventListener("blur", () => finish(true));
}

function next(cell, way) {
  const row = cell.parentElement;
  const at = cells(row).indexOf(cell);
  if (way === "left" || way === "right") return cells(row)[at + (way === "left" ? -1 : 1)];
  const other = way === "up" ? row.previousElementSibling : row.nextElementSibling;
  return other && cells(other)[at];
}

async function save(cell, level, step) {
  if (cell.ariaReadOnly === "true" || level === cell.dataset.level) return;
  cell.ariaBusy = "true";
  if (step !== undefined) go(next(cell, step) ?? cell);
  const { agent, skill, level: was } = cell.dataset;
  try {
    const answer = await fetch(table.dataset.post, {
      method: "POST",
      headers: { "X-CSRFToken": csrf(), "X-Fragment": "1" },
      body: new URLSearchParams({ agent, skill, was, level }),
    });
    if (answer.headers.get("Content-Type")?.includes("json")) throw new Error((await answer.json()).detail);
    const page = new DOMParser().parseFromString(`<table><tbody><tr>${await answer.text()}</tr></tbody></table>`, "text/html");
    const fresh = document.importNode(page.querySelector("[data-cell]"), true);
    fresh.tabIndex = cell.tabIndex;
    fresh.classList.toggle("is-wrong", !answer.ok);
    const had = document.activeElement === cell; // by now: whoever has gone on is not called back
    cell.replaceWith(fresh);
    if (had || document.activeElement === document.body) fresh.focus({ preventScroll: true });
    tell(fresh.dataset.problem || `${table.dataset.saved}: ${fresh.ariaLabel}`, !answer.ok);
  } catch (error) {
    cell.ariaBusy = null;
    cell.classList.add("is-wrong");
    tell(error.message, true);
  }
}

function tell(words, wrong) {
  said.textContent = words;
  said.classList.toggle("error", wrong);
}
