"""The words of mail servers that could not deliver, by what they mean; each as a regular expression over lower case."""

from __future__ import annotations

import re

from channels.email.phrases import either

# Subjects of failure notices. A person may write the same words, so they count only from a server.
SUBJECTS = (
    (
        r"undeliver(?:ed|able)|delivery (?:status notification|failure|failed|report|notification|error|problem"
        r"|has failed|incomplete)"
    ),
    r"failure notice|returned (?:mail|to sender|e-?mail|message)|mail delivery (?:fail|system|problem|error|subsystem|status)",
    (
        r"(?:message|mail|e-?mail) (?:delivery )?(?:was |is |has been |has )?(?:not delivered|undeliverable|returned"
        r"|rejected|bounced|failed|status)"
    ),
    r"message you sent blocked|(?:message|mail) blocked by",
    r"non ?-?delivery|nondeliverable|ndn:|could(?: not|n't) (?:be )?(?:send|sent|deliver)|unable to deliver|delivery \(fail",
    (
        r"mailbox (?:full|unavailable|not found)|warning: (?:could not send|message .{0,40}delayed)|unknown (?:user"
        r"|recipient|address)"
    ),
    (
        r"mail (?:system )?error|permanent delivery|failed (?:delivery|mail)|your (?:message|mail) (?:could not|cannot"
        r"|was not)|delivery delayed"
    ),
    (
        r"unzustellbar|nicht zustellbar|nicht zugestellt|zustellung fehlgeschlagen|unzustellbarkeits"
        r"|zustellungs?(?:fehler|status)|rückläufer"
    ),
    r"non remis|non distribu|échec de (?:la )?(?:remise|distribution)|remise différée|message non délivré",
    (
        r"no se (?:puede|pudo|ha podido) entregar|no entregado|error de entrega|devuelto al remitente|mensaje devuelto"
        r"|no entregable"
    ),
    r"não (?:pôde ser |foi )?entregue|falha na entrega|não é possível entregar|devolvid[ao]",
    r"impossibile recapitare|mancata consegna|mancato recapito|non recapitabile|consegna fallita",
    r"onbestelbaar|niet (?:bezorgd|afgeleverd)|kan niet worden bezorgd|niepowodzenie|nie dostarczono|niedostarczalna|zwrot",
    r"недоставлен|не доставлено|не может быть доставлен|невозможно доставить|ошибка доставки|возвращ[её]н",
    (
        r"kunde inte levereras|olevererbart|kunne ikke leveres|ikke levert|toimitus epäonnistui|ei voitu toimittaa"
        r"|teslim edilemedi|nedoručiteln"
    ),
    (
        r"退信|退件|无法送达|無法送達|无法投递|無法投遞|未送达|未送達|未能送达|投递失败|投遞失敗|发送失败|傳送失敗|寄送失敗|传递失败|傳遞失敗|邮件被退回|未传递|無法傳遞|"
        r"无法传递|无法发送|投递状态|传送失败|递送失败|邮件延迟|投递延迟|傳遞延遲|郵件延遲"
    ),
    (
        r"配信(?:不能|できません|エラー|失敗)|エラーメール|届けられません|送信(?:できません|エラー)|配達不能"
        r"|배달(?: ?실패|되지)|전송 ?실패|반송"
    ),
)
SUBJECT = re.compile(either(SUBJECTS))

# How a notice begins. From a server that is no daemon by name these must be there too.
OPENINGS = (
    (
        r"this is (?:the |an |a )?(?:mail system|automatically|auto-?generated|qmail|delivery status|notification"
        r"|permanent|warning)"
    ),
    (
        r"this message was created automatically|hi\. this is the|i'?m (?:sorry|afraid)|i am sorry|sorry, we were unable"
        r"|i wasn't able to deliver"
    ),
    (
        r"(?:could(?: not|n't)|cannot|can ?not|was ?n[o']t|unable to|not able to|failed to|has not been|not been|can't"
        r"|were unable to) (?:be )?"
        r"(?:deliver|send|sent|reach|complete)"
    ),
    (
        r"delivery (?:to the following|has failed|failed|of the following|status|attempts)|did not reach|returned (?:to"
        r"|message)|undeliverable"
    ),
    (
        r"the following (?:address|recipient|user|message)s?|the original message was received|transcript of session"
        r"|(?:permanent|fatal) errors?"
    ),
    (
        r"user(?:name)? (?:unknown|not found|does not exist)|mailbox (?:is full|unavailable|not found)|unknown (?:user"
        r"|recipient|address)"
    ),
    r"was blocked by (?:our|the|a)",
    (
        r"no such (?:user|recipient|mailbox)|reason for (?:the )?(?:failure|return)|(?:has been|was|been) (?:delayed"
        r"|rejected|blocked|refused)"
    ),
    (
        r"address (?:not found|rejected|couldn't be found)|message (?:not delivered|blocked|rejected|undeliverable)"
        r"|recipient (?:unknown|rejected)"
    ),
    (
        r"unzustellbar|nicht zugestellt|konnte nicht|zustellung|non remis|n'a pas (?:pu )?(?:été|être)|échec"
        r"|no se (?:pudo|puede|ha podido)"
    ),
    (
        r"não (?:foi possível|pôde|pode)|impossibile|non (?:è stato|può)|kon niet|niet worden|nie można|не (?:удалось"
        r"|может|был)|kunne ikke|kunde inte"
    ),
    r"退回|退信|无法送达|無法送達|无法投递|無法投遞|未能送达|投递失败|投遞失敗|发送失败|失败|不存在|拒收|拒绝|无法(?:将|把|发送|传递)|未送達|無法(?:將|傳遞|寄)|未能|延迟|延遲",
    r"配信(?:でき|され|に失敗)|届け(?:られ|でき)|送信でき|전달(?:되지|할 수)|배달|보낼 수 없",
)
OPENING = re.compile(either(OPENINGS))

# Notices that the mail still waits; they name no failure yet.
DELAYS = (
    (
        r"delivery (?:status notification \(delay|delayed|incomplete)|warning: (?:could not send|message)|(?:has been|is"
        r"|was|been|be) delayed|delayed:"
    ),
    (
        r"not yet been delivered|still (?:trying|being|attempting|in the)|will (?:be retried|keep trying|continue|retry)"
        r"|temporarily deferred|try again for"
    ),
    (
        r"has not (?:yet )?been delivered .{0,60}(?:hours|after)|do not need to resend|no action is required on your part"
        r"|warning message only"
    ),
    r"verzögert|verspätet|remise différée|retardé|retras|in ritardo|vertraagd|opóźni|задерж|försen|forsink",
    r"延迟|延遲|推迟|暂时无法|暫時無法|尚未送达|尚未送達|继续尝试|繼續嘗試|稍后重试|稍後重試|重新投递|遅延|再送|지연",
)
DELAY = re.compile(either(DELAYS))
GAVE_UP = re.compile(
    r"giv(?:e|en|ing) up|gave up|not going to try again|been in the queue too long"
    r"|retry time(?:out)? (?:was )?exceeded|no longer|"
    r"permanent|expired|failed|not (?:be )?delivered after|放弃|放棄|最终|退回|失败|失敗"
)

# What the words say where no code does, most telling first.
MEANINGS = {
    "5.2.2": (
        (
            r"(?:over|exceed\w*|out of) (?:its |the |their |your )?(?:\w+ )?(?:disk |storage )?quota"
            r"|quota (?:is )?(?:exceeded|full|reached)"
        ),
        r"(?:mailbox|inbox|mail box|account|folder)\b.{0,30}\b(?:(?:is |was )?(?:full|over\b)|exceed)|mailbox size",
        r"(?:not enough|insufficient|no) (?:disk |storage |mail ?box )?space|insufficient system storage",
        r"(?:posteingang|postfach).{0,20}voll|boîte.{0,30}pleine|buzón.{0,30}lleno|casella.{0,20}piena|переполнен",
        r"(?:邮箱|郵箱|信箱).{0,10}(?:已?满|已?滿|容量|空间)|容量(?:已满|不足|超)|空间不足|空間不足|超出.{0,6}(?:容量|配额)|容量が|いっぱい",
    ),
    "5.1.2": (
        (
            r"(?:host|domain)(?: or domain)?(?: name)? (?:is )?(?:unknown|not found|does not exist|doesn't exist"
            r"|couldn't be found|invalid)"
        ),
        r"(?:unknown|no such) (?:host|domain)|unrouteable|couldn't find any host|no (?:mx|mail exchanger|route to host)",
        r"(?:dns|name server|name service).{0,20}(?:fail|error|not found)|domain .{1,60} (?:couldn't be found|does not exist)",
        r"域名.{0,20}(?:不存在|错误|解析)|无法解析|網域.{0,20}(?:不存在|找不到)",
    ),
    "5.7.1": (
        r"\bspam|block(?:ed|ing) (?:by|using|for|because|list)|black ?list|\brbl\b|dnsbl|reputation|unsolicited|virus",
        r"not accepting (?:mail|messages)|relay(?:ing)? (?:not|denied|access)|垃圾邮件|垃圾郵件|黑名单|黑名單|反垃圾|发信频率",
    ),
    "5.1.1": (
        (
            r"(?:unknown|no such|invalid|bad|non-?existent|unrecognized|unable to find|not a valid|undefined|ambiguous) "
            r"(?:local )?"
            r"(?:user|recipient|rcpt\w*|mailbox|address|alias|account|destination mailbox|local-part|e-?mail|person)"
        ),
        (
            r"(?:user|recipient|mailbox|address|account|alias|name|addressee)\b.{0,80}\b(?:unknown|not found|doe(?:s not"
            r"|sn't) exist"
            r"|not (?:listed|exist|known|valid|recognized|available|be found)|couldn'?t be found|is invalid|rejected"
            r"|unavailable|no longer)"
        ),
        (
            r"no mailbox|not our customer|doesn't have an? .{1,30}account|empfänger.{0,40}unbekannt"
            r"|unbekannter (?:benutzer|empfänger)"
        ),
        r"existiert nicht|n'existe pas|inconnu|no existe|desconocido|não existe|non esiste|sconosciuto|bestaat niet",
        (
            r"не (?:существует|найден)|(?:用户|用戶|账号|帐号|帳號|收件人|邮箱|郵箱|信箱|地址|使用者).{0,30}"
            r"(?:不存在|无效|無效|有误|错误|未找到|找不到)|无此(?:用户|账号|邮箱)|查無此|不存在|存在しません|見つかりません|존재하지"
        ),
    ),
    "5.2.1": (
        (
            r"(?:account|mailbox|user|address)\b.{0,40}\b(?:disabled|suspended|inactive|deactivated|discontinued|locked"
            r"|expired|closed)"
        ),
        r"停用|冻结|凍結|禁用|注销|锁定|停止使用",
    ),
    "5.3.4": (
        r"(?:message|mail|size|file)\b.{0,40}\b(?:too (?:large|big|long)|exceed)|size limit|maximum (?:message )?size",
        r"超过.{0,12}(?:大小|限制)|过大|過大|太大",
    ),
    "5.4.6": (r"too many hops|mail loop|routing loop|loops? back|邮件循环|郵件迴圈",),
    "5.7.0": (
        r"blocked|policy|not (?:allowed|permitted|authorized|accepted)|denied|prohibited|content .{0,20}reject|relay",
        r"拒收|拒绝|拒絕|拦截|攔截|限制",
    ),
    "4.4.1": (
        r"timed? ?out|connection (?:refused|lost|dropped|closed|reset|died)|could not connect|unable to connect|no answer",
        r"not respond|unreachable|temporar|try (?:again )?later|defer|grey ?list|queue too long|retry",
        r"超时|超時|连接失败|連線|暂时|暫時|稍后|稍後|タイムアウト",
    ),
}
MEANING = tuple((status, re.compile(either(words), re.DOTALL)) for status, words in MEANINGS.items())
CODES = {"550": "5.1.1", "551": "5.1.6", "552": "5.2.2", "553": "5.1.3", "554": "5.0.0", "421": "4.3.2", "450": "4.2.0",
         "451": "4.3.0", "452": "4.2.2"}  # fmt: skip


def meaning(text: str) -> str:
    """The enhanced status code that the words of a notice amount to, empty when they say nothing."""
    low = text.lower()
    return next((status for status, words in MEANING if words.search(low)), "")
