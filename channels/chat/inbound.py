"""From what the visitor sent to the one value that the desk takes in."""

from __future__ import annotations

from channels.chat.form import VisitorForm
from channels.message import Contact, Inbound


def opening(form: VisitorForm, *, external_id: str, identity: str) -> Inbound:
    """The first message of a chat, from the address given or else from the browser's chat identity."""
    return Inbound(
        channel="chat",
        external_id=external_id,
        sender=_sender(form, identity),
        text=form.text,
        locale=form.locale,
        meta={"page": form.page_url, "topic": form.topic},
    )


def said(text: str, *, external_id: str, sender: Contact, locale: str) -> Inbound:
    """A further message."""
    return Inbound(channel="chat", external_id=external_id, sender=sender, text=text, locale=locale)


def letter(form: VisitorForm, *, identity: str) -> Inbound:
    """A message left when nobody was there."""
    return Inbound(
        channel="form",
        external_id=f"chat:{identity}:{form.client_id}",
        sender=Contact("email", form.email, form.name),
        text=form.text,
        locale=form.locale,
        meta={"page": form.page_url, "topic": form.topic},
    )


def _sender(form: VisitorForm, identity: str) -> Contact:
    return Contact("email", form.email, form.name) if form.email else Contact("chat", identity, form.name)
