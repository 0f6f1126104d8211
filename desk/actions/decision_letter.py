"""The letter of a decision as it is kept: one page of HTML that needs nothing else, in the customer's language."""

from __future__ import annotations

from markupsafe import Markup, escape

from desk.actions import complaint_file
from desk.actions.calendars import calendar_of
from desk.actions.complaint_letters import status_link
from desk.days import day_in_words
from desk.letter_texts import OUTCOMES
from desk.models import Complaint, ComplaintDecision, Customer, Queue, Ticket
from desk.queries.voice_texts import company
from desk.store import Tx

WORDS = {
    "en": {
        "title": "Our decision on your complaint {number}",
        "received": "Received on {received}. Decided on {decided}.",
        "to": "To",
        "statement": "What you complained of, in your words",
        "wish": "What you asked for",
        "looked_into": "What we did to look into it",
        "findings": "What we found, point by point",
        "decision": "Our decision and its reasons",
        "redress": "What you get, and by when",
        "no_redress": "Nothing is to be given beside this decision.",
        "by": "by {day}",
        "apology": "Our apology",
        "changed": "What we change",
        "unhappy": "If you do not agree",
        "rights": "Tell us within thirty days, on the page of your complaint or in any other way. Somebody who has not dealt "
        "with it looks at it again, free of charge. You may also turn to the consumer association, the authority for your region "
        "or a court.",
        "contact": "How to reach us",
        "reach": "The page of your complaint: {link}. Write to {mail} and give the number {number}. Ask us for large print, "
        "another language or somebody who reads this letter to you; it costs nothing.",
        "proven": "True",
        "not_proven": "Not shown to be true",
        "undetermined": "Could not be found out",
    },
    "zh": {
        "title": "关于您的投诉（编号{number}）的处理决定",
        "received": "收到日期：{received}。决定日期：{decided}。",
        "to": "致",
        "statement": "您反映的问题（原话）",
        "wish": "您的诉求",
        "looked_into": "我们的调查经过",
        "findings": "逐项调查结果",
        "decision": "处理决定及理由",
        "redress": "补救措施及期限",
        "no_redress": "除本决定外，无其他补救措施。",
        "by": "于{day}前",
        "apology": "致歉",
        "changed": "我们的改进",
        "unhappy": "如果您不同意本决定",
        "rights": "请在三十天内通过您的投诉页面或其他任何方式告诉我们，将由未参与本次处理的人员免费重新审查。"
        "您也可以向消费者协会、当地主管部门反映，或向人民法院起诉。",
        "contact": "如何联系我们",
        "reach": "您的投诉页面：{link}。您也可以写信至{mail}并注明编号{number}。"
        "如需大字版、其他语言版本或由专人为您朗读，请告诉我们，均不收费。",
        "proven": "属实",
        "not_proven": "不属实",
        "undetermined": "无法查清",
    },
}
GIVEN = {
    "en": {
        "apology": "An apology",
        "explanation": "An explanation",
        "correction": "A correction",
        "refund": "A refund",
        "replacement": "A replacement",
        "compensation": "Compensation",
        "voucher": "A voucher",
        "process_change": "A change in how we work",
    },
    "zh": {
        "apology": "致歉",
        "explanation": "说明",
        "correction": "更正",
        "refund": "退款",
        "replacement": "更换",
        "compensation": "赔偿",
        "voucher": "代金券",
        "process_change": "改进流程",
    },
}
STYLE = (
    "body{font:1rem/1.6 system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;max-width:42rem;margin:2rem auto;"
    "padding:0 1rem;color:#1a1a1a;background:#fff}h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}"
    "p,li{white-space:pre-wrap;overflow-wrap:anywhere}@media print{body{margin:0}}"
)


def write_decision_letter(tx: Tx, complaint: Complaint, decision: ComplaintDecision) -> str:
    """The whole letter. Written once, at the moment of sending; what is shown later is this text and no other."""
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    lang = "zh" if ticket.locale == "zh" else "en"
    say, zone = WORDS[lang], calendar_of(tx.session, tx.session.get_one(Queue, ticket.queue_id)).zone
    number = ticket.number or 0
    customer = tx.session.get_one(Customer, ticket.customer_id)
    points = [
        f"{point.text}\n{say[point.finding]}{'：' if lang == 'zh' else ': '}{point.reason}"
        for point in complaint_file.allegations_of(tx, complaint)
    ]
    given = [
        _line(GIVEN[lang][each.kind], each.cents, each.note, say["by"].format(day=day_in_words(each.due_at, zone, lang)), lang)
        for each in complaint_file.redress_of(tx, complaint)
    ]
    parts = [
        _part(say["statement"], complaint.statement),
        _part(say["wish"], complaint.remedy_wanted),
        _part(say["looked_into"], decision.looked_into),
        _list(say["findings"], points),
        _part(say["decision"], f"{OUTCOMES[decision.outcome][lang]}\n{decision.reasons}"),
        _list(say["redress"], given) if given else _part(say["redress"], say["no_redress"]),
        _part(say["apology"], decision.apology),
        _part(say["changed"], decision.changed),
        _part(say["unhappy"], say["rights"]),
        _part(say["contact"], say["reach"].format(link=status_link(tx, complaint), mail=tx.settings.mail_from, number=number)),
    ]
    dates = say["received"].format(
        received=day_in_words(complaint.received_at, zone, lang), decided=day_in_words(tx.now, zone, lang)
    )
    title = say["title"].format(number=number)
    head = Markup("<p><strong>{}</strong></p><h1>{}</h1><p>{}</p><p>{}: {}</p>").format(
        company(tx.session, lang), title, dates, say["to"], customer.name
    )
    page = Markup(
        '<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="robots" content="noindex">'
        '<meta name="viewport" content="width=device-width"><title>{}</title><style>{}</style></head><body>{}{}</body></html>'
    )
    return str(page.format("zh-CN" if lang == "zh" else "en", title, Markup(STYLE), head, Markup("").join(parts)))  # noqa: S704


def _part(heading: str, text: str) -> Markup:
    return Markup("<h2>{}</h2><p>{}</p>").format(heading, text) if text else Markup("")


def _list(heading: str, lines: list[str]) -> Markup:
    items = Markup("").join(Markup("<li>{}</li>").format(escape(line)) for line in lines)
    return Markup("<h2>{}</h2><ol>{}</ol>").format(heading, items)


def _line(what: str, cents: int, note: str, when: str, lang: str) -> str:
    amount = f" {cents // 100:,}.{cents % 100:02d}" if cents else ""
    told = f"{'：' if lang == 'zh' else ': '}{note}" if note else ""
    return f"{what}{amount}{told}{'（' + when + '）' if lang == 'zh' else f' ({when})'}"
