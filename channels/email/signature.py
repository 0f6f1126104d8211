"""Leave out what a program or a habit puts under a text: the signature, "sent from my phone", a card."""

from __future__ import annotations

import re

from channels.email.phrases import FOOTERS, either

LONGEST_SIGNATURE = 20
MARK = re.compile(r"^(?:--|——|—)$")
RULE = re.compile(r"^[\s>]*(?:[-_=*—－]\s?){3,}$")
# A name alone under a dash, the way many end a mail.
NAME_ALONE = re.compile(r"^\s{0,4}(?:--|[-–—~])\s?(?:[A-Z][\w'.]{0,20}(?: [A-Z][\w'.]{0,20}){0,2}|[\u4e00-\u9fff]{2,4})$")
LINE_ABOVE = re.compile(r"^\s{0,4}(?:_{5,}|\*{5,})\s*$")
SENTENCE = re.compile(r"[.?!。？！；;:：,，]$")
CARD_LINE = 60
FOOTER = re.compile(rf"^[\W_]{{0,4}}{either(FOOTERS)}[\W_]{{0,6}}$", re.IGNORECASE)
# NetEase draws its signature as a table above its own name; as text it is lines of bars with a name and an address between.
NETEASE = "网易邮箱大师"
BARS = re.compile(r"^\s*\|[|\s]*$")
CARD_LINES = 10
REACHED = re.compile(r"[\w.+-]@[\w-]+\.|https?://|〒|\b(?:tel|fax|phone|mobile)\b|(?:電話|电话|手机|携帯)\W*\+?\d", re.IGNORECASE)


def without_signature(lines: list[str]) -> list[str]:
    """The lines before the first `-- ` that is near enough to the end (RFC 3676 section 4.3), less the footers above it."""
    end = trimmed(lines, _mark(lines))
    while end and (FOOTER.match(lines[end - 1].strip()) or RULE.match(lines[end - 1])):
        top = end - 1
        if NETEASE in lines[top]:
            top = next((at for at in range(max(0, top - CARD_LINES), top) if BARS.match(lines[at])), top)
        end = trimmed(lines, top)
    return lines[: trimmed(lines, _name(lines, _card(lines, _boxed(lines, end))))]


def _name(lines: list[str], end: int) -> int:
    """Where a name under a dash or a short card under a drawn line begins, if the text ends with one."""
    last = lines[end - 1] if end else ""
    before = next((line for line in reversed(lines[: max(0, end - 1)]) if line.strip()), "")
    if end > 1 and NAME_ALONE.match(last) and before and not before.lstrip().startswith(("-", "–", "—", "~", "*", "•")):
        return end - 1
    for at in range(end - 2, max(0, end - CARD_LINES), -1):
        if len(lines[at + 1]) > CARD_LINE or SENTENCE.search(lines[at + 1].strip()):
            break
        if LINE_ABOVE.match(lines[at]):
            return at if at and not lines[at - 1].strip() else end
    return end


def _boxed(lines: list[str], end: int) -> int:
    """Where a card between two drawn lines begins, the lower of which ended the text: the way many sign in Japan.

    The lower line has been left out already; a card says where its writer can be reached.
    """
    below = next((line for line in lines[end:] if line.strip()), "")
    if not RULE.match(below):
        return end
    for at in range(end - 1, max(0, end - CARD_LINES), -1):
        if RULE.match(lines[at]):
            return at if any(REACHED.search(line) for line in lines[at:end]) else end
        if len(lines[at]) > CARD_LINE or SENTENCE.search(lines[at].strip()):
            break
    return end


def _card(lines: list[str], end: int) -> int:
    """Where a card drawn with bars begins, if the text ends with one: NetEase writes it also without its own name."""
    if not end or not BARS.match(lines[end - 1]):
        return end
    begin = end
    for at in range(end - 1, max(0, end - CARD_LINES) - 1, -1):
        if BARS.match(lines[at]):
            begin = at
    return begin if sum(bool(BARS.match(line)) for line in lines[begin:end]) >= 3 else end


def trimmed(lines: list[str], end: int) -> int:
    """`end` moved up over blank lines."""
    while end and not lines[end - 1].strip():
        end -= 1
    return end


def _mark(lines: list[str]) -> int:
    found, written = len(lines), 0
    for at in range(len(lines) - 1, -1, -1):
        written += bool(lines[at].strip())
        if written > LONGEST_SIGNATURE:
            break
        if MARK.match(lines[at].strip()):
            found = at
    return found
