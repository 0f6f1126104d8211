"""What the form before a chat asks besides name and question: our own fields, a phone number, and a word of consent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from channels.chat import form
from channels.chat.words import clean_line
from desk.actions.people import customers
from desk.actions.people.consents import CHATTING, Wording, agree
from desk.actions.tickets.own_fields import read_answers, set_answers
from desk.errors import Invalid
from desk.models import Customer, Ticket
from desk.models.message import Message
from desk.queries.chats.rules import NOT_ASKED, REQUIRED, asked_first, chat_rules
from desk.sentences import N_
from desk.store import Tx

ANSWER = "answer-"  # what the names of our own fields begin with in the form

Filled = TypeVar("Filled")


@dataclass(frozen=True)
class Answers:
    """`own` by the field's key; `phone` in E.164 or empty; `wording` is what was agreed to, None where nothing is asked."""

    own: Mapping[str, Any]
    phone: str
    wording: Wording | None


def read_form(tx: Tx, read: Callable[[Mapping[str, Any]], Filled], filled: Mapping[str, Any]) -> tuple[Filled, Answers]:
    """The form by `read`, and all that is asked beside it. Raises `Invalid` with everything that is wrong at once."""
    wrong: dict[str, str] = {}
    answers = _read(tx, filled, wrong)
    try:
        asked = read(filled)
    except form.Refused as refused:
        raise Invalid("Please check these answers.", fields={**refused.fields, **wrong}) from refused
    if wrong:
        raise Invalid("Please check these answers.", fields=wrong)
    return asked, answers


def keep_answers(tx: Tx, ticket: Ticket, message: Message, answers: Answers, *, evidence: str) -> None:
    """On the ticket, its customer, and the record of consents.

    A number is always kept with the message, and of a customer only whom this form made known: otherwise anyone could hang their
    own number on somebody else's record by naming that person's address.
    """
    if answers.own:
        set_answers(tx, ticket, answers.own)
    if answers.phone:
        message.meta = {**message.meta, "phone": answers.phone}
        customer = tx.session.get_one(Customer, ticket.customer_id)
        if customer.created_at == tx.now:
            customers.add_contact_point(tx, customer, "phone", answers.phone)
    if answers.wording is not None:
        agree(tx, ticket, CHATTING, answers.wording, channel="chat", evidence=evidence)


def _read(tx: Tx, filled: Mapping[str, Any], wrong: dict[str, str]) -> Answers:
    rules = chat_rules(tx.session)
    asked = asked_first(tx.session, rules)
    own, faults = read_answers(tx, {each.key: filled.get(f"{ANSWER}{each.key}") for each in asked})
    wrong |= faults
    wrong |= {
        f"{ANSWER}{each.key}": N_("Please answer this.")
        for each in asked
        if rules.fields[each.key] == REQUIRED and own.get(each.key) is None and f"{ANSWER}{each.key}" not in faults
    }
    phone = "" if rules.phone == NOT_ASKED else _phone(filled, wrong, needed=rules.phone == REQUIRED)
    if not rules.asks_consent:
        return Answers(own, phone, None)
    if not filled.get("consent"):
        wrong["consent"] = N_("Please agree first, so that we may answer you.")
    locale = "zh" if filled.get("locale") == "zh" else "en"
    return Answers(own, phone, Wording(rules.consent_in(locale), locale, rules.consent_version))


def _phone(filled: Mapping[str, Any], wrong: dict[str, str], *, needed: bool) -> str:
    typed = clean_line(filled.get("phone"), 40)
    if not typed:
        if needed:
            wrong["phone"] = N_("Please give a phone number.")
        return ""
    try:
        return customers.normal("phone", typed)
    except Invalid:
        wrong["phone"] = N_("This is no phone number. Write it with its country code, such as +86 138 0013 8000.")
        return ""
