"""Mail that comes by IMAP, from a real server: kept once, put away, never deleted; and what an administrator sees of it."""

from __future__ import annotations

import json
import shutil
import ssl
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from channels.email.imap import Access, Mailbox, MailboxError
from desk.actions.mail.accounts import set_account
from desk.models import MailAccount, MailTally, Message, RawMail
from desk.work import imap_in
from tests.services.dovecot import PASSWORD, running_dovecot, trusting
from tests.services.provider import REFRESH, running_provider
from tests.world import running, settings_for


@pytest.fixture(scope="module")
def provider():
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def dovecot(provider):
    folder = Path(tempfile.mkdtemp(prefix="imap-", dir="/tmp"))
    folder.chmod(0o755)
    with running_dovecot(folder, provider.url) as server:
        yield server
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def tried_again_soon(monkeypatch):
    """A server that is away is asked again after a moment, not after the seconds that are right for a real one."""
    monkeypatch.setattr(imap_in, "FIRST_RETRY_S", 0.1)


@pytest.fixture
def world(tmp_path):
    with running(settings_for(tmp_path)) as world:
        yield world


def mail(number, text="My router is dead.", **headers):
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (
        f"From: li.na@customers.example\r\nTo: help@desk.example\r\nSubject: Question {number}\r\n"
        f"Date: Sat, 21 Nov 2026 10:00:00 +0800\r\nMessage-ID: <imap-{number}@customers.example>\r\n{more}\r\n{text}\r\n"
    ).encode()


def account(world, dovecot, user, **more):
    form = {
        "name": user, "host": "127.0.0.1", "port": str(dovecot.plain), "tls": "none", "user": user, "auth": "password",
        "secret": PASSWORD, "folder": "INBOX", "after": "flag", "after_folder": "", "active": "1", "begin": "all",
        "address": "help@desk.example", **more,
    }  # fmt: skip
    with world.tx() as tx:
        row = world.one(select(MailAccount).where(MailAccount.user == user)) or MailAccount(secret="", last_error="")
        row = tx.session.merge(row) if row.id else row
        return set_account(tx, row, form, key=world.desk.secret)


def now(world, row):
    return world.one(select(MailAccount).where(MailAccount.id == row.id))


def subjects(world):
    return sorted(world.all(select(Message.subject)))


def test_what_lies_there_and_what_comes_later_is_kept_once_and_marked(world, dovecot):
    dovecot.deliver("one", mail(1), mail(2))
    row = account(world, dovecot, "one")
    world.until(lambda: len(world.all(select(Message))) == 2)
    dovecot.deliver("one", mail(3))  # while the desk waits in IDLE
    world.until(lambda: len(world.all(select(Message))) == 3)
    assert subjects(world) == ["Question 1", "Question 2", "Question 3"]
    assert world.all(select(RawMail.door)) == ["imap"] * 3
    assert (world.one(select(MailTally.mailbox)), world.one(select(MailTally.received))) == ("help@desk.example", 3)
    world.until(lambda: dovecot.count("one", "INBOX", "SEEN KEYWORD $DeskKept") == 3)
    assert (now(world, row).fetched, now(world, row).last_uid, now(world, row).last_error) == (3, 3, "")
    assert PASSWORD not in now(world, row).secret


def test_fetched_mail_is_moved_and_a_desk_that_starts_again_fetches_nothing_twice(tmp_path, dovecot):
    settings = settings_for(tmp_path)
    with running(settings) as world:
        dovecot.deliver("two", *(mail(number) for number in range(120)))  # several pages
        account(world, dovecot, "two", after="move", after_folder="Fetched & kept 归档")
        world.until(lambda: len(world.all(select(Message))) == 120, seconds=60)
        world.until(lambda: dovecot.count("two", "INBOX") == 0)
    with running(settings) as world:
        dovecot.deliver("two", mail(500))
        world.until(lambda: len(world.all(select(Message))) == 121)
        assert world.all(select(RawMail.id).where(RawMail.outcome == "duplicate")) == []


def test_a_folder_made_anew_is_read_from_the_start_and_what_came_before_is_known_again(tmp_path, dovecot):
    settings = settings_for(tmp_path)
    with running(settings) as world:
        dovecot.deliver("three", mail(1))
        row = account(world, dovecot, "three")
        world.until(lambda: len(world.all(select(Message))) == 1)
    with running(settings, background=False) as world, world.tx() as tx:
        tx.session.get_one(MailAccount, row.id).uid_validity = 7  # as if the server had made the folder anew
    with running(settings) as world:
        world.until(lambda: world.all(select(RawMail.outcome).order_by(RawMail.id)) == ["opened", "duplicate"])
        assert len(world.all(select(Message))) == 1
        assert now(world, row).uid_validity != 7


def test_a_new_account_may_leave_the_old_mail_alone(world, dovecot):
    dovecot.deliver("four", mail(1), mail(2))
    row = account(world, dovecot, "four", begin="now")
    world.until(lambda: now(world, row).fetched_at is not None)
    dovecot.deliver("four", mail(3))
    world.until(lambda: subjects(world) == ["Question 3"])


def test_a_wrong_password_is_told_and_forgotten_when_it_is_mended(world, dovecot):
    row = account(world, dovecot, "five", secret="not this one")
    world.until(lambda: "signing in failed" in now(world, row).last_error)
    assert now(world, row).failing_since is not None
    dovecot.deliver("five", mail(1))
    account(world, dovecot, "five")
    world.until(lambda: subjects(world) == ["Question 1"])
    assert (now(world, row).last_error, now(world, row).failing_since) == ("", None)


def test_a_server_that_goes_and_comes_back_is_found_again(world, dovecot):
    row = account(world, dovecot, "six")
    world.until(lambda: now(world, row).fetched_at is not None)
    dovecot.stop()
    world.until(lambda: now(world, row).last_error != "")
    dovecot.start()
    dovecot.deliver("six", mail(1))
    world.until(lambda: subjects(world) == ["Question 1"], seconds=100)


@pytest.mark.parametrize("mode", ["tls", "starttls"])
def test_over_tls_only_a_trusted_server_is_spoken_to(dovecot, mode):
    dovecot.deliver("seven", mail(1))
    port = dovecot.tls if mode == "tls" else dovecot.plain
    access = Access("127.0.0.1", port, mode, "seven", "password", PASSWORD)
    with pytest.raises(MailboxError, match="certificate") as refused:
        Mailbox(access, context=ssl.create_default_context())
    assert refused.value.wrong
    mailbox = Mailbox(access, context=trusting(dovecot.certificate))
    mailbox.open()
    assert [mail.raw[:5] for mail in mailbox.fetch(mailbox.new_uids(0))][:1] == [b"From:"]
    mailbox.close()


def test_a_password_and_a_user_in_other_letters_are_sent_as_they_are(dovecot):
    mailbox = Mailbox(Access("127.0.0.1", dovecot.plain, "none", 'a "quoted" \\ user', "password", '密码 "x" \\'))
    with pytest.raises(MailboxError, match="signing in failed"), closing(mailbox):
        mailbox.open()


def consent(provider, refresh_token=REFRESH):
    told = {"token_url": f"{provider.url}/token", "client_id": "desk", "client_secret": "s", "refresh_token": refresh_token}
    return {"auth": "xoauth2", "secret": json.dumps(told)}


def test_a_mailbox_is_opened_with_a_fresh_token_and_a_refused_one_is_replaced_at_once(world, dovecot, provider):
    provider.user, provider.stillborn = "eight", 1
    before = len(provider.given)
    dovecot.deliver("eight", mail(1))
    row = account(world, dovecot, "eight", **consent(provider))
    world.until(lambda: subjects(world) == ["Question 1"], seconds=100)
    assert len(provider.given) == before + 2  # the first was worth nothing
    assert now(world, row).last_error == ""
    assert REFRESH not in now(world, row).secret


def test_when_a_token_has_run_out_the_next_connection_gets_another(tmp_path, dovecot, provider):
    settings = settings_for(tmp_path)
    provider.user = "nine"
    dovecot.deliver("nine", mail(1))
    with running(settings) as world:
        account(world, dovecot, "nine", **consent(provider))
        world.until(lambda: subjects(world) == ["Question 1"], seconds=100)
    provider.good.clear()  # all that were given have run out
    dovecot.deliver("nine", mail(2))
    with running(settings) as world:
        world.until(lambda: subjects(world) == ["Question 1", "Question 2"], seconds=100)


def test_a_consent_that_was_withdrawn_is_told_to_the_administrator(world, dovecot, provider):
    row = account(world, dovecot, "ten", **consent(provider, "an old one"))
    world.until(lambda: "this consent was withdrawn" in now(world, row).last_error)


@pytest.mark.one_process("ends one thread where another process would be killed, by changing the code that it runs")
@pytest.mark.parametrize("after", ["move", "flag"])
def test_what_was_kept_before_the_process_died_is_put_away_by_the_next_one(tmp_path, dovecot, monkeypatch, after):
    class Killed(BaseException):
        """As when the process ends between the commit and the word to the server: nothing of ours runs after it."""

    def die(*_):
        raise Killed

    user, settings = f"dies-{after}", settings_for(tmp_path)
    form = {"after": after, "after_folder": "Kept" if after == "move" else ""}
    dovecot.deliver(user, mail(0))
    with monkeypatch.context() as patched, running(settings) as world:  # nobody comes back to life before the desk has ended
        patched.setattr(imap_in._Fetcher, "_put_away", die)
        patched.setattr("threading.excepthook", lambda _: None)
        row = account(world, dovecot, user, begin="now", **form)  # the old one stays as it is
        world.until(lambda: now(world, row).fetched_at is not None)
        dovecot.deliver_at_once(user, mail(1), mail(2))  # whoever fetches one alone dies with it
        world.until(lambda: subjects(world) == ["Question 1", "Question 2"])
    assert dovecot.count(user, "INBOX", "UNSEEN") == 3
    with running(settings) as world:
        if after == "move":
            world.until(lambda: dovecot.count(user, "INBOX") == 1)
            assert dovecot.count(user, "Kept") == 2
        else:
            world.until(lambda: dovecot.count(user, "INBOX", "UNSEEN") == 1)
        assert dovecot.count(user, "INBOX", "SUBJECT 0") == dovecot.count(user, "INBOX", "UNSEEN") == 1
        assert world.all(select(RawMail.outcome).where(RawMail.outcome == "duplicate")) == []
        assert subjects(world) == ["Question 1", "Question 2"]
