"""The doors for mail: our addresses with their queues, and the mailboxes elsewhere that we fetch from."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.mail.accounts import AFTERS, AUTHS, TLS_MODES, set_account
from desk.actions.mail.addresses import set_address
from desk.errors import Invalid
from desk.http.context import installation, reading, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.models import MailAccount, MailAddress, Queue
from desk.queries.mail import ledger as seen
from desk.web.admin.page import field_errors, page

pages = Blueprint("mail_doors", __name__)


@pages.get("/admin/mail/addresses")
@needs(Right.READ_SETTINGS)
def addresses() -> str:
    return _addresses({}, {})


@pages.post("/admin/mail/addresses")
@needs(Right.ADMINISTER)
def save_address() -> Response | tuple[str, int]:
    """Add an address, or change the one whose id is given."""
    form = request.form
    try:
        with writing() as tx:
            row = seen.address(tx.session, whole(form.get("id", "")) or 0) if form.get("id") else MailAddress()
            queue = tx.session.get(Queue, whole(form.get("queue", "")) or 0)
            set_address(
                tx,
                row,
                address=form.get("address", ""),
                queue=queue,
                name=form.get("name", ""),
                name_zh=form.get("name_zh", ""),
                active=form.get("active") == "1",
            )
    except Invalid as wrong:
        return _addresses(dict(form), field_errors(wrong)), wrong.status
    flash(gettext("Saved. It holds from now on."), "good")
    return redirect(url_for("mail_doors.addresses"), 303)


@pages.get("/admin/mail/accounts")
@needs(Right.READ_SETTINGS)
def accounts() -> str:
    with reading() as session:
        return page("mail/accounts.html", found=seen.accounts(session))


@pages.get("/admin/mail/accounts/new")
@needs(Right.ADMINISTER)
def new_account() -> str:
    return _account(None, {}, {})


@pages.post("/admin/mail/accounts/new")
@needs(Right.ADMINISTER)
def add_account() -> Response | tuple[str, int]:
    return _save(None)


@pages.get("/admin/mail/accounts/<int:account_id>")
@needs(Right.ADMINISTER)
def one_account(account_id: int) -> str:
    with reading() as session:
        return _account(seen.account(session, account_id), {}, {})


@pages.post("/admin/mail/accounts/<int:account_id>")
@needs(Right.ADMINISTER)
def change_account(account_id: int) -> Response | tuple[str, int]:
    return _save(account_id)


def _save(account_id: int | None) -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            row = MailAccount(secret="", last_error="") if account_id is None else seen.account(tx.session, account_id)
            set_account(tx, row, request.form.to_dict(), key=installation().secret)
    except Invalid as wrong:
        with reading() as session:
            old = None if account_id is None else seen.account(session, account_id)
        return _account(old, request.form.to_dict(), field_errors(wrong)), wrong.status
    flash(gettext("Saved. The mailbox is being looked into."), "good")
    return redirect(url_for("mail_doors.accounts"), 303)


def _addresses(filled: dict[str, str], errors: dict[str, str]) -> str:
    with reading() as session:
        return page(
            "mail/addresses.html",
            found=seen.addresses(session),
            queues=seen.queues(session),
            filled=filled,
            errors=errors,
            settings=installation().settings,
        )


def _account(account: MailAccount | None, filled: dict[str, str], errors: dict[str, str]) -> str:
    return page(
        "mail/account.html", account=account, filled=filled, errors=errors, tls_modes=TLS_MODES, auths=AUTHS, afters=AFTERS
    )
