"""What strangers and colleagues try on a running desk: to get in, to see what is not theirs, and to break it with bad input."""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Iterator
from uuid import uuid4

import pytest
import requests
from sqlalchemy import func, select

from desk.events import Event
from desk.http.guard import guard_of
from desk.models import Attachment, Complaint, Message, SignIn
from tests.services.postgres import new_database
from tests.web.siege import TOKEN, Siege, besieged, names_of_fields
from tests.world import Browsing

# What databases, parsers, calendars and number types have stumbled over; each goes into every field of every page.
HOSTILE = (
    "a\x00b",
    "²",
    "9" * 25,
    "9" * 5000,
    "-1",
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00+23:59~1",
    "0001-01-01T00:00:00+23:59:1",
    "9999-12-31",
    "http://[evil",
    "name:²",
    "'\"><script>alert(1)</script>\r\nX: y %_\\",
)
KNOWN_TO_DATABASES = ("a\x00b", "9" * 25, "-1")
STEPS_OUT = {"/logout", "/login"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def siege(request, tmp_path_factory) -> Iterator[Siege]:
    folder = tmp_path_factory.mktemp("siege")
    if request.param == "sqlite":
        with besieged(folder) as siege:
            yield siege
        return
    with new_database(request.getfixturevalue("postgres_server")) as url, besieged(folder, DESK_DATABASE_URL=url) as siege:
        yield siege


@pytest.fixture(autouse=True)
def forget_rates(siege):
    """Each test begins with a clean sheet at the doors that count how often somebody knocks."""
    siege.world.app.extensions.pop("rates", None)
    with siege.world.tx() as tx:
        tx.session.query(SignIn).delete()


def everything(siege: Siege) -> int:
    """How much has happened: whatever changes the desk says so here."""
    return siege.world.one(select(func.count()).select_from(Event))


def role_for(siege: Siege, rule: str, method: str) -> str:
    """Whoever may use this address."""
    for each in siege.world.app.url_map.iter_rules():
        if each.rule == rule and method in each.methods:
            guard = guard_of(siege.world.app.view_functions[each.endpoint])
    if guard in ("public", "signed"):
        return ""
    wanted = {"handle_complaint": "complaintofficer", "publish_articles": "knowledgeeditor", "administer": "admin"}
    return wanted.get(str(guard), "supervisor")


def signed_in(siege: Siege, *names: str) -> dict[str, Browsing]:
    """Browsers by the names of their people; they fetch their form token once, and the one without a name is a stranger's."""
    found = {}
    for name in ("", *names):
        browser = siege.world.browser(f"{name}@desk.example" if name else "")
        browser._fetch_csrf()
        browser._fetch_csrf = lambda: None
        found[name] = browser
    return found


# Bad input


def test_no_address_fails_whatever_its_fields_hold(siege):
    browsers = signed_in(siege, "supervisor", "admin", "knowledgeeditor", "complaintofficer")
    names = sorted(names_of_fields())
    # What code stumbles over is the same everywhere and tried on the stricter database; the other has its own say on these.
    hostile = HOSTILE if siege.world.desk.settings.database_url.startswith("postgresql") else KNOWN_TO_DATABASES
    failed, asked = [], 0
    for method, rule in siege.routes():
        if rule in STEPS_OUT:
            continue
        browser = browsers[role_for(siege, rule, method)]
        for value in hostile:
            siege.fields_read.clear()
            headers = {"Authorization": f"Bearer {TOKEN}supervisor"} if rule.startswith("/api/") else {}
            filled = dict.fromkeys(names, value[: 100 if method == "GET" else None])
            where = {"params": filled} if method == "GET" else {"json" if headers else "data": filled}
            if browser.request(method, siege.path(rule), headers=headers, **where).status_code >= 500:
                failed.append((method, rule, value[:30]))
            asked += 1
            if not headers and not siege.fields_read:
                break  # whatever else stands in the fields: nobody looks at them here
    assert failed == []
    assert asked > (len(hostile) / 3) * len(siege.routes()), "hardly any field was looked at"


@pytest.mark.parametrize(
    "key", ["%00", "..%2f..%2fetc%2fpasswd", "%ff%fe", "%ed%a0%80", "x" * 5000, "%F0%9F%98%80", "-1", "9" * 40]
)
def test_no_address_fails_whatever_stands_in_it(siege, key):
    browsers = signed_in(siege, "supervisor", "admin", "knowledgeeditor", "complaintofficer")
    failed = []
    for method, rule in siege.routes():
        if "<" not in rule:
            continue
        headers = {"Authorization": f"Bearer {TOKEN}supervisor"} if rule.startswith("/api/") else {}
        path = siege.path(rule, **dict.fromkeys(siege.ids, key))
        status = browsers[role_for(siege, rule, method)].request(method, path, headers=headers).status_code
        if status >= 500 or (status == 200 and "<int:" in rule):
            failed.append((method, rule, status))
    assert failed == []


BODIES = {
    "nested until the reader gives up": b"[" * 200_000,
    "no number": b'{"subject": NaN, "email": "a@b.example"}',
    "a number beyond all numbers": b'{"subject": "x", "email": "a@b.example", "queue": 1' + b"0" * 5000 + b"}",
    "infinity": b'{"subject": "x", "email": "a@b.example", "queue": 1e999}',
    "half a character": b'{"subject": "x \\ud800 y", "email": "half@b.example", "text": "\\udfff"}',
    "a null byte": b'{"subject": "x \\u0000 y", "email": "null@b.example", "text": "a\\u0000b", "name": "\\u0000"}',
    "no UTF-8": b'{"subject": "\xff\xfe"}',
    "a list": b"[1, 2]",
    "nothing": b"",
    "the wrong kinds": b'{"subject": [], "text": {}, "email": 1, "phone": true, "name": null, "type": [], "queue": {}}',
}


@pytest.mark.parametrize("name", BODIES)
def test_an_api_body_is_taken_clean_or_refused_with_a_problem(siege, name):
    answer = requests.post(
        f"{siege.world.url}/api/v1/tickets",
        data=BODIES[name],
        headers={"Authorization": f"Bearer {TOKEN}agent", "Content-Type": "application/json"},
        timeout=60,
    )
    assert answer.status_code in (201, 422), answer.text
    if answer.status_code == 422:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]


STORED = "a\x00b 😀 \u202eright to left\u202c عربي 𝒜"


@pytest.mark.parametrize(
    "field", ["name", "statement", "remedy_wanted", "product", "order_number", "category", "token", "locale"]
)
def test_a_complaint_with_a_null_byte_is_kept_without_it_or_refused(siege, field):
    form = {"email": "li@customers.example", "statement": "Charged twice", "token": uuid4().hex, "locale": "en"}
    answer = signed_in(siege)[""].post("/complaints/new", data={**form, field: STORED})
    assert answer.status_code in (303, 422), answer.text
    kept = siege.world.one(select(Complaint).order_by(Complaint.id.desc()).limit(1))
    assert "\x00" not in kept.statement + kept.product + kept.remedy_wanted


def test_names_in_any_writing_come_back_as_they_were(siege):
    browser = signed_in(siege)[""]
    name = "山田 😀 عربي Zoë"
    form = {"email": "zoe@customers.example", "name": name, "statement": "Where is it? 🙃", "token": uuid4().hex, "locale": "en"}
    assert browser.post("/complaints/new", data=form).status_code == 303
    assert siege.world.one(select(Message.author_name).where(Message.from_address == "zoe@customers.example")) == name


def test_a_chat_of_a_hostile_name_agent_reply_and_note_is_stored_clean(siege):
    maya = signed_in(siege, "supervisor")["supervisor"]
    path = siege.path("/desk/tickets/<int:number>/messages")
    answer = maya.post(path, data={"kind": "note", "text": STORED, "client_id": uuid4().hex})
    assert answer.status_code == 303
    note = siege.world.one(select(Message).where(Message.kind == "note").order_by(Message.id.desc()).limit(1))
    assert note.text == STORED.replace("\x00", "")


def test_a_mail_with_null_bytes_everywhere_becomes_a_ticket(siege):
    raw = (
        b"From: =?utf-8?q?a=00b?= <null@customers.example>\r\nTo: support@desk.example\r\nSubject: =?utf-8?q?x=00y?=\r\n"
        b"Message-ID: <\x01null@customers.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\naAABaQBqAGtrCg==\r\n"
        b"--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<b>x=00y</b>\r\n"
        b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment;\r\n"
        b" filename*=utf-8''a%00b%0d%0aX%3a y.txt\r\n\r\nhi\r\n--b--\r\n"
    )
    with smtplib.SMTP("127.0.0.1", siege.world.background.mail.port, timeout=60) as smtp:
        smtp.sendmail("null@customers.example", ["support@desk.example"], raw)
    message = siege.world.until(lambda: siege.world.one(select(Message).where(Message.from_address == "null@customers.example")))
    file = siege.world.one(select(Attachment).where(Attachment.message_id == message.id))
    assert "\x00" not in message.text + message.html + message.subject + message.author_name + file.name
    answer = signed_in(siege, "supervisor")["supervisor"].get(f"/desk/files/{file.id}")
    assert (answer.status_code, answer.text) == (200, "hi")


def test_a_file_name_cannot_break_the_header_that_carries_it(siege):
    maya = signed_in(siege, "supervisor")["supervisor"]
    body = (
        b'--b\r\nContent-Disposition: form-data; name="kind"\r\n\r\nnote\r\n'
        b'--b\r\nContent-Disposition: form-data; name="client_id"\r\n\r\n' + uuid4().hex.encode() + b"\r\n"
        b'--b\r\nContent-Disposition: form-data; name="files"; '
        b"filename*=UTF-8''..%2f..%2fa%0d%0aSet-Cookie%3a%20x=1%E2%80%AEfdp.exe\r\n"
        b"Content-Type: text/html\r\n\r\n<script>alert(1)</script>\r\n--b--\r\n"
    )
    answer = maya.post(
        siege.path("/desk/tickets/<int:number>/messages"),
        data=body,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 303, answer.text
    file = siege.world.one(select(Attachment).order_by(Attachment.id.desc()).limit(1))
    assert not re.search("[\r\n/\\\\\u202e]", file.name)
    answer = maya.get(f"/desk/files/{file.id}")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert maya.get(f"/desk/files/{file.id}/picture").status_code == 404


@pytest.mark.parametrize(
    ("data", "is_picture"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", False),
        (b"<html><script>alert(1)</script>", False),
        (b"GIF89a/*<script>alert(1)</script>*/=1", True),
    ],
)
def test_a_picture_is_what_its_bytes_are_and_never_more(siege, data, is_picture):
    maya = signed_in(siege, "supervisor")["supervisor"]
    files = {"files": ("x.png", data, "image/png")}
    form = {"kind": "note", "client_id": uuid4().hex}
    assert maya.post(siege.path("/desk/tickets/<int:number>/messages"), data=form, files=files).status_code == 303
    file_id = siege.world.one(select(func.max(Attachment.id)))
    answer = maya.get(f"/desk/files/{file_id}/picture")
    assert answer.status_code == (200 if is_picture else 404)
    if is_picture:
        assert answer.headers["Content-Type"] == "image/gif"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_too_much_is_refused_with_a_sentence(siege):
    stranger = signed_in(siege)[""]
    form = {"email": "li@customers.example", "token": uuid4().hex}
    big = stranger.post("/complaints/new", data={**form, "statement": "x" * 5_000_000})
    assert big.status_code == 413
    assert "too large" in big.text
    many = stranger.post("/complaints/new", files=[("x", (None, "y"))] * 1500)
    assert many.status_code == 413
    long = stranger.post("/complaints/new", data={**form, "statement": "x" * 1_000_000})
    assert long.status_code == 422
    fields = stranger.post("/complaints/new", data={f"field{n}": "x" for n in range(1000)})
    assert fields.status_code < 500


def test_a_file_too_large_is_named_and_nothing_is_filed(siege):
    before = siege.world.one(select(func.count()).select_from(Complaint))
    form = {"email": "li@customers.example", "statement": "x", "token": uuid4().hex, "locale": "en"}
    answer = signed_in(siege)[""].post("/complaints/new", data=form, files={"files": ("big.bin", b"x" * (20 * 1024 * 1024 + 1))})
    assert answer.status_code == 422
    assert "big.bin" in answer.text
    assert siege.world.one(select(func.count()).select_from(Complaint)) == before


@pytest.mark.parametrize(
    "start",
    [
        b"GET /\xff\xfe?\xff=\xff HTTP/1.1\r\nHost: x\r\n",
        b"GET / HTTP/1.1\r\nHost: [::\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00b\r\n",
        b"GET /login HTTP/1.1\r\nHost: x\r\nCookie: desk=\xff\x00; \x00\r\nAccept-Language: \xff;q=nan, zh;q=9e999, *;q=-1\r\n",
        b'GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: "\xff\r\nIf-Modified-Since: nonsense\r\nRange: bytes=9-1\r\n',
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=\xff\r\nContent-Length: -5\r\n",
        b"POST /complaints/new HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000000000000\r\n",
        b"GET /api/v1/tickets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\x00\r\n",
        b"GET /chat/files/1 HTTP/1.1\r\nHost: x\r\nX-Chat-Token: \xff\x00\r\n",
    ],
)
def test_malformed_requests_are_answered_and_never_fail(siege, start):
    settings = siege.world.desk.settings
    with socket.create_connection(("127.0.0.1", settings.http_port), timeout=60) as line:
        line.sendall(start + b"Connection: close\r\n\r\n")
        line.shutdown(socket.SHUT_WR)
        answer = line.makefile("rb").read()
    assert answer, "the connection just closed"
    assert int(answer.split()[1]) < 500, answer[:300]
