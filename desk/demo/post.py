"""Mails that customers of the demo write: built and sent by SMTP to the desk's own door, as any mail server would."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

from channels.email.compose import compose
from channels.email.sender import SmtpSender
from channels.message import Contact, Outbound, SendFailed
from desk.config import Settings

ANYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - recognised, not bound to


def send_mail(
    settings: Settings,
    sender: Contact,
    subject: str,
    text: str,
    *,
    at: datetime,
    to: str = "",
    in_reply_to: str = "",
    references: tuple[str, ...] = (),
) -> None:
    """Send one mail to the desk (or to the reply address `to`) in this person's name. Raises `SendFailed`.

    Call it outside of any transaction: the desk writes when it receives.
    """
    outbound = Outbound(
        channel="email",
        recipients=(Contact("email", to or settings.mail_from),),
        subject=subject,
        text=text,
        in_reply_to=in_reply_to,
        references=references,
    )
    domain = sender.value.rpartition("@")[2]
    raw = compose(outbound, from_address=sender.value, from_name=sender.name, domain=domain, date=at)
    host = "127.0.0.1" if settings.smtp_host in ANYWHERE else settings.smtp_host
    with closing(SmtpSender(host, settings.smtp_port, timeout=10)) as relay:
        [answer] = relay.send(sender.value, [to or settings.mail_from], raw).values()
    if not answer.accepted:
        raise SendFailed(f"{answer.code} {answer.text}", retryable=answer.retryable)
