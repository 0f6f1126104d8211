"""Who vouches for a sender: our own checks, or the report of our own server before us; never anybody else's word."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.authentication import authenticate
from channels.email.dkim_signature import Key, checked_key, new_key
from channels.email.dns_lookup import DnsAway, Patience
from tests.unit.channels.email.names import Names

STALLED_S = 60.0  # no figure: a rule that stalls takes far longer at these sizes
IP = "192.0.2.3"
MAIL = (
    b"From: Li Na <li@shop.example>\r\nTo: support@desk.example\r\nSubject: Hello\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@shop.example>\r\n\r\nHello there.\r\n"
)
PEM = new_key()
KEY = Key("shop.example", "s1", PEM)
STRANGER = Key("elsewhere.example", "s1", PEM)
RECORD = KEY.record


def names(policy="v=DMARC1; p=reject", spf="v=spf1 -all", **more):
    records = {
        ("shop.example", "TXT"): [spf] if spf else [],
        ("_dmarc.shop.example", "TXT"): [policy] if policy else [],
        (KEY.record_name, "TXT"): [RECORD],
        (STRANGER.record_name, "TXT"): [RECORD],
        ("elsewhere.example", "TXT"): ["v=spf1 +all"],
    }
    return Names({**records, **more.pop("records", {})}, **more)


def check(raw, resolver, envelope_from="li@shop.example"):
    return authenticate(
        raw, mode="check", envelope_from=envelope_from, client_ip=IP, helo="mail.shop.example", resolver=resolver
    )  # fmt: skip


def test_an_aligned_signature_verifies_the_sender():
    found = check(KEY.sign(MAIL), names())
    assert (found.standing, found.by, found.dkim, found.dmarc, found.policy) == (
        "verified", "dkim:shop.example", "pass", "pass", "reject",
    )  # fmt: skip
    assert found.spf == "fail"


# RFC 8463, appendix A.
FOOTBALL = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
FOOTBALL_KEY = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


@pytest.mark.parametrize(
    ("record", "raw", "standing"),
    [
        (FOOTBALL_KEY, FOOTBALL, "verified"),
        (FOOTBALL_KEY, FOOTBALL.replace(b"hungry", b"thirsty"), "failed"),
        (FOOTBALL_KEY, FOOTBALL.replace(b"dinner", b"supper"), "failed"),
        (FOOTBALL_KEY, FOOTBALL.replace(b"a=ed25519", b"a=rsa"), "failed"),
        (FOOTBALL_KEY.replace("11qY", "22qY"), FOOTBALL, "failed"),
        (FOOTBALL_KEY.replace("k=ed25519; ", ""), FOOTBALL, "failed"),
        (FOOTBALL_KEY.replace("p=", "s=tlsrpt; p="), FOOTBALL, "failed"),
        (FOOTBALL_KEY.replace("p=11qY", "p="), FOOTBALL, "failed"),
        ("", FOOTBALL, "failed"),
    ],
)
def test_a_signature_of_ed25519_holds_or_does_not(record, raw, standing):
    where = {("brisbane._domainkey.football.example.com", "TXT"): [record] if record else []}
    resolver = names(records={**where, ("_dmarc.football.example.com", "TXT"): ["v=DMARC1; p=reject"]})
    found = check(raw, resolver, "joe@football.example.com")
    assert found.standing == standing
    assert found.dkim == ("pass" if standing == "verified" else "fail")


def test_an_aligned_server_verifies_the_sender():
    found = check(MAIL, names(spf="v=spf1 ip4:192.0.2.3 -all"))
    assert (found.standing, found.by) == ("verified", "spf:shop.example")


@pytest.mark.parametrize(
    "tamper",
    [
        lambda raw: raw.replace(b"Hello there", b"Pay me now!"),
        lambda raw: raw.replace(b"Subject: Hello", b"Subject: Money"),
        lambda raw: b"From: ceo@shop.example\r\n" + raw,
        lambda raw: raw.replace(b"\r\nSubject:", b"\r\nSubject: Second\r\nSubject:"),
        lambda raw: raw.replace(b"d=shop.example", b"d=elsewhere.example"),
        lambda raw: raw.replace(b" b=", b" l=5; b="),
        lambda raw: raw.replace(b"rsa-sha256", b"rsa-sha1"),
    ],
)
def test_a_mail_changed_on_its_way_fails(tamper):
    assert check(tamper(KEY.sign(MAIL)), names()).standing == "failed"


def test_a_good_signature_and_a_good_server_of_somebody_else_prove_nothing():
    found = check(STRANGER.sign(MAIL), names(), envelope_from="x@elsewhere.example")
    assert (found.standing, found.dkim, found.spf, found.dmarc) == ("failed", "pass", "pass", "fail")
    assert found.failed


def test_without_a_policy_nobody_forbids_and_an_own_signature_still_vouches():
    assert check(MAIL, names(policy="")).standing == "not_verified"
    assert check(KEY.sign(MAIL), names(policy="")).standing == "verified"


def test_a_subdomain_is_aligned_with_its_organisation_unless_the_policy_is_strict():
    mail = MAIL.replace(b"li@shop.example", b"li@mail.shop.example")
    assert check(KEY.sign(mail), names()).standing == "verified"
    assert check(KEY.sign(mail), names(policy="v=DMARC1; p=reject; adkim=s")).standing == "failed"
    psd = {("_dmarc.example", "TXT"): ["v=DMARC1; psd=y; p=none"]}
    other = MAIL.replace(b"li@shop.example", b"li@bank.example")
    assert check(KEY.sign(other), names(records=psd)).standing == "failed"


def test_a_policy_of_the_organisation_holds_for_its_subdomains_as_it_says():
    mail = MAIL.replace(b"li@shop.example", b"li@deep.mail.shop.example")
    assert check(mail, names(policy="v=DMARC1; p=reject; sp=quarantine")).policy == "quarantine"
    long = MAIL.replace(b"li@shop.example", b"li@a.b.c.d.e.f.g.h.i.j.shop.example")
    assert check(long, names()).policy == "reject"


@pytest.mark.parametrize("silent", ["_dmarc.shop.example", "shop.example", KEY.record_name])
def test_a_silent_name_system_is_not_held_against_the_sender(silent):
    assert check(KEY.sign(MAIL), names(silent={silent})).standing in ("verified", "not_verified")


def test_one_mail_asks_only_so_much():
    hopeless = Patience(Names({}, silent={"a.example", "b.example", "c.example"}))
    for name in ("a.example", "b.example", "c.example"):
        with pytest.raises(DnsAway):
            hopeless.find(name, "TXT")
    assert hopeless.resolver.asked == 2


@pytest.mark.parametrize(
    "senders", [b"From: a@shop.example, b@bank.example", b"From: a@shop.example\r\nFrom: b@bank.example", b"X: y"]
)
def test_a_mail_with_two_senders_or_none_fails(senders):
    raw = MAIL.replace(b"From: Li Na <li@shop.example>", senders)
    assert check(raw, names()).failed


@pytest.mark.parametrize(
    ("more", "standing"),
    [
        (b" " * 200_000 + b"x\r\n", "failed"),
        (b"\r" * 200_000 + b"x\r\n", "failed"),
        (b"\r\n" * 500_000 + b"x\r\n", "failed"),
        (b"\r\n" * 500_000, "verified"),
        (b" \t \r\n" * 100_000, "verified"),
    ],
)
def test_a_text_made_to_stall_the_check_is_checked_at_once(more, standing):
    raw = KEY.sign(MAIL) + more
    began = time.thread_time()
    assert check(raw, names()).standing == standing
    assert time.thread_time() - began < STALLED_S


def test_a_head_made_to_stall_the_check_is_checked_at_once():
    began = time.thread_time()
    signature = (
        b"DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=s1; bh=AA; h=" + b"from:" * 1000 + b"from; b=A" + b" " * 100_000
    )
    assert check(signature + b"!\r\n" + b"X: y\r\n" * 50_000 + MAIL, names()).standing == "failed"
    assert time.thread_time() - began < STALLED_S


def told(*fields, upstream="mx.desk.example"):
    raw = b"".join(field.encode() + b"\r\n" for field in fields) + MAIL
    return authenticate(raw, mode="upstream", upstream=upstream)


def test_our_own_servers_report_is_believed():
    good = "Authentication-Results: mx.desk.example (spam 0); dkim=pass (2048-bit) header.d=shop.example; spf=fail; dmarc=pass"
    bad = "Authentication-Results: MX.desk.example; dkim=none; dmarc=fail (p=reject) header.from=shop.example"
    assert (told(good).standing, told(good).by) == ("verified", "dkim:shop.example")
    assert told(bad).failed
    assert told("Authentication-Results: mx.desk.example; spf=pass smtp.mailfrom=li@shop.example").standing == "verified"
    assert told("Authentication-Results: mx.desk.example; spf=pass smtp.mailfrom=x@elsewhere.example").standing == "not_verified"


def test_anybody_elses_report_is_not():
    forged = "Authentication-Results: mx.desk.example; dmarc=pass"
    assert told(forged.replace("mx.desk", "mx.other")).standing == "not_verified"
    below = ("Received: from a by mx.desk.example; now", "Received: from b by c; before", forged)
    assert told(*below).standing == "not_verified"
    assert told(forged, upstream="").standing == "not_verified"


def test_a_key_is_checked_before_it_is_used():
    assert checked_key(PEM) == PEM
    with pytest.raises(ValueError, match="PEM"):
        checked_key(b"nonsense")


def test_off_means_off():
    assert authenticate(MAIL, mode="off").standing == "not_checked"


@given(st.binary(max_size=2000))
def test_no_bytes_make_the_checks_raise(noise):
    for raw in (noise, b"From: a@shop.example\r\nDKIM-Signature: " + noise + MAIL, b"Authentication-Results: x; " + noise + MAIL):
        assert check(raw, names()).standing in ("failed", "not_verified", "verified")
        assert authenticate(raw, mode="upstream", upstream="x").source == "upstream"
