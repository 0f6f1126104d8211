"""Mailboxes elsewhere that we fetch from: set up by an administrator, and how far each has been fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from desk.actions.mail.spool import Delivery, keep_fetched
from desk.actions.people import customers
from desk.errors import Invalid
from desk.models import MailAccount
from desk.sealed import seal
from desk.sentences import N_
from desk.store import Tx

PURPOSE = "mail account"
TLS_MODES, AUTHS, AFTERS = ("tls", "starttls", "none"), ("password", "xoauth2"), ("flag", "move")
FROM_NOW = -1  # as the last UID: what is in the folder already is left alone
OAUTH = ("token_url", "client_id", "client_secret", "refresh_token")


def set_account(tx: Tx, account: MailAccount, form: Mapping[str, str], *, key: bytes) -> MailAccount:
    """Add or change an account from what was filled in; an empty secret keeps the old one.

    Raises `Invalid` with a sentence for each field that is wrong. Another server, user or folder is fetched anew.
    """
    wrong = _mistakes(account, form)
    if wrong:
        raise Invalid("This mailbox cannot be used like that.", wrong)
    where = (account.host, account.port, account.user, account.folder)
    account.name = form["name"].strip()[:100]
    account.host, account.port = form["host"].strip().lower()[:253], int(form["port"])
    account.tls, account.auth, account.after = form["tls"], form["auth"], form["after"]
    account.user, account.folder = form["user"].strip()[:254], form["folder"].strip()[:200]
    account.after_folder = form.get("after_folder", "").strip()[:200]
    account.address = form.get("address", "").strip().lower()
    account.active = form.get("active") == "1"
    if form.get("secret"):
        account.secret = seal(key, PURPOSE, form["secret"].strip())
    if account.id is None or where != (account.host, account.port, account.user, account.folder):
        account.uid_validity = 0
        account.last_uid = 0 if form.get("begin") == "all" else FROM_NOW
    account.last_error, account.failing_since = "", None
    if account.id is None:
        account.created_at = tx.now
        account.fetched = 0
        tx.session.add(account)
        tx.session.flush()
    tx.emit("mail_account.changed", data={"id": account.id, "name": account.name, "active": account.active})
    return account


def record_fetched(tx: Tx, account_id: int, deliveries: Sequence[Delivery], *, validity: int, last_uid: int) -> None:
    """Keep what was fetched and how far that is, in one: a mail is never fetched twice nor forgotten."""
    account = tx.session.get_one(MailAccount, account_id, with_for_update=True)
    account.uid_validity, account.last_uid, account.fetched_at = validity, last_uid, tx.now
    account.fetched += len(deliveries)
    if deliveries:
        keep_fetched(tx, deliveries)
    if account.last_error:
        account.last_error, account.failing_since = "", None
        tx.emit("mail_account.recovered", data={"id": account_id, "name": account.name})


def record_failure(tx: Tx, account_id: int, reason: str) -> None:
    """It could not be fetched; said once, shown until it goes again."""
    account = tx.session.get(MailAccount, account_id)
    if account is None:
        return
    if not account.last_error:
        account.failing_since = tx.now
        tx.emit("mail_account.failed", data={"id": account_id, "name": account.name})
    account.last_error = reason[:500]


def _mistakes(account: MailAccount, form: Mapping[str, str]) -> dict[str, str]:
    asked = {
        "name": N_("Give the mailbox a name."),
        "host": N_("Which server is it on?"),
        "user": N_("Which user signs in there?"),
        "folder": N_("Which folder is to be fetched? Mostly it is INBOX."),
    }
    wrong = {name: words for name, words in asked.items() if not form.get(name, "").strip() or _has_controls(form[name])}
    port = form.get("port", "")
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:9]) < 65536:
        wrong["port"] = N_("A port is a number from 1 to 65535; for TLS it is mostly 993.")
    for field, choices in (("tls", TLS_MODES), ("auth", AUTHS), ("after", AFTERS)):
        if form.get(field) not in choices:
            wrong[field] = N_("Choose one of these.")
    if form.get("after") == "move" and not form.get("after_folder", "").strip():
        wrong["after_folder"] = N_("Into which folder is fetched mail to be moved?")
    if not account.secret and not form.get("secret"):
        wrong["secret"] = N_("Without a password or token nobody gets in.")
    elif form.get("auth") == "xoauth2" and form.get("secret", "").lstrip().startswith("{") and not _oauth(form["secret"]):
        wrong["secret"] = N_("Give token_url (https), client_id, client_secret and refresh_token as JSON, or an access token.")
    if form.get("address", "").strip():
        try:
            customers.normal("email", form["address"])
        except Invalid:
            wrong["address"] = N_("This is no mail address.")
    return wrong


def _oauth(text: str) -> dict[str, Any] | None:
    try:
        told = json.loads(text)
    except ValueError:
        return None
    good = isinstance(told, dict) and all(isinstance(told.get(name), str) for name in OAUTH)
    return told if good and urlsplit(told["token_url"]).scheme in ("https", "http") else None


def _has_controls(text: str) -> bool:
    return any(ord(letter) < 32 or ord(letter) == 127 for letter in text)
