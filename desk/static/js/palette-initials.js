// The first letters of Chinese words in pinyin, without a table of our own: GB 2312 keeps its 3755 common characters in that order,
// and every browser knows the code.

const FIRST = {
  a: 0xb0a1, b: 0xb0c5, c: 0xb2c1, d: 0xb4ee, e: 0xb6ea, f: 0xb7a2, g: 0xb8c1, h: 0xb9fe, j: 0xbbf7, k: 0xbfa6, l: 0xc0ac, m: 0xc2e8,
  n: 0xc4c3, o: 0xc5b6, p: 0xc5be, q: 0xc6da, r: 0xc8bb, s: 0xc8f6, t: 0xcbfa, w: 0xcdda, x: 0xcef4, y: 0xd1b9, z: 0xd4d1,
};
const LAST = 0xd7f9;
let letters = null;

/** “处理中” as “clz”; what is not Chinese stands for itself. */
export function initials(text) {
  letters ??= table();
  return [...text].map((each) => letters.get(each) ?? each.toLowerCase()).join("");
}

function table() {
  const found = new Map();
  const starts = Object.entries(FIRST);
  const decoder = new TextDecoder("gbk");
  for (let code = FIRST.a; code <= LAST; code += 1) {
    if ((code & 0xff) < 0xa1 || (code & 0xff) === 0xff) continue;
    const [letter] = starts.findLast(([, first]) => first <= code);
    found.set(decoder.decode(new Uint8Array([code >> 8, code & 0xff])), letter);
  }
  return found;
}
