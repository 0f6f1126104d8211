"""A letter or a fax as somebody at the desk types it in: its words and its sender become one `Inbound`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, get_args

from channels.form import MAX_LINE, clean, nobody, one_line
from channels.message import Contact, Inbound

Kind = Literal["letter", "fax"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_ADDRESS = 500


@dataclass(frozen=True)
class Paper:
    """What stood on it, cleaned of what cannot be seen but not yet judged. `token` names one filling of the form.

    `day` is its date stamp as written (2026-11-18); `address` a postal one, in one line.
    """

    token: str
    kind: str
    day: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""
    subject: str = ""
    text: str = ""
    locale: str = ""
    anonymous: bool = False


def read_paper(values: Mapping[str, str]) -> Paper:
    """The form as sent by a browser; unknown fields are ignored, missing ones are empty."""
    lines = ("token", "kind", "day", "name", "email", "phone", "subject", "locale")
    address = ", ".join(line.strip() for line in values.get("address", "").splitlines() if line.strip())
    paper = Paper(
        **{name: one_line(values.get(name, "")) for name in lines},
        address=one_line(address),
        text=clean(values.get("text", "")),
    )
    return replace(paper, anonymous=True, name="", email="", phone="", address="") if values.get("anonymous") else paper


def sender_of(paper: Paper) -> Contact:
    """By what its sender is known to us: their mail address, else their number, else where they live; if by anything."""
    if paper.anonymous:
        return nobody(paper.token[:MAX_LINE], paper.locale)
    kind = next((kind for kind in ("email", "phone") if getattr(paper, kind)), "post")
    value = {"email": paper.email.lower(), "phone": paper.phone, "post": post(paper.name, paper.address)}[kind]
    return Contact(kind, value, paper.name)  # type: ignore[arg-type]


def post(name: str, address: str) -> str:
    """Who lives at an address: several do, so their name belongs to it."""
    return f"{name}, {address}"


def to_inbound(paper: Paper, kind: Kind, day: date) -> Inbound:
    """The paper as something received. The same filling sent twice is the same paper."""
    told = {"received": day.isoformat(), "address": paper.address, "phone": paper.phone, "email": paper.email}
    return Inbound(
        channel=kind,
        external_id=f"paper:{paper.token[:MAX_LINE]}",
        sender=sender_of(paper),
        text=paper.text,
        reply_text=paper.text,
        subject=paper.subject,
        locale=paper.locale,
        meta={"paper": {name: value for name, value in told.items() if value}},
    )
