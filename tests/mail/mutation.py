"""Mails changed at random, from the corpus: repeatable by their seed."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

from tests.mail.containers import attribute, enveloped, mapi, signed, tnef, tnef_file
from tests.mail.corpus_files import cases
from tests.unit.channels.email.mails import mail, multipart, word

TOKENS = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\x00", b"\xff", b"\x1b$B", b"~{", b"=", b"==", b"=?", b"?=", b"=?utf-8?B?",
    b"=?gb2312?Q?=D6", b">", b"> ", b"-- \r\n", b"--edge", b"--edge--", b"\r\n--edge\r\n",
    b"Content-Type: multipart/mixed; boundary=edge\r\n", b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: application/ms-tnef\r\n", b"Content-Type: text/html\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"From: ", b"Subject: ", b"; filename*0*=utf-8''%E5", b"; charset=gb2312", b"; charset=utf-16", b"; charset=hz",
    b"On Tue, 5 Mar 2024, a@b.example wrote:\r\n", "在 2024年3月5日，客服 <c@d.example> 写道：\r\n".encode(), "发件人：".encode(),
    b"-----Original Message-----\r\n", b"<div id=divRplyFwdMsg>", b"<blockquote>", b"</", b"<!--", b"&", b"&#x",
    b"begin 644 a\r\nM", b"Final-Recipient: rfc822;", b"550 5.1.1 ", b"a@b.example", b"<", b"\"", b"(",
    b"until 15 March 2024", b"\x30\x80", b"\x24\x80", b"\x78\x9f\x3e\x22", b"-----BEGIN PGP SIGNED MESSAGE-----\r\n", b" ",
    b"\t", b"*", b"_", b"|",
)  # fmt: skip


def seeds() -> list[bytes]:
    """Mails to start from."""
    html = [mail("Content-Type: text/html; charset=utf-8", body=page) for page in cases("replies/pages").values()]
    bodies = [body for name in ("chinese", "others") for body in cases(f"replies/{name}").values()]
    plain = [mail("Content-Type: text/plain; charset=utf-8", body=body) for body in bodies[::3]]
    return [*cases("bounces").values(), *html, *plain, *_built()]


def _built() -> list[bytes]:
    words = mapi((0x1F, 0x1000, "正文\x00".encode("utf-16-le")))
    packed = tnef(attribute(1, 0x9003, 6, words), tnef_file(b"a.pdf", b"%PDF" * 50))
    encoded = "Content-Transfer-Encoding: base64"
    parts = (
        ("Content-Type: text/plain; charset=gb2312; format=flowed", "您好，\r\n请查收 \r\n附件".encode("gbk")),
        ("Content-Type: text/html; charset=utf-8", b"<p>Hello<blockquote>old</blockquote>"),
        (
            f"Content-Type: application/pdf; name={word('发票.pdf')}\r\n{encoded}",
            base64.b64encode(b"%PDF" * 90),
        ),
        (f"Content-Type: application/ms-tnef; name=winmail.dat\r\n{encoded}", base64.b64encode(packed)),
        ("Content-Type: text/calendar; method=REPLY", b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR"),
        ("Content-Type: message/rfc822", mail(f"Subject: {word('里面')}")),
    )
    field, body = multipart("mixed", *parts)
    inner = f"{field}\r\n\r\n".encode() + body
    return [
        mail(field, body=body),
        mail("Content-Type: application/pkcs7-mime; name=smime.p7m", body=signed(inner, cut=50)),
        mail("Content-Type: application/pkcs7-mime; name=smime.p7m", body=enveloped()),
        mail("Content-Type: application/ms-tnef; name=winmail.dat", body=packed),
        mail("Subject: Out of office", "Auto-Submitted: auto-replied", body="I am away until 15 March 2024."),
    ]


def mutated(rng: random.Random, start: list[bytes], *, largest: int) -> bytes:
    """One mail with up to eight changes; at most `largest` bytes."""
    raw = rng.choice(start)
    for _ in range(rng.randint(1, 8)):
        raw = rng.choice(CHANGES)(rng, raw, start)[:largest]
    return raw


def _flip(rng: random.Random, raw: bytes, _start: list[bytes]) -> bytes:
    data = bytearray(raw)
    for _ in range(rng.randint(1, 20)):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def _cut(rng: random.Random, raw: bytes, _start: list[bytes]) -> bytes:
    a, b = sorted(rng.randint(0, len(raw)) for _ in range(2))
    return raw[:a] + raw[b:]


def _insert(rng: random.Random, raw: bytes, _start: list[bytes]) -> bytes:
    at = rng.randint(0, len(raw))
    return raw[:at] + b"".join(rng.choice(TOKENS) for _ in range(rng.randint(1, 5))) + raw[at:]


def _repeat(rng: random.Random, raw: bytes, _start: list[bytes]) -> bytes:
    """A piece many times over: what makes rules that look back and forth slow."""
    at = rng.randint(0, len(raw))
    piece = rng.choice([rng.choice(TOKENS), raw[at : at + rng.randint(1, 200)], rng.choice(TOKENS) + rng.choice(TOKENS)])
    return raw[:at] + piece * rng.choice([10, 1_000, 20_000, 200_000]) + raw[at:]


def _splice(rng: random.Random, raw: bytes, start: list[bytes]) -> bytes:
    other = rng.choice(start)
    return raw[: rng.randint(0, len(raw))] + other[rng.randint(0, len(other)) :]


def _swap_ends(rng: random.Random, raw: bytes, _start: list[bytes]) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n", rng.choice([b"\n", b"\r", b"\r\n", b"\r\r\n"]))


def _at_line(rng: random.Random, raw: bytes, _start: list[bytes]) -> bytes:
    lines = raw.split(b"\n")
    lines.insert(rng.randint(0, len(lines)), rng.choice(TOKENS))
    return b"\n".join(lines)


CHANGES: tuple[Callable[[random.Random, bytes, list[bytes]], bytes], ...] = (
    _flip, _cut, _insert, _insert, _repeat, _splice, _swap_ends, _at_line,
)  # fmt: skip
