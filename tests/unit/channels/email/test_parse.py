"""Reading mail: charsets, header abuses, parts, limits."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.parse import identity, parse, to_inbound
from channels.message import Contact
from tests.unit.channels.email.mails import mail, multipart, word

CHINESE = "您好，我的订单还没有收到，请帮我查一下。"
TRADITIONAL = "您好，我的訂單還沒有收到，請幫我查詢。"


def test_a_plain_mail_is_read_whole():
    parsed = parse(
        mail("Cc: Li Lei <li@example.com>", "In-Reply-To: <b@x>", "References: <a@x> <b@x>", body="Hello\r\nthere\r\n")
    )
    assert (parsed.from_address, parsed.from_name) == ("wang.fang@example.com", "Wang Fang")
    assert parsed.to == (Contact("email", "support@desk.example"),)
    assert parsed.cc == (Contact("email", "li@example.com", "Li Lei"),)
    assert parsed.date == datetime(2024, 3, 5, 6, 20, 11, tzinfo=UTC)
    assert (parsed.text, parsed.message_id, parsed.in_reply_to) == ("Hello\nthere", "one@example.com", "b@x")
    assert parsed.references == ("a@x", "b@x")
    assert (parsed.auto_reply, parsed.bounce, parsed.problems) == (False, False, ())


@pytest.mark.parametrize(
    ("text", "written_in", "declared"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "gb18030", "gb2312"),
        (CHINESE + "镕囧", "gb18030", "GB2312"),
        (CHINESE, "gbk", "x-gbk"),
        (CHINESE, "hz", "hz-gb-2312"),
        (TRADITIONAL, "big5", "big5"),
        ("我哋嘅嘢喺邊度㗎", "big5hkscs", "Big5"),
        ("ご注文の商品が届いていません。", "cp932", "shift_jis"),
        ("ご注文の商品が届いていません。", "iso2022_jp", "iso-2022-jp"),
        ("주문한 상품이 도착하지 않았습니다.", "cp949", "ks_c_5601-1987"),
        ("Où est ma commande ?", "latin-1", "iso-8859-1"),
        ("“smart” quotes — and €", "cp1252", "iso-8859-1"),
        (CHINESE, "utf-8", "iso-8859-1"),
        (CHINESE, "utf-8", "gb2312"),
        (CHINESE, "utf-8", "us-ascii"),
        (CHINESE, "utf-8", ""),
        (CHINESE, "utf-8", "no-such-charset"),
        (CHINESE, "gb18030", ""),
        (TRADITIONAL * 3, "big5", ""),
        ("주문한 상품이 도착하지 않았습니다. 확인해 주세요.", "cp949", ""),
        (CHINESE * 3, "gb18030", "utf-8"),
        (CHINESE * 3, "gb18030", "us-ascii"),
        ("Где мой заказ? Прошу проверить его состояние.", "koi8-r", "koi8-r"),
    ],
)
def test_a_body_is_read_whatever_its_charset_is_called(text, written_in, declared):
    content_type = f'Content-Type: text/plain; charset="{declared}"' if declared else "Content-Type: text/plain"
    assert parse(mail(content_type, body=text.encode(written_in))).text == text


def test_one_broken_character_does_not_spoil_a_chinese_mail():
    data = (CHINESE * 4).encode("gb18030")
    parsed = parse(mail("Content-Type: text/plain; charset=gb2312", body=data[:60] + b"\xff" + data[60:]))
    assert CHINESE in parsed.text


def test_a_sender_cannot_choose_a_codec_that_is_no_charset():
    for name in ("base64", "zip", "unicode_escape", "idna", "rot13"):
        assert parse(mail(f"Content-Type: text/plain; charset={name}", body=b"\\u0041 \xe9")).text.startswith("\\u0041")


def test_an_encoded_word_cut_inside_a_character_is_joined_first():
    data = "关于订单的投诉".encode("gb18030")
    words = [f"=?gb2312?B?{base64.b64encode(piece).decode()}?=" for piece in (data[:5], data[5:])]
    assert parse(mail("Subject: " + "\r\n ".join(words))).subject == "关于订单的投诉"


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        ("Subject: =?utf-8?Q?=E6=8A=95=E8=AF=89 with space?=", "投诉 with space"),
        (f"Subject: Re: {word('投诉')} {word('处理')} end", "Re: 投诉处理 end"),
        (f"Subject: [{word('投诉')}]", "[投诉]"),
        ("Subject: 投诉", "投诉"),
        ("Subject: =?utf-8?B?5oqV6K+J", "投诉"),
        ("Subject: =?utf-8?B?5oqV6K+J===?=", "投诉"),
        (f"Subject: {word('第一行')}\r\n\t{word('第二行', 'gb18030')}", "第一行第二行"),
        ("Subject: a\x00b\x08c", "a b c"),
        ("Subject:", ""),
    ],
)
def test_a_subject_is_read_as_it_was_meant(field, subject):
    assert parse(mail(field)).subject == subject


def test_a_subject_in_raw_gbk_is_read_by_the_charset_of_the_body():
    head = b"From: a@b.example\r\nSubject: \xcd\xb6\xcb\xdf\xb4\xa6\xc0\xed\r\nContent-Type: text/plain; charset=gbk\r\n\r\nx"
    assert parse(head).subject == "投诉处理"


@pytest.mark.parametrize(
    ("field", "address", "name"),
    [
        (f"From: {word('王小明')} <Wang@Example.COM>", "wang@example.com", "王小明"),
        (f'From: "{word("王小明")}" <wang@example.com>', "wang@example.com", "王小明"),
        (f"From: {word('王, 小明 <wang@example.com>')}", "wang@example.com", "王, 小明"),
        ('From: "Wang, Fang" <wang@example.com>', "wang@example.com", "Wang, Fang"),
        ("From: wang@example.com (Wang Fang)", "wang@example.com", "Wang Fang"),
        ("From: <wang@example.com>", "wang@example.com", ""),
        ("From: wang@example.com", "wang@example.com", ""),
        ('From: "wang@example.com" <wang@example.com>', "wang@example.com", ""),
        ("From: Wang Fang wang@example.com", "wang@example.com", "Wang Fang"),
        ("From: 王小明 <wang@example.com>", "wang@example.com", "王小明"),
        ("From: Wang <wang@例子.cn>", "wang@例子.cn", "Wang"),
        ("From: nobody", "", ""),
    ],
)
def test_a_sender_is_found_in_a_from_field_of_any_shape(field, address, name):
    parsed = parse(mail(field))
    assert (parsed.from_address, parsed.from_name) == (address, name)


def test_groups_and_semicolons_in_an_address_list_are_understood():
    parsed = parse(mail("To: Friends: a@x.example, B <b@x.example>; c@x.example; a@x.example", "Cc: undisclosed-recipients:;"))
    assert [one.value for one in parsed.to] == ["a@x.example", "b@x.example", "c@x.example"]
    assert parsed.cc == ()


def test_the_plain_part_of_an_alternative_is_the_text_and_the_html_is_kept():
    field, body = multipart("alternative", ("Content-Type: text/plain", b"plain"), ("Content-Type: text/html", b"<p>rich</p>"))
    parsed = parse(mail(field, body=body))
    assert (parsed.text, parsed.html, parsed.files) == ("plain", "<p>rich</p>", ())


def test_a_mail_of_html_only_has_its_text_with_quotes_marked():
    html = "<html><head><title>t</title><style>p{}</style></head><body><p>好的&nbsp;谢谢</p><div>第二行<br>第三行</div>"
    html += "<ul><li>一<li>二</ul><blockquote><p>旧的</p></blockquote><script>alert(1)</script>"
    parsed = parse(mail("Content-Type: text/html; charset=utf-8", body=html))
    assert parsed.text == "好的 谢谢\n\n第二行\n第三行\n\n- 一\n- 二\n\n> 旧的"
    assert parsed.reply_text == "好的 谢谢\n\n第二行\n第三行\n\n- 一\n- 二"


def test_html_that_names_its_charset_only_inside_is_read_by_it():
    html = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=gb2312"></head><body>投诉</body></html>'
    assert parse(mail("Content-Type: text/html", body=html.encode("gb18030"))).text == "投诉"


@pytest.mark.parametrize(
    "disposition",
    [
        "Content-Disposition: attachment; filename*=UTF-8''%E5%8F%91%E7%A5%A8.pdf",
        "Content-Disposition: attachment; filename*0*=UTF-8''%E5%8F%91; filename*1*=%E7%A5%A8.pdf",
        "Content-Disposition: attachment; filename*=GB2312''%B7%A2%C6%B1.pdf",
        f'Content-Disposition: attachment; filename="{word("发票.pdf")}"',
        f'Content-Disposition: attachment; filename="{word("发票.pdf", "gb18030")}"',
        'Content-Disposition: attachment; filename="发票.pdf"',
        f"Content-Disposition: attachment\r\nContent-Type: application/pdf; name={word('发票.pdf')}",
    ],
)
def test_a_chinese_file_name_survives_every_way_of_writing_it(disposition):
    data = b"%PDF-1.4\x00\xff"
    part = ("Content-Transfer-Encoding: base64\r\n" + disposition, base64.b64encode(data))
    field, body = multipart("mixed", ("Content-Type: text/plain", b"see file"), part)
    (file,) = parse(mail(field, body=body)).files
    assert (file.name, file.data) == ("发票.pdf", data)


def test_a_file_name_cannot_be_a_path():
    part = ('Content-Type: application/x; name="../../etc/passwd"\r\nContent-Disposition: attachment', b"x")
    field, body = multipart("mixed", part)
    (file,) = parse(mail(field, body=body)).files
    assert "/" not in file.name
    assert not file.name.startswith(".")


def test_a_forwarded_mail_is_kept_as_a_file_and_its_files_are_not_ours():
    inner = mail("Subject: inside", body="inner text")
    field, body = multipart("mixed", ("Content-Type: text/plain", b"outer"), ("Content-Type: message/rfc822", inner))
    parsed = parse(mail(field, body=body))
    assert parsed.text == "outer"
    (file,) = parsed.files
    assert (file.content_type, file.name) == ("message/rfc822", "inside.eml")
    assert parse(file.data).subject == "inside"


def test_an_inline_picture_keeps_its_content_id():
    picture = ("Content-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64", b"iVBORw0K")
    field, body = multipart("related", ("Content-Type: text/html", b'<img src="cid:logo@x">'), picture)
    (file,) = parse(mail(field, body=body)).files
    assert (file.content_id, file.inline, file.data) == ("logo@x", True, b"\x89PNG\r\n")


def test_uuencode_and_broken_base64_are_decoded():
    uu = b"begin 644 a.txt\r\n%:&5L;&\\\r\n`\r\nend\r\n"
    field, body = multipart(
        "mixed",
        ('Content-Type: application/x; name="a.bin"\r\nContent-Transfer-Encoding: x-uuencode', uu),
        ('Content-Type: application/x; name="b.bin"\r\nContent-Transfer-Encoding: base64', b"aGVs!bG8"),
    )
    assert [file.data for file in parse(mail(field, body=body)).files] == [b"hello", b"hello"]


def test_null_bytes_and_bare_line_ends_do_no_harm():
    raw = b"From: a@b.example\nSubject: x\nMessage-ID: <1@b>\n\nfirst\x00\rsecond\nthird"
    assert parse(raw).text == "first\nsecond\nthird"


def test_a_mail_without_a_date_is_still_received():
    parsed = parse(b"From: a@b.example\r\n\r\nhello")
    assert (parsed.date, parsed.text) == (None, "hello")
    assert "no readable date" in parsed.problems


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 45 Mar 2024 99:99:99 +0800", "Tue, 05 Mar 99999 14:20:11 +9999", "\xff"])
def test_a_date_nobody_can_read_is_none(date):
    assert parse(mail(f"Date: {date}")).date is None


def test_a_boundary_that_never_comes_leaves_the_text():
    parsed = parse(mail('Content-Type: multipart/mixed; boundary="gone"', body="the whole message"))
    assert parsed.text == "the whole message"
    assert parsed.problems


def test_a_mail_nested_thousands_deep_is_read_at_once_and_says_so():
    raw = mail('Content-Type: multipart/mixed; boundary="b0"', body=b"")
    for level in range(3000):
        raw += b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (level, level + 1)
    parsed = parse(raw + b"deep")
    assert parsed.from_address == "wang.fang@example.com"
    assert parsed.problems
    assert parsed.files[-1].name == "original.eml"


def test_a_mail_in_mails_down_to_the_limit_is_read():
    raw = mail(body="innermost")
    for _ in range(60):
        field, body = multipart("mixed", ("Content-Type: message/rfc822", raw))
        raw = mail(field, body=body)
    assert parse(raw).files[0].content_type == "message/rfc822"


def test_more_parts_than_allowed_are_left_to_the_original():
    field, body = multipart("mixed", *[("Content-Type: text/plain", b"x")] * 1100)
    raw = mail(field, body=body)
    parsed = parse(raw)
    assert any("too many parts" in problem for problem in parsed.problems)
    assert parsed.files[-1].data == raw


@pytest.mark.timeout(200)  # what stalls takes hours
@pytest.mark.parametrize("piece", ["<", "<!--", "<![CDATA[", '<a b="', "</a ", "&", "<blockquote>x", "<script>", "<b>x</b>"])
def test_html_made_to_stall_its_reader_is_read_at_once(piece):
    assert parse(mail("Content-Type: text/html", body="您好 " + piece * 100_000)).text.startswith("您好")


@pytest.mark.timeout(200)  # what stalls takes hours
def test_a_mail_of_a_million_delimiters_is_kept_whole():
    raw = mail('Content-Type: multipart/mixed; boundary="a"', body=b"--a\r\n\r\n\r\n" * 200_000)
    assert parse(raw).files[-1].data == raw


@given(st.binary(max_size=600))
def test_no_bytes_make_parsing_fail(data):
    parse(data)
    parse(mail("Content-Type: multipart/report; boundary=edge", body=b"--edge\r\nContent-Type: " + data))


@given(st.text(max_size=200))
def test_no_header_value_makes_parsing_fail(value):
    clean = value.replace("\r", " ").replace("\n", " ").encode("utf-8", "replace")
    for name in (b"From", b"Subject", b"Date", b"Content-Type", b"Content-Disposition", b"Message-ID", b"References", b"To"):
        parsed = parse(name + b": " + clean + b"\r\n\r\nx")
        assert not any(problem.startswith("unreadable") for problem in parsed.problems)


def test_identity_is_the_same_in_two_mailboxes_and_differs_with_the_text():
    one = mail("Delivered-To: support@desk.example", "Received: from a")
    other = mail("Delivered-To: sales@desk.example", "Received: from b")
    assert identity(one) == identity(parse(other))
    assert identity(one) != identity(mail(body="Something else"))


def test_two_mails_without_a_message_id_are_two_mails():
    assert identity(b"From: a@b.example\r\n\r\none") != identity(b"From: a@b.example\r\n\r\ntwo")


def test_a_mail_becomes_an_inbound_with_its_kind():
    parsed = parse(mail("Auto-Submitted: auto-replied", "Reply-To: other@example.com"))
    inbound = to_inbound(parsed, identity="abc")
    assert (inbound.channel, inbound.external_id, inbound.kind) == ("email", "abc", "auto_reply")
    assert inbound.sender == Contact("email", "wang.fang@example.com", "Wang Fang")
    assert inbound.reply_to == (Contact("email", "other@example.com"),)
