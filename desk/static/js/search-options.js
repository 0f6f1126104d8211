// A list of options below a field, as the pattern of an ARIA combobox: the focus stays in the field, the arrows point, Enter goes.

const IS_FRAGMENT = { "X-Fragment": "1", Accept: "text/html" };

/** Whether an input method is at work: its Enter chooses a word and is none of ours. */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** The HTML of a fragment; null when it could not be had. */
export async function fragment(address) {
  const answer = await fetch(address, { headers: IS_FRAGMENT, credentials: "same-origin", cache: "no-store" }).catch(() => null);
  return answer?.ok ? answer.text() : null;
}

export const optionsOf = (list) => [...list.querySelectorAll("[role=option]")];

export const pointedAt = (field, list) => optionsOf(list).find((option) => option.id === field.getAttribute("aria-activedescendant")) ?? null;

export function point(field, list, option) {
  for (const other of optionsOf(list)) other.ariaSelected = String(other === option);
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

/** Moves for an arrow, Home or End of a list. True when the key was one of those. */
export function moved(event, field, list) {
  const options = optionsOf(list);
  const at = options.indexOf(pointedAt(field, list));
  const places = { ArrowDown: at + 1, ArrowUp: at < 0 ? options.length - 1 : at - 1, PageDown: Math.min(at + 8, options.length - 1), PageUp: Math.max(at - 8, 0) };
  if (!(event.key in places) || !options.length) return false;
  event.preventDefault();
  point(field, list, options[(places[event.key] + options.length) % options.length]);
  return true;
}
