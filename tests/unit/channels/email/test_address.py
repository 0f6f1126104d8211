"""The signed reply address."""

from __future__ import annotations

import pytest

from channels.email.address import read_address, read_bounce, sign_address, sign_bounce

BASE = "support@desk.example"
SECRET = b"a secret of the desk"


@pytest.mark.parametrize("number", [0, 1, 123, 987654321])
def test_a_signed_address_gives_its_ticket_back(number):
    signed = sign_address(BASE, number, SECRET)
    assert signed.startswith(f"support+t{number}.")
    assert len(signed.partition("@")[0]) <= 64
    for written in (signed, signed.upper(), f" <{signed}> ", signed + "."):
        assert read_address(written, BASE, SECRET) == number


def test_an_address_that_was_not_signed_for_this_ticket_or_by_us_is_refused():
    signed = sign_address(BASE, 123, SECRET)
    forged = [
        signed.replace("t123.", "t124."),
        signed.replace("t123.", "t0123."),
        signed.replace("desk.example", "evil.example"),
        signed.replace("support+", "sales+"),
        signed[:10] + ("a" if signed[10] != "a" else "b") + signed[11:],
        BASE,
        "support+t123.@desk.example",
        "support+t１２３.aaaaaaaaaaaaaaaa@desk.example",
        "",
        "@",
    ]
    assert [read_address(one, BASE, SECRET) for one in forged] == [None] * len(forged)
    assert read_address(signed, BASE, b"another secret") is None
    assert read_address(signed, "sales@desk.example", SECRET) is None


@pytest.mark.parametrize(("base", "number"), [("support", 1), ("@desk.example", 1), ("support@", 1), (BASE, -1)])
def test_an_address_is_not_signed_for_nonsense(base, number):
    with pytest.raises(ValueError, match="no reply address"):
        sign_address(base, number, SECRET)


def test_a_bounce_address_names_its_mail_to_us_alone():
    signed = sign_bounce("desk.example", 17, SECRET)
    assert signed.startswith("bounce+m17.")
    assert read_bounce(f"<{signed.upper()}>", "desk.example", SECRET) == 17
    forged = [
        signed.replace("m17", "m18"),
        signed.replace("bounce", "support"),
        signed.replace("desk.example", "other.example"),
        "bounce@desk.example",
        "",
        sign_address("bounce@desk.example", 17, SECRET),
    ]
    assert [read_bounce(one, "desk.example", SECRET) for one in forged] == [None] * len(forged)
    assert read_bounce(signed, "desk.example", b"another secret") is None
