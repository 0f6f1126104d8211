// What can go wrong with sound and calls, in plain words. Pages of both languages share these files, so both are here.

const SENTENCES = {
  en: {
    microphone_refused: "The browser may not use the microphone. Allow it beside the address, then try again.",
    microphone_missing: "There is no microphone. Plug one in, or type what you want to say.",
    microphone_busy: "Another program is using the microphone. Close it there, then try again.",
    microphone_lost: "The microphone was unplugged. Another one is used if there is one.",
    not_secure: "Browsers give the microphone only to pages on https:// or localhost. Type what you want to say.",
    blocked: "The browser wants a click before it plays sound. Click anywhere.",
    elsewhere: "The sound of this call is in another window.",
    no_way: "The sound cannot get through between the two browsers. Typing works.",
    sound_back: "The sound is back.",
    token: "The telephone's pass has run out. Reload the page to sign in again.",
    network: "The telephone has lost its connection and is trying again.",
    media: "The sound of the call was lost. It is being connected again.",
    busy_elsewhere: "The carrier is not answering. Calls cannot be taken at the moment.",
    unsupported: "This browser cannot telephone. Use a current Chrome, Edge, Firefox or Safari.",
    device: "This microphone or loudspeaker cannot be used. Choose another one.",
    carrier: "The carrier reported a problem with this call.",
    no_call: "There is no call.",
    timeout: "The server did not answer.",
    speak_up: "Speak into the microphone.",
    ended: "This call has ended.",
    no_such_call: "There is no such call any more.",
    not_ringing: "This call does not ring any more.",
  },
  zh: {
    microphone_refused: "浏览器未获准使用麦克风。请在地址栏旁允许使用，然后重试。",
    microphone_missing: "没有找到麦克风。请插上麦克风，或者用文字代替说话。",
    microphone_busy: "麦克风正被其他程序占用。请先关闭该程序，然后重试。",
    microphone_lost: "麦克风已被拔出。如有其他麦克风，将自动改用。",
    not_secure: "浏览器只允许 https:// 或 localhost 的页面使用麦克风。请用文字代替说话。",
    blocked: "浏览器需要您先点击一下才能播放声音。请点击页面任意位置。",
    elsewhere: "本通电话的声音在另一个窗口中。",
    no_way: "两个浏览器之间的声音无法连通。仍可用文字交谈。",
    sound_back: "声音已恢复。",
    token: "电话的登录凭证已过期。请刷新页面重新登录。",
    network: "电话连接已断开，正在重新连接。",
    media: "通话声音中断，正在重新连接。",
    busy_elsewhere: "运营商没有响应，暂时无法接听电话。",
    unsupported: "此浏览器不能打电话。请使用新版 Chrome、Edge、Firefox 或 Safari。",
    device: "无法使用这个麦克风或扬声器，请另选一个。",
    carrier: "运营商报告本通电话出现问题。",
    no_call: "当前没有通话。",
    timeout: "服务器没有响应。",
    speak_up: "请对着麦克风说话。",
    ended: "本通电话已结束。",
    no_such_call: "这通电话已不存在。",
    not_ringing: "这通电话已停止振铃。",
  },
};

/** The sentence for a code in the language of the page; `otherwise` for codes that we have no words for. */
export function sentence(code, otherwise = "") {
  const locale = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  return SENTENCES[locale][code] ?? otherwise;
}
