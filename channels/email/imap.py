"""A mailbox elsewhere, by IMAP: what is new by UID, waiting for more, and putting away what we have kept. Never deletes."""

from __future__ import annotations

import contextlib
import imaplib
import re
import select
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

PAGE = 50  # mails fetched at a time
LARGEST_MAIL = 50 * 1024 * 1024
TIMEOUT_S = 60.0
IDLE_S = 25 * 60.0  # servers may end an IDLE after half an hour (RFC 2177)
IDLE_TAG = b"IDLE1"

Tls = Literal["tls", "starttls", "none"]


class MailboxError(Exception):
    """The mailbox could not be used; the text is fit to show an administrator. `wrong` says that trying again will not help."""

    def __init__(self, reason: str, *, wrong: bool = False) -> None:
        super().__init__(reason)
        self.wrong = wrong


@dataclass(frozen=True)
class Access:
    """How to get in. `secret` is the password, or the access token for `xoauth2`."""

    host: str
    port: int
    tls: Tls
    user: str
    auth: Literal["password", "xoauth2"]
    secret: str
    folder: str = "INBOX"


@dataclass(frozen=True)
class Fetched:
    """One mail of the folder."""

    uid: int
    raw: bytes


class Mailbox:
    """An open folder. Raises `MailboxError` for whatever goes wrong; then it is closed and a new one is made."""

    def __init__(self, access: Access, *, context: ssl.SSLContext | None = None) -> None:
        self._access = access
        with _told():
            self._imap = self._connect(context or ssl.create_default_context())
        self.validity = self.next_uid = 0

    def open(self) -> None:
        """Sign in and select the folder; `validity` then says which UIDs hold (RFC 3501 §2.3.1.1)."""
        with _told():
            self._sign_in()
            self._check(self._imap.select(_quoted(self._access.folder)), f"the folder “{self._access.folder}” cannot be opened")
            self.validity, self.next_uid = self._told_number("UIDVALIDITY"), self._told_number("UIDNEXT")

    def new_uids(self, after: int) -> list[int]:
        """UIDs above this one, in order."""
        with _told():
            self._imap.untagged_responses.pop("EXISTS", None)  # what is told from now on may be more than we find
            # “n:*” names the last mail even when it is older than n.
            data = self._check(self._imap.uid("SEARCH", "UID", f"{after + 1}:*"), "the folder cannot be searched")
            return sorted(uid for uid in map(int, (data[0] or b"").split()) if uid > after)

    def old_uids(self, up_to: int, *, unread: bool) -> list[int]:
        """The last page of UIDs up to this one that are still here; of those that nobody has read, if so asked."""
        with _told():
            wanted = ["UNSEEN"] if unread else []
            data = self._check(self._imap.uid("SEARCH", "UID", f"1:{up_to}", *wanted), "the folder cannot be searched")
            return sorted(map(int, (data[0] or b"").split()))[-PAGE:]

    def sizes(self, uids: list[int]) -> dict[int, int]:
        """Bytes of each."""
        with _told():
            data = self._check(
                self._imap.uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)"), "the folder cannot be read"
            )
        found = {}
        for part in data:
            line = part[0] if isinstance(part, tuple) else part or b""
            uid, size = re.search(rb"UID (\d+)", line), re.search(rb"RFC822\.SIZE (\d+)", line)
            if uid and size:
                found[int(uid[1])] = int(size[1])
        return found

    def fetch(self, uids: list[int]) -> Iterator[Fetched]:
        """The mails themselves, without marking them as read; one that has gone meanwhile is left out."""
        with _told():
            data = self._check(
                self._imap.uid("FETCH", ",".join(map(str, uids)), "(UID BODY.PEEK[])"), "the mails cannot be fetched"
            )
        for part in data:
            if isinstance(part, tuple):
                found = re.search(rb"UID (\d+)", part[0])
                if found:
                    yield Fetched(int(found[1]), part[1])

    def flag(self, uids: list[int]) -> None:
        """Mark as read and as ours."""
        with _told():
            self._check(self._imap.uid("STORE", ",".join(map(str, uids)), "+FLAGS", r"(\Seen)"), "the mails cannot be marked")
            with contextlib.suppress(imaplib.IMAP4.error, MailboxError):  # not every server takes keywords
                self._check(self._imap.uid("STORE", ",".join(map(str, uids)), "+FLAGS", "($DeskKept)"), "")

    def move(self, uids: list[int], folder: str) -> None:
        """Put into another folder, which is made when it is not there."""
        names = ",".join(map(str, uids))
        with _told():
            if b"MOVE" not in b" ".join(self._imap.capability()[1] or []).upper():
                raise MailboxError("this server cannot move mails; choose to mark them instead", wrong=True)
            if self._imap.uid("MOVE", names, _quoted(folder))[0] != "OK":
                self._imap.create(_quoted(folder))
                self._check(self._imap.uid("MOVE", names, _quoted(folder)), f"the mails cannot be moved to “{folder}”")

    @property
    def can_idle(self) -> bool:
        return "IDLE" in self._imap.capabilities

    def idle(self, wake: Any, seconds: float = IDLE_S) -> bool:
        """Wait until something happens in the folder, `wake` (a file that can be read) says so, or the time is over.

        Returns whether the server said something. Each mail is told of once: also beside the answers since the last search.
        """
        if "EXISTS" in self._imap.untagged_responses:
            return True
        with _told():
            said = False
            self._imap.send(IDLE_TAG + b" IDLE\r\n")
            line = self._imap.readline()
            while line and not line.startswith(b"+"):
                if line.startswith(IDLE_TAG):
                    raise MailboxError("the server does not wait for mail")
                said = said or b"EXISTS" in line
                line = self._imap.readline()
            said = said or self._wait(wake, seconds)
            self._imap.send(b"DONE\r\n")
            while True:
                line = self._imap.readline()
                if not line:
                    raise MailboxError("the connection was lost")
                if line.startswith(IDLE_TAG):
                    return said
                said = said or b"EXISTS" in line

    def close(self) -> None:
        """Leave, whatever state the connection is in."""
        try:
            self._imap.logout()
        except (OSError, imaplib.IMAP4.error):
            with contextlib.suppress(OSError):
                self._imap.shutdown()

    def _connect(self, context: ssl.SSLContext) -> imaplib.IMAP4:
        access = self._access
        if access.tls == "tls":
            return imaplib.IMAP4_SSL(access.host, access.port, ssl_context=context, timeout=TIMEOUT_S)
        imap = imaplib.IMAP4(access.host, access.port, timeout=TIMEOUT_S)
        if access.tls == "starttls":
            try:
                imap.starttls(context)
            except BaseException:
                with contextlib.suppress(OSError):
                    imap.shutdown()  # the library leaves it open
                raise
        return imap

    def _sign_in(self) -> None:
        access = self._access
        try:
            if access.auth == "xoauth2":
                words = f"user={access.user}\x01auth=Bearer {access.secret}\x01\x01".encode()
                asked = iter([words])
                # A server that says no sends the reason as a second question, to be answered with nothing.
                self._imap.authenticate("XOAUTH2", lambda _question: next(asked, b""))
            elif access.secret.isascii() and access.user.isascii():
                self._imap.login(_quoted(access.user), access.secret)
            else:
                plain = f"\0{access.user}\0{access.secret}".encode()
                self._imap.authenticate("PLAIN", lambda _question: plain)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise MailboxError(f"signing in failed: {_words(error)}", wrong=True) from error

    def _told_number(self, name: str) -> int:
        answer = self._imap.response(name)[1]
        return int(answer[0]) if answer and answer[0] else 0

    def _wait(self, wake: Any, seconds: float) -> bool:
        """One line is enough. What came with the line before is in the library's buffer, and no socket tells of it."""
        if not self._has_read_ahead():
            ready, _, _ = select.select([self._imap.socket(), wake], [], [], seconds)
            if self._imap.socket() not in ready:
                return False
        line = self._imap.readline()
        if not line:
            raise MailboxError("the connection was lost")
        return b"EXISTS" in line or b"RECENT" in line

    def _has_read_ahead(self) -> bool:
        waits_s = self._imap.sock.gettimeout()
        self._imap.sock.setblocking(False)
        try:
            return bool(self._imap.file.peek(1))  # type: ignore[attr-defined]
        except ssl.SSLWantReadError:
            return False
        finally:
            self._imap.sock.settimeout(waits_s)

    @staticmethod
    def _check(answer: tuple[str, Any], otherwise: str) -> Any:
        status, data = answer
        if status != "OK":
            words = b" ".join(part for part in data if isinstance(part, bytes)).decode("utf-8", "replace")
            raise MailboxError(f"{otherwise}: {words}"[:300])
        return data


def _quoted(name: str) -> str:
    """A name as IMAP takes it: in the mailboxes' own UTF-7, between quotes."""
    return '"' + _utf7(name).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _utf7(name: str) -> str:
    """RFC 3501 §5.1.3: other letters as `&…-`, with `,` in the place of `/`."""

    def shifted(found: re.Match[str]) -> str:
        return "&" + found[0].encode("utf-7").decode("ascii").removeprefix("+").removesuffix("-").replace("/", ",") + "-"

    return re.sub(r"[^\x20-\x7e]+", shifted, name.replace("&", "&-"))


def _words(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return (first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error))[:300]


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except MailboxError:
        raise
    except ssl.SSLCertVerificationError as error:
        raise MailboxError(f"the server's certificate is not to be trusted: {error.verify_message}", wrong=True) from error
    except (OSError, imaplib.IMAP4.error, ValueError) as error:
        raise MailboxError(_words(error) or type(error).__name__) from error
