"""Setting how visitors may chat. A new wording of the consent is a new version; what was agreed to keeps the old one."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from desk.actions.editing import check_same, differences
from desk.errors import Invalid
from desk.models import Setting, TicketField
from desk.queries.chats.rules import ASKED, LANGS, OPTIONAL, REQUIRED, SETTING, ChatRules, chat_rules
from desk.sentences import N_
from desk.store import Tx

AFTER_S = (30, 3600)
REOPEN_H = (0, 720)
MOST_WAITING = (0, 1000)
MOST_INVITATIONS = 20
LONGEST_CONSENT = 1000
LONGEST_INVITATION = 160


def set_rules(tx: Tx, rules: ChatRules, *, seen: str | None = None) -> bool:
    """Set all rules at once; `consent_version` is ours to count. False when nothing was different.

    Raises `Invalid` with the fields that are wrong ("consent_zh", "page-2"), `Conflict` when somebody was quicker than who saw
    `seen`.
    """
    row = tx.session.get(Setting, SETTING, with_for_update=True)
    old = chat_rules(tx.session)
    check_same(old.to_dict(), seen)
    wrong = _wrong(tx, rules)
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    rules = replace(rules, consent_version=old.consent_version + (dict(rules.consent) != dict(old.consent)))
    data = differences(old.to_dict(), rules.to_dict())
    if not data:
        return False
    if row is None:
        tx.session.add(Setting(key=SETTING, value=rules.to_dict()))
    else:
        row.value = rules.to_dict()
    tx.emit("setting.chat_set", data=data)
    return True


def _wrong(tx: Tx, rules: ChatRules) -> dict[str, str]:
    wrong = {}
    if rules.phone not in ASKED:
        wrong["phone"] = N_("Choose whether it is asked.")
    known = set(tx.session.scalars(select(TicketField.key)))
    if not set(rules.fields) <= known or not set(rules.fields.values()) <= {OPTIONAL, REQUIRED}:
        wrong["fields"] = N_("There is no such field.")
    if not REOPEN_H[0] <= rules.reopen_h <= REOPEN_H[1]:
        wrong["reopen_h"] = N_("From 0 to 720 hours.")
    if not MOST_WAITING[0] <= rules.most_waiting <= MOST_WAITING[1]:
        wrong["most_waiting"] = N_("From 0 to 1000 people; 0 for any number.")
    for lang in LANGS:
        if rules.asks_consent and not 0 < len(rules.consent[lang]) <= LONGEST_CONSENT:
            wrong[f"consent_{lang}"] = N_("Write it in both languages, at most 1,000 characters, or in neither.")
    return wrong | _wrong_invitations(rules)


def _wrong_invitations(rules: ChatRules) -> dict[str, str]:
    wrong = {}
    if len(rules.invitations) > MOST_INVITATIONS:
        wrong["page-0"] = N_("At most 20 invitations.")
    for number, each in enumerate(rules.invitations):
        if "/" not in each.page or any(sign.isspace() for sign in each.page) or len(each.page) > 200:
            wrong[f"page-{number}"] = N_("Write a page, such as /plans/* or shop.example.com/plans/*.")
        if not AFTER_S[0] <= each.after_s <= AFTER_S[1]:
            wrong[f"after-{number}"] = N_("From 30 to 3600 seconds.")
        for lang in LANGS:
            if not 0 < len(each.text[lang]) <= LONGEST_INVITATION:
                wrong[f"text-{number}-{lang}"] = N_("Write the invitation, at most 160 characters.")
    return wrong
