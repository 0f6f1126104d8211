"""`mail parse` and `mail reply-text` as other programs call them."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest

from desk.__main__ import main
from tests.unit.channels.email.mails import mail

KEYS = [
    "from_address",
    "from_name",
    "to",
    "cc",
    "subject",
    "text",
    "reply_text",
    "attachments",
    "auto_reply",
    "bounce",
    "message_id",
    "in_reply_to",
    "references",
]


@pytest.fixture
def typed(monkeypatch):
    """Bytes on standard input."""
    return lambda data: monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def test_each_file_gives_one_line_in_order(tmp_path, capfd):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(mail(f"Subject: {name} 投诉"))
    assert main(["mail", "parse", *(str(tmp_path / name) for name in ("b", "a", "c"))]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["subject"] for line in lines] == ["b 投诉", "a 投诉", "c 投诉"]
    assert all(list(line) == KEYS for line in lines)


def test_a_file_that_cannot_be_opened_is_told_and_the_others_are_read(tmp_path, capfd):
    (tmp_path / "a.eml").write_bytes(mail())
    assert main(["mail", "parse", str(tmp_path / "gone.eml"), str(tmp_path), str(tmp_path / "a.eml")]) == 1
    told = capfd.readouterr()
    assert len(told.out.splitlines()) == 1
    assert "gone.eml: No such file or directory" in told.err
    assert "Is a directory" in told.err


def test_a_dash_is_standard_input(typed, capfd):
    typed(mail(body="hello"))
    assert main(["mail", "parse", "-"]) == 0
    assert json.loads(capfd.readouterr().out)["text"] == "hello"


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"From: a@b.example"])
def test_whatever_the_bytes_there_is_a_line(data, typed, capfd):
    typed(data)
    assert main(["mail", "parse", "-"]) == 0
    assert list(json.loads(capfd.readouterr().out)) == KEYS


def test_the_new_text_of_a_body_is_printed(typed, capfd):
    typed("好的\r\n\r\n在 2024年3月5日，客服 <c@d.example> 写道：\r\n> 旧的\r\n".encode("gb18030"))
    assert main(["mail", "reply-text"]) == 0
    assert capfd.readouterr().out == "好的\n"


def test_mail_without_a_file_is_called_wrongly():
    with pytest.raises(SystemExit) as stopped:
        main(["mail", "parse"])
    assert stopped.value.code == 2
