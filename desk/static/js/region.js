// One part of a page that follows the server: <section id data-live="topics" data-src="url">.
// It is fetched as a fragment and morphed into place, so that focus, selection, typed text and scrolling stay where they are.

import { announce, icon, sentenceOf } from "./notices.js";
import { text } from "./texts.js";
import { correctClock, tick } from "./times.js";

const FETCH_MS = 15000;
const CALM_MS = 3000;
const RETRY_MS = [2000, 4000, 8000, 16000, 30000];
const NEAR_BOTTOM = 32;
// After a long absence a number of messages are not read out one by one.
const MOST_SAID = 3;

export class Region {
  #fetching = null;
  #again = false;
  #retry = 0;
  #failures = 0;
  #held = null;

  /** changed: called after every attempt, with nothing; the engine looks at `behind` and `signedOut`. */
  constructor(element, changed) {
    this.element = element;
    this.changed = changed;
    this.refused = false;
    this.signedOut = false;
    if (element.dataset.pin === "bottom") toBottom(scrollerOf(element));
  }

  get topics() {
    return (this.element.dataset.live ?? "").split(/\s+/).filter(Boolean);
  }

  get behind() {
    return this.#failures > 0;
  }

  /** Fetches the present state. Asked again while a fetch is under way, it fetches exactly once more after it. */
  refresh() {
    if (this.#fetching) {
      this.#again = true;
      return this.#fetching;
    }
    clearTimeout(this.#retry);
    this.#fetching = this.#fetchUntilSettled().finally(() => {
      this.#fetching = null;
      this.changed();
    });
    return this.#fetching;
  }

  close() {
    clearTimeout(this.#retry);
    this.#release();
  }

  async #fetchUntilSettled() {
    do {
      this.#again = false;
      await this.#fetchOnce();
    } while (this.#again && this.element.isConnected);
  }

  async #fetchOnce() {
    const source = this.element.dataset.src;
    if (!source) {
      this.element.dispatchEvent(new CustomEvent("live:changed", { bubbles: true }));
      return;
    }
    let answer, body;
    try {
      answer = await fetch(source, {
        headers: { "X-Fragment": "1", "X-Language": document.documentElement.lang.slice(0, 2), Accept: "text/html" },
        credentials: "same-origin",
        cache: "no-store",
        signal: AbortSignal.timeout(FETCH_MS),
      });
      body = await answer.text();
    } catch {
      return this.#failed();
    }
    correctClock(answer.headers.get("Date"));
    // The address may have changed while we waited (another ticket was opened in the same place): this answer is then of no use.
    if (this.element.dataset.src !== source) {
      this.#again = true;
      return;
    }
    this.signedOut = answer.status === 401 || (answer.redirected && new URL(answer.url).pathname.startsWith("/login"));
    if (this.signedOut) return;
    if (answer.status === 403 || answer.status === 404 || answer.status === 410) {
      const fallback = text(answer.status === 403 ? "notAllowed" : "gone");
      return this.refuse(sentenceOf(body, answer.headers.get("Content-Type")?.includes("json") ? "json" : "", fallback));
    }
    if (!answer.ok) return this.#failed();
    this.#failures = 0;
    this.refused = false;
    this.element.removeAttribute("data-stale");
    if (answer.status !== 204) this.#show(body);
  }

  #failed() {
    this.#failures += 1;
    this.element.setAttribute("data-stale", "");
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length) - 1];
    clearTimeout(this.#retry);
    // Spread out, or all browsers of a floor come back in the same instant.
    this.#retry = setTimeout(() => this.element.isConnected && this.refresh(), wait * (0.75 + Math.random() / 2));
  }

  /** What was here may no longer be shown; say so in its place. */
  refuse(sentence = text("notAllowed")) {
    this.#failures = 0;
    this.#release();
    this.refused = true;
    this.element.removeAttribute("data-stale");
    const node = document.createElement("p");
    node.className = "region-error";
    node.setAttribute("role", "status");
    node.append(icon("lock"), document.createTextNode(sentence));
    this.element.replaceChildren(node);
  }

  #show(html) {
    const content = contentOf(html, this.element.id);
    if (this.#mustWait(content)) return this.#hold(content);
    this.#release();
    this.#morph(content);
  }

  /** Rows must not move away from under a pointer that is about to press. */
  #mustWait(content) {
    if (!("calm" in this.element.dataset)) return false;
    const underPointer = this.element.matches(":hover");
    const sinceFirst = this.#held ? performance.now() - this.#held.since : 0;
    return underPointer && sinceFirst < CALM_MS && idsOf(this.element).join() !== idsOf(content).join();
  }

  #hold(content) {
    if (this.#held) {
      this.#held.content = content;
      return;
    }
    const settle = () => {
      const content = this.#held?.content;
      this.#release();
      if (content && this.element.isConnected) this.#morph(content);
    };
    this.#held = { content, since: performance.now(), settle, timer: setTimeout(settle, CALM_MS) };
    this.element.addEventListener("pointerleave", settle, { once: true });
  }

  #release() {
    if (!this.#held) return;
    clearTimeout(this.#held.timer);
    this.element.removeEventListener("pointerleave", this.#held.settle);
    this.#held = null;
  }

  #morph(content) {
    const { element } = this;
    const known = new Set(idsOf(element));
    const before = wordsOf(element);
    const scroller = element.dataset.pin === "bottom" ? scrollerOf(element) : null;
    const pinned = scroller && isAtBottom(scroller);
    const hadFocus = element.contains(document.activeElement) && document.activeElement !== element;

    window.Idiomorph.morph(element, [...content.childNodes], {
      morphStyle: "innerHTML",
      // Only what is being typed into keeps its content: a button in use may have to say something else now.
      ignoreActiveValue: Boolean(document.activeElement?.matches("input, textarea, select")),
      restoreFocus: true,
      callbacks: { beforeNodeMorphed: mayMorph, beforeAttributeUpdated: mayUpdate },
    });
    tick(element);
    window.htmx?.process(element);
    if (pinned) toBottom(scroller);
    if (hadFocus && document.activeElement === document.body) {
      // What had the focus is gone; the keyboard stays in this part instead of falling back to the top of the page.
      if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
      element.focus({ preventScroll: true });
    }
    if ("announce" in element.dataset && wordsOf(element) !== before) announce(newsOf(element, known));
    element.dispatchEvent(new CustomEvent("live:morphed", { bubbles: true }));
  }
}

/** The answer's nodes; an answer that brings the region's own element along is unwrapped. */
function contentOf(html, id) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const root = template.content;
  const [only] = root.children;
  return root.children.length === 1 && id && only.id === id ? only : root;
}

/** What people have opened, ticked or typed is theirs; a push does not take it back. */
function mayMorph(from, to) {
  if (!(from instanceof Element)) return true;
  if ("keep" in from.dataset && to instanceof Element && from.id === to.id) return false;
  return !isEdited(from);
}

function isEdited(node) {
  if (node instanceof HTMLInputElement) {
    if (node.type === "hidden" || node.type === "submit") return false;
    return ["checkbox", "radio"].includes(node.type) ? node.checked !== node.defaultChecked : node.value !== node.defaultValue;
  }
  if (node instanceof HTMLTextAreaElement) return node.value !== node.defaultValue;
  if (node instanceof HTMLSelectElement) {
    const options = [...node.options];
    // Where the page names none, the browser begins with the first.
    if (!options.some((o) => o.defaultSelected)) return node.multiple ? options.some((o) => o.selected) : node.selectedIndex > 0;
    return options.some((o) => o.selected !== o.defaultSelected);
  }
  return false;
}

function mayUpdate(name, node) {
  if (name === "open") return !(node instanceof HTMLDetailsElement || node instanceof HTMLDialogElement);
  // Set by scripts and unknown to the server.
  return !["data-late", "data-soon", "data-over", "data-stale", "data-shown"].includes(name) && !(name === "style" && node instanceof HTMLElement);
}

const idsOf = (root) => [...root.querySelectorAll("[id]")].map((node) => node.id);

/** The words of a part without its clocks, to tell a real change from a second that passed. */
function wordsOf(root) {
  const copy = root.cloneNode(true);
  for (const clock of copy.querySelectorAll("time")) clock.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}

function newsOf(root, known) {
  const news = [...root.querySelectorAll("[data-say]")].filter((node) => node.id && !known.has(node.id));
  const said = news.length <= MOST_SAID ? news.map((node) => node.dataset.say).join(" ") : "";
  return said || root.dataset.announce || text("updated");
}

function scrollerOf(node) {
  for (let at = node; at && at !== document.body; at = at.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return document.scrollingElement;
}

const isAtBottom = (node) => node.scrollHeight - node.scrollTop - node.clientHeight < NEAR_BOTTOM;
const toBottom = (node) => {
  node.scrollTop = node.scrollHeight;
};
