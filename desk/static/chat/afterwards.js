// When a chat is over: how it was, and why; and the conversation by mail.

import { text } from "/static/js/texts.js";

const $ = (id) => document.getElementById(id);

/** `send(event, data)` asks the desk; the answer is null when there was none. */
export function offerAfterwards(send) {
  const chosen = () => Number(document.querySelector("[name='score']:checked")?.value ?? 0);
  const say = (place, answer, thanks) => ($(place).textContent = answer?.ok ? thanks : Object.values(answer?.fields ?? {})[0] ?? answer?.error ?? text("unreachable"));
  $("rating").addEventListener("change", async () => {
    const answer = await send("rate", { score: chosen() });
    say("rated", answer, text("rated"));
    if (answer?.ok) $("why").hidden = false;
  });
  $("why").addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await send("rate", { score: chosen(), comment: $("why-text").value });
    say("rated", answer, text("rated"));
    if (answer?.ok) $("why").hidden = true;
  });
  $("by-mail").addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await send("mail_transcript", { email: $("by-mail-email").value });
    say("mailed", answer, text("mailed", { email: answer?.email }));
  });
}

/** Before another chat: nothing of the last one is left. `email` is what the visitor gave. */
export function forgetAfterwards(email = "") {
  $("why").hidden = true;
  $("why-text").value = $("rated").textContent = $("mailed").textContent = "";
  $("by-mail-email").value = email;
  for (const score of document.querySelectorAll("[name='score']")) score.checked = false;
}
