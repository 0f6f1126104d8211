// Chat on any page, by one line: <script src="https://DESK/chat/widget.js" async></script>
// Optional: data-locale="en|zh" (else the page's own language), data-theme="light|dark", data-side="left".
// data-identity="TOKEN" says who the visitor is, signed with the key that the desk has too (a JSON Web Token, HS256).
// The chat itself runs in a frame of the desk's own origin, so that this page never holds the visitor's secret.
(function () {
  "use strict";
  const script = document.currentScript;
  if (!script || document.querySelector("[data-desk-chat]")) return;
  const base = new URL(script.src).origin;
  const spoken = (script.dataset.locale || document.documentElement.lang || navigator.language || "en").toLowerCase();
  const locale = spoken.startsWith("zh") ? "zh" : "en";
  const words = {
    en: { invited: "Invitation to chat", accept: "Chat now", decline: "No, thank you", open: "Chat with us", close: "Close the chat", title: "Chat", unread: (n) => (n === 1 ? "1 new message" : n + " new messages") },
    zh: { invited: "在线客服邀请", accept: "开始对话", decline: "不用了，谢谢", open: "在线客服", close: "收起对话", title: "在线客服", unread: (n) => n + " 条新消息" },
  }[locale];

  const css = `
    :host { all: initial; position: fixed; z-index: 2147483000; inset: auto 20px 20px auto; font: 500 15px/1.3 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
    :host([data-side="left"]) { inset: auto auto 20px 20px; }
    button { display: inline-flex; align-items: center; gap: 8px; min-height: 48px; padding: 0 18px; border: 0; border-radius: 24px; background: #0b6b7c; color: #fff; font: inherit; cursor: pointer; box-shadow: 0 4px 16px rgb(15 30 35 / 0.28); }
    button:hover { background: #085866; }
    button:focus-visible { outline: 3px solid #fff; outline-offset: -5px; box-shadow: 0 0 0 3px #0b6b7c; }
    svg { width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
    .count { min-width: 20px; padding: 0 6px; border-radius: 10px; background: #fff; color: #7a1212; font-size: 13px; line-height: 20px; text-align: center; }
    .frame { position: fixed; inset: auto 20px 80px auto; width: 360px; height: min(560px, calc(100dvh - 100px)); overflow: hidden; border-radius: 12px; background: Canvas; box-shadow: 0 0 0 1px rgb(15 30 35 / 0.12), 0 12px 40px rgb(15 30 35 / 0.28); }
    :host([data-side="left"]) .frame { inset: auto auto 80px 20px; }
    .invite { position: fixed; inset: auto 20px 80px auto; width: min(300px, calc(100vw - 40px)); box-sizing: border-box; padding: 16px; border-radius: 12px; background: Canvas; color: CanvasText; font-weight: 400; box-shadow: 0 0 0 1px rgb(15 30 35 / 0.2), 0 8px 24px rgb(15 30 35 / 0.24); }
    :host([data-side="left"]) .invite { inset: auto auto 80px 20px; }
    .invite p { margin: 0 0 12px; }
    .invite div { display: flex; flex-wrap: wrap; gap: 8px; }
    .invite button { box-shadow: none; }
    .invite .plain { background: none; color: CanvasText; box-shadow: inset 0 0 0 1px; }
    .invite .plain:hover { text-decoration: underline; }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    [hidden] { display: none !important; }
    @media (max-width: 480px) {
      .frame, :host([data-side="left"]) .frame { inset: 0; width: 100%; height: 100dvh; border-radius: 0; }
      :host([data-open]) button { display: none; }
    }
    :host([data-theme="light"]) { color-scheme: light; }
    :host([data-theme="dark"]) { color-scheme: dark; }
    @media print { :host { display: none; } }
  `;

  const host = document.createElement("div");
  host.dataset.deskChat = "";
  if (script.dataset.side === "left") host.dataset.side = "left";
  if (/^(light|dark)$/.test(script.dataset.theme || "")) host.dataset.theme = script.dataset.theme;
  host.lang = locale === "zh" ? "zh-CN" : "en";
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet(); // allowed under a page's strict policy, where a style element is not
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];

  const panel = document.createElement("div");
  panel.className = "frame";
  panel.id = "panel";
  panel.hidden = true;
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", "panel");
  button.append(bubble(), Object.assign(document.createElement("span"), { textContent: words.open }));
  const count = Object.assign(document.createElement("span"), { className: "count", hidden: true });
  button.append(count);
  root.append(panel, button);
  (document.body || document.documentElement).append(host);

  let frame = null;
  let open = false;
  let dismiss = () => {};

  function show(yes, { focus = true } = {}) {
    open = yes;
    dismiss();
    if (!frame) {
      frame = document.createElement("iframe");
      frame.title = words.title;
      const page = location.origin + location.pathname;
      const query = new URLSearchParams({ lang: locale, page, ...(script.dataset.theme ? { theme: script.dataset.theme } : {}) });
      // After the #: what proves a person is in no log.
      frame.src = base + "/chat/frame?" + query + (script.dataset.identity ? "#identity=" + encodeURIComponent(script.dataset.identity) : "");
      frame.addEventListener("load", () => tell(open ? "open" : "closed", focus));
      panel.append(frame);
    }
    panel.hidden = !yes;
    host.toggleAttribute("data-open", yes);
    button.setAttribute("aria-expanded", String(yes));
    button.children[1].textContent = yes ? words.close : words.open;
    remember(yes ? "open" : "closed");
    tell(yes ? "open" : "closed", focus);
    if (yes) unread(0);
    else if (focus) button.focus();
  }

  function tell(what, focus) {
    if (!frame || !frame.contentWindow) return;
    if (what === "open" && focus) frame.focus();
    frame.contentWindow.postMessage({ desk: what, focus: Boolean(focus) }, base);
  }

  /** In the page's title too, which shows in a tab that is out of sight. */
  function unread(n) {
    count.hidden = n === 0 || open;
    count.textContent = n > 9 ? "9+" : String(n);
    count.setAttribute("aria-label", n ? words.unread(n) : "");
    const bare = document.title.replace(/^\(\d+\) /, "");
    document.title = n ? "(" + n + ") " + bare : bare;
  }

  function remember(state) {
    try {
      sessionStorage.setItem("desk-chat", state);
    } catch {
      // A page without storage opens the chat anew by hand.
    }
  }

  function remembered() {
    try {
      return sessionStorage.getItem("desk-chat");
    } catch {
      return null;
    }
  }

  function bubble() {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", "M4 5h16v11H10l-4 4v-4H4z");
    svg.append(path);
    return svg;
  }

  button.addEventListener("click", () => show(!open));
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open) show(false);
  });
  window.addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== base) return;
    if (event.data && event.data.desk === "close") show(false);
    if (event.data && event.data.desk === "unread") unread(Number(event.data.count) || 0);
  });

  // ---- Who has been on a page for a while may be invited: once a day, and not for a week after a no.
  const DAY_MS = 86400000;
  let seconds = 0;
  let wait = 30;

  function kept(key, value) {
    try {
      if (value) localStorage.setItem("desk-chat-" + key, value);
      return Number(localStorage.getItem("desk-chat-" + key)) || 0;
    } catch {
      return Infinity; // where nothing can be kept nobody could be left in peace, so nobody is asked
    }
  }

  const asked = () => frame || remembered() || Date.now() - kept("invited") < DAY_MS || Date.now() - kept("declined") < 7 * DAY_MS;
  const busy = () => document.hidden || document.querySelector("dialog:modal, [aria-modal='true']:not([hidden])");

  async function mayInvite() {
    if (document.hidden || ++seconds < wait) return;
    if (asked()) return clearInterval(clock);
    if (busy()) return;
    wait = Infinity;
    const query = new URLSearchParams({ lang: locale, page: location.origin + location.pathname });
    const answer = await fetch(base + "/chat/invitation?" + query, { credentials: "omit" }).then((got) => got.json()).catch(() => ({}));
    if (!answer.text || asked()) return clearInterval(clock);
    if (seconds < answer.after_s || busy()) return void (wait = Math.max(answer.after_s, seconds + 1));
    clearInterval(clock);
    invite(answer.text);
  }

  function invite(text) {
    kept("invited", String(Date.now()));
    const card = document.createElement("section");
    card.className = "invite";
    card.setAttribute("aria-label", words.invited);
    const said = document.createElement("p");
    said.setAttribute("role", "status"); // read out when there is time, and the focus stays where it is
    const choice = document.createElement("div");
    const accept = Object.assign(document.createElement("button"), { type: "button", textContent: words.accept });
    const decline = Object.assign(document.createElement("button"), { type: "button", textContent: words.decline, className: "plain" });
    const leave = () => {
      const had = card.contains(root.activeElement);
      card.remove();
      return had;
    };
    accept.addEventListener("click", () => show(true));
    decline.addEventListener("click", () => {
      kept("declined", String(Date.now()));
      if (leave()) button.focus();
    });
    card.addEventListener("keydown", (event) => event.key === "Escape" && decline.click());
    dismiss = leave;
    choice.append(accept, decline);
    card.append(said, choice);
    root.insertBefore(card, button);
    setTimeout(() => (said.textContent = text), 50);
  }

  const clock = setInterval(mayInvite, 1000);

  // On the site's next page a chat goes on as it stood: open, or closed and counting what comes.
  if (remembered()) show(remembered() === "open", { focus: false });
})();
