"""How mail programs of many languages mark what is quoted or added: attributions, copied headers, separators, signatures."""

from __future__ import annotations

import re

VERB = (
    r"(?:wrote|writes|sent|schrieb|geschreven|schreef|a écrit|escribió|escribio|escreveu|ha scritto|skrev|kirjoitti|napisał(?:\(a\)|a)?"
    r"|napsal(?:\(a\)|a)?|написала?|написал\(а\)|пишет|пише|написав|yazdı|şunu yazdı|đã viết|a scris|írta|έγραψε|写道|寫道|写到|寫到|写了|のメール|님이 작성|작성)"
)
OPENING = r"(?:on|at|le|am|den|på|op|el|em|il|w dniu|dnia|vào|dne|pe|в|у|στις|tarihinde|在|于|於|fra|opprinnelig)"
DATE = (
    r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{4}年\s*\d{1,2}月|\d{4}년|\d{1,2}\.? \w{2,10}\.? \d{4}"
    r"|\w{3,9}\.? \d{1,2},? \d{4})"
)
ADDRESS = r"[<(\[（]?\s*(?:mailto:)?[^<>]{0,80}@[^<>]{1,120}[>)\]）]?(?:<mailto:[^<>]{1,120}>)*[>)\]）]?"

# Each is tried on one to five lines joined by spaces, stripped of dashes; all also need a digit or an address in the text.
# Strong ones begin like an attribution, so that we know where it starts; weak ones only end like one.
STRONG = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"^{OPENING}\b.{{3,400}}\b{VERB}\s*[:：]?$",
        rf"^[在于於]\s*.{{3,400}}{VERB}\s*[:：]?$",
        rf"^{OPENING}\b.{{3,300}}\b{VERB}\b.{{0,200}}{ADDRESS}\s*[:：]$",
        rf"^{DATE}.{{0,200}}<{ADDRESS}\s*[:：]?$",
        rf"^{DATE}.{{0,250}}{VERB}\s*[:：]$",
    )
)
WEAK = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"^.{{0,200}}{ADDRESS}.{{0,20}}\b{VERB}\b.{{0,80}}\d.{{0,30}}[:：]$",
        rf"^.{{0,200}}{ADDRESS}\W{{0,10}}{VERB}\s*[:：]?$",
        rf"^.{{0,200}}[于於]\s*\d.{{3,80}}(?:写道|寫道)\s*[:：]?$",
    )
)
# The same, begun in the middle of a line: some programs put it right behind the reply.
INLINE = re.compile(
    r"(?:-{2,}\s*)?(?:\bOn (?:(?:mon|tue|wed|thu|fri|sat|sun)\w*,? |\w{3,9}\.? \d{1,2}, |\d{1,2} \w{3,9} |\d{1,4}[/-])[^\n]{3,200}\bwrote\s*:"
    r"|在\s?\d{4}[年/-][^\n]{3,120}写道\s*[:：])\s*$",
    re.IGNORECASE,
)

SEPARATOR = re.compile(
    r"^[\s>*|]*(?:[-_=*—－]{2,}|[-_=*—－ ]{4,})\s*(?:&nbsp;|\xa0)*\s*(?:original (?:message|e?-?mail|appointment)|original|reply message|forwarded (?:message|by .{1,80})"
    r"|begin forwarded message|ursprüngliche nachricht|originalnachricht|weitergeleitete nachricht|message d'origine|message original|message transféré"
    r"|mensaje original|mensaje reenviado|mensagem original|mensagem encaminhada|messaggio originale|messaggio inoltrato|oorspronkelijk bericht"
    r"|doorgestuurd bericht|opprinnelig melding|originalmeddelande|ursprungligt meddelande|oprindelig meddelelse|alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość"
    r"|исходное сообщение|пересылаемое сообщение|пересланное сообщение|původní zpráva|orijinal mesaj|thư gốc"
    r"|原始邮件|原始郵件|原始信息|原始訊息|原邮件|原郵件|原件|邮件原件|回复的原邮件|回复的邮件|引用的?邮件|转发(?:的)?(?:邮件|邮件信息|信息)|轉寄(?:的)?(?:郵件|訊息)|轉寄郵件|轉發的郵件"
    r"|元のメッセージ|オリジナルメッセージ|転送メッセージ|원본 ?메시지|원본 ?메일|전달된 메시지)\s*(?:&nbsp;|\xa0)*\s*[-_=*—－]{0,}\s*$",
    re.IGNORECASE,
)
BARE_SEPARATOR = re.compile(
    r"^(?:begin forwarded message|anfang der weitergeleiteten nachricht|début du message transféré|开始转发的邮件|以下是转发的邮件)\s*[:：]$",
    re.I,
)

LABELS = {
    "from": "from|von|de|da|van|fra|från|od|от|від|nadawca|lähettäjä|kimden|từ|发件人|寄件者|寄件人|發件人|寄件人地址|差出人|送信者|보낸 ?사람",
    "date": "sent|date|gesendet|datum|envoyé(?: le)?|enviado(?: el| em)?|fecha|data|inviato|verzonden|sendt|dato|skickat|lähetetty|päivämäärä|wysłano|"
    "отправлено|дата|надіслано|gönderme tarihi|tarih|đã gửi|ngày|发送时间|发送日期|寄件日期|傳送時間|發送時間|日期|时间|時間|送信日時|日時|보낸 ?날짜|날짜",
    "to": "to|an|à|a|para|aan|til|till|vastaanottaja|do|кому|kime|đến|收件人|收件者|宛先|받는 ?사람",
    "subject": "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|emne|ämne|aihe|temat|тема|předmět|konu|chủ đề|主题|主題|主旨|標題|标题|件名|제목",
    "cc": "cc|kopie|kopia|copia|抄送|副本|抄送人|密送|参照|참조|reply-to|risposta|importance|attachments|附件",
}
LABEL = re.compile(
    r"^[\s|*_]{0,8}(?:"
    + "|".join(f"(?P<{kind}>{words})" for kind, words in LABELS.items())
    + r")[\s*_|]{0,4}(?:[:：]|\|)[\s*_|]*(?P<value>.*)$",
    re.IGNORECASE,
)

SIGNATURE = re.compile(r"^(?:-- ?|——|—|--\s?\xa0)$")
RULE = re.compile(r"^[\s>]*(?:[-_=*—－]\s?){3,}$")
FOOTER = re.compile(
    r"^[\W_]{0,4}(?:sent (?:from|via|by|with|using) .{2,120}|(?:\w+ )?from (?:my )?(?:mobile|iphone|ipad|phone)\b.{0,20}|get outlook for .{2,60}|get (?:the )?yahoo mail.{0,60}"
    r"|von meinem .{2,40} gesendet|diese nachricht wurde von meinem .{2,60} gesendet|gesendet (?:von|mit) .{2,60}|holen sie sich outlook.{0,60}"
    r"|envoyé (?:depuis|de|à partir de|avec) .{2,60}|obtenez outlook.{0,60}|enviado (?:desde|do|de|a partir) .{2,60}|obtener outlook.{0,60}"
    r"|inviato da .{2,60}|verzonden (?:met|vanaf|vanuit|van) .{2,60}|sendt fra .{2,60}|skickat från .{2,60}|lähetetty .{2,60}|wysłane z .{2,60}"
    r"|отправлено (?:с|из) .{2,60}|надіслано з .{2,60}|odesláno z .{2,60}|gönderildi.{0,40}|iphone'umdan gönderildi|đã gửi từ .{2,60}"
    r"|(?:从|從|由)(?:我的|Windows|Outlook|iPhone|Mail).{0,50}(?:发送|傳送|发出|寄出|發送)|(?:发|發|來|来|寄|傳送|发送|發送)自(?:我的|于|於|Outlook|Windows|QQ|iPhone|新浪|网易|網易|华为|小米|OPPO|vivo).{0,60}"
    r"|发送自.{0,60}|(?:获取|下载|取得|下載).{0,6}outlook.{0,40}|(?:签名|簽名|本邮件).{0,6}由.{0,4}网易邮箱大师.{0,12}|.{0,10}网易邮箱大师.{0,10}"
    r"|(?:我的)?(?:iPhone|iPad|Android|Outlook|スマートフォン).{0,20}から送信|(?:나의 |내 )?.{2,30}에서 (?:보냄|전송함|보낸 메일))[\W_]{0,6}$",
    re.IGNORECASE,
)
# NetEase draws its signature as a table; as text it is bars and one or two fields.
CARD = re.compile(r"^(?:[|\s]+|\|.{0,60}\|?|(?:邮箱|郵箱|E-?mail)\s*[:：]\s*\S+@\S+\s*\|?)$", re.IGNORECASE)
