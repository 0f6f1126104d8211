"""The letter of a decision as it is kept: one page of HTML that needs nothing else, in the customer's language."""

from __future__ import annotations

from markupsafe import Markup, escape

from desk.actions import complaint_file
from desk.actions.calendars import calendar_of
from desk.actions.complaint_letters import status_link
from desk.days import day_in_words
from desk.decision_texts import GIVEN, WORDS
from desk.letter_texts import OUTCOMES
from desk.models import Complaint, ComplaintDecision, Customer, Queue, Ticket
from desk.queries.voice_texts import company
from desk.store import Tx

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
