"""Links by mail that let whoever reads that mailbox in, once: staff to a new password, customers to their own tickets.

Who asks for one learns nothing: the answer is the same whether or not we know the address. Only a digest of a link is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from desk.actions.mail.outbox import queue_mail
from desk.actions.people.agents import end_sessions
from desk.errors import NotFound
from desk.models import Agent, ContactPoint, MailedLink
from desk.models.mailed_link import PASSWORD, PORTAL
from desk.sentences import N_
from desk.store import Tx

GOOD_FOR = timedelta(minutes=30)
VISIT = timedelta(hours=12)  # how long a customer who came by a link stays signed in
MOST_PER_HOUR = 5  # links to one address; who asks more often gets none, and is not told
GONE = N_("This link does not work any more. Please ask for a new one.")

# In the reader's language, on lines of their own: mail programs make an address at the end of a line a link.
TEXTS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    PASSWORD: {
        "en": (
            "A new password for the desk",
            (
                "Somebody, probably you, asked for a new password for {email}. Choose it here within 30 minutes:\n{link}\n\n"
                "If it was not you, you need not do anything: your password stays as it is."
            ),
        ),
        "zh": (
            "重设服务台密码",
            (
                "您好！有人（应该是您本人）申请重设 {email} 的密码。请在 30 分钟内打开下面的链接设置新密码：\n{link}\n\n"
                "如果不是您本人操作，无需理会本邮件，原密码不受影响。"
            ),
        ),
    },
    PORTAL: {
        "en": (
            "Your link to your requests",
            (
                "Here you see all that you have asked us about, and can go on with it. The link works once, for 30 minutes:\n"
                "{link}\n\nIf you did not ask for it, you need not do anything."
            ),
        ),
        "zh": (
            "查看您的服务记录",
            (
                "您好！打开下面的链接，即可查看您向我们提出的全部问题并继续沟通。链接 30 分钟内有效，只能使用一次：\n{link}\n\n"
                "如果您没有提出过这个请求，无需理会本邮件。"
            ),
        ),
    },
}


def mail_password_link(tx: Tx, email: str) -> bool:
    """Send a link to choose a new password, if somebody who may sign in has this address. Returns whether one was sent."""
    email = email.strip().lower()
    agent = tx.session.scalar(select(Agent).where(Agent.email == email, Agent.active))
    if agent is None or not _send(tx, PASSWORD, email, agent.locale, "/login/new/", agent):
        return False
    tx.emit("agent.password_asked", agent=agent)
    return True


def mail_portal_link(tx: Tx, email: str, locale: str) -> bool:
    """Send a link to a customer's own tickets, if a customer has this address. Returns whether one was sent."""
    email = email.strip().lower()
    known = select(ContactPoint.id).where(ContactPoint.kind == "email", ContactPoint.value == email)
    return tx.session.scalar(known) is not None and _send(tx, PORTAL, email, locale, "/portal/enter/", None)


def good_link(session: Session, kind: str, key: str, now: datetime) -> MailedLink:
    """The link with this secret, as long as it can be used; raises `NotFound` otherwise."""
    link = _by_key(session, kind, key)
    if link is None or link.used_at is not None or link.expires_at <= now:
        raise NotFound(GONE)
    return link


def choose_password(tx: Tx, key: str, hashed: str) -> Agent:
    """Set the password (its hash) by a link, which is used up with all others; the person is signed out everywhere."""
    link = good_link(tx.session, PASSWORD, key, tx.now)
    tx.session.refresh(link, with_for_update=True)
    link = good_link(tx.session, PASSWORD, key, tx.now)  # two that come at once: the second finds it used
    agent = tx.session.get_one(Agent, link.agent_id)
    if not agent.active:
        raise NotFound(GONE)
    others = update(MailedLink).where(MailedLink.agent_id == agent.id, MailedLink.used_at.is_(None))
    tx.session.execute(others.values(used_at=tx.now))
    set_password(tx, agent, hashed)
    return agent


def set_password(tx: Tx, agent: Agent, hashed: str) -> None:
    """Whoever knew the old one is out, wherever they are signed in."""
    agent.password_hash = hashed
    tx.emit("agent.password_set", agent=agent)
    end_sessions(tx, agent)


def begin_visit(tx: Tx, key: str) -> MailedLink:
    """A customer comes in by their link, which is used up by that."""
    link = good_link(tx.session, PORTAL, key, tx.now)
    tx.session.refresh(link, with_for_update=True)
    link = good_link(tx.session, PORTAL, key, tx.now)
    link.used_at = tx.now
    return link


def visit_of(session: Session, key: str, now: datetime) -> MailedLink | None:
    """The visit that began by this link, as long as it goes on."""
    link = _by_key(session, PORTAL, key)
    if link is None or link.used_at is None or link.ended_at is not None or link.used_at + VISIT <= now:
        return None
    return link


def end_visit(tx: Tx, key: str) -> None:
    """The customer goes; a visit that is over already is no error."""
    link = visit_of(tx.session, key, tx.now)
    if link is not None:
        link.ended_at = tx.now


def _by_key(session: Session, kind: str, key: str) -> MailedLink | None:
    return session.scalar(select(MailedLink).where(MailedLink.key_hash == _digest(key), MailedLink.kind == kind))


def _send(tx: Tx, kind: str, email: str, locale: str, path: str, agent: Agent | None) -> bool:
    recent = select(func.count()).where(MailedLink.email == email, MailedLink.created_at > tx.now - timedelta(hours=1))
    if (tx.session.scalar(recent) or 0) >= MOST_PER_HOUR:
        return False
    key = secrets.token_urlsafe(32)
    tx.session.add(
        MailedLink(
            kind=kind,
            key_hash=_digest(key),
            email=email,
            agent_id=agent.id if agent else None,
            created_at=tx.now,
            expires_at=tx.now + GOOD_FOR,
        )
    )
    subject, text = TEXTS[kind]["zh" if locale == "zh" else "en"]
    text = text.format(email=email, link=f"{tx.settings.base_url}{path}{key}")
    payload = {"kind": "letter", "to": [email], "subject": subject, "text": text}
    queue_mail(tx, ticket_id=None, message=None, payload=payload, automatic=True)
    return True


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
