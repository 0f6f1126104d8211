"""The words mail programs put around quotes, by purpose; each language adds its own, as regular expressions."""

from __future__ import annotations

from collections.abc import Iterable


def either(words: Iterable[str]) -> str:
    """A group that matches any of the words."""
    return f"(?:{'|'.join(words)})"


OPENINGS = (
    "on|at|le|am|den|på|op|el|em|il|a|w dniu|dnia|vào|dne|pe|в|у|στις|fra|opprinnelig",
    "在|于|於",
)

VERBS = (
    "wrote|writes|sent",
    "schrieb|geschreven|schreef",
    r"a écrit|escribió|escribio|escreveu|ha scritto|a scris",
    r"skrev|kirjoitti|napisał(?:\(a\)|a)?|napsal(?:\(a\)|a)?|írta",
    r"написала?|написал\(а\)|пишет|пише|написав|έγραψε",
    "yazdı|şunu yazdı|đã viết",
    "写道|寫道|写到|寫到|写了|撰写|撰寫",
    "のメール|書きました|님이 작성|작성",
)

SEPARATORS = (
    "original (?:message|e?-?mail|appointment)|original|reply message|forwarded message",
    "ursprüngliche nachricht|originalnachricht|weitergeleitete nachricht",
    "message d'origine|message original|message transféré",
    "mensaje original|mensaje reenviado|mensagem original|mensagem encaminhada",
    "messaggio originale|messaggio inoltrato|oorspronkelijk bericht|doorgestuurd bericht",
    "opprinnelig melding|originalmeddelande|ursprungligt meddelande|oprindelig meddelelse|alkuperäinen viesti",
    "wiadomość oryginalna|oryginalna wiadomość|původní zpráva|orijinal mesaj|thư gốc",
    "исходное сообщение|пересылаемое сообщение|пересланное сообщение",
    "原始邮件|原始郵件|原文|原信|原始消息|原始内容|原始信息|原始訊息|原邮件|原郵件|原件|邮件原件|回复的(?:原)?邮件|引用的?邮件",
    "转发(?:的)?(?:邮件信息|邮件|信息)|轉寄(?:的)?(?:郵件|訊息)|轉發的郵件",
    "元のメッセージ|オリジナルメッセージ|転送メッセージ",
    "원본 ?메시지|원본 ?이?메일|전달된 메시지",
)

LABELS = {
    "from": "from|von|de|de la|da|dari|van|fra|från|od|от|від|nadawca|lähettäjä|kimden|gönderen|odesílatel|feladó|από|šalje|từ"
    "|发件人|寄件者|寄件人|發件人|差出人|送信者|보낸 ?사람|발신|מאת|من|จาก",
    "date": "sent|date|gesendet|datum|envoyé(?: le)?|enviado(?: el| em)?|enviat|fecha|data|inviato|verzonden|sendt|dato|skickat"
    "|lähetetty|päivämäärä|wysłano|отправлено|изпратено|дата|надіслано|gönderme tarihi|gönderildi|tarih|odesláno|odoslané|poslano"
    "|küldve|elküldve|dátum|trimis|στάλθηκε|ημερομηνία|dikirim|tanggal|đã gửi|ngày|נשלח|תאריך|تم الإرسال|تاريخ|ส่ง|วันที่"
    "|发送时间|发送日期|已发送|寄件日期|傳送時間|發送時間|日\\s*期|时\\s*间|時間|送信日時|日時|보낸 ?날짜|날짜",
    "to": "to|an|à|a|para|per a|aan|til|till|vastaanottaja|do|кому|до|kime|komu|címzett|către|προς|kepada|prima|đến"
    "|收件人|收件者|宛先|받[는은] ?사람|אל|إلى|ถึง",
    "subject": "subject|betreff|objet|asunto|assunto|assumpte|oggetto|onderwerp|emne|ämne|aihe|temat|тема|относно|předmět|predmet"
    "|tárgy|subiect|θέμα|perihal|subjek|konu|chủ đề|主\\s*题|主\\s*題|主旨|標題|标题|件名|제목|נושא|الموضوع|เรื่อง",
    "cc": "cc|kopie|kopia|copia|抄\\s*送|副本|抄送人|密送|参照|참조|reply-to|risposta|importance|attachments|附件",
}

FOOTERS = (
    # A sentence about what was sent is none: "Sent from my desk, it is easier".
    r"<{0,2}\(?sent (?:from|via|by|with|using) (?!.*\b(?:is|was|were|are|has|had|have|because|but|yesterday)\b).{2,120}",
    r"(?:\w+ )?from (?:my )?(?:mobile|iphone|ipad|phone)\b.{0,20}",
    r"get \[?outlook for .{2,80}|get (?:the )?yahoo mail.{0,60}|yahoo mail: \w+, \w+, \w+|sent .{0,20} mobile",
    r"von meinem .{2,40} gesendet|diese nachricht wurde von meinem .{2,60} gesendet|gesendet (?:von|mit) .{2,60}",
    r"envoyé (?:depuis|de|à partir de|avec) .{2,60}|obtenez outlook.{0,60}",
    r"enviado (?:desde|do|de|a partir) .{2,60}|obtener outlook.{0,60}|inviato da .{2,60}",
    r"verzonden (?:met|vanaf|vanuit|van) .{2,60}|sendt fra .{2,60}|skickat från .{2,60}|lähetetty .{2,60}",
    r"wysłane z .{2,60}|odesláno z .{2,60}|отправлено (?:с|из) .{2,60}|надіслано з .{2,60}",
    r".{0,20}gönderildi|đã gửi từ .{2,60}",
    r"(?:从|從|由)(?:我的|Windows|Outlook|iPhone|Mail|\s).{0,50}(?:发送|傳送|发出|寄出|發送)",
    r"(?:发|發|來|来|寄|傳送|发送|發送)自\s?(?:我的|于|於|Outlook|Windows|QQ|iPhone|Android|新浪|网易|網易|华为|小米|OPPO|vivo).{0,60}",
    r"(?:发|發|来|來)自.{0,16}(?:手机|手機|平板|邮箱|郵箱|客户端|客戶端)",
    r"(?:使用|通过|透過)\s?[A-Za-z][\w ]{1,20}.{0,12}(?:发送|發送|傳送)",
    r"发送自.{2,60}|(?:获取|下载|取得|下載).{0,6}outlook.{0,40}",
    r".{0,16}网易邮箱大师.{0,12}|(?:发自|發自)\s?[A-Za-z].{0,40}|我的(?:手机|手機).{0,30}(?:发送|傳送)",
    r"(?:通过|透過|使用|用)(?:我的)?.{0,16}(?:手机|手機|移动端|客户端|iPhone|邮箱).{0,12}(?:发送|傳送|发出)",
    r".{0,20}(?:iPhone|iPad|Android|Outlook|スマートフォン).{0,20}から送信",
    r"(?:나의 |내 )?.{2,30}에서 (?:보냄|전송함|보낸 메일)",
)
