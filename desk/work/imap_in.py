"""The second door: mailboxes elsewhere, by IMAP, each on a thread of its own. What was kept is moved or marked, never deleted."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import select
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

from sqlalchemy import select as query

from channels.email.imap import LARGEST_MAIL, PAGE, Access, Mailbox, MailboxError
from channels.email.oauth import access_token
from desk.actions.mail.accounts import FROM_NOW, PURPOSE, record_failure, record_fetched
from desk.actions.mail.spool import Delivery, Refusal, note_refused
from desk.errors import DeskError
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import MailAccount, RawMail, SpooledMail
from desk.models.mail_in import IMAP
from desk.sealed import unseal

log = logging.getLogger(__name__)

POLL_S = 30.0  # where the server cannot say that mail has come
FIRST_RETRY_S, LAST_RETRY_S = 2.0, 300.0
MOST_BYTES = 32 * 1024 * 1024  # fetched at a time
JUST_NOW = timedelta(minutes=10)  # before the last fetch: what was kept then may not have been put away
LAST_WORDS_S = 5.0  # for a page that is being kept, and for taking leave; what was kept is known again
LOOK_S = 30.0  # for accounts that another process has changed


class ImapDoor:
    """Keeps one fetcher for each active account; `kept` is called when there is mail to be read."""

    def __init__(self, desk: Installation, *, kept: Callable[[], None]) -> None:
        self._desk = desk
        self._kept = kept
        self._fetchers: dict[int, _Fetcher] = {}

    def turn(self) -> float:
        """Begin with accounts that are new, begin anew with those that were changed, end those that are not active."""
        with self._desk.store.read() as session:
            accounts = {row.id: row for row in session.scalars(query(MailAccount).where(MailAccount.active))}
        for account_id, fetcher in list(self._fetchers.items()):
            account = accounts.get(account_id)
            if account is None or _settings_of(account) != fetcher.settings or not fetcher.alive:
                self._fetchers.pop(account_id).stop()
        for account_id, account in accounts.items():
            if account_id not in self._fetchers:
                fetcher = self._fetchers[account_id] = _Fetcher(self._desk, account, self._kept)
                fetcher.start()
        return LOOK_S

    def close(self) -> None:
        """End all fetchers, all at once: a server that does not answer keeps nobody waiting for long."""
        for fetcher in self._fetchers.values():
            fetcher.end()
        until = self._desk.clock.monotonic() + LAST_WORDS_S
        for fetcher in self._fetchers.values():
            fetcher.stop(until - self._desk.clock.monotonic())
        self._fetchers.clear()


class _Fetcher:
    """Fetches one account until it is stopped; whatever goes wrong is written on the account and tried again later."""

    def __init__(self, desk: Installation, account: MailAccount, kept: Callable[[], None]) -> None:
        self._desk = desk
        self._id = account.id
        self.settings = _settings_of(account)
        self._kept = kept
        self._stopping = False
        self._hear, self._ring = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"imap-{account.id}", daemon=True)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Let it finish what it has begun; does not wait for that."""
        if not self._stopping:
            self._stopping = True
            os.write(self._ring, b"!")

    def stop(self, patience_s: float = LAST_WORDS_S) -> None:
        self.end()
        self._thread.join(timeout=max(0.0, patience_s))
        if not self._thread.is_alive():
            os.close(self._hear)
            os.close(self._ring)

    def _run(self) -> None:
        pause = FIRST_RETRY_S
        while not self._stopping:
            fetched_once = threading.Event()
            try:
                self._follow(fetched_once)
            except MailboxError as error:
                log.warning("mailbox %s: %s", self._id, error)
                self._tell(str(error))
                if error.wrong:
                    pause = LAST_RETRY_S
            except DeskError as error:
                log.warning("mailbox %s waits: %s", self._id, error)
                self._tell(str(error))
            except Exception:
                log.exception("mailbox %s stumbled and is tried again", self._id)
                self._tell("something went wrong here; the log says what")
            if fetched_once.is_set():
                pause = FIRST_RETRY_S
            if not self._stopping:
                select.select([self._hear], [], [], pause)
            pause = min(pause * 2, LAST_RETRY_S)

    def _follow(self, fetched_once: threading.Event) -> None:
        with self._desk.store.read() as session:
            account = session.get_one(MailAccount, self._id)
        with contextlib.closing(self._opened(account)) as mailbox:
            last = account.last_uid
            if last == FROM_NOW:
                last = max(0, mailbox.next_uid - 1)
            elif mailbox.validity != account.uid_validity:
                last = 0  # the folder was made anew; what came before is known again by what it says
            else:
                self._put_away_the_rest(mailbox, account)
            while not self._stopping:
                last = self._fetch(mailbox, account, last)
                fetched_once.set()
                if mailbox.can_idle:
                    mailbox.idle(self._hear)
                else:
                    select.select([self._hear], [], [], POLL_S)

    def _opened(self, account: MailAccount) -> Mailbox:
        """The folder, open. A token that is refused may have been called back: another is asked for, once."""
        try:
            return self._open(account)
        except MailboxError as error:
            if account.auth != "xoauth2" or not error.wrong:
                raise
        return self._open(account)

    def _open(self, account: MailAccount) -> Mailbox:
        with contextlib.ExitStack() as stack:
            mailbox = stack.enter_context(contextlib.closing(Mailbox(self._access(account))))
            mailbox.open()
            stack.pop_all()
            return mailbox

    def _put_away(self, mailbox: Mailbox, account: MailAccount, uids: list[int]) -> None:
        if uids and account.after == "move":
            mailbox.move(uids, account.after_folder)
        elif uids:
            mailbox.flag(uids)

    def _put_away_the_rest(self, mailbox: Mailbox, account: MailAccount) -> None:
        """What was kept, but neither moved nor marked because we, or the server, went away between the two.

        Known by its bytes, so that what was there before us and what an administrator put back stays untouched.
        """
        if account.last_uid <= 0 or account.fetched_at is None:
            return
        uids = mailbox.old_uids(account.last_uid, unread=account.after != "move")
        if not uids:
            return
        known = self._kept_lately(account)
        sizes = mailbox.sizes(uids)
        for uid in uids:
            if sizes.get(uid, 0) in known:
                same = [mail.uid for mail in mailbox.fetch([uid]) if hashlib.sha256(mail.raw).hexdigest() in known[sizes[uid]]]
                self._put_away(mailbox, account, same)

    def _kept_lately(self, account: MailAccount) -> dict[int, set[str]]:
        """Size and hash of what was kept with the last fetch, read since or not."""
        address, known = account.address or self._desk.settings.mail_from, dict[int, set[str]]()
        with self._desk.store.read() as session:
            since = (RawMail.mailbox == address, RawMail.received_at >= account.fetched_at - JUST_NOW, RawMail.door == IMAP)
            pairs = [tuple(row) for row in session.execute(query(RawMail.size, RawMail.sha256).where(*since))]
            waiting = query(SpooledMail.raw).where(SpooledMail.door == IMAP, SpooledMail.mailbox == address)
            raws = session.scalars(waiting.execution_options(yield_per=1))
            pairs += [(len(raw), hashlib.sha256(raw).hexdigest()) for raw in raws]
        for size, sha256 in pairs:
            known.setdefault(size, set()).add(sha256)
        return known

    def _fetch(self, mailbox: Mailbox, account: MailAccount, last: int) -> int:
        """Everything new, a page at a time; returns the last UID."""
        uids = mailbox.new_uids(last)
        if not uids:
            self._keep(account, mailbox, [], last)
        for page in self._pages(mailbox, account, uids):
            address = account.address or self._desk.settings.mail_from
            now = self._desk.clock.now()
            mails = sorted(mailbox.fetch(page), key=lambda mail: mail.uid)
            deliveries = [Delivery(IMAP, address, "", (address,), account.host, now, mail.raw) for mail in mails]
            last = page[-1]
            self._keep(account, mailbox, deliveries, last)
            self._put_away(mailbox, account, [mail.uid for mail in mails])
            if self._stopping:
                break
        if uids and last != uids[-1] and not self._stopping:
            last = uids[-1]  # what was too large stays where it is
            self._keep(account, mailbox, [], last)
        return last

    def _keep(self, account: MailAccount, mailbox: Mailbox, deliveries: list[Delivery], last: int) -> None:
        with self._desk.store.tx(SYSTEM) as tx:
            record_fetched(tx, account.id, deliveries, validity=mailbox.validity, last_uid=last)
        if deliveries:
            self._kept()

    def _pages(self, mailbox: Mailbox, account: MailAccount, uids: list[int]) -> Iterator[list[int]]:
        """As many at a time as are light enough; one that is too large stays where it is, and the ledger says so."""
        for start in range(0, len(uids), PAGE):
            some = uids[start : start + PAGE]
            sizes = mailbox.sizes(some)
            page: list[int] = []
            weight = 0
            for uid in some:
                size = sizes.get(uid, 0)
                if size > LARGEST_MAIL:
                    self._too_large(account, size)
                    continue
                if page and weight + size > MOST_BYTES:
                    yield page
                    page, weight = [], 0
                page.append(uid)
                weight += size
            if page:
                yield page

    def _too_large(self, account: MailAccount, size: int) -> None:
        address = account.address or self._desk.settings.mail_from
        with self._desk.store.tx(SYSTEM) as tx:
            now = self._desk.clock.now()
            note_refused(tx, [Refusal("", address, account.host, now, f"{size} bytes: left in the folder {account.folder}")])

    def _access(self, account: MailAccount) -> Access:
        secret = unseal(self._desk.secret, PURPOSE, account.secret)
        if account.auth == "xoauth2" and secret.startswith("{"):
            told = json.loads(secret)
            secret = access_token(told["token_url"], told["client_id"], told["client_secret"], told["refresh_token"])
        return Access(account.host, account.port, account.tls, account.user, account.auth, secret, account.folder)

    def _tell(self, reason: str) -> None:
        with contextlib.suppress(DeskError), self._desk.store.tx(SYSTEM) as tx:
            record_failure(tx, self._id, reason)


def _settings_of(account: MailAccount) -> tuple[object, ...]:
    """What makes it another mailbox when it changes; how far it has been fetched does not."""
    names = ("host", "port", "tls", "user", "auth", "secret", "folder", "after", "after_folder", "address")
    return tuple(getattr(account, name) for name in names)
