// Sound between this page and the others of a room: one connection to each, as the carrier says who hears whom.

const GATHER_MS = 1500;
const LONGEST_GATHER_MS = 20_000; // a machine without any network
const LOOK_MS = 2000;
const PATIENCE_MS = 5000; // for the first try; each further one is given as much more
const MOST_PATIENCE = 6;
const STATS_EVERY = 3;

/**
 * send       ({to, kind, turn, sdp}) to another page, through the carrier
 * onStream   (peer, stream, hear) when somebody's sound came; onHear (peer, hear) when we may hear them or no longer; onGone (peer)
 * onNote     ("no_way") when the browsers cannot reach each other
 * onQuality  ({level: "good" | "poor" | "bad", rtt_ms, loss}) when it changes
 */
export function createMesh({ iceServers, send, onStream, onHear, onGone, onNote, onQuality }) {
  const links = new Map();
  const early = new Map();
  let track = null;
  let looks = 0;
  let quality = "";
  const looking = setInterval(look, LOOK_MS);

  /** Who is there now: [{peer, hear, speak, offer}]. */
  function peers(list) {
    const names = new Set(list.map(({ peer }) => peer));
    for (const peer of links.keys()) if (!names.has(peer)) remove(peer);
    for (const one of list) {
      const link = links.get(one.peer) ?? add(one);
      link.speak(one.speak ? track : null, one.speak);
      if (link.hear !== one.hear) {
        link.hear = one.hear;
        onHear(one.peer, one.hear);
      }
    }
  }

  function add({ peer, hear, offer }) {
    const link = connect({
      iceServers,
      offers: offer,
      send: (signal) => send({ to: peer, ...signal }),
      onStream: (stream) => onStream(peer, stream, links.get(peer)?.hear ?? false),
      onNote,
    });
    link.hear = hear;
    links.set(peer, link);
    if (offer) link.offer();
    // An offer may overtake the word that its sender is there.
    const waiting = early.get(peer);
    early.delete(peer);
    if (waiting) link.take(waiting);
    return link;
  }

  function remove(peer) {
    links.get(peer)?.close();
    links.delete(peer);
    onGone(peer);
  }

  function take(signal) {
    const link = links.get(signal.from);
    if (link) link.take(signal);
    else if (early.size < 8) early.set(signal.from, signal);
  }

  /** Speak with this microphone, null for none. */
  function setTrack(next) {
    track = next;
    for (const link of links.values()) link.speak(link.spoken ? track : null, link.spoken);
  }

  function look() {
    for (const link of links.values()) link.look();
    looks += 1;
    if (looks % STATS_EVERY === 0) judge();
  }

  async function judge() {
    const seen = await Promise.all([...links.values()].filter((link) => link.hear).map((link) => link.stats()));
    if (!seen.length) return;
    const rtt_ms = Math.max(...seen.map((one) => one.rtt_ms));
    const loss = Math.max(...seen.map((one) => one.loss));
    const level = rtt_ms > 400 || loss > 0.05 ? "bad" : rtt_ms > 250 || loss > 0.02 ? "poor" : "good";
    if (level === quality) return;
    quality = level;
    onQuality?.({ level, rtt_ms, loss });
  }

  function close() {
    clearInterval(looking);
    for (const peer of [...links.keys()]) remove(peer);
  }

  return { peers, take, setTrack, close };
}

/**
 * One connection. The same side always makes the offers (the carrier names it), so offers never cross and need no rollback; all
 * candidates travel in the offer and the answer, so nothing depends on the order of many small signals. Whether we speak is the
 * sender's track, which changes without an offer.
 */
function connect({ iceServers, offers, send, onStream, onNote }) {
  const pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
  let sender = offers ? pc.addTransceiver("audio", { direction: "sendrecv" }).sender : null;
  let turn = 0;
  let tried = performance.now();
  let failures = 0;
  let wanted = null;
  let before = { lost: 0, received: 0 };
  let work = Promise.resolve();

  pc.addEventListener("track", ({ track }) => onStream(new MediaStream([track])));
  pc.addEventListener("connectionstatechange", () => {
    if (pc.connectionState !== "connected") return;
    if (failures >= 2) onNote?.("sound_back");
    failures = 0;
  });

  // One thing after the other; what fails is tried again by `look`.
  function queue(step) {
    work = work.then(step).catch(() => {});
  }

  function offer() {
    tried = performance.now();
    queue(async () => {
      turn += 1;
      await pc.setLocalDescription(await pc.createOffer({ iceRestart: turn > 1 }));
      await gathered(pc);
      send({ kind: "offer", turn, sdp: pc.localDescription.sdp });
    });
  }

  function take(signal) {
    if (signal.kind === "again") {
      // Who has not seen our last offer yet: it is on its way, and another would make void the answer to it.
      if (offers && signal.turn === turn && pc.connectionState !== "connected") offer();
      return;
    }
    queue(async () => {
      if (offers && signal.kind === "answer" && signal.turn === turn && pc.signalingState === "have-local-offer") {
        await pc.setRemoteDescription({ type: "answer", sdp: signal.sdp });
      } else if (!offers && signal.kind === "offer" && signal.turn > turn) {
        turn = signal.turn;
        tried = performance.now();
        await pc.setRemoteDescription({ type: "offer", sdp: signal.sdp });
        const [transceiver] = pc.getTransceivers();
        transceiver.direction = "sendrecv";
        sender = transceiver.sender;
        await sender.replaceTrack(wanted);
        await pc.setLocalDescription();
        await gathered(pc);
        send({ kind: "answer", turn, sdp: pc.localDescription.sdp });
      }
    });
  }

  function look() {
    // A new offer makes void the answer to the last: on slow machines each must be given the time that the last one lacked.
    const patience = PATIENCE_MS * Math.min(failures + 1, MOST_PATIENCE);
    if (["connected", "closed"].includes(pc.connectionState) || performance.now() - tried < patience) return;
    tried = performance.now();
    failures += 1;
    if (failures === 2) onNote?.("no_way");
    if (offers) offer();
    else send({ kind: "again", turn });
  }

  async function stats() {
    let rtt_ms = 0;
    let now = { ...before };
    for (const one of (await pc.getStats()).values()) {
      if (one.type === "candidate-pair" && one.nominated) rtt_ms = Math.round((one.currentRoundTripTime ?? 0) * 1000);
      if (one.type === "inbound-rtp") now = { lost: one.packetsLost ?? 0, received: one.packetsReceived ?? 0 };
    }
    const lost = Math.max(0, now.lost - before.lost);
    const came = Math.max(0, now.received - before.received);
    before = now;
    return { rtt_ms, loss: lost + came ? lost / (lost + came) : 0 };
  }

  return {
    hear: false,
    spoken: false,
    offer,
    take,
    look,
    stats,
    speak(track, spoken) {
      this.spoken = spoken;
      if (wanted === track) return;
      wanted = track;
      queue(() => sender?.replaceTrack(track));
    },
    close: () => pc.close(),
  };
}

/**
 * When our description says where we are found: all the places, or after a while those that are known by then. The state of
 * gathering alone does not tell: on a further try it is for a moment that of the try before, with nothing gathered yet.
 */
function gathered(pc) {
  return new Promise((resolve) => {
    const events = ["icecandidate", "icegatheringstatechange"];
    let late = false;
    const timers = [setTimeout(wait, GATHER_MS), setTimeout(end, LONGEST_GATHER_MS)];
    for (const event of events) pc.addEventListener(event, look);
    look();

    function wait() {
      late = true;
      look();
    }

    function look() {
      const found = pc.localDescription?.sdp.includes("a=candidate");
      if (found && (late || pc.iceGatheringState === "complete")) end();
    }

    function end() {
      timers.forEach(clearTimeout);
      for (const event of events) pc.removeEventListener(event, look);
      resolve();
    }
  });
}
