"""Mails that we write: readable everywhere, and nothing in them can break out."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from channels.email.compose import compose, new_message_id
from channels.email.parse import parse
from channels.message import Contact, File, Outbound, SendFailed

WANG = Contact("email", "wang@example.com", "王小明")
NOW = datetime(2024, 3, 5, 6, 20, 11, tzinfo=UTC)


def written(outbound, from_name="客服中心", from_address="support@desk.example"):
    return compose(outbound, from_address=from_address, from_name=from_name, domain="desk.example", date=NOW)


def outbound(**more):
    return Outbound(**({"channel": "email", "recipients": (WANG,), "text": "您好", "subject": "关于您的投诉"} | more))


def test_what_we_write_is_what_the_customer_reads():
    raw = written(
        outbound(
            cc=(Contact("email", "li@example.com", 'Li "Lei", Jr.'),),
            message_id="m1@desk.example",
            in_reply_to="c2@example.com",
            references=("c1@example.com", "c2@example.com"),
            reply_to="support+t1.abcdefghijklmnop@desk.example",
            files=(File("发票 2024.pdf", "application/pdf", b"%PDF\x00"),),
        )
    )
    mail = parse(raw)
    assert (mail.subject, mail.text, mail.from_name, mail.date) == ("关于您的投诉", "您好", "客服中心", NOW)
    assert mail.to == (WANG,)
    assert mail.cc == (Contact("email", "li@example.com", 'Li "Lei", Jr.'),)
    assert (mail.message_id, mail.in_reply_to, mail.references) == (
        "m1@desk.example",
        "c2@example.com",
        ("c1@example.com", "c2@example.com"),
    )
    assert mail.reply_to[0].value == "support+t1.abcdefghijklmnop@desk.example"
    assert [(file.name, file.content_type, file.data) for file in mail.files] == [
        ("发票 2024.pdf", "application/pdf", b"%PDF\x00")
    ]
    assert not mail.auto_reply
    assert mail.problems == ()


def test_the_standard_parser_finds_no_defect_and_no_line_is_too_long():
    many = tuple(f"{number}-{'x' * 60}@mail.example.com" for number in range(60))
    raw = written(
        outbound(
            subject="很长的主题，" * 40,
            text="长" * 5000 + "\n" + "x" * 5000,
            html="<p>" + "长" * 5000 + "</p>",
            references=many,
            in_reply_to="last@x",
            cc=tuple(Contact("email", f"c{number}@example.com", "某人") for number in range(80)),
        )
    )
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    message = message_from_bytes(raw, policy=policy.default)
    assert [part.defects for part in message.walk()] == [[]] * len(list(message.walk()))
    assert message["Subject"] == "很长的主题，" * 40
    mail = parse(raw)
    assert mail.references[0] == many[0]
    assert mail.references[-1] == "last@x"
    assert len(mail.references) == 20
    assert len(mail.cc) == 80


def test_html_goes_beside_its_text_and_pictures_inside_it():
    picture = File("logo.png", "image/png", b"\x89PNG", content_id="logo@x", inline=True)
    raw = written(outbound(html='<p>您好 <img src="cid:logo@x"></p>', files=(picture, File("a.txt", "text/plain", b"hi"))))
    message = message_from_bytes(raw, policy=policy.default)
    shape = [part.get_content_type() for part in message.walk()]
    assert shape == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/plain",
    ]
    mail = parse(raw)
    assert mail.text == "您好"
    assert {file.name: file.content_id for file in mail.files} == {"logo.png": "logo@x", "a.txt": ""}


def test_an_automatic_mail_says_so():
    acknowledgement = parse(written(outbound(automatic=True, in_reply_to="c@x")))
    notice = parse(written(outbound(automatic=True)))
    assert acknowledgement.headers["auto-submitted"] == ("auto-replied",)
    assert notice.headers["auto-submitted"] == ("auto-generated",)
    assert acknowledgement.headers["x-loop"] == ("support@desk.example",)
    assert b"X-Auto-Response-Suppress: All" in written(outbound(automatic=True))
    assert b"Auto-Submitted" not in written(outbound())


INJECTION = "x\r\nBcc: thief@evil.example\r\n\r\nbody"


@pytest.mark.parametrize(
    "more",
    [
        {"subject": INJECTION},
        {"subject": "投诉" + INJECTION},
        {"recipients": (Contact("email", "wang@example.com", INJECTION),)},
        {"recipients": (Contact("email", "wang@example.com", "王" + INJECTION),)},
        {"message_id": INJECTION},
        {"in_reply_to": INJECTION},
        {"references": (INJECTION, "a@b")},
        {"headers": (("X-Desk-Note", INJECTION),)},
        {"files": (File(INJECTION, "application/pdf", b"x"),)},
        {"files": (File("票" + INJECTION, "application/pdf" + INJECTION, b"x", content_id=INJECTION),)},
    ],
)
def test_no_value_can_add_a_header_or_a_body(more):
    message = message_from_bytes(written(outbound(**more)), policy=policy.compat32)
    for part in message.walk():
        assert "bcc" not in {name.lower() for name, _ in part.items()}
    assert parse(written(outbound(**more))).text == "您好"


@pytest.mark.parametrize(
    "address", [INJECTION, "wang@example.com\r\nBcc: x@y", "a b@example.com", "a@b@c", "", "<x@y>, z@q", "x@" + "例" * 80]
)
def test_an_address_that_is_none_is_not_written(address):
    for more in ({"recipients": (Contact("email", address),)}, {"cc": (Contact("email", address),)}):
        with pytest.raises(SendFailed) as failure:
            written(outbound(**more))
        assert not failure.value.retryable
    with pytest.raises(SendFailed):
        written(outbound(), from_address=address)


@pytest.mark.parametrize("name", ["Bcc", "From", "X Desk", "X-Desk: y\r\nBcc", "", "主题"])
def test_a_header_that_is_ours_or_none_cannot_be_set(name):
    with pytest.raises(SendFailed):
        written(outbound(headers=((name, "x"),)))


def test_a_domain_outside_ascii_is_written_in_ascii():
    assert parse(written(outbound(recipients=(Contact("email", "wang@例子.cn"),)))).to[0].value == "wang@xn--fsqu00a.cn"


def test_a_local_part_outside_ascii_is_written_as_it_is():
    assert parse(written(outbound(recipients=(Contact("email", "王@example.com"),)))).to[0].value == "王@example.com"


def test_message_ids_never_repeat():
    made = {new_message_id("desk.example") for _ in range(500)}
    assert len(made) == 500
    assert all(one.endswith("@desk.example") and "<" not in one for one in made)


def test_a_forwarded_mail_is_attached_as_a_mail():
    inner = written(outbound(subject="内层"))
    (file,) = parse(written(outbound(files=(File("原件.eml", "message/rfc822", inner),)))).files
    assert parse(file.data).subject == "内层"


LONG = "The line drops every evening around eight, and the light at the router turns red for some minutes. " * 3


@pytest.mark.parametrize(
    "text",
    [
        LONG.strip(),
        f"Hello,\n\n{LONG.strip()}\n\n-- \nMaya\nThe desk",
        f"You wrote:\n> {LONG.strip()}\n> \n>> older {LONG.strip()}\nFrom here on it is ours.",
        " a line that begins with a space\nFrom the start\n> quoted",
        "您的订单" * 60,
        "x" * 500,
        "a " * 300 + "end",
    ],
)
def test_long_lines_are_broken_for_those_who_fold_and_whole_again_for_those_who_read(text):
    raw = written(outbound(text=text))
    part = message_from_bytes(raw, policy=policy.default)
    assert part["content-type"].params["format"] == "flowed"
    lines = part.get_content().split("\n")
    assert all(len(line) <= 76 or " " not in line for line in lines)
    assert not any(line.startswith("From ") for line in lines)
    assert parse(raw).text.strip() == text.strip()


def test_a_picture_of_ours_stands_in_the_html_that_names_it():
    picture = File("photo.png", "image/png", b"\x89PNG\r\n\x1a\n", content_id="p1@desk.example", inline=True)
    raw = written(outbound(html='<p>x</p><img src="cid:p1@desk.example">', files=(picture,)))
    whole = message_from_bytes(raw, policy=policy.default)
    related = next(part for part in whole.walk() if part.get_content_type() == "multipart/related")
    assert [part.get_content_type() for part in related.iter_parts()] == ["text/html", "image/png"]
    assert [part["content-id"] for part in related.iter_parts()] == [None, "<p1@desk.example>"]
