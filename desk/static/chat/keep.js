// What the browser keeps for the visitor, in the desk's own origin: the secret, the open chat, and what is not sent yet.
// Each unsent message has a key of its own, so that several tabs never overwrite one another's.

const memory = new Map();
const OUT = "chat:out:";
let storage = null;
try {
  localStorage.setItem("chat:test", "1");
  localStorage.removeItem("chat:test");
  storage = localStorage;
} catch {
  // A browser that lets framed pages keep nothing still chats, until the page is left.
}

export function read(key) {
  const text = storage ? storage.getItem(key) : memory.get(key) ?? null;
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

export function write(key, value) {
  const text = JSON.stringify(value);
  memory.set(key, text);
  try {
    storage?.setItem(key, text);
  } catch {
    storage = null; // full: from here on memory has to do
  }
}

export function forget(key) {
  memory.delete(key);
  storage?.removeItem(key);
}

/** Unsent messages of this chat, oldest first: {client_id, token, text, at}. */
export function unsent(token) {
  const keys = storage ? Object.keys(storage) : [...memory.keys()];
  return keys
    .filter((key) => key.startsWith(OUT))
    .map(read)
    .filter((message) => message?.token === token)
    .sort((a, b) => a.at - b.at);
}

export const keepUnsent = (message) => write(OUT + message.client_id, message);
export const sent = (clientId) => forget(OUT + clientId);

/** A token for a new chat: this browser's lasting secret, a dot, and a part of the chat's own. */
export function newToken() {
  let browser = read("chat:browser");
  if (typeof browser !== "string" || browser.length < 32) {
    browser = random(32);
    write("chat:browser", browser);
  }
  return `${browser}.${random(9)}`;
}

/** What the site's word says of the visitor, to spare them the typing; whether it is true the desk finds out. */
export function said(identity) {
  try {
    const bytes = atob(identity.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    const { name, email } = JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (sign) => sign.charCodeAt(0))));
    return { ...(name && { name }), ...(email && { email }) };
  } catch {
    return {};
  }
}

export const newId = () => random(18).replaceAll("_", "-");

function random(bytes) {
  const text = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes))));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
