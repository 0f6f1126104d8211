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
NOBODY = {"en": "Anonymous", "zh": "匿名"}
_BREAKS = re.compile(r"\r\n?")
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class ComplaintForm:
    """What somebody filled in, cleaned of what cannot be seen but not yet judged. `token` names one filling of the form.

    Where it is `anonymous` there is neither a name nor a contact in it, whatever was typed. With a `relation` it is about
    somebody else's matter, of whom `for_name` and `for_email` tell.
    """

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
    anonymous: bool = False
    relation: str = ""
    for_name: str = ""
    for_email: str = ""


def read_complaint(values: Mapping[str, str], locale: str) -> ComplaintForm:
    """The form as sent by a browser; unknown fields are ignored, missing ones are empty."""
    nameless = bool(values.get("anonymous"))
    contact = {name: "" if nameless else one_line(values.get(name, "")) for name in ("name", "email", "phone")}
    spoken_for = {name: "" if nameless else one_line(values.get(name, "")) for name in ("relation", "for_name", "for_email")}
    return ComplaintForm(
        token=one_line(values.get("token", "")),
        statement=clean(values.get("statement", "")),
        remedy_wanted=clean(values.get("remedy_wanted", "")),
        product=one_line(values.get("product", "")),
        order_number=one_line(values.get("order_number", "")),
        category=one_line(values.get("category", "")),
        locale=locale if locale in WANTED else "en",
        anonymous=nameless,
        **contact,
        **spoken_for,
    )


def to_inbound(form: ComplaintForm) -> Inbound:
    """The complaint as something received. The sender is the mail address if there is one, else the phone number, else nobody.

    There is no subject, so that words of the complainant can never join it to another ticket.
    """
    sender = Contact("email", form.email.lower(), form.name) if form.email else Contact("phone", form.phone, form.name)
    if form.anonymous:
        sender = nobody(form.token, form.locale)
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


def nobody(token: str, locale: str) -> Contact:
    """Somebody who does not say who they are: another one each time."""
    return Contact("chat", f"anonymous:{token}", NOBODY["zh" if locale == "zh" else "en"])


def addition(token: str, sender: Contact, text: str, locale: str) -> Inbound:
    """What a complainant adds on the status page. `token` names one filling of that form."""
    text = clean(text)
    return Inbound(channel="form", external_id=f"addition:{token}", sender=sender, text=text, reply_text=text, locale=locale)


def enquiry(values: Mapping[str, str], locale: str) -> Inbound:
    """What somebody asks on our site, from the values of its form. Without a subject, so that no word can join it to a ticket."""
    text = clean(values["text"])
    return Inbound(
        channel="form",
        external_id=f"enquiry:{one_line(values['token'])[:MAX_LINE]}",
        sender=Contact("email", one_line(values["email"]).lower(), one_line(values["name"])),
        text=text,
        reply_text=text,
        locale=locale,
    )


def clean(value: str) -> str:
    """Without what cannot be seen, and with one kind of line break."""
    return _UNSEEN.sub("", _BREAKS.sub("\n", value)).strip()


def one_line(value: str) -> str:
    """The same on one line."""
    return " ".join(_UNSEEN.sub(" ", value).split())
