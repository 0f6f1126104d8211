"""How visitors may chat: what they are asked first, what they agree to, for how long they may come back, and who is invited."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from desk.models import Setting, TicketField
from desk.queries.tickets.own_fields import fields_asked

SETTING = "chat"
NOT_ASKED, OPTIONAL, REQUIRED = "no", "optional", "required"
ASKED = (NOT_ASKED, OPTIONAL, REQUIRED)
LANGS = ("en", "zh")
# Whoever complains or reads what becomes of their data is not to be disturbed there.
_LEFT_ALONE = re.compile(r"complain|privacy|consent|gdpr|投诉|隐私", re.IGNORECASE)


@dataclass(frozen=True)
class Invitation:
    """Who has been on a page for `after_s` seconds is asked whether they would like to chat.

    `page` is a path such as /plans/*, or with the site before it: shop.example.com/plans/*.
    """

    page: str
    after_s: int
    text: Mapping[str, str]

    def is_for(self, url: str) -> bool:
        """Whether the page with this address is meant."""
        parts = urlsplit(url)
        path = parts.path or "/"
        return fnmatchcase(path if self.page.startswith("/") else f"{parts.hostname or ''}{path}", self.page)


@dataclass(frozen=True)
class ChatRules:
    """`fields` are those of our own fields that the form asks, {key: optional or required}.

    `consent` is the text in each language, empty for none, and `consent_version` counts its wordings. A chat that is over can be
    taken up again for `reopen_h` hours. Where `most_waiting` are in the line already (0: any number), a newcomer is offered the
    other ways.
    """

    phone: str = NOT_ASKED
    fields: Mapping[str, str] = field(default_factory=dict)
    consent: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(LANGS, ""))
    consent_version: int = 0
    reopen_h: int = 24
    most_waiting: int = 0
    invitations: tuple[Invitation, ...] = ()

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> ChatRules:
        """The rules as they were kept; what was not known then is as it ships."""
        known = {each.name: kept[each.name] for each in fields(cls) if each.name in kept}
        known["invitations"] = tuple(Invitation(**each) for each in known.get("invitations", ()))
        return cls(**known)

    def to_dict(self) -> dict[str, Any]:
        kept = asdict(self)
        return {**kept, "invitations": [dict(each) for each in kept["invitations"]]}

    @property
    def asks_consent(self) -> bool:
        return any(self.consent.values())

    def consent_in(self, lang: str) -> str:
        """What a visitor of this language agrees to; in the other language rather than unsaid."""
        return self.consent.get(lang) or next(filter(None, self.consent.values()), "")


def chat_rules(session: Session) -> ChatRules:
    """The rules that hold now."""
    row = session.get(Setting, SETTING)
    return ChatRules() if row is None else ChatRules.from_dict(row.value)


def asked_first(session: Session, rules: ChatRules) -> list[TicketField]:
    """Our own fields that the form before a chat asks, in their order."""
    return [each for each in fields_asked(session) if each.key in rules.fields] if rules.fields else []


def invitation_on(rules: ChatRules, url: str) -> Invitation | None:
    """The first invitation for this page, if it is one on which somebody may be spoken to."""
    if _LEFT_ALONE.search(url):
        return None
    return next((each for each in rules.invitations if each.is_for(url)), None)
