"""A private IMAP server (Dovecot) for one test: plain, STARTTLS and TLS on ports of its own, mailboxes in its folder."""

from __future__ import annotations

import imaplib
import os
import pwd
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.world import free_port

PASSWORD = "mailbox-password-7"
CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
auth_verbose = yes
auth_failure_delay = 0
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
mail_location = maildir:{home}/mail/%u:UTF-8
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 0
first_valid_gid = 0
mail_max_userip_connections = 50
passdb {{
  driver = static
  args = password={password}
  mechanisms = plain login
}}
passdb {{
  driver = oauth2
  args = {home}/oauth2.conf
  mechanisms = xoauth2
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service auth {{
  user = {internal}
}}
service stats {{
  chroot =
}}
"""


OAUTH2 = """
introspection_mode = get
introspection_url = {provider}/who?token=
username_attribute = email
active_attribute = active
active_value = yes
"""


@dataclass
class Dovecot:
    """The running server. `certificate` is what a client must trust."""

    home: Path
    plain: int
    tls: int
    certificate: Path

    def start(self) -> None:
        # Into a file: it goes on in the background and would hold a pipe open.
        with (self.home / "start.log").open("w") as told:
            done = subprocess.run(["dovecot", "-c", str(self.home / "dovecot.conf")], stdout=told, stderr=told, check=False)
        if done.returncode:
            raise pytest.fail.Exception(f"Dovecot did not start:\n{(self.home / 'start.log').read_text()}", pytrace=False)

    def stop(self) -> None:
        """Returns when it has ended: while it is ending no other can start."""
        process = self.home / "run/master.pid"
        number = int(process.read_text()) if process.exists() else 0
        subprocess.run(["doveadm", "-c", str(self.home / "dovecot.conf"), "stop"], capture_output=True, check=False)
        while number and _runs(number):
            threading.Event().wait(0.02)

    @contextmanager
    def client(self, user: str) -> Iterator[imaplib.IMAP4]:
        """Somebody else who looks into the mailbox."""
        with imaplib.IMAP4("127.0.0.1", self.plain, timeout=60) as imap:
            imap.login(user, PASSWORD)
            yield imap

    def deliver(self, user: str, *mails: bytes, folder: str = "INBOX") -> None:
        """Put mails into a mailbox, as its server would."""
        with self.client(user) as imap:
            imap.create(f'"{folder}"')
            for mail in mails:
                assert imap.append(f'"{folder}"', "", None, mail)[0] == "OK"

    def deliver_at_once(self, user: str, *mails: bytes) -> None:
        """Nobody who looks finds one of them without the others."""
        self.deliver(user, *mails, folder="On its way")
        with self.client(user) as imap:
            assert imap.select('"On its way"')[0] == "OK"
            assert imap.copy("1:*", "INBOX")[0] == "OK"

    def count(self, user: str, folder: str, wanted: str = "ALL") -> int:
        """How many mails a folder has."""
        with self.client(user) as imap:
            if imap.select(folder, readonly=True)[0] != "OK":
                return 0
            return len(imap.search(None, *wanted.split())[1][0].split())


@contextmanager
def running_dovecot(folder: Path, provider: str = "http://127.0.0.1:9") -> Iterator[Dovecot]:
    """A server below `folder`, whose path must be short enough for sockets. Access tokens are shown to the `provider`."""
    if shutil.which("dovecot") is None:
        raise pytest.fail.Exception("Dovecot is needed: `make test` installs it as root on Debian", pytrace=False)
    home = folder / "dovecot"
    (home / "mail").mkdir(parents=True)
    server = Dovecot(home, free_port(), free_port(), home / "certificate.pem")
    _make_certificate(server.certificate)
    root = os.geteuid() == 0
    me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    # It refuses to keep mail as root.
    uid, gid = (pwd.getpwnam("dovecot")[2:4]) if root else (os.geteuid(), os.getegid())
    os.chown(home / "mail", uid, gid)
    text = CONFIG.format(
        home=home,
        certificate=server.certificate,
        internal="dovecot" if root else me,
        login="dovenull" if root else me,
        group="dovecot" if root else subprocess.run(["id", "-gn"], capture_output=True, text=True, check=True).stdout.strip(),
        uid=uid,
        gid=gid,
        password=PASSWORD,
        plain=server.plain,
        tls=server.tls,
    )
    (home / "dovecot.conf").write_text(text)
    (home / "oauth2.conf").write_text(OAUTH2.format(provider=provider))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _runs(number: int) -> bool:
    """Whether this process has not ended; it may stand in the list for ever where nobody asks what became of it."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def trusting(certificate: Path) -> ssl.SSLContext:
    """A client's context that trusts this server and no other."""
    return ssl.create_default_context(cafile=str(certificate))


def _make_certificate(path: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(path)),
            *("-out", str(path) + ".crt"),
        ],
        capture_output=True,
        check=True,
    )
    path.write_text(path.read_text() + Path(str(path) + ".crt").read_text())
