"""What a visitor fills in: the form before a chat, and the message left when nobody is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels.chat.words import MOST_CHARACTERS, N_, clean, clean_line

TOPICS = ("billing", "technical", "delivery", "product", "other")
LOCALES = ("en", "zh")
_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\".]+")
_CLIENT_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class Refused(ValueError):
    """The form cannot be used; `fields` maps a field's name to one English sentence, which is also its key for translation."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("; ".join(fields.values()))
        self.fields = fields


@dataclass(frozen=True)
class VisitorForm:
    """A filled-in form. `client_id` is the browser's id of the message in it: sent twice, it counts once."""

    client_id: str
    name: str
    email: str
    topic: str
    text: str
    locale: str
    page_url: str


def read_opening(data: Mapping[str, Any]) -> VisitorForm:
    """The form before a chat: a name, a topic and a question; e-mail if the visitor likes. Raises `Refused`."""
    return _read(data, email_needed=False)


def read_letter(data: Mapping[str, Any]) -> VisitorForm:
    """The message left when nobody is there; it needs an address to answer to. Raises `Refused`."""
    return _read(data, email_needed=True)


def read_said(data: Mapping[str, Any]) -> tuple[str, str]:
    """Client id and text of one chat message. Raises `Refused`."""
    client_id, text = read_client_id(data), clean(data.get("text"))
    _raise({"text": _text_fault(text, N_("Please write something before sending."))})
    return client_id, text


def read_client_id(data: Mapping[str, Any]) -> str:
    """The browser's id of a message. Raises `Refused` for what no browser of ours makes up."""
    client_id = data.get("client_id")
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise Refused({"client_id": N_("This message came without its id. Load the page again.")})
    return client_id


def _read(data: Mapping[str, Any], *, email_needed: bool) -> VisitorForm:
    client_id = read_client_id(data)
    name, email = clean_line(data.get("name"), 100), clean_line(data.get("email"), 255).lower()
    topic, text = data.get("topic", "other"), clean(data.get("text"))
    _raise(
        {
            "name": "" if name else N_("Please tell us your name."),
            "email": _email_fault(email, needed=email_needed),
            "topic": "" if topic in TOPICS else N_("Please choose what it is about."),
            "text": _text_fault(text, N_("Please write your question.")),
        }
    )
    locale = data.get("locale")
    return VisitorForm(
        client_id=client_id,
        name=name,
        email=email,
        topic=str(topic),
        text=text,
        locale=locale if isinstance(locale, str) and locale in LOCALES else "",
        page_url=_page(data.get("page_url")),
    )


def _email_fault(email: str, *, needed: bool) -> str:
    if not email:
        return N_("Please give an e-mail address, so that we can answer you.") if needed else ""
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        return N_("This is no e-mail address. It should look like name@example.com.")
    return ""


def _text_fault(text: str, when_empty: str) -> str:
    if not text:
        return when_empty
    return "" if len(text) <= MOST_CHARACTERS else N_("This is too long for one message: please keep it under 5,000 characters.")


def _page(value: object) -> str:
    """The address of the page the visitor is on, without what comes after "?": that may hold secrets."""
    page = clean_line(value, 500).partition("?")[0].partition("#")[0]
    return page if page.startswith(("https://", "http://")) else ""


def _raise(faults: dict[str, str]) -> None:
    fields = {name: fault for name, fault in faults.items() if fault}
    if fields:
        raise Refused(fields)
