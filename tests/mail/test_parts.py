"""Parts, boundaries and containers, as they come when nobody kept to the standards."""

from __future__ import annotations

import base64
import binascii

import pytest

from channels.email.parse import parse, to_inbound
from tests.mail.containers import attribute, enveloped, mapi, signed, tnef, tnef_file
from tests.unit.channels.email.mails import mail, multipart, word

PDF = b"%PDF-1.4\n\x00\xff"
FILE = ("Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64", base64.b64encode(PDF))
TEXT = ("Content-Type: text/plain; charset=utf-8", "您好".encode())


def mixed(*parts, kind="mixed", boundary="edge"):
    return multipart(kind, *parts, boundary=boundary)


def damaged(change, kind='Content-Type: multipart/mixed; boundary="edge"'):
    return parse(mail(kind, body=change(mixed(TEXT, FILE)[1])))


BROKEN = {
    "whole": lambda body: body,
    "no last boundary": lambda body: body.replace(b"--edge--\r\n", b""),
    "line ends of unix": lambda body: body.replace(b"\r\n", b"\n"),
    "line ends of old macs": lambda body: body.replace(b"\r\n", b"\r"),
    "line ends doubled": lambda body: body.replace(b"\r\n", b"\r\r\n"),
    "line ends mixed": lambda body: body.replace(b"\r\n", b"\n", 3),
    "blanks after the boundary": lambda body: body.replace(b"--edge\r\n", b"--edge \t\r\n"),
    "text before the first": lambda body: b"This is a multi-part message in MIME format.\r\n\r\n" + body,
    "text after the last": lambda body: body + b"\r\nA footer of a list.\r\n",
    "closed too early": lambda body: body.replace(b"--edge\r\nContent-Type: app", b"--edge--\r\n--edge\r\nContent-Type: app"),
    "an empty part": lambda body: b"--edge\r\n\r\n" + body,
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_text_and_file_survive_a_damaged_frame(change):
    parsed = damaged(change)
    assert parsed.text == "您好"
    assert [(file.name, file.data) for file in parsed.files] == [("a.pdf", PDF)]


TYPES = {
    "no boundary parameter": "Content-Type: multipart/mixed",
    "an empty boundary": 'Content-Type: multipart/mixed; boundary=""',
    "a wrong boundary": 'Content-Type: multipart/mixed; boundary="other"',
    "no quotes": "Content-Type: multipart/mixed; boundary=edge",
    "single quotes": "Content-Type: multipart/mixed; boundary='edge'",
    "one quote": 'Content-Type: multipart/mixed; boundary="edge',
    "folded oddly": "Content-Type: multipart/mixed;\r\n\tboundary\r\n =\r\n edge",
    "a subtype nobody knows": "Content-Type: multipart/strange; boundary=edge",
    "only the word": "Content-Type: multipart; boundary=edge",
    "no type at all": "X-Nothing: here",
    "in capitals": "CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY=edge",
}


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES.keys())
def test_parts_are_found_whatever_the_content_type_says(kind):
    parsed = damaged(lambda body: body, kind)
    assert parsed.text == "您好"
    assert [(file.name, file.data) for file in parsed.files] == [("a.pdf", PDF)]


def test_a_guessed_or_missing_boundary_is_noted():
    assert "the boundary of the parts had to be guessed" in damaged(lambda body: body, "Content-Type: multipart/mixed").problems
    assert "the last boundary is missing" in damaged(BROKEN["no last boundary"]).problems
    assert damaged(lambda body: body).problems == ()


def test_an_inner_boundary_that_begins_like_the_outer_one_is_told_apart():
    inner, inside = mixed(TEXT, ("Content-Type: text/html", b"<p>x</p>"), kind="alternative", boundary="edge-1")
    field, body = mixed((inner, inside), FILE)
    parsed = parse(mail(field, body=body))
    assert (parsed.text, [file.data for file in parsed.files]) == ("您好", [PDF])


def test_an_inner_part_that_is_never_closed_ends_with_the_outer():
    inner, inside = mixed(TEXT, kind="alternative", boundary="inner")
    field, body = mixed((inner, inside.replace(b"--inner--\r\n", b"")), FILE)
    parsed = parse(mail(field, body=body))
    assert (parsed.text, [file.data for file in parsed.files]) == ("您好", [PDF])


def test_a_hundred_levels_still_give_the_file_at_the_bottom():
    field, body = mixed(TEXT, FILE, boundary="b0")
    for level in range(1, 100):
        field, body = mixed((field, body), boundary=f"b{level}")
    parsed = parse(mail(field, body=body))
    assert (parsed.text, [file.data for file in parsed.files]) == ("您好", [PDF])


@pytest.mark.parametrize(
    "junk",
    [
        b"\r\n\r\n",
        b"\xef\xbb\xbf",
        b"From wang@example.com Tue Mar  5 14:20:11 2024\r\n",
        b">From wang@example.com Tue Mar  5 14:20:11 2024\r\n",
        b"some junk of a gateway\r\n",
        b"\x00\x00",
    ],
)
def test_junk_before_the_header_is_passed_over(junk):
    parsed = parse(junk + mail(body="hello"))
    assert (parsed.from_address, parsed.text) == ("wang.fang@example.com", "hello")


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"\r\r\n"])
def test_a_mail_may_end_its_lines_as_it_likes(end):
    parsed = parse(mail("Cc: Li <li@example.com>", body="one\r\n\r\ntwo").replace(b"\r\n", end))
    assert (parsed.from_address, parsed.cc[0].value, parsed.subject) == ("wang.fang@example.com", "li@example.com", "A question")
    assert parsed.text.split() == ["one", "two"]


def test_a_header_line_broken_without_a_fold_joins_the_one_before():
    parsed = parse(mail("Subject: A very long\r\nsubject line", "X-After: y", body="hello"))
    assert (parsed.subject, parsed.text) == ("A very long subject line", "hello")
    assert "a broken line in the header" in parsed.problems


def test_a_body_without_an_empty_line_before_it_is_found():
    raw = b"From: a@b.example\r\nSubject: x\r\nThis is already the text.\r\nMore of it."
    parsed = parse(raw)
    assert (parsed.subject, parsed.text) == ("x", "This is already the text.\nMore of it.")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (("Message-ID: <2@x>",), "more than one message-id"),
        (("From: Other <other@x.example>",), "more than one from"),
        (("Date: Wed, 06 Mar 2024 10:00:00 +0800",), "more than one date"),
        (("Subject: Another",), "more than one subject"),
    ],
)
def test_of_a_field_that_comes_twice_the_first_counts_and_it_is_noted(fields, problem):
    parsed = parse(mail().replace(b"\r\n\r\n", "".join(f"\r\n{one}" for one in fields).encode() + b"\r\n\r\n", 1))
    assert (parsed.message_id, parsed.from_address, parsed.subject) == ("one@example.com", "wang.fang@example.com", "A question")
    assert problem in parsed.problems


@pytest.mark.parametrize(
    ("date", "stamp"),
    [
        ("Tue, 05 Mar 2024 14:20:11 +0800 (中国标准时间)", "2024-03-05T06:20:11"),
        ("Tue, 5 Mar 24 14:20:11 +0800", "2024-03-05T06:20:11"),
        ("2024-03-05 14:20:11 +0800", "2024-03-05T06:20:11"),
        ("2024-03-05T14:20:11+08:00", "2024-03-05T06:20:11"),
        ("2024年3月5日 14:20:11 +0800", "2024-03-05T06:20:11"),
        ("5 Mar 2024 14:20 GMT", "2024-03-05T14:20:00"),
        ("Tue, 05 Mar 2024 14:20:11", "2024-03-05T14:20:11"),
    ],
)
def test_a_date_is_read_in_the_forms_that_occur(date, stamp):
    assert parse(mail(f"Date: {date}")).date.isoformat().startswith(stamp)


ENCODINGS = {
    "base64 without padding": ("base64", base64.b64encode(PDF).rstrip(b"=")),
    "base64 on one line too long": ("BASE64", base64.b64encode(PDF * 400)),
    "base64 with stray signs": ("base64", b"\r\n".join(base64.b64encode(PDF)[at : at + 4] + b" !" for at in range(0, 16, 4))),
    "base64 in padded pieces": ("base64", base64.b64encode(PDF[:4]) + b"\r\n" + base64.b64encode(PDF[4:])),
    "base64 with a footer under it": (
        "base64",
        base64.b64encode(PDF + b"x") + b"\r\n-- \r\nThis is a footer of a list, hung on.",
    ),
    "base64 with a parameter": ("base64; charset=utf-8", base64.b64encode(PDF)),
    "quoted-printable": ("quoted-printable", b"%PDF-1.4=0A=00=F=\r\nF".replace(b"=F=\r\nF", b"=FF")),
    "soft breaks with blanks": ("Quoted-Printable", b"%PDF-1=  \r\n.4=0A=00=FF"),
    "uuencode": ("x-uuencode", b"begin 644 a.pdf\r\n" + binascii.b2a_uu(PDF).replace(b"\n", b"\r\n") + b"`\r\nend\r\n"),
    "binary": ("binary", PDF),
    "an encoding nobody knows": ("x-unknown", PDF),
}


@pytest.mark.parametrize("case", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_file_is_decoded_however_its_encoding_was_damaged(case):
    encoding, content = case
    field, body = mixed(TEXT, (f"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: {encoding}", content))
    (file,) = parse(mail(field, body=body)).files
    assert file.data.removesuffix(b"x").replace(PDF, b"") == b""
    assert file.data.startswith(PDF)


def test_text_that_is_called_base64_and_is_not_stays_text():
    parsed = parse(mail("Content-Transfer-Encoding: base64", body="Hello, this is plain text. It was never encoded, you see."))
    assert parsed.text == "Hello, this is plain text. It was never encoded, you see."
    assert parsed.problems == ("declared base64 and is not",)


def test_flowed_text_is_joined_into_paragraphs():
    body = "This is a long \r\nparagraph that \r\nflows.\r\n\r\n> and a quote \r\n> that flows\r\nEnd.\r\n-- \r\nAnn"
    parsed = parse(mail("Content-Type: text/plain; format=flowed", body=body))
    assert parsed.text == "This is a long paragraph that flows.\n\n> and a quote that flows\nEnd.\n-- \nAnn"
    chinese = parse(mail("Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes", body="这是一段很长 \r\n的文字。"))
    assert chinese.text == "这是一段很长的文字。"


def test_a_file_in_uuencode_inside_the_text_is_taken_out():
    body = b"See the file.\r\n\r\nbegin 644 a.pdf\r\n" + binascii.b2a_uu(PDF) + b"`\r\nend\r\n\r\nBye\r\n"
    parsed = parse(mail(body=body))
    assert parsed.text.split() == ["See", "the", "file.", "Bye"]
    assert [(file.name, file.data) for file in parsed.files] == [("a.pdf", PDF)]


def test_words_that_only_begin_like_uuencode_stay():
    body = "I begin 644 times.\nbegin 644 is what it says\nand nothing else"
    assert parse(mail(body=body)).text == body


@pytest.mark.parametrize("kind", ["application/ms-tnef", "application/vnd.ms-tnef", "application/octet-stream"])
def test_winmail_dat_is_unpacked(kind):
    data = tnef(
        attribute(1, 0x9007, 6, b"\xa8\x03\x00\x00\x00\x00\x00\x00"),
        attribute(1, 0x9003, 6, mapi((0x1F, 0x1000, "正文在这里\x00".encode("utf-16-le")))),
        tnef_file("发票.pdf".encode("gbk"), PDF),
        tnef_file(b"REPORT~1.DOC", b"words", (0x1F, 0x3707, "季度报告 2024.doc\x00".encode("utf-16-le"))),
    )
    part = (f"Content-Type: {kind}; name=winmail.dat\r\nContent-Transfer-Encoding: base64", base64.b64encode(data))
    parsed = parse(mail(*mixed(part)[:1], body=mixed(part)[1]))
    assert parsed.text == "正文在这里"
    assert [(file.name, file.data) for file in parsed.files[:2]] == [("发票.pdf", PDF), ("季度报告 2024.doc", b"words")]
    assert parsed.files[2].data == data
    assert parsed.problems == ()


def test_a_winmail_dat_cut_off_gives_what_is_there():
    data = tnef(tnef_file(b"a.pdf", PDF), tnef_file(b"b.pdf", PDF * 100))[:-500]
    parsed = parse(mail("Content-Type: application/ms-tnef; name=winmail.dat", "Content-Transfer-Encoding: binary", body=data))
    assert parsed.files[0].data == PDF
    assert "winmail.dat could not be read to its end" in parsed.problems


def test_the_body_of_winmail_dat_in_rich_text_is_read():
    rtf = rb"{\rtf1\ansi\ansicpg936\deff0{\fonttbl{\f0 SimSun;}}\f0 \'c4\'fa\'ba\'c3, \u35746 ?\par second line}"
    packed = len(rtf).to_bytes(4, "little") * 2 + b"MELA" + b"\x00" * 4 + rtf
    data = tnef(attribute(1, 0x9003, 6, mapi((0x102, 0x1009, packed))))
    parsed = parse(mail("Content-Type: application/ms-tnef; name=winmail.dat", body=data))
    assert parsed.text == "您好, 订\nsecond line"


@pytest.mark.parametrize("cut", [0, 7])
def test_mail_inside_an_opaque_signature_is_read(cut):
    field, body = mixed(TEXT, FILE)
    inner = f"{field}\r\n\r\n".encode() + body
    kind = "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"
    raw = mail(kind, "Content-Transfer-Encoding: base64", body=base64.encodebytes(signed(inner, cut=cut)))
    parsed = parse(raw)
    assert (parsed.text, [file.data for file in parsed.files], parsed.encrypted) == ("您好", [PDF], "")


def test_encrypted_mail_says_so_and_is_kept():
    smime = parse(mail("Content-Type: application/pkcs7-mime; name=smime.p7m", body=enveloped()))
    assert (smime.encrypted, smime.files[0].name) == ("S/MIME", "smime.p7m")
    assert "encrypted with S/MIME: only its recipient can read it" in smime.problems
    field, body = mixed(
        ("Content-Type: application/pgp-encrypted", b"Version: 1"),
        ("Content-Type: application/octet-stream; name=encrypted.asc", b"-----BEGIN PGP MESSAGE-----\r\n\r\nabc"),
        kind="encrypted",
    )
    assert parse(mail(field, body=body)).encrypted == "PGP"
    assert parse(mail(body="-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n-----END PGP MESSAGE-----")).encrypted == "PGP"


def test_a_clear_signed_text_is_read_without_its_armour():
    begin, end = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n",
        "-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END PGP SIGNATURE-----\n",
    )
    body = f"{begin}Hello\n- -- \nAnn\n\n{end}"
    parsed = parse(mail(body=body))
    assert parsed.text.strip() == "Hello\n-- \nAnn"
    assert parsed.reply_text == "Hello"


def test_a_file_of_a_mac_in_two_forks_keeps_both():
    fork = (
        "Content-Type: application/applefile; name=a.pdf\r\nContent-Transfer-Encoding: base64",
        base64.b64encode(b"\x00\x05\x16\x07"),
    )
    inner, inside = mixed(fork, FILE, kind="appledouble", boundary="fork")
    field, body = mixed(TEXT, (inner, inside))
    parsed = parse(mail(field, body=body))
    assert parsed.text == "您好"
    assert {file.data for file in parsed.files} == {PDF, b"\x00\x05\x16\x07"}
    assert len({file.name for file in parsed.files}) == 2


def test_a_forwarded_mail_is_named_by_its_subject():
    inner = mail(f"Subject: {word('投诉: 退款/赔偿')}", body="inner")
    for encoding, content in (("7bit", inner), ("base64", base64.encodebytes(inner))):
        part = (f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}", content)
        field, body = mixed(TEXT, part)
        (file,) = parse(mail(field, body=body)).files
        assert (file.name, parse(file.data).text) == ("投诉_ 退款_赔偿.eml", "inner")


def test_html_between_plain_parts_is_part_of_the_text():
    field, body = mixed(TEXT, ("Content-Type: text/html", b"<p>rich <b>words</b></p>"), FILE)
    parsed = parse(mail(field, body=body))
    assert parsed.text == "您好\n\nrich words"


def test_a_plain_part_that_only_points_to_the_html_gives_way_to_it():
    html = ("Content-Type: text/html", b"<p>The real words</p>")
    for words in (
        b" \r\n",
        b"This message is in HTML format. Please use an HTML capable client.",
        "您的邮件客户端不支持HTML".encode(),
    ):
        field, body = mixed(("Content-Type: text/plain; charset=utf-8", words), html, kind="alternative")
        assert parse(mail(field, body=body)).text == "The real words"


def test_a_page_that_calls_itself_plain_is_read_as_a_page():
    parsed = parse(mail("Content-Type: text/plain", body="<html><body><p>Hello</p><p>there</p></body></html>"))
    assert (parsed.text, bool(parsed.html)) == ("Hello\n\nthere", True)


def test_a_text_part_with_a_name_is_the_text_where_there_is_no_other():
    assert parse(mail('Content-Type: text/plain; name="body.txt"', body="hello")).text == "hello"
    field, body = mixed(TEXT, ('Content-Type: text/plain; name="log.txt"', b"line"))
    parsed = parse(mail(field, body=body))
    assert (parsed.text, [file.name for file in parsed.files]) == ("您好", ["log.txt"])


def test_a_picture_inside_a_page_does_not_push_the_words_out():
    page = b'<p>one</p><img src="data:image/png;base64,' + b"A" * 2_000_000 + b'"><p>two</p>'
    assert parse(mail("Content-Type: text/html", body=page)).text == "one\n\ntwo"


def test_five_thousand_links_are_read():
    parsed = parse(mail("Content-Type: text/html", body=b'<a href="http://x.example/y">link</a> ' * 5_000))
    assert parsed.text.split() == ["link"] * 5_000


def test_a_zip_in_a_zip_is_a_file_and_is_not_opened():
    bomb = b"PK\x03\x04" + b"\x00" * 1_000
    field, body = mixed(TEXT, ("Content-Type: application/zip; name=bomb.zip", bomb))
    (file,) = parse(mail(field, body=body)).files
    assert file.data == bomb


def test_ten_thousand_fields_and_lines_of_a_megabyte_are_read():
    raw = mail(
        *(f"X-Field-{number}: {'x' * 50}" for number in range(10_000)), f"X-Long: {'y' * 1_000_000}", f"Cc: {'z' * 1_000_000}"
    )
    parsed = parse(raw)
    assert (parsed.from_address, parsed.subject, parsed.text) == ("wang.fang@example.com", "A question", "Hello")


def test_the_report_of_a_bounce_and_of_a_read_receipt_stays_among_the_files():
    status = b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; li@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    field, body = multipart(
        "report; report-type=delivery-status",
        ("Content-Type: text/plain", b"It came back."),
        ("Content-Type: message/delivery-status", status),
    )
    found = parse(mail("From: MAILER-DAEMON@mx.example", field, body=body))
    assert [one.address for one in found.bounced] == ["li@x.example"]
    assert [(file.content_type, file.data.strip()) for file in found.files] == [("message/delivery-status", status.strip())]
    assert found.files[0].name.endswith(".txt")


@pytest.mark.parametrize(("kind", "signed"), [("application/pgp-signature", "PGP"), ("application/pkcs7-signature", "S/MIME")])
def test_a_signed_mail_says_so_and_keeps_its_signature(kind, signed):
    field, body = multipart("signed", ("Content-Type: text/plain", b"I owe you."), (f"Content-Type: {kind}; name=sig", b"0x"))
    found = parse(mail(field, body=body))
    assert found.signed == signed
    assert found.text.strip() == "I owe you."
    assert [file.name for file in found.files] == ["sig"]
    assert to_inbound(found, identity="1").meta["signed"] == signed


def test_a_clear_signed_text_says_so_and_a_plain_one_does_not():
    begin, sign, end = (
        f"-----{words}-----\n" for words in ("BEGIN PGP SIGNED MESSAGE", "BEGIN PGP SIGNATURE", "END PGP SIGNATURE")
    )
    armour = f"{begin}Hash: SHA256\n\nI owe you.\n{sign}x\n{end}".encode()
    assert parse(mail(body=armour)).signed == "PGP"
    assert parse(mail(body=b"I owe you.")).signed == ""
    assert "signed" not in to_inbound(parse(mail(body=b"I owe you.")), identity="1").meta
