"""The letter of a decision as it is kept: HTML that needs nothing else and the same as PDF, in the customer's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from desk.actions.complaints import file
from desk.actions.complaints.letters import rights_of, status_link
from desk.days import day_in_words
from desk.decision_texts import GIVEN, WORDS
from desk.letter_texts import OUTCOMES
from desk.models import Complaint, ComplaintDecision, Customer, Ticket
from desk.models.complaint import case_number
from desk.models.representative import ACCEPTED
from desk.pdf import Part, made_pdf
from desk.queries.calls.voice_texts import company
from desk.queries.complaints.complaints import zone_of
from desk.queries.complaints.representatives import latest_representative
from desk.store import Tx

STYLE = (
    "body{font:1rem/1.6 system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;max-width:42rem;margin:2rem auto;"
    "padding:0 1rem;color:#1a1a1a;background:#fff}h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}"
    "p,li{white-space:pre-wrap;overflow-wrap:anywhere}@media print{body{margin:0}}"
)


@dataclass(frozen=True)
class Letter:
    """What the letter says, before it takes a form."""

    lang: str
    title: str
    sender: str
    lines: Sequence[str]
    parts: Sequence[Part]

    @property
    def html(self) -> str:
        head = Markup("<p><strong>{}</strong></p><h1>{}</h1>").format(self.sender, self.title)
        told = Markup("").join(Markup("<p>{}</p>").format(line) for line in self.lines)
        page = Markup(
            '<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="robots" content="noindex">'
            '<meta name="viewport" content="width=device-width"><title>{}</title><style>{}</style></head>'
            "<body>{}{}{}</body></html>"
        )
        parts = Markup("").join(map(_html, self.parts))
        lang = "zh-CN" if self.lang == "zh" else "en"
        return str(page.format(lang, self.title, Markup(STYLE), head, told, parts))  # noqa: S704

    @property
    def pdf(self) -> bytes:
        return made_pdf(self.title, [Part("", text=self.sender), *(Part("", text=line) for line in self.lines), *self.parts])


def decision_letter(tx: Tx, complaint: Complaint, decision: ComplaintDecision) -> Letter:
    """The whole letter. Written once, at the moment of sending; what is shown later is what was kept of it and nothing else."""
    ticket = tx.session.get_one(Ticket, complaint.ticket_id)
    lang = "zh" if ticket.locale == "zh" else "en"
    say, zone = WORDS[lang], zone_of(tx.session, ticket, complaint)
    number = case_number(ticket.number or 0, complaint.reopened)
    reach = say["reach"].format(link=status_link(tx, complaint), mail=tx.settings.mail_from, number=number)
    customer = tx.session.get_one(Customer, ticket.customer_id)
    points = [
        f"{point.text}\n{say[point.finding]}{'：' if lang == 'zh' else ': '}{point.reason}"
        for point in file.allegations_of(tx, complaint)
    ]
    given = [
        _line(GIVEN[lang][each.kind], each.cents, each.note, say["by"].format(day=day_in_words(each.due_at, zone, lang)), lang)
        for each in file.redress_of(tx, complaint)
    ]
    parts = [
        Part(say["statement"], text=complaint.statement),
        Part(say["wish"], text=complaint.remedy_wanted),
        Part(say["looked_into"], text=decision.looked_into),
        Part(say["findings"], items=points),
        Part(say["decision"], text=f"{OUTCOMES[decision.outcome][lang]}\n{decision.reasons}"),
        Part(say["redress"], items=given) if given else Part(say["redress"], text=say["no_redress"]),
        Part(say["apology"], text=decision.apology),
        Part(say["changed"], text=decision.changed),
        Part(say["unhappy"], text="\n".join([say["rights"], *rights_of(tx, complaint, lang)])),
        Part(say["contact"], text=reach),
    ]
    dates = say["received"].format(
        received=day_in_words(complaint.received_at, zone, lang), decided=day_in_words(tx.now, zone, lang)
    )
    to = f"{say['to']}{'：' if lang == 'zh' else ': '}{_names(tx, complaint, customer, lang)}"
    whole = [part for part in parts if part.text or part.items]
    return Letter(lang, say["title"].format(number=number), company(tx.session, lang), [dates, to], whole)


def _names(tx: Tx, complaint: Complaint, customer: Customer, lang: str) -> str:
    """Whose complaint it is; and who speaks for them, if they may."""
    found = latest_representative(tx.session, complaint.id)
    if found is None or (not found.wrote and found.state != ACCEPTED):
        return customer.name
    if found.state != ACCEPTED:
        return found.name
    return ("、" if lang == "zh" else ", ").join((found.name, customer.name) if found.wrote else (customer.name, found.name))


def _html(part: Part) -> Markup:
    if not part.items:
        return Markup("<h2>{}</h2><p>{}</p>").format(part.heading, part.text)
    items = Markup("").join(Markup("<li>{}</li>").format(escape(line)) for line in part.items)
    return Markup("<h2>{}</h2><ol>{}</ol>").format(part.heading, items)


def _line(what: str, cents: int, note: str, when: str, lang: str) -> str:
    amount = f" {cents // 100:,}.{cents % 100:02d}" if cents else ""
    told = f"{'：' if lang == 'zh' else ': '}{note}" if note else ""
    return f"{what}{amount}{told}{'（' + when + '）' if lang == 'zh' else f' ({when})'}"
