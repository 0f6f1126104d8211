"""What the entries of a complaint's file are called on its page."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext

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
DECISION_STATES = {
    "draft": lazy_gettext("Draft"),
    "asked": lazy_gettext("Waiting for approval"),
    "rejected": lazy_gettext("Not agreed to"),
    "sent": lazy_gettext("Sent"),
}


def everything() -> dict[str, Any]:
    return {
        "findings": FINDINGS,
        "causes": CAUSES,
        "redress": REDRESS,
        "kept_out": KEPT_OUT,
        "parts": PARTS,
        "ways": WAYS,
        "decision_states": DECISION_STATES,
    }
