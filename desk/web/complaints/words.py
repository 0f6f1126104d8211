"""What the entries of a complaint's file are called on its page."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext

from desk.events import Event

FINDINGS = {
    "proven": lazy_gettext("True"),
    "not_proven": lazy_gettext("Not shown to be true"),
    "undetermined": lazy_gettext("Could not be found out"),
}
CAUSES = {
    "people_skill": lazy_gettext("People: skill"),
    "people_behaviour": lazy_gettext("People: behaviour"),
    "people_staffing": lazy_gettext("People: too few"),
    "process_missing": lazy_gettext("Process: there is none"),
    "process_not_followed": lazy_gettext("Process: not followed"),
    "process_unclear": lazy_gettext("Process: unclear"),
    "technology_fault": lazy_gettext("Technology: fault"),
    "technology_design": lazy_gettext("Technology: design"),
    "product": lazy_gettext("Product"),
    "supplier": lazy_gettext("Supplier"),
    "policy": lazy_gettext("Policy"),
    "information": lazy_gettext("Information or expectation"),
    "external": lazy_gettext("From outside"),
    "unknown": lazy_gettext("Cannot be found out"),
}
REDRESS = {
    "apology": lazy_gettext("Apology"),
    "explanation": lazy_gettext("Explanation"),
    "correction": lazy_gettext("Correction"),
    "refund": lazy_gettext("Refund"),
    "replacement": lazy_gettext("Replacement"),
    "compensation": lazy_gettext("Compensation"),
    "voucher": lazy_gettext("Voucher"),
    "process_change": lazy_gettext("Change in how we work"),
}
KEPT_OUT = {
    "about": lazy_gettext("The complaint is about them"),
    "interest": lazy_gettext("They have an interest in it"),
}
PARTS = {
    "complainant": lazy_gettext("the complainant"),
    "staff": lazy_gettext("a colleague"),
    "witness": lazy_gettext("a witness"),
    "expert": lazy_gettext("an expert"),
}
WAYS = {
    "phone": lazy_gettext("on the phone"),
    "in_person": lazy_gettext("face to face"),
    "writing": lazy_gettext("in writing"),
}
RELATIONS = {
    "agent": lazy_gettext("asked by them to"),
    "guardian": lazy_gettext("guardian"),
    "heir": lazy_gettext("heir"),
    "other": lazy_gettext("otherwise close to them"),
}
SPEAKING = {
    "waiting": lazy_gettext("Proof waits for a word"),
    "accepted": lazy_gettext("May speak"),
    "refused": lazy_gettext("Proof not accepted"),
    "ended": lazy_gettext("Speaks no longer"),
}
TO_WHOM = {
    "both": lazy_gettext("to both"),
    "speaker": lazy_gettext("only to whoever speaks"),
    "person": lazy_gettext("only to the complainant"),
}
DECISION_STATES = {
    "draft": lazy_gettext("Draft"),
    "asked": lazy_gettext("Waiting for approval"),
    "rejected": lazy_gettext("Not agreed to"),
    "sent": lazy_gettext("Sent"),
}

# What the desk itself notes as the reason; all other reasons are words of people.
REASONS = {
    "customer": lazy_gettext("The customer said so on their page"),
    "draft taken back": lazy_gettext("The draft was taken back"),
    "no answer in time": lazy_gettext("No answer came in time"),
    "not_reached": lazy_gettext("The customer could not be reached"),
    "reopened": lazy_gettext("Opened again"),
    "many customers": lazy_gettext("More than a hundred customers complain of it"),
    "nobody to ask": lazy_gettext("Nobody can be asked: it came without a name"),
    "threat": lazy_gettext("Somebody was threatened"),
    "special needs": lazy_gettext("The customer has special needs"),
    "the customer answered": lazy_gettext("The customer answered"),
}


def reason_of(event: Event) -> str:
    """Why, in the reader's language where the desk said it."""
    noted = str(event.data.get("reason") or "")
    return str(REASONS.get(noted, noted))


def who_of(event: Event) -> str:
    """By whom; a customer who wrote by their link has no name of their own there."""
    nameless = event.actor_kind == "customer" and event.actor_name in ("", "customer", "visitor")
    return gettext("the customer") if nameless else event.actor_name


def everything() -> dict[str, Any]:
    return {
        "reason_of": reason_of,
        "who_of": who_of,
        "findings": FINDINGS,
        "causes": CAUSES,
        "redress": REDRESS,
        "kept_out": KEPT_OUT,
        "parts": PARTS,
        "ways": WAYS,
        "decision_states": DECISION_STATES,
        "relations": RELATIONS,
        "speaking": SPEAKING,
        "to_whom": TO_WHOM,
    }
