"""How mail programs of many languages mark what is quoted: attributions, copied headers, separators."""

from __future__ import annotations

import re

from channels.email.phrases import LABELS, OPENINGS, SEPARATORS, VERBS, either

VERB = either(VERBS)
OPENING = either(OPENINGS)
DATES = (
    r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}",
    r"\d{4}[./-]\d{1,2}[./-]\d{1,2}",
    r"\d{4}年\s*\d{1,2}月",
    r"\d{4}년",
    r"\d{1,2}\.? \w{2,10}\.? \d{4}",
    r"\w{3,9}\.? \d{1,2},? \d{4}",
)
DATE = either(DATES)
ADDRESS = r"@[^\s<>@]{1,120}+[>)\]）]{0,2}(?:<mailto:[^<>]{1,120}>)?[>)\]）]{0,2}"

# Each is tried on one to five lines joined by spaces, stripped of dashes; all also need a digit or an address in the text.
# Strong ones begin like an attribution, so that we know where it starts; weak ones only end like one.
STRONG = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"^{OPENING}\b.{{3,400}}\b{VERB}\s*[:：]?$",
        rf"^[在于於]\s*(?=.*(?:@|\d{{4}}\s?[年/.-]\s?\d{{1,2}}[月/.-]))(?=.*[，,<\"“]).{{3,400}}{VERB}\s*[:：]?$",
        rf"^{OPENING}\b.{{3,300}}\b{VERB}\b.{{0,200}}{ADDRESS}\s*[:：]$",
        rf"^{DATE}.{{0,200}}<[^<>@]{{1,80}}{ADDRESS}\s*[:：]?$",
        rf"^{DATE}.{{0,250}}{VERB}\s*[:：]$",
    )
)
WEAK = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"^.{{0,250}}{ADDRESS}.{{0,20}}\b{VERB}\b.{{0,80}}\d.{{0,30}}[:：]$",
        rf"^.{{0,250}}{ADDRESS}\W{{0,10}}{VERB}\s*[:：]?$",
        rf"^(?=.*{VERB}\s*[:：]?$).{{0,250}}{ADDRESS}.{{0,80}}\d.{{0,30}}\b{VERB}\s*[:：]?$",
        rf"^.{{0,80}}\d{{1,2}}[:.]\d{{2}}.{{0,120}}<[^<>@]{{1,80}}{ADDRESS}\s*[:：]$",
        r"^.{0,200}[于於]\s*\d.{3,80}(?:写道|寫道)\s*[:：]?$",
    )
)
# In no particular language: an address and a day or an hour, or a day and an hour. Only right above quoted lines.
ANYWHERE = re.compile(
    rf"^(?=.*(?:{DATE}|\b(?:19|20)\d\d\b|\d{{1,2}}[:.]\d{{2}}))(?:.{{0,300}}[^\s<>@]@[^\s<>@]{{1,120}}[>)\]]"
    rf"|(?=.*{DATE}).{{0,200}}\d{{1,2}}[:.]\d{{2}})"
    r".{0,120}[:：]$",
    re.IGNORECASE | re.DOTALL,
)
# `Quoting Ann <ann@x.example>:`, with neither day nor verb that we know.
NAMED_ONLY = re.compile(r"^.{0,120}<[^\s<>@]{1,80}@[^\s<>@]{1,120}>\s?[:：]$", re.DOTALL)
ENDING = re.compile(rf"(?:[:：]|[>)\]]|[-—=]{{2,}}|{VERB})\s*$", re.IGNORECASE)

# The same, begun in the middle of a line: some programs put it right behind the reply. Followed by quoted lines only.
INLINE = re.compile(
    r"(?:(?<!-)-{2,}\s*)?(?:\bOn (?:(?:mon|tue|wed|thu|fri|sat|sun)\w*,? |\w{3,9}\.? \d{1,2}, |\d{1,2} \w{3,9} |\d{1,4}[/-])"
    r"[^\n]{3,200}\bwrote\s*:|(?<=[\s。！？!?.])在\s?\d{4}[年/-][^\n]{3,120}写道\s*[:：])\s*$",
    re.IGNORECASE,
)
# The same with the quote right behind it: Yahoo's program for phones breaks no line there.
BEFORE_QUOTE = re.compile(
    r"^\s{0,8}(?:On\s(?=.{0,120}\d)|在\s?(?=\d{4}))[^\n<>]{3,160}<[^\s<>@]{1,80}@[^\s<>@]{1,120}>\s?(?:wrote|写道|寫道)\s?[:：]\s{0,8}(?=\S)",
    re.IGNORECASE,
)

DASHES = "-_=*—－"
SEPARATOR = re.compile(rf"{either(SEPARATORS)}|forwarded by .{{1,80}}", re.IGNORECASE)
# Dashes on both sides of a few words; what the words are matters only when no copied header follows.
DASHED = re.compile(r"\s{0,8}[-_=—－]{3,}\s{0,4}[^\s\-_=—－].{0,60}?\s{0,4}[-_=—－]{3,}\s{0,8}")
REPLY_ABOVE = re.compile(
    r"[\W_]{0,12}(?:please )?(?:type your )?(?:reply|answer|respond|write)(?: only)? above this line[\W_]{0,12}"
    r"|[\W_]{0,12}(?:请|請)?(?:在|于|於)(?:此|该|這|这)(?:条|條)?(?:行|线|線)(?:以上|之上|上方|上面)(?:回复|回覆|答复|书写|填写|输入|輸入|键入|鍵入)"
    r".{0,20}|[\W_]{0,12}bitte (?:antworten|schreiben) sie oberhalb dieser (?:zeile|linie).{0,20}"
    r"|[\W_]{0,12}(?:merci de )?(?:répond\w+|écri\w+) au-dessus de cette ligne.{0,20}",
    re.IGNORECASE,
)
FORWARDS = (
    "begin forwarded message",
    "anfang der weitergeleiteten nachricht",
    "début du message (?:transféré|réexpédié)",
    "(?:开始|以下是)转发的邮件",
)
FORWARD = re.compile(rf"{either(FORWARDS)}\s*[:：]", re.IGNORECASE)
LABEL = re.compile(
    rf"^[\s|*_]{{0,8}}(?:{'|'.join(f'(?P<{kind}>{words})' for kind, words in LABELS.items())})"
    r"[\s*_|]{0,4}(?:[:：]|\|)[\s*_|]*(?P<value>.*)$",
    re.IGNORECASE,
)


FORWARDED = re.compile(
    rf"\W{{0,40}}(?:{either(FORWARDS)}\W{{0,3}}|(?:forwarded message|weitergeleitete nachricht|message transféré"
    rf"|mensaje reenviado|mensagem encaminhada"
    r"|messaggio inoltrato|doorgestuurd bericht|пересылаемое сообщение|пересланное сообщение|转发(?:的)?(?:邮件信息|邮件|信息)"
    r"|轉寄(?:的)?(?:郵件|訊息)|轉發的郵件"
    r"|転送メッセージ|전달된 메시지|vidarebefordrat meddelande|videresendt (?:besked|melding)|przekazana wiadomość"
    r"|iletilen mesaj)\W{0,40}|forwarded by .{1,80})",
    re.IGNORECASE,
)
POINTER = re.compile(
    r"\W*(?:fyi|f\.y\.i\.?|fya|(?:please )?(?:see|read|check|find)(?: the)?(?: message| mail| e-?mail)? (?:below"
    r"|attached|forwarded)(?: \w+)?|as discussed|as below|forwarding|zur (?:info|kenntnis)"
    r"|siehe unten|z\. ?k\.|pour (?:info|information)|voir ci-dessous|para (?:su )?(?:información|informação"
    r"|conhecimento)|ver abaixo|per conoscenza|ter info|zie onder|см\.? ниже|к сведению"
    r"|(?:请|請)?(?:看|见|見|参见|參見|查看|查阅|參閱|处理|處理|知悉|查收)(?:一下)?(?:下面|以下|下方|如下|附件|转发|轉寄)?(?:的)?(?:邮件|郵件|内容|內容)?|(?:详"
    r"|詳)?见下(?:文|面|方)?|供参考|供參考|如下|转发|轉寄|ご参考まで(?:に)?|転送(?:します|いたします|致します)|下記参照|참고하세요)\W*",
    re.IGNORECASE,
)


def forwards(line: str) -> bool:
    """Whether a line announces a mail that is passed on, not one that is answered."""
    return bool(FORWARDED.fullmatch(line.strip()))


def names_original(line: str) -> bool:
    """Whether the line is nothing but words such as `Original Message`; that says something only above a copied header."""
    return bool(SEPARATOR.fullmatch(line.strip()))


def separates(line: str) -> bool:
    """Whether a line such as `-----Original Message-----` announces a copied mail."""
    bare = line.replace("&nbsp;", " ").strip()
    lead = bare.lstrip(" \t>|")[:2]
    if len(lead) == 2 and lead[0] in DASHES and lead[1] in DASHES:
        return bool(SEPARATOR.fullmatch(bare.strip(f" \t>|{DASHES}")))
    return bool(FORWARD.fullmatch(bare))
