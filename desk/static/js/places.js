// Things that open and close: dialogs, menus, tabs within a page, the side pane on narrow screens; and moving along rows.

const EDGE = 8;

export function startPlaces() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) return openDialog(opener);
    const closer = event.target.closest("[data-closes]");
    if (closer) return closer.closest("dialog, [popover]")?.matches("dialog") ? closer.closest("dialog").close() : closer.closest("[popover]")?.hidePopover();
    const side = event.target.closest("[data-toggles]");
    if (side) return toggle(side);
    const tab = event.target.closest("[role=tab]");
    if (tab) return choose(tab);
    // A press on the scrim is a press on the dialog's own box outside its content.
    if (event.target instanceof HTMLDialogElement && isOutside(event, event.target)) event.target.close();
    const item = event.target.closest("[data-menu] :is(a, button)");
    if (item && !item.closest("[data-stays]")) item.closest("[popover]").hidePopover();
  });
  // Where tabs are more than fit, the one that this page is of is in sight.
  for (const tab of document.querySelectorAll(".tabs > [aria-current]")) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - EDGE;
  document.addEventListener("toggle", placeMenu, true);
  document.addEventListener("keydown", move);
  document.addEventListener("keydown", (event) => {
    const pane = event.key === "Escape" && !document.querySelector("dialog[open], :popover-open") && document.querySelector(".pane-side.is-open");
    if (pane) document.querySelector(`[data-toggles="${pane.id}"]`)?.click();
  });
}

function openDialog(opener) {
  const dialog = document.getElementById(opener.dataset.opens);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("dialog:opened", { bubbles: true, detail: { opener } }));
}

function isOutside(event, dialog) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

function toggle(button) {
  const place = document.getElementById(button.dataset.toggles);
  if (!place) return;
  const open = place.classList.toggle("is-open");
  const buttons = [...document.querySelectorAll(`[data-toggles="${place.id}"]`)];
  for (const one of buttons) one.ariaExpanded = String(open);
  if (open) place.querySelector("a, button, input, [tabindex]")?.focus();
  else (buttons.find((one) => !place.contains(one)) ?? button).focus();
}

/** A menu opens in the top layer, at its button, turned inwards where the window ends. */
function placeMenu(event) {
  const menu = event.target;
  if (!(menu instanceof HTMLElement) || !menu.matches("[data-menu]")) return;
  const button = document.querySelector(`[popovertarget="${menu.id}"]`);
  if (!button) return;
  button.ariaExpanded = String(event.newState === "open");
  if (event.newState !== "open") return;
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = at.bottom + 4 + height <= innerHeight - EDGE;
  menu.style.top = `${below ? at.bottom + 4 : Math.max(EDGE, at.top - 4 - height)}px`;
  menu.style.left = `${Math.max(EDGE, Math.min(at.left, innerWidth - width - EDGE))}px`;
  menu.querySelector("a, button, input")?.focus();
}

function choose(tab, focus = false) {
  const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
  for (const other of tabs) {
    const on = other === tab;
    other.ariaSelected = String(on);
    other.tabIndex = on ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !on;
  }
  if (focus) tab.focus();
  tab.dispatchEvent(new CustomEvent("tab:chosen", { bubbles: true }));
}

function move(event) {
  if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
  const place = event.target.closest?.("[role=tablist], [data-menu], [data-arrows]");
  if (!place || event.target.matches("input, textarea, select")) return;
  const isTabs = place.matches("[role=tablist]");
  const [back, forth] = isTabs ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  const stops = [...place.querySelectorAll(isTabs ? "[role=tab]" : place.matches("[data-menu]") ? "a, button, input" : ".row > a, .row > .row-link, tbody th > a")];
  const index = stops.indexOf(event.target);
  const steps = { [back]: index - 1, [forth]: index + 1, Home: 0, End: stops.length - 1 };
  if (!(event.key in steps) || !stops.length) return;
  event.preventDefault();
  const next = stops[(steps[event.key] + stops.length) % stops.length];
  if (isTabs) choose(next, true);
  else next.focus();
}
