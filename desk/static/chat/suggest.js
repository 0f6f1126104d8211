// Answers beside a question that is being written: they may spare its writer the waiting. Older answers to older words are dropped.

import { text } from "/static/js/texts.js";

const PAUSE_MS = 700;

/** `find(words)` promises {ok, hits: [{title, href, lang}]}, or null when nobody answered; `opened(href)` hears which one was read. */
export function suggestTo(field, place, find, opened) {
  place.addEventListener("click", ({ target }) => target.closest("a") && opened(target.closest("a").getAttribute("href")));
  let timer = 0;
  let asked = "";
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const words = (asked = field.value.trim());
      const answer = await find(words);
      if (words === asked && answer?.ok) show(place, answer.hits);
    }, PAUSE_MS);
  });
}

function show(place, hits) {
  const links = hits.map(({ title, href, lang }) => {
    const link = Object.assign(document.createElement("a"), { href, textContent: title, target: "_blank", rel: "noopener", lang: lang === "zh" ? "zh-CN" : lang });
    const line = document.createElement("li");
    line.append(link);
    return line;
  });
  const list = document.createElement("ul");
  list.append(...links);
  const head = Object.assign(document.createElement("p"), { className: "strong", textContent: text("suggested") });
  place.replaceChildren(...(links.length ? [head, list] : []));
}
