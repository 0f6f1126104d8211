// The connection to the desk. Every question gets an answer, or is told that there was none.

import { io } from "/static/vendor/socket.io.esm.min.js"; // two kilobytes less than the one for old browsers

const ANSWER_MS = 10000;

/** Connect; `token()` gives the chat's token at each connection, the first and all after a break. */
export function connect(locale, token) {
  const socket = io("/visitor", {
    transports: ["websocket"],
    auth: (tell) => tell({ token: token(), locale }),
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
  });
  // Not while it is connecting by itself already: to knock twice is to be refused, and then it would not knock again.
  for (const event of ["online", "focus"]) window.addEventListener(event, () => socket.active || socket.connect());
  return socket;
}

/** Ask; null when no answer came, which says nothing about whether it was done: the same may be asked again. */
export async function ask(socket, event, data = {}) {
  if (!socket.connected) return null;
  try {
    return await socket.timeout(ANSWER_MS).emitWithAck(event, data);
  } catch {
    return null;
  }
}

/** Ask for what somebody has just pressed: a line that is only just coming, or coming back, is waited for. */
export async function askSurely(socket, event, data) {
  if (!socket.connected) await new Promise((done) => [socket.once("connect", done), setTimeout(done, ANSWER_MS)]);
  return ask(socket, event, data);
}
