"""`bench mail`: durable intake over SMTP against a listener that keeps nothing."""

from __future__ import annotations

import secrets
import smtplib
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from channels.email.batch import Envelope, Reply
from channels.email.listener import MailListener
from desk.app import install, prepare
from desk.bench.figures import figure
from desk.config import Settings
from desk.work.mail_in import MailDoor

CONNECTIONS, MAILS = 8, 50


def run(settings: Settings) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        desk = install(replace(settings, data_dir=Path(folder), database_url=f"sqlite:///{folder}/desk.db", smtp_port=0))
        prepare(desk)
        door = MailDoor(desk)
        sink = MailListener("127.0.0.1", 0, _take_nothing, now=desk.clock.now)
        rates = []
        for listener in (sink, door.listener):
            listener.start()
            rates.append(_rate(listener.port, desk.settings.mail_from))
            listener.stop()
        desk.store.engine.dispose()
    floor, value = rates
    return {"intake_8_connections": figure(value, "mails/s", floor, "no-op SMTP sink (more is better)")}


def _take_nothing(batch: Sequence[Envelope]) -> list[Reply]:
    return [Reply(250, "2.0.0 gone")] * len(batch)


def _rate(port: int, to: str) -> float:
    def send(client: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
            for number in range(MAILS):
                smtp.sendmail(f"c{client}@example.com", [to], _mail(client, number, to))

    clients = [threading.Thread(target=send, args=(number,)) for number in range(CONNECTIONS)]
    start = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return CONNECTIONS * MAILS / (time.perf_counter() - start)


def _mail(client: int, number: int, to: str) -> bytes:
    body = "The line drops every evening around eight, and the light turns red. " * 40
    return (
        f"From: c{client}@example.com\r\nTo: {to}\r\nSubject: Line {number}\r\n"
        f"Message-ID: <{client}.{number}.{secrets.token_hex(4)}@example.com>\r\n\r\n{body}\r\n"
    ).encode()
