// An agent's softphone: one interface over Twilio's device in the browser and over the simulated carrier's /softphone door.

/**
 * kind          "twilio" | "simulated"
 * token         what the server gave for this agent
 * socketFactory (namespace, auth) => a socket.io socket that is not connected yet; used by "simulated"
 * onState       ({state, callSid, from, muted}) on every change; state is one of
 *               "offline" | "ready" | "ringing" | "connecting" | "connected" | "reconnecting"
 * onEvent       ({callSid, kind, data}): "said" and "heard" {text, ...}, "hold" {on}, "mute" {on}, "connected" {}, "ended" {reason},
 *               "error" {code, message}, and what else the carrier lets a leg perceive
 * fetchToken    optional async () => a new token, asked for shortly before the old one ends
 *
 * Gives {start, stop, answer, reject, hangUp, mute, sendDigits, say, canSay, current}; the simulated one its `socket` too.
 */
export function createSoftphone(options) {
  return options.kind === "twilio" ? twilioSoftphone(options) : simulatedSoftphone(options);
}

const IDLE = { callSid: null, from: "", muted: false };

function stateKeeper(onState) {
  let current = { state: "offline", ...IDLE };
  return {
    get current() {
      return current;
    },
    set(change) {
      const next = { ...current, ...change };
      if (Object.keys(next).every((key) => next[key] === current[key])) return;
      current = next;
      onState?.(current);
    },
  };
}

function simulatedSoftphone({ token, socketFactory, onState, onEvent, fetchToken }) {
  const keeper = stateKeeper(onState);
  const socket = socketFactory("/softphone", { token });
  let seen = 0;
  let asking = false;
  let askAgain = false;

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
    onEvent?.({ callSid: keeper.current.callSid, kind: "error", data: { code: "connect", message: error.message } });
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
    if (event.kind === "answered" && keeper.current.state === "ringing") keeper.set({ state: "connecting" });
    if (event.kind === "connected") keeper.set({ state: "connected" });
    if (event.kind === "mute") keeper.set({ muted: event.data.on });
    if (event.kind !== "ringing") onEvent?.({ callSid: event.call_sid, kind: event.kind, data: event.data });
  }

  function end(reason, callSid) {
    seen = 0;
    keeper.set({ state: "ready", ...IDLE });
    onEvent?.({ callSid, kind: "ended", data: { reason } });
  }

  function ask(name, data = {}) {
    const callSid = keeper.current.callSid;
    if (!callSid) return Promise.resolve({ error: { code: "no_call", message: "There is no call." } });
    return new Promise((resolve) => {
      socket.timeout(10000).emit(name, { call_sid: callSid, ...data }, (late, reply) => {
        const result = late ? { error: { code: "timeout", message: "The server did not answer." } } : reply;
        if (result?.error) onEvent?.({ callSid, kind: "error", data: result.error });
        resolve(result);
      });
    });
  }

  return {
    canSay: true,
    socket,
    get current() {
      return keeper.current;
    },
    // A page that has another namespace open gets a socket that connects by itself; asking it twice would be refused.
    start: async () => void (socket.active || socket.connect()),
    stop: () => socket.disconnect(),
    answer: () => ask("answer"),
    reject: () => ask("reject"),
    hangUp: () => ask("hang_up"),
    mute: (on) => ask("mute", { on: Boolean(on) }),
    sendDigits: async (digits) => {
      for (const digit of digits) await ask("press", { digit });
    },
    say: (text) => ask("say", { text }),
  };
}

function twilioSoftphone({ token, onState, onEvent, fetchToken }) {
  const keeper = stateKeeper(onState);
  let device = null;
  let call = null;

  function tell(kind, data = {}) {
    onEvent?.({ callSid: keeper.current.callSid, kind, data });
  }

  function over(reason) {
    if (!call) return;
    tell("ended", { reason });
    call = null;
    keeper.set({ state: device?.state === "registered" ? "ready" : "offline", ...IDLE });
  }

  function ring(incoming) {
    if (call) {
      // The desk offers one call at a time; whatever else reaches this browser goes back at once.
      incoming.reject();
      return;
    }
    call = incoming;
    const mine = (then) => (...values) => void (call === incoming && then(...values));
    incoming.on("accept", mine(() => {
      keeper.set({ state: "connected" });
      tell("connected");
    }));
    incoming.on("mute", mine((on) => {
      keeper.set({ muted: on });
      tell("mute", { on });
    }));
    incoming.on("reconnecting", mine(() => keeper.set({ state: "reconnecting" })));
    incoming.on("reconnected", mine(() => keeper.set({ state: "connected" })));
    incoming.on("disconnect", mine(() => over("other_side")));
    incoming.on("cancel", mine(() => over("canceled")));
    incoming.on("reject", mine(() => over("rejected")));
    incoming.on("error", mine((error) => tell("error", { code: String(error.code), message: error.message })));
    keeper.set({ state: "ringing", callSid: incoming.parameters.CallSid, from: incoming.parameters.From ?? "", muted: false });
  }

  async function start() {
    if (device) return;
    device = new globalThis.Twilio.Device(token, { closeProtection: true, codecPreferences: ["opus", "pcmu"] });
    device.on("registered", () => keeper.set({ state: call ? keeper.current.state : "ready" }));
    device.on("unregistered", () => keeper.set({ state: call ? keeper.current.state : "offline" }));
    device.on("incoming", ring);
    device.on("error", (error) => tell("error", { code: String(error.code), message: error.message }));
    device.on("tokenWillExpire", async () => {
      const fresh = await fetchToken?.().catch(() => null);
      if (fresh) device.updateToken(fresh);
    });
    await device.register();
  }

  return {
    canSay: false,
    get current() {
      return keeper.current;
    },
    start,
    stop: () => {
      device?.destroy();
      device = null;
      call = null;
      keeper.set({ state: "offline", ...IDLE });
    },
    answer: async () => {
      if (!call || keeper.current.state !== "ringing") return;
      keeper.set({ state: "connecting" });
      call.accept();
    },
    reject: async () => call?.reject(),
    hangUp: async () => call?.disconnect(),
    mute: async (on) => call?.mute(Boolean(on)),
    sendDigits: async (digits) => call?.sendDigits(digits),
    say: async () => ({ error: { code: "not_here", message: "Speak into the microphone." } }),
  };
}
