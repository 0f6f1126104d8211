"""Charsets as they come: right, misspelt, mislabelled, missing, and raw in headers."""

from __future__ import annotations

import pytest

from channels.email.charset import codec_for, decode
from channels.email.parse import parse
from tests.unit.channels.email.mails import mail

SIMPLIFIED = "您好，我的订单还没有收到，请帮我查一下。"
TRADITIONAL = "您好，我的訂單還沒有收到，請幫我查詢。"
HONG_KONG = "我哋嘅嘢喺邊度㗎？唔該幫我睇吓。"
JAPANESE = "ご注文の商品が届いていません。確認をお願いします。"
KOREAN = "주문한 상품이 도착하지 않았습니다. 확인해 주세요."
RUSSIAN = "Где мой заказ? Прошу проверить его состояние."
UKRAINIAN = "Де моє замовлення? Прошу перевірити його стан."
GREEK = "Πού είναι η παραγγελία μου; Παρακαλώ ελέγξτε."
THAI = "สินค้าของฉันยังไม่มาถึง กรุณาตรวจสอบ"
HEBREW = "איפה ההזמנה שלי? אנא בדקו את המצב."
ARABIC = "أين طلبي؟ يرجى التحقق من حالته."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy."
POLISH = "Dziękuję, zamówienie nie dotarło, proszę o sprawdzenie."
TURKISH = "Siparişim nerede? Lütfen kontrol ediniz, teşekkürler."
FRENCH = "Où est ma commande ? J'ai payé il y a déjà dix jours."
GERMAN = "Grüße aus München, die Bestellung fehlt."

# (text, written in, declared as); the declared name is spelt as senders spell it.
DECLARED = [
    (SIMPLIFIED, "gb18030", "gb2312"),
    (SIMPLIFIED + "镕囧㐂", "gb18030", "GB2312"),
    (SIMPLIFIED, "gbk", '"GBK"'),
    (SIMPLIFIED, "gbk", "gb_2312-80"),
    (SIMPLIFIED, "gbk", "x-gbk"),
    (SIMPLIFIED, "gbk", "cp936"),
    (SIMPLIFIED, "gbk", "windows-936"),
    (SIMPLIFIED, "gbk", "EUC-CN"),
    (SIMPLIFIED, "gb18030", "gb18030"),
    (SIMPLIFIED, "hz", "HZ-GB-2312"),
    (TRADITIONAL, "big5", "Big5"),
    (TRADITIONAL, "big5", "x-x-big5"),
    (TRADITIONAL, "cp950", "windows-950"),
    (HONG_KONG, "big5hkscs", "big5"),
    (HONG_KONG, "big5hkscs", "Big5-HKSCS"),
    (JAPANESE, "iso2022_jp", "ISO-2022-JP"),
    (JAPANESE, "cp932", "Shift_JIS"),
    (JAPANESE, "cp932", "x-sjis"),
    (JAPANESE + "①㈱", "cp932", "shift-jis"),
    (JAPANESE, "euc_jp", "EUC-JP"),
    (KOREAN, "cp949", "euc-kr"),
    (KOREAN, "cp949", "ks_c_5601-1987"),
    (KOREAN + "뷁", "cp949", "EUC-KR"),
    (RUSSIAN, "koi8_r", "KOI8-R"),
    (UKRAINIAN, "koi8_u", "koi8-u"),
    (RUSSIAN, "cp1251", "windows-1251"),
    (RUSSIAN, "cp1251", "win1251"),
    (RUSSIAN, "iso8859_5", "iso-8859-5"),
    (GREEK, "cp1253", "windows-1253"),
    (GREEK, "iso8859_7", "ISO_8859-7"),
    (THAI, "cp874", "TIS-620"),
    (HEBREW, "cp1255", "windows-1255"),
    (HEBREW, "iso8859_8", "iso-8859-8-i"),
    (ARABIC, "cp1256", "cp1256"),
    (CZECH, "cp1250", "windows-1250"),
    (POLISH, "iso8859_2", "iso8859-2"),
    (TURKISH, "cp1254", "iso-8859-9"),
    (FRENCH, "latin-1", "ISO-8859-1"),
    (FRENCH, "iso8859_15", "iso-8859-15"),
    (FRENCH, "mac_roman", "x-mac-roman"),
    ("“quotes” — and €", "cp1252", "iso-8859-1"),
    (GERMAN, "utf-7", "utf-7"),
    (SIMPLIFIED, "utf-7", "UNICODE-1-1-UTF-7"),
    (SIMPLIFIED, "utf-16", "utf-16"),
    (SIMPLIFIED, "utf-8", "utf8"),
    (SIMPLIFIED, "utf-8", "UTF_8"),
    (SIMPLIFIED, "utf-8", "charset=utf-8"),
    (SIMPLIFIED, "utf-8-sig", "utf-8"),
]

MISLABELLED = [
    (SIMPLIFIED, "utf-8", "gb2312"),
    (SIMPLIFIED, "utf-8", "iso-8859-1"),
    (SIMPLIFIED, "utf-8", "windows-1252"),
    (SIMPLIFIED, "utf-8", "us-ascii"),
    (SIMPLIFIED, "utf-8", "big5"),
    (SIMPLIFIED, "gb18030", "utf-8"),
    (SIMPLIFIED, "gb18030", "iso-8859-1"),
    (SIMPLIFIED, "gb18030", "us-ascii"),
    (SIMPLIFIED, "gb18030", "big5"),
    (SIMPLIFIED, "gb18030", "no-such-charset"),
    (TRADITIONAL, "big5", "gb2312"),
    (TRADITIONAL, "big5", "utf-8"),
    (TRADITIONAL, "big5", "iso-8859-1"),
    (JAPANESE, "cp932", "utf-8"),
    (JAPANESE, "cp932", "iso-8859-1"),
    (JAPANESE, "iso2022_jp", "us-ascii"),
    (KOREAN, "cp949", "utf-8"),
    (KOREAN, "cp949", "iso-8859-1"),
    (RUSSIAN, "cp1251", "utf-8"),
    (RUSSIAN, "cp1251", "iso-8859-1"),
    (RUSSIAN, "koi8_r", "us-ascii"),
    (FRENCH, "latin-1", "utf-8"),
    (GERMAN, "latin-1", "us-ascii"),
]

UNDECLARED = [
    (SIMPLIFIED, "utf-8"),
    (SIMPLIFIED, "gb18030"),
    ("投诉处理", "gb18030"),
    ("发票", "gb18030"),
    (SIMPLIFIED, "hz"),
    (TRADITIONAL, "big5"),
    (JAPANESE, "cp932"),
    (JAPANESE, "euc_jp"),
    (JAPANESE, "iso2022_jp"),
    (KOREAN, "cp949"),
    ("안녕하세요", "cp949"),
    (RUSSIAN, "cp1251"),
    (RUSSIAN, "koi8_r"),
    (GREEK, "cp1253"),
    (ARABIC, "cp1256"),
    (THAI, "cp874"),
    (CZECH, "cp1250"),
    (POLISH, "cp1250"),
    (FRENCH, "cp1252"),
    (GERMAN, "cp1252"),
    ("¿Dónde está mi pedido? Gracias, señor", "cp1252"),
]


def read(data: bytes, declared: str) -> str:
    return parse(
        mail(f"Content-Type: text/plain; charset={declared}" if declared else "Content-Type: text/plain", body=data)
    ).text


@pytest.mark.parametrize(("text", "codec", "declared"), DECLARED)
def test_a_declared_charset_is_read_whatever_it_is_called(text, codec, declared):
    assert read(text.encode(codec), declared) == text


@pytest.mark.parametrize(("text", "codec", "declared"), MISLABELLED)
def test_a_wrong_label_does_not_spoil_the_text(text, codec, declared):
    assert read(text.encode(codec), declared) == text


@pytest.mark.parametrize(("text", "codec"), UNDECLARED)
def test_text_without_a_label_is_recognised(text, codec):
    assert read(text.encode(codec), "") == text


@pytest.mark.parametrize(("text", "codec"), UNDECLARED)
def test_a_raw_subject_is_recognised_without_help(text, codec):
    raw = b"From: a@b.example\r\nSubject: " + text.encode(codec) + b"\r\n\r\nx"
    assert parse(raw).subject == text


@pytest.mark.parametrize("codec", ["gb18030", "big5", "cp932", "cp949", "koi8_r", "utf-8"])
def test_raw_names_and_file_names_are_read_by_the_charset_of_the_body(codec):
    text = {"gb18030": "王芳", "big5": "訂單", "cp932": "注文", "cp949": "주문", "koi8_r": "заказ", "utf-8": "王芳"}[codec]
    word = text.encode(codec)
    head = b'From: "%s" <a@b.example>\r\nContent-Type: multipart/mixed; boundary=e; charset=%s\r\n\r\n' % (word, codec.encode())
    body = (
        b'--e\r\nContent-Type: text/plain; charset=%s\r\n\r\n%s\r\n--e\r\nContent-Disposition: attachment; filename="%s.pdf"\r\n'
    )
    parsed = parse(head + body % (codec.encode(), word, word) + b"\r\nx\r\n--e--")
    assert (parsed.from_name, parsed.text) == (text, text)
    if codec in {"gb18030", "big5", "utf-8"}:
        assert parsed.files[0].name == f"{text}.pdf"


def test_japanese_letters_of_windows_inside_iso_2022_jp_are_read():
    data = b"\x1b$B-!-j\x1b(B and \x1b(I1\x1b(B"
    assert decode(data, "iso-2022-jp") == "①㈱ and ｱ"


@pytest.mark.parametrize(
    "name", ["base64", "zip", "hex", "rot13", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "", "?"]
)
def test_a_name_that_is_no_charset_chooses_nothing(name):
    assert codec_for(name) == ""


def test_half_a_character_never_leaves_the_reader():
    for declared, data in (
        ("utf-7", b"+2AA-"),
        ("utf-16", b"\xff\xfe\x00\xd8"),
        ("utf-8", b"\xed\xa0\x80"),
        ("gb18030", b"\x84\x31\xa4\x30"),
    ):
        decode(data, declared).encode("utf-8")
