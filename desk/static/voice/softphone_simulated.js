// The softphone over the simulated carrier's /softphone door: what is said in writing there, and real sound between the pages.

import { createAudio } from "./audio.js";
import { IDLE, noteAsEvent, stateKeeper } from "./softphone_state.js";
import { sentence } from "./words.js";

/** The softphone over the door of the simulated carrier. Options and what it gives: see softphone.js. */
export function simulatedSoftphone({ token, socketFactory, onState, onEvent, onLevels, fetchToken, insists }) {
  const keeper = stateKeeper(onState);
  const socket = socketFactory("/softphone", { token });
  let seen = 0;
  let asking = false;
  let askAgain = false;
  const audio = createAudio({
    socket,
    ask: askDoor,
    insists,
    onLevels,
    onNote: (code) => onEvent?.({ callSid: keeper.current.callSid, ...noteAsEvent(code) }),
    onQuality: (data) => onEvent?.({ callSid: keeper.current.callSid, kind: "quality", data }),
  });

  socket.on("leg", take);
  socket.on("incoming", (call) => {
    // A second call while one is live waits: the leg shows it when the first has ended.
    if (keeper.current.callSid) return;
    adopt(call.call_sid, call.from, "ringing");
    seen = call.n;
  });
  socket.on("event", (event) => {
    if (event.call_sid === keeper.current.callSid && event.n <= seen) return;
    // A gap, or a leg we have not heard of: what is missing is in the transcript.
    if (event.call_sid === keeper.current.callSid && event.n === seen + 1) perceive(event);
    else if (event.call_sid === keeper.current.callSid || !keeper.current.callSid) refresh();
  });
  socket.on("disconnect", () => keeper.set({ state: keeper.current.callSid ? "reconnecting" : "offline" }));
  socket.on("connect_error", async (error) => {
    keeper.set({ state: keeper.current.callSid ? "reconnecting" : "offline" });
    const data = { code: "connect", message: sentence("network", error.message) };
    onEvent?.({ callSid: keeper.current.callSid, kind: "error", data });
    if (fetchToken && !socket.active) {
      // The door refused us: the token may have run out. Without a new one there is no point in knocking again.
      const fresh = await fetchToken().catch(() => null);
      if (fresh) {
        socket.auth = { token: fresh };
        socket.connect();
      }
    }
  });

  // The leg as the server knows it, at every connect and whenever we may have missed something.
  function take(leg) {
    const before = keeper.current.callSid;
    if (before && before !== leg.call_sid) end("gone", before);
    if (!leg.call_sid) {
      keeper.set({ state: "ready", ...IDLE });
      return;
    }
    const state = leg.state === "ringing" ? "ringing" : leg.connected ? "connected" : "connecting";
    adopt(leg.call_sid, leg.from, state);
    leg.events.filter((event) => event.n > seen).forEach(perceive);
    if (state !== "ringing" && keeper.current.callSid) audio.join(leg.call_sid);
  }

  function refresh() {
    askAgain = asking;
    if (asking) return;
    asking = true;
    socket.timeout(10000).emit("leg", {}, (late, leg) => {
      asking = false;
      if (!late && leg && !leg.error) take(leg);
      if (askAgain) refresh();
    });
  }

  function adopt(callSid, from, state) {
    if (callSid !== keeper.current.callSid) {
      seen = 0;
      keeper.set({ state, callSid, from, muted: false });
    } else {
      keeper.set({ state });
    }
  }

  function perceive(event) {
    seen = event.n;
    if (event.kind === "ended") {
      end(event.data.reason, event.call_sid);
      // Another call may have rung meanwhile.
      refresh();
      return;
    }
    if (event.kind === "answered") {
      if (keeper.current.state === "ringing") keeper.set({ state: "connecting" });
      audio.join(event.call_sid);
    }
    if (event.kind === "connected") keeper.set({ state: "connected" });
    if (event.kind === "mute") {
      keeper.set({ muted: event.data.on });
      audio.mute(event.data.on);
    }
    if (event.kind !== "ringing") onEvent?.({ callSid: event.call_sid, kind: event.kind, data: event.data });
  }

  function end(reason, callSid) {
    seen = 0;
    audio.leave();
    keeper.set({ state: "ready", ...IDLE });
    onEvent?.({ callSid, kind: "ended", data: { reason } });
  }

  async function ask(name, data = {}) {
    const callSid = keeper.current.callSid;
    if (!callSid) return { error: { code: "no_call", message: sentence("no_call") } };
    const reply = await askDoor(name, { call_sid: callSid, ...data });
    if (reply?.error) {
      reply.error.message = sentence(reply.error.code, reply.error.message);
      onEvent?.({ callSid, kind: "error", data: reply.error });
    }
    return reply;
  }

  function askDoor(name, data) {
    return new Promise((resolve) => {
      const failed = { error: { code: "timeout", message: sentence("timeout") } };
      socket.timeout(10000).emit(name, data, (late, reply) => resolve(late ? failed : reply));
    });
  }

  return {
    canSay: true,
    get canSpeak() {
      return audio.usable !== false;
    },
    socket,
    get current() {
      return keeper.current;
    },
    // A page that has another namespace open gets a socket that connects by itself; asking it twice would be refused.
    start: async () => void (socket.active || socket.connect()),
    stop: () => {
      audio.leave();
      socket.disconnect();
    },
    answer: () => ask("answer"),
    reject: () => ask("reject"),
    hangUp: () => ask("hang_up"),
    mute: (on) => {
      // At once, not when the carrier has heard of it.
      audio.mute(Boolean(on));
      return ask("mute", { on: Boolean(on) });
    },
    sendDigits: async (digits) => {
      for (const digit of digits) await ask("press", { digit });
    },
    say: (text) => ask("say", { text }),
    levels: audio.levels,
    devices: audio.devices,
    choose: audio.choose,
    test: async () => {
      const { fault, ...found } = await audio.test();
      return { ...found, error: sentence(fault) };
    },
    takeSound: audio.takeSound,
  };
}
