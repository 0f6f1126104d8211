// What changes in the strip is said to a screen reader: the state of a call, not its clocks and buttons.

let known = new Map();

export function startCallSaid() {
  const strip = document.getElementById("call-strip");
  if (!strip) return;
  known = stated(strip);
  document.body.addEventListener("live:morphed", ({ target }) => target === strip && say(strip));
}

function say(strip) {
  const now = stated(strip);
  const fresh = [...now].flatMap(([call, sentences]) => sentences.filter((each) => !known.get(call)?.includes(each)));
  known = now;
  if (fresh.length) document.getElementById("call-said").textContent = fresh.join(" · ");
}

/** For each call on the strip what is stated of it. What rings is in the work list too, which says so by itself where there is one. */
function stated(strip) {
  const found = new Map();
  for (const call of strip.querySelectorAll(".call-strip")) {
    const isSaid = call.dataset.say && document.getElementById("worklist");
    const ring = call.dataset.say && !isSaid ? [call.dataset.say] : [];
    found.set(call.id, [...ring, ...[...call.querySelectorAll("[data-said]")].map(wordsOf)]);
  }
  return found;
}

function wordsOf(node) {
  const copy = node.cloneNode(true);
  for (const clock of copy.querySelectorAll("time")) clock.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}
