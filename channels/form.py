"""The complaint form as a channel: the values of a form become one `Inbound`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from channels.message import Contact, Inbound

MAX_TEXT = 20_000
MAX_LINE = 200
# Goes into the complainant's own message, so it speaks their language.
WANTED = {"en": "What I want: ", "zh": "我的诉求："}
_BREAKS = re.compile(r"\r\n?")
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class ComplaintForm:
    """What somebody filled in, cleaned of what cannot be seen but not yet judged. `token` names one filling of the form."""

    token: str
    name: str = ""
    email: str = ""
    phone: str = ""
    statement: str = ""
    remedy_wanted: str = ""
    product: str = ""
    order_number: str = ""
    category: str = ""
    locale: str = "en"


def read_complaint(values: Mapping[str, str], locale: str) -> ComplaintForm:
    """The form as sent by a browser; unknown fields are ignored, missing ones are empty."""
    return ComplaintForm(
        token=_line(values.get("token", "")),
        name=_line(values.get("name", "")),
        email=_line(values.get("email", "")),
        phone=_line(values.get("phone", "")),
        statement=_text(values.get("statement", "")),
        remedy_wanted=_text(values.get("remedy_wanted", "")),
        product=_line(values.get("product", "")),
        order_number=_line(values.get("order_number", "")),
        category=_line(values.get("category", "")),
        locale=locale if locale in WANTED else "en",
    )


def to_inbound(form: ComplaintForm) -> Inbound:
    """The complaint as something received. The sender is the mail address if there is one, else the phone number.

    There is no subject, so that words of the complainant can never join it to another ticket.
    """
    sender = Contact("email", form.email.lower(), form.name) if form.email else Contact("phone", form.phone, form.name)
    details = {"email": form.email, "phone": form.phone, "product": form.product, "order_number": form.order_number}
    text = form.statement + (f"\n\n{WANTED[form.locale]}{form.remedy_wanted}" if form.remedy_wanted else "")
    return Inbound(
        channel="form",
        external_id=f"complaint:{form.token}",
        sender=sender,
        text=text,
        reply_text=text,
        locale=form.locale,
        meta={"form": {name: value for name, value in details.items() if value}},
    )


def addition(token: str, sender: Contact, text: str, locale: str) -> Inbound:
    """What a complainant adds on the status page. `token` names one filling of that form."""
    text = _text(text)
    return Inbound(channel="form", external_id=f"addition:{token}", sender=sender, text=text, reply_text=text, locale=locale)


def enquiry(values: Mapping[str, str], locale: str) -> Inbound:
    """What somebody asks on our site, from the values of its form. Without a subject, so that no word can join it to a ticket."""
    text = _text(values["text"])
    return Inbound(
        channel="form",
        external_id=f"enquiry:{_line(values['token'])[:MAX_LINE]}",
        sender=Contact("email", _line(values["email"]).lower(), _line(values["name"])),
        text=text,
        reply_text=text,
        locale=locale,
    )


def _text(value: str) -> str:
    return _UNSEEN.sub("", _BREAKS.sub("\n", value)).strip()


def _line(value: str) -> str:
    return " ".join(_UNSEEN.sub(" ", value).split())
