"""Encoded words, parameters and file names, abused in the ways that occur."""

from __future__ import annotations

import base64
import quopri
from itertools import pairwise

import pytest

from channels.email.parameters import parameter
from channels.email.parse import parse
from tests.unit.channels.email.mails import mail, multipart, word

NAME = "季度报告2024.pdf"
PERCENT = "%E5%AD%A3%E5%BA%A6%E6%8A%A5%E5%91%8A2024.pdf"
PERCENT_GBK = "%BC%BE%B6%C8%B1%A8%B8%E62024.pdf"


def q(text: str, charset: str = "utf-8") -> str:
    encoded = (
        quopri.encodestring(text.encode(charset), quotetabs=True, header=True).decode().replace("=\n", "").replace("?", "=3F")
    )
    return f"=?{charset}?Q?{encoded}?="


def pieces(text: str, charset: str, cuts: list[int], letter: str = "B") -> str:
    data = text.encode(charset)
    bounds = [0, *cuts, len(data)]
    parts = [data[a:b] for a, b in pairwise(bounds)]
    if letter == "B":
        return "\r\n ".join(f"=?{charset}?B?{base64.b64encode(one).decode()}?=" for one in parts)
    return "\r\n ".join(f"=?{charset}?Q?{''.join(f'={byte:02X}' for byte in one)}?=" for one in parts)


SUBJECTS = {
    "one word": (word("关于订单的投诉"), "关于订单的投诉"),
    "cut inside characters": (pieces("关于订单的投诉", "utf-8", [4, 10]), "关于订单的投诉"),
    "cut inside characters in gbk": (pieces("关于订单的投诉", "gb2312", [3, 7]), "关于订单的投诉"),
    "cut inside characters by hex": (pieces("关于订单的投诉", "utf-8", [4, 10], "Q"), "关于订单的投诉"),
    "no blank between": (word("关于") + word("订单"), "关于订单"),
    "glued to text": (f"Re:{word('投诉')}[1]", "Re:投诉[1]"),
    "blanks inside": ("=?utf-8?Q?two words here?=", "two words here"),
    "blanks inside base64": ("=?utf-8?B?5oqV 6K+J?=", "投诉"),
    "folded inside a word": ("=?utf-8?B?5oqV\r\n 6K+J?=", "投诉"),
    "hex called base64": ("=?utf-8?B?=E6=8A=95=E8=AF=89?=", "投诉"),
    "no end": ("=?utf-8?B?5oqV6K+J", "投诉"),
    "half an end": ("=?utf-8?B?5oqV6K+J?", "投诉"),
    "bad padding": ("=?utf-8?B?5oqV6K+J=?=", "投诉"),
    "small letters": ("=?UTF-8?b?5oqV6K+J?=", "投诉"),
    "a language": ("=?utf-8*zh?B?5oqV6K+J?=", "投诉"),
    "encoded twice": (q(word("投诉")), "投诉"),
    "in quotes": (f'"{word("投诉")}"', '"投诉"'),
    "two charsets": (f"{word('投诉')} {word('处理', 'gb18030')}", "投诉处理"),
    "a wrong charset": ("=?us-ascii?B?5oqV6K+J?=", "投诉"),
    "an unknown charset": ("=?x-nothing?B?5oqV6K+J?=", "投诉"),
    "japanese": (word("ご注文について", "iso2022_jp").replace("iso2022_jp", "ISO-2022-JP"), "ご注文について"),
    "underscores": ("=?utf-8?Q?a_b=5Fc?=", "a b_c"),
    "a question mark inside": ("=?utf-8?Q?why??=", "why?"),
    "text that looks like one": ("a =?b?c", "a =?b?c"),
    "emoji": (word("谢谢😀👨‍👩‍👧"), "谢谢😀👨‍👩‍👧"),
    "direction and control signs": (word("a\u202egpj.exe\x07b"), "a gpj.exe b"),
}


@pytest.mark.parametrize("case", SUBJECTS.values(), ids=SUBJECTS.keys())
def test_a_subject_is_decoded(case):
    assert parse(mail(f"Subject: {case[0]}")).subject == case[1]


FILENAMES = {
    "plain": 'filename="report 2024.pdf"',
    "extended": f"filename*=UTF-8''{PERCENT}",
    "extended with a language": f"filename*=utf-8'zh-CN'{PERCENT}",
    "extended in gbk": f"filename*=GB2312''{PERCENT_GBK}",
    "extended in quotes": f"filename*=\"UTF-8''{PERCENT}\"",
    "extended without a charset": f"filename*={PERCENT}",
    "extended beside a plain one": f"filename=\"x.pdf\"; filename*=UTF-8''{PERCENT}",
    "continued": f"filename*0*=UTF-8''{PERCENT[:18]}; filename*1*={PERCENT[18:]}",
    "continued inside a character": f"filename*0*=UTF-8''{PERCENT[:12]}; filename*1*={PERCENT[12:]}",
    "continued out of order": f"filename*1*={PERCENT[18:]}; filename*0*=UTF-8''{PERCENT[:18]}",
    "continued from one": f"filename*1*=UTF-8''{PERCENT[:18]}; filename*2*={PERCENT[18:]}",
    "continued, the end plain": f"filename*0*=UTF-8''{PERCENT[:36]}; filename*1=\"2024.pdf\"",
    "an encoded word": f'filename="{word(NAME)}"',
    "an encoded word in gbk": f'filename="{word(NAME, "gb18030")}"',
    "an encoded word without quotes": f"filename={word(NAME)}",
    "two encoded words": f'filename="{word(NAME[:3])}\r\n {word(NAME[3:])}"',
    "encoded words in continued pieces": f'filename*0="{word(NAME)[:20]}"; filename*1="{word(NAME)[20:]}"',
    "raw": f'filename="{NAME}"',
    "raw without quotes": f"filename={NAME}",
    "percent signs in a plain one": f'filename="{PERCENT}"',
    "extended form in a plain one": f"filename=\"UTF-8''{PERCENT}\"",
    "one quote": f'filename="{NAME}',
    "single quotes": f"filename='{NAME}'",
    "capitals": f'FILENAME="{NAME}"',
    "blanks around the sign": f'filename = "{NAME}"',
    "a path of windows": f'filename="C:\\Users\\wang\\{NAME}"',
    "a path": f'filename="../../home/{NAME}"',
}


@pytest.mark.parametrize("form", FILENAMES.values(), ids=FILENAMES.keys())
def test_a_file_name_survives(form):
    part = (f"Content-Type: application/pdf\r\nContent-Disposition: attachment; {form}", b"%PDF")
    field, body = multipart("mixed", ("Content-Type: text/plain", b"x"), part)
    (file,) = parse(mail(field, body=body)).files
    assert file.name == ("report 2024.pdf" if "report 2024" in form else NAME)


def test_a_name_only_in_the_content_type_counts_and_a_damaged_one_gives_way():
    for head in (
        f"Content-Type: application/pdf; name={word(NAME)}\r\nContent-Disposition: attachment",
        f"Content-Type: application/pdf; name*=UTF-8''{PERCENT}",
        f'Content-Type: application/pdf; name={word(NAME)}\r\nContent-Disposition: attachment; filename="????2024.pdf"',
    ):
        field, body = multipart("mixed", ("Content-Type: text/plain", b"x"), (head, b"%PDF"))
        assert [file.name for file in parse(mail(field, body=body)).files] == [NAME]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("\\\\server\\share\\a.doc", "a.doc"),
        ("a/b.pdf", "a_b.pdf"),
        ("2024/03 report.pdf", "2024_03 report.pdf"),
        (".htaccess", "htaccess"),
        ("con.txt", "_con.txt"),
        ("photo\u202egpj.exe", "photo gpj.exe"),
        ("a\x00\x1b[31m.pdf", "a [31m.pdf"),
        ('a<b>:c|d?"*.pdf', "a_b_c_d_.pdf"),
        ("name. . .", "name"),
        ("  spaced   name .pdf", "spaced name .pdf"),
    ],
)
def test_a_file_name_is_made_safe(given, name):
    percent = "".join(f"%{byte:02X}" for byte in given.encode())
    part = (f"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''{percent}", b"x")
    (file,) = parse(mail(*multipart("mixed", part)[:1], body=multipart("mixed", part)[1])).files
    assert file.name == name


def test_a_file_name_is_bounded_and_keeps_its_ending():
    part = (f'Content-Type: application/pdf; name="{"报告" * 300}.pdf"\r\nContent-Disposition: attachment', b"x")
    field, body = multipart("mixed", part)
    (file,) = parse(mail(field, body=body)).files
    assert len(file.name.encode()) <= 200
    assert file.name.startswith("报告报告")
    assert file.name.endswith(".pdf")


def test_files_of_one_name_are_told_apart():
    parts = [(f'Content-Type: image/png; name="{name}"', b"x") for name in ("a.png", "a.png", "A.PNG", "b.png")]
    field, body = multipart("mixed", *parts)
    assert [file.name for file in parse(mail(field, body=body)).files] == [
        "a.png",
        "a (2).png",
        "A (2).PNG".replace("(2)", "(3)"),
        "b.png",
    ]


def test_parts_without_a_name_get_one_with_their_ending():
    kinds = ("image/jpeg", "application/vnd.ms-excel", "text/calendar", "application/octet-stream", "x/y-z")
    field, body = multipart("mixed", *[(f"Content-Type: {kind}", b"x") for kind in kinds])
    assert [file.name for file in parse(mail(field, body=body)).files] == [
        "attachment-1.jpg",
        "attachment-2.xls",
        "attachment-3.ics",
        "attachment-4.bin",
        "attachment-5.bin",
    ]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("text/plain; charset=utf-8; format=flowed", "utf-8"),
        ('text/plain; charset="utf-8"', "utf-8"),
        ("text/plain;charset=utf-8;", "utf-8"),
        ("text/plain; ; ;charset=utf-8", "utf-8"),
        ('text/plain; name="a; charset=no"; charset=utf-8', "utf-8"),
        ("text/plain; charset", ""),
        ("text/plain", ""),
        ("", ""),
    ],
)
def test_a_parameter_is_found_among_others(value, found):
    assert parameter(value, "charset") == found
