// What the telephone of the try page looks like: its parts, made once.

export const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const LETTERS = { 2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ", 0: "+" };
const SVG = "http://www.w3.org/2000/svg";

/** Build the telephone into `element`. Gives its parts. */
export function buildPhone(element, strings, numbers) {
  const root = node("section", { class: "phone", "aria-label": strings.phone });

  const from = node("select", { class: "phone-from" });
  for (const { number, label } of numbers) from.append(node("option", { value: number }, label ? `${label} ${number}` : number));
  const fromLabel = node("label", { class: "phone-label" }, strings.yourNumber);
  fromLabel.append(from);

  const status = node("p", { class: "phone-status", role: "status" });
  const time = node("span", { class: "phone-time tabular", "aria-hidden": "true" });
  const head = node("div", { class: "phone-head" });
  head.append(node("i", { class: "phone-light", "aria-hidden": "true" }), status, time);

  const log = node("div", { class: "phone-screen", role: "log", "aria-label": strings.screen, tabindex: "0" });
  const note = node("p", { class: "phone-note", "aria-live": "polite" });
  note.hidden = true;
  const takeSound = node("button", { type: "button", class: "button small" }, strings.takeSound);
  takeSound.hidden = true;

  const mine = meter(strings.you);
  const theirs = meter(strings.them);
  const meters = node("div", { class: "phone-meters" });
  meters.append(mine.root, theirs.root);

  const pad = node("div", { class: "phone-keys", role: "group", "aria-label": strings.keypad });
  const keys = KEYS.map((digit) => {
    const key = node("button", { type: "button", class: "button phone-key", "data-digit": digit });
    key.append(node("span", { class: "phone-digit" }, digit), node("small", {}, LETTERS[digit] ?? ""));
    pad.append(key);
    return key;
  });

  const call = node("button", { type: "button", class: "button primary phone-call" }, strings.call);
  const hangUp = node("button", { type: "button", class: "button danger phone-hang-up" }, strings.hangUp);
  const mute = node("button", { type: "button", class: "button phone-mute", "aria-pressed": "false", "aria-label": strings.mute });
  mute.append(icon("mic"), icon("mic-off"));
  mute.title = strings.mute;
  const actions = node("div", { class: "phone-actions" });
  actions.append(call, mute, hangUp);

  const form = node("form", { class: "phone-say" });
  const words = node("input", { type: "text", maxlength: "1000", autocomplete: "off", placeholder: strings.speakHint });
  const wordsLabel = node("label", { class: "phone-label" }, strings.speak);
  wordsLabel.append(words);
  const send = node("button", { type: "submit", class: "button" }, strings.send);
  form.append(wordsLabel, send);

  const options = node("details", { class: "phone-options" });
  options.append(node("summary", {}, strings.options));
  const readAloud = tick(strings.readAloud);
  const tones = tick(strings.tones);
  const microphone = tick(strings.microphone);
  const input = choice(strings.input);
  const output = choice(strings.output);
  const test = node("button", { type: "button", class: "button small" }, strings.test);
  const tested = node("p", { class: "phone-tested", "aria-live": "polite" });
  options.append(readAloud.root, tones.root, microphone.root, input.root, output.root, test, tested);

  root.append(fromLabel, head, log, note, takeSound, meters, pad, actions, form, options);
  element.replaceChildren(root);
  return {
    root, status, time, log, note, takeSound, from, keys, call, hangUp, mute, form, words, send, mine, theirs, options, test, tested,
    readAloud: readAloud.box, aloudRow: readAloud.root, tones: tones.box, microphone: microphone.box, input, output,
  };
}

/** A line of what was heard. */
export function logLine(log, kind, who, text, lang) {
  const entry = node("p", { class: `phone-line phone-${kind}` });
  const words = node("span", { class: "phone-words" }, text);
  if (lang) words.lang = lang;
  entry.append(node("span", { class: "phone-who" }, who), " ", words);
  log.append(entry);
  log.scrollTop = log.scrollHeight;
}

function meter(label) {
  const bar = node("meter", { min: "0", max: "1", value: "0", "aria-label": label });
  const root = node("div", { class: "phone-meter" });
  root.append(node("span", { "aria-hidden": "true" }, label), bar);
  return { root, set: (value) => (bar.value = value) };
}

function tick(label) {
  const box = node("input", { type: "checkbox" });
  const root = node("label", { class: "phone-tick" });
  root.append(box, label);
  return { box, root };
}

function choice(label) {
  const select = node("select");
  const root = node("label", { class: "phone-label" }, label);
  root.append(select);
  return {
    root,
    select,
    fill(devices, chosen, first) {
      select.replaceChildren(node("option", { value: "" }, first));
      for (const { id, label: name } of devices) {
        if (!["", "default"].includes(id)) select.append(node("option", { value: id }, name || id.slice(0, 8)));
      }
      select.value = devices.some(({ id }) => id === chosen) ? chosen : "";
      root.hidden = !devices.length;
    },
  };
}

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon phone-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

function node(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}
