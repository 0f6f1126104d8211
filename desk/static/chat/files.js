// Files the visitor sends: chosen, pasted or dropped; with progress, a way to stop, and another try that never counts twice.

import * as log from "./log.js";
import { newId } from "./keep.js";
import { lang, text } from "/static/js/texts.js";

const MOST_BYTES = 10 * 1024 * 1024;
const $ = (id) => document.getElementById(id);
const kept = new Map(); // client id to {token, file}: for another try, as long as this page is open

/** `token()` is the chat's token as long as files can be sent, else null. */
export function offerFiles(token) {
  const take = (files) => token() && [...files].forEach((file) => begin(token(), file));
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files") && token();
  const place = $("view-talk");
  $("attach").addEventListener("click", () => $("say-files").click());
  $("say-files").addEventListener("change", ({ target }) => {
    take(target.files);
    target.value = ""; // the same file may be chosen again
    $("say-text").focus();
  });
  $("say-text").addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    take(event.clipboardData.files);
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    place.addEventListener(name, (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      place.classList.toggle("is-target", name === "dragover");
      if (name === "drop") take(event.dataTransfer.files);
    });
  }
}

/** Another try, asked for at the bubble. */
export function sendAgain(message) {
  const { token, file } = kept.get(message.client_id);
  send(message, token, file);
}

function begin(token, file) {
  const message = { client_id: newId(), text: text("file", { name: file.name }), at: Date.now(), isFile: true };
  kept.set(message.client_id, { token, file });
  log.putUnsent(message);
  if (file.size > MOST_BYTES) log.putUnsent(message, "failed", text("tooLarge"));
  else send(message, token, file);
}

function send(message, token, file) {
  const form = new FormData();
  form.append("client_id", message.client_id);
  form.append("files", file);
  const request = new XMLHttpRequest();
  request.open("POST", `/chat/files?lang=${lang.slice(0, 2)}`);
  request.responseType = "json";
  request.setRequestHeader("X-Chat-Token", token);
  request.setRequestHeader("Accept", "application/json");
  log.putUnsent(message);
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    if (total) log.putProgress(message, Math.floor((loaded / total) * 100), () => request.abort());
  });
  request.addEventListener("load", () => {
    if (request.status === 200) kept.delete(message.client_id); // the message itself comes over the socket
    else log.putUnsent(message, "failed", request.response?.detail ?? text("unreachable"));
  });
  request.addEventListener("error", () => log.putUnsent(message, "failed", text("unreachable")));
  request.addEventListener("abort", () => log.putUnsent(message, "failed", text("cancelled")));
  request.send(form);
}
