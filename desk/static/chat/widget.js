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
    en: { open: "Chat with us", close: "Close the chat", title: "Chat", unread: (n) => (n === 1 ? "1 new message" : n + " new messages") },
    zh: { open: "在线客服", close: "收起对话", title: "在线客服", unread: (n) => n + " 条新消息" },
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
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    [hidden] { display: none !important; }
    @media (max-width: 480px) {
      .frame, :host([data-side="left"]) .frame { inset: 0; width: 100%; height: 100dvh; border-radius: 0; }
      :host([data-open]) button { display: none; }
    }
    @media print { :host { display: none; } }
  `;

  const host = document.createElement("div");
  host.dataset.deskChat = "";
  if (script.dataset.side === "left") host.dataset.side = "left";
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

  function show(yes, { focus = true } = {}) {
    open = yes;
    if (yes && !frame) {
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
    remember(yes);
    tell(yes ? "open" : "closed", focus);
    if (yes) unread(0);
    else if (focus) button.focus();
  }

  function tell(what, focus) {
    if (!frame || !frame.contentWindow) return;
    if (what === "open" && focus) frame.focus();
    frame.contentWindow.postMessage({ desk: what, focus: Boolean(focus) }, base);
  }

  function unread(n) {
    count.hidden = n === 0;
    count.textContent = n > 9 ? "9+" : String(n);
    count.setAttribute("aria-label", n ? words.unread(n) : "");
  }

  function remember(yes) {
    try {
      if (yes) sessionStorage.setItem("desk-chat", "open");
      else sessionStorage.removeItem("desk-chat");
    } catch {
      // A page without storage opens the chat anew by hand.
    }
  }

  function remembered() {
    try {
      return sessionStorage.getItem("desk-chat") === "open";
    } catch {
      return false;
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
    if (event.data && event.data.desk === "unread" && !open) unread(Number(event.data.count) || 0);
  });
  if (remembered()) show(true, { focus: false });
})();
