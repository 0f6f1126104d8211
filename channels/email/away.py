"""Absence notes: whether a text is one, and until which day its writer is away."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from channels.email.phrases import either

ABSENCES = (
    (
        r"out[ -]of[ -](?:the[ -])?office|\booo\b|(?:am|is|be|are) (?:currently )?(?:away|on (?:vacation|holiday"
        r"|annual leave|leave|parental leave|sick leave|maternity leave))"
    ),
    (
        r"on (?:annual|parental|maternity|sick) leave|away (?:from (?:my|the) (?:desk|office|e?-?mail)|until|till)"
        r"|vacation (?:reply|message|notice|response)|limited access to (?:my )?e-?mail"
    ),
    (
        r"abwesen|nicht im (?:büro|hause)|im urlaub|absence|absent|en (?:congé|vacances)|hors du bureau"
        r"|fuera de (?:la )?oficina|de vacaciones|ausente"
    ),
    (
        r"fora do escritório|de férias|ausência|fuori (?:sede|ufficio)|in ferie|assenza|afwezig|op vakantie|nieobecno"
        r"|na urlopie|вне офиса|в отпуске|отсутству"
    ),
    r"frånvaro|på semester|fravær|på ferie|poissa|lomalla|ofis dışı|izinde|mimo kancelář|dovolen",
    r"不在办公室|不在辦公室|外出(?:中|自动|自動|期间|办公)|休假|度假|年假|请假|請假|出差|假期自动回复|放假|产假|病假|不在席|休暇|夏季休業|不在(?:の|に|して)|부재|휴가",
)
ABSENCE = re.compile(either(ABSENCES), re.IGNORECASE)
BEFORE = re.compile(
    r"(?:until|till?|through|thru|back (?:in the office )?(?:on|in)?|return(?:ing|s)?(?: to (?:the"
    r"|my) office)?(?: on)?|available again|\bto\b|ends?(?: on)?"
    r"|bis (?:einschließlich |zum )?|wieder (?:ab|am)|zurück|jusqu'?(?:au|à)|de retour|hasta|regres\w*|vuelvo|até"
    r"|retorn\w*|fino al?|tornerò|rientr\w*|\btot\b|terug"
    r"|do(?: dnia)?|\bдо\b|вернусь|\bпо\b|till och med|åter|tilbake|asti|kadar|[-–—~～至到迄])\W{0,3}(?:(?:mon|tues?"
    r"|wednes|thurs?|fri|satur|sun)\w*,? ?|(?:le|el|the|den|dem|am|o|il|dia|on|lundi|mardi|mercredi|jeudi"
    r"|vendredi|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)\b,? ?){0,2}\W{0,3}$",
    re.IGNORECASE,
)
AFTER = re.compile(
    r"\s*(?:[（(][^()（）]{1,6}[)）])?\s*(?:[上下]午|\d{1,2}[:：点]\d{0,2})?\s*(?:起|後|后|之前|前|恢复|回来|回來|返回|回到|上班|回公司|返工|まで|に戻|より|까지)"
)
MONTHS = {
    "jan": 1, "ene": 1, "gen": 1, "feb": 2, "fév": 2, "fev": 2, "mar": 3, "mär": 3, "mrt": 3, "maa": 3, "apr": 4, "avr": 4,
    "abr": 4, "may": 5, "mai": 5, "mei": 5,
    "mag": 5, "maj": 5, "jun": 6, "juin": 6, "giu": 6, "jul": 7, "juil": 7, "lug": 7, "aug": 8, "aoû": 8, "aou": 8, "ago": 8,
    "sep": 9, "set": 9, "oct": 10, "okt": 10, "ott": 10,
    "out": 10, "nov": 11, "dec": 12, "dez": 12, "déc": 12, "dic": 12, "янв": 1, "фев": 2, "мар": 3, "апр": 4, "мая": 5,
    "июн": 6, "июл": 7, "авг": 8, "сен": 9, "окт": 10, "ноя": 11, "дек": 12,
}  # fmt: skip
MONTH = rf"(?:{'|'.join(MONTHS)})[^\W\d]{{0,8}}"
DATE = re.compile(
    r"(?P<iso>\d{4})[-/.年]\s?(?P<iso_month>\d{1,2})[-/.月]\s?(?P<iso_day>\d{1,2})日?(?!\d)"
    r"|(?<!\d)(?P<zh_month>\d{1,2})\s?[月월]\s?(?P<zh_day>\d{1,2})\s?[日号號일]"
    rf"|(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?(?: of| de)? ?(?P<month>{MONTH})\.?(?:,? (?:de )?(?P<year>\d{{4}}))?"
    rf"|\b(?P<us_month>{MONTH})\.? (?P<us_day>\d{{1,2}})(?!\d)(?:st|nd|rd|th)?(?:,? (?P<us_year>\d{{4}}))?"
    r"|(?<![\d./-])(?P<first>\d{1,2})(?P<mark>[./-])(?P<second>\d{1,2})(?!\d)(?:[./-](?P<any_year>\d{4}|\d{2})(?!\d))?",
    re.IGNORECASE,
)
READ = 4_000
LONGEST_ABSENCE = timedelta(days=400)


def speaks_of_absence(text: str) -> bool:
    """Whether a subject or text says that its writer is away."""
    return bool(ABSENCE.search(text[:READ]))


def away_until(text: str, sent: datetime | None) -> date | None:
    """The last day of absence, or the day of return, whichever the text names; None when it names none or is no absence note.

    `sent` gives the year where the text leaves it out, and tells the day from the month in `05/03`.
    """
    text = text[:READ]
    if not speaks_of_absence(text):
        return None
    found = []
    for match in DATE.finditer(text):
        if BEFORE.search(text[max(0, match.start() - 60) : match.start()]) or AFTER.match(text[match.end() : match.end() + 24]):
            day = _day(match, sent.date() if sent else None)
            if day:
                found.append(day)
    if sent:
        found = [day for day in found if timedelta(days=-2) <= day - sent.date() <= LONGEST_ABSENCE]
    return max(found, default=None)


def _day(match: re.Match[str], sent: date | None) -> date | None:
    part = match.groupdict()
    if part["iso"]:
        return _made(part["iso"], part["iso_month"], part["iso_day"], sent)
    if part["zh_month"]:
        return _made(None, part["zh_month"], part["zh_day"], sent)
    if part["month"]:
        return _made(part["year"], _month(part["month"]), part["day"], sent)
    if part["us_month"]:
        return _made(part["us_year"], _month(part["us_month"]), part["us_day"], sent)
    first, second, year = part["first"], part["second"], part["any_year"]
    if year is None and part["mark"] != "/":
        return _made(None, second, first, sent) if part["mark"] == "." else None
    day_first, month_first = _made(year, second, first, sent), _made(year, first, second, sent)
    choices = [one for one in (day_first, month_first) if one]
    if part["mark"] == "." or len(choices) < 2 or sent is None:
        return day_first or month_first
    # Both readings are dates: an absence that ends soon after the note is the likelier.
    return min((one for one in choices if one >= sent), default=None)


def _month(name: str) -> int:
    low = name.lower()
    return MONTHS.get(low[:4], 0) or MONTHS.get(low[:3], 0)


def _made(year: str | None, month: str | int, day: str, sent: date | None) -> date | None:
    stated = int(year) if year else sent.year if sent else 0
    stated += 2000 if year and stated < 100 else 0
    try:
        made = date(stated, int(month), int(day))
        return made.replace(year=made.year + 1) if not year and sent and made < sent - timedelta(days=30) else made
    except ValueError:
        return None
