"""Was a mail written by a program? The rules of RFC 3834, and the phrases of programs that do not follow it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from channels.email.phrases import either

Headers = Mapping[str, tuple[str, ...]]

ROBOTS = re.compile(
    r"^(?:mailer-daemon|mail-daemon|postmaster|no-?_?reply|do-?_?not-?_?reply|(?:no-?_?reply"
    r"|do-?_?not-?_?reply)[._+-].*|[\w.-]+[._-]no-?reply"
    r"|auto-?_?(?:reply|responder|confirm|mailer)|autoreply.*|bounces?|bounces?[+=-].*|notifications?[-_.]noreply)@"
)
SUBJECTS = (
    (
        r"auto(?:matic|mated|matisch|matique)?[ -]?(?:reply|response|respond|antwort|acknowledge?ment)"
        r"|out[ -]of[ -](?:the )?office|ooo(?:\b|:)"
    ),
    (
        r"(?:i am |i'm )?(?:away on|on) (?:vacation|holiday|annual leave|leave)\s*(?:$|[:!(-]|until|till|from|reply"
        r"|notice)|away from (?:my|the) (?:e?-?mail|office|desk)|vacation (?:reply|response|notice)"
    ),
    (
        r"automatische antwort|automatisch(?:e)? (?:antwoord|reactie)|abwesenheit(?:s|snotiz|snachricht)?\b|abwesend\b"
        r"|automatiskt svar|autosvar|automatisk svar|automaattinen vastaus"
    ),
    (
        r"réponse automatique|absence du bureau|message d'absence|respuesta autom[aá]tica|fuera de (?:la )?oficina"
        r"|otomatik yan[ıi]t|automatická odpověď|afwezig(?:heids)?\b"
    ),
    (
        r"resposta autom[aá]tica|ausência temporária|risposta automatica|fuori sede|fuori ufficio"
        r"|automatyczna odpowied[zź]|odpowiedź automatyczna|автоответ|автоматический ответ|автоматична відповідь"
    ),
    r"自动(?:回复|答复|回覆|应答)|自動(?:回覆|回復|答覆|應答)|(?:外出|休假|假期|离开办公室|度假)(?:时的|時的)?自[动動]|不在办公室|不在辦公室|系统自动回复",
    r"自動(?:応答|返信)|不在(?:の|通知)|부재중|자동 ?(?:회신|응답|답장)",
)
SUBJECT = re.compile(rf"^\s*[\[【(（\"“*]?\s*{either(SUBJECTS)}", re.IGNORECASE)
# Only as the first words: further down a person may quote them.
OPENINGS = (
    (
        r"this is an? (?:auto(?:matic|mated|matically[ -]generated)?|system)[ -](?:generated )?(?:reply|response|message"
        r"|e-?mail|acknowledge?ment|notification|answer)"
    ),
    (
        r"(?:auto(?:matic|mated)? )(?:reply|response)\s*[:!\n]|please do not (?:reply|respond) to this (?:auto|e-?mail"
        r"|message)|thank you for (?:your (?:e-?mail|message)|contacting \w+)\W{1,3}(?:i am|i'm) (?:currently )?(?:out|away|on)"
    ),
    (
        r"dies(?:e|es)? (?:ist|e-?mail|nachricht)\b.{0,40}automatisch|ceci est (?:un|une) (?:message|réponse"
        r"|courriel) automatique|(?:este|esta) es (?:un|una) .{0,20}automátic"
    ),
    (
        r"esta é uma (?:mensagem|resposta) automática|questa è una risposta automatica|dit is een automatisch"
        r"|это автоматическ|to jest automatyczna"
    ),
    (
        r"这是(?:一封)?(?:来自.{1,12}的)?(?:假期|系统)?自动(?:回复|答复|发送)|(?:此|本)(?:邮件|信)(?:为|是|由|系)(?:系统)?自动(?:回复|发送|发出|生成)"
        r"|您好[，,！!。]?\s*(?:这是|此为|本邮件)(?:一封)?(?:系统)?自动回复"
    ),
    r"這是(?:一封)?(?:來自.{1,12}的)?自動(?:回覆|回復)|(?:此|本)(?:郵件|信件?)(?:為|是|由|係)(?:系統)?自動(?:回覆|發送|發出|寄出)|これは自動(?:返信|応答)|このメールは自動",
)
OPENING = re.compile(rf"^\W{{0,20}}{either(OPENINGS)}", re.IGNORECASE)


def why_automatic(headers: Headers, from_address: str, subject: str, text: str = "") -> tuple[str, ...]:
    """The reasons to take a mail for an automatic one, in words fit to store; empty for a person's mail."""
    return tuple(reason for reason, holds in RULES if holds(headers, from_address, subject, text))


def on_a_list(headers: Headers) -> tuple[str, ...]:
    """The reasons to take a mail for one to many (RFC 2369, RFC 2919)."""
    found = [f"{name} is present" for name in ("list-id", "list-unsubscribe", "list-post", "mailing-list") if name in headers]
    level = _value(headers, "precedence")
    return (*found, *((f"Precedence is {level}",) if level in {"bulk", "list", "junk"} else ()))


def from_robot(address: str) -> bool:
    """Whether an address announces that nobody reads or writes there."""
    return bool(ROBOTS.match(address.lower()))


def _value(headers: Headers, name: str) -> str:
    """First word of the field: RFC 3834 allows parameters and comments after it."""
    return next(iter(headers.get(name, ())), "").split(";")[0].split("(")[0].strip().lower()


def _for_somebody(headers: Headers) -> bool:
    """A form on a website writes from a robot's address and names the person to be answered: that is a person's mail."""
    named = re.search(r"[^\s<>\"',;]+@[^\s<>\"',;]+", next(iter(headers.get("reply-to", ())), ""))
    return named is not None and not from_robot(named[0])


Rule = Callable[[Headers, str, str, str], bool]


def _present(name: str) -> Rule:
    return lambda headers, _address, _subject, _text: _value(headers, name) not in {"", "no", "none", "false"}


# X-Auto-Response-Suppress is absent on purpose: it asks others not to answer and says nothing about who wrote.
RULES: tuple[tuple[str, Rule], ...] = (
    ("Auto-Submitted is not no", _present("auto-submitted")),
    ("Precedence is auto_reply", lambda headers, _a, _s, _t: _value(headers, "precedence") in {"auto_reply", "auto-reply"}),
    ("X-Autoreply is present", _present("x-autoreply")),
    ("X-Autoreply-From is present", _present("x-autoreply-from")),
    ("X-Autorespond is present", _present("x-autorespond")),
    ("X-Autoresponder is present", _present("x-autoresponder")),
    ("X-Auto-Reply is present", _present("x-auto-reply")),
    ("X-Autogenerated is present", _present("x-autogenerated")),
    ("X-Mail-Autoreply is present", _present("x-mail-autoreply")),
    ("X-Vacation is present", _present("x-vacation")),
    ("X-QQ-Autoreply is present", _present("x-qq-autoreply")),
    ("X-Cron-Env is present", _present("x-cron-env")),
    ("sent by an inbox rule", _present("x-ms-exchange-inbox-rules-loop")),
    ("empty Return-Path", lambda headers, _a, _s, _t: next(iter(headers.get("return-path", ())), "") == "<>"),
    ("sender is a robot address", lambda headers, address, _s, _t: from_robot(address) and not _for_somebody(headers)),
    ("subject of an automatic reply", lambda _h, _a, subject, _t: bool(SUBJECT.match(subject))),
    ("begins like an automatic reply", lambda _h, _a, _s, text: bool(OPENING.match(text[:400]))),
)
