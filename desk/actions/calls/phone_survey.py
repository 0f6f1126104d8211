"""Asking callers how it was by the keys of their phone, once the agent has hung up. Who hangs up, or presses star, is let go.

A mark counts as soon as it is pressed, whether or not the rest is answered.
"""

from __future__ import annotations

from dataclasses import dataclass

from desk.actions.surveys import surveys, whom
from desk.models import Call, Customer, Survey, Ticket
from desk.models.call import HOLD, TALKING
from desk.models.survey import INDEX, SCALES
from desk.models.ticket import MERGED, SPAM
from desk.queries.surveys.rules import survey_rules
from desk.store import Tx

CHANNEL = "phone"
EXPECTED, SCORE, SOLVED = "expected", "score", "solved"
YES, NEVER_AGAIN = "1", "*"
ONE_KEY = 9  # the highest mark that one key can say


@dataclass(frozen=True)
class Asked:
    """What is said next: `before` are texts that come first; an empty `step` is the end. `at` numbers the questions."""

    step: str
    before: tuple[str, ...] = ()
    at: int = 0
    kind: str = ""

    @property
    def one_key(self) -> bool:
        return self.step == SOLVED or SCALES[self.kind][1] <= ONE_KEY


def begin(tx: Tx, call: Call) -> Survey | None:
    """The caller is asked: their agent hangs up now. None when nobody is to be asked, by the rules of every survey."""
    rules, ticket = survey_rules(tx.session), tx.session.get(Ticket, call.ticket_id) if call.ticket_id else None
    if not rules.after_calls or ticket is None or call.direction != "in" or call.state not in (TALKING, HOLD):
        return None
    if ticket.customer_id != call.customer_id or ticket.status in (SPAM, MERGED):
        return None
    if whom.has_open_complaint(tx, ticket.customer_id):
        return None
    customer = tx.session.get_one(Customer, ticket.customer_id)
    reason = whom.why_not(tx, ticket, customer, rules, "voice")
    if not reason and not whom.is_drawn(tx, ticket, rules.share):
        reason = "not_drawn"
    if reason:
        tx.emit("survey.not_sent", ticket=ticket, customer=customer, data={"reason": reason})
        return None
    survey = surveys.new_sheet(tx, ticket, CHANNEL, rules.kind_for("voice"), tx.now, agent_id=call.agent_id)
    call.menu = {**call.menu, "survey": {"id": survey.id, "step": EXPECTED if survey.kind == INDEX else SCORE, "at": 1}}
    tx.emit("survey.sent", ticket=ticket, customer=customer, data={"survey": survey.id, "channel": CHANNEL})
    return survey


def give_up(tx: Tx, call: Call) -> None:
    """The caller could not be led to the questions: they were not asked."""
    survey = _survey(tx, call)
    call.menu = {name: kept for name, kept in call.menu.items() if name != "survey"}
    if survey is not None and survey.answered_at is None:
        tx.session.delete(survey)
        tx.emit("survey.not_sent", ticket=survey.ticket_id, data={"reason": "not_reached"})


def first(tx: Tx, call: Call) -> Asked:
    """The first question; the end when this call asks none."""
    survey = _survey(tx, call)
    return Asked("") if survey is None else _question(call, survey, ("survey_begin",))


def press(tx: Tx, call: Call, at: int, keys: str) -> Asked:
    """The keys that came to question `at`. What is no answer is asked again once."""
    survey, asked, typed = _survey(tx, call), dict(call.menu.get("survey", {})), keys.strip().rstrip("#")
    if survey is None or asked.get("at") != at:
        return Asked("")
    if typed.startswith(NEVER_AGAIN):
        surveys.decline(tx, survey)
        return Asked("", ("survey_never",))
    said = _read(survey, asked["step"], typed)
    if said is None:
        if asked.get("again"):
            return Asked("", ("survey_thanks",))
        call.menu = {**call.menu, "survey": {**asked, "at": at + 1, "again": True}}
        return _question(call, survey, ("not_an_option" if typed else "nothing_heard",))
    if asked["step"] == EXPECTED:
        survey.expected = said
    else:
        surveys.answered_by_key(tx, survey, **{asked["step"]: said == int(YES) if asked["step"] == SOLVED else said})
    step = {EXPECTED: SCORE, SCORE: SOLVED}.get(asked["step"], "")
    if not step:
        return Asked("", ("survey_thanks",))
    call.menu = {**call.menu, "survey": {"id": survey.id, "step": step, "at": at + 1}}
    return _question(call, survey, ())


def _question(call: Call, survey: Survey, before: tuple[str, ...]) -> Asked:
    asked = call.menu["survey"]
    return Asked(asked["step"], before, asked["at"], survey.kind)


def _read(survey: Survey, step: str, typed: str) -> int | None:
    """The answer that these keys are; None when they are none."""
    least, most = (1, 2) if step == SOLVED else SCALES[survey.kind]
    known = typed.isascii() and typed.isdigit() and len(typed) <= 2 and least <= int(typed) <= most
    return int(typed) if known else None


def _survey(tx: Tx, call: Call) -> Survey | None:
    asked = call.menu.get("survey", {}).get("id")
    return None if asked is None else tx.session.get(Survey, asked)
