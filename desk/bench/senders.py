"""Mail servers of strangers, in a process of their own so that they do not take the desk's time: `PORT TO CONNECTIONS MAILS`."""

from __future__ import annotations

import secrets
import smtplib
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROCESSES = 2
PEOPLE = 100


def send_from_outside(port: int, to: str, connections: int, mails: int) -> float:
    """Send `mails` over each of `connections` kept open, to this machine. Returns mails a second."""
    command = [sys.executable, "-m", "desk.bench.senders", str(port), to, str(connections // PROCESSES), str(mails)]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()  # it is connected
    start = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        process.communicate()
        if process.returncode:
            raise RuntimeError("a sender failed")
    return PROCESSES * (connections // PROCESSES) * mails / (time.perf_counter() - start)


def mail(number: int, to: str, people: int = PEOPLE) -> bytes:
    """About 3 kB of plain text from one of so many customers."""
    body = "The line drops every evening around eight, and the light turns red.\r\n" * 40
    return (
        f"From: c{number % people}@example.com\r\nTo: {to}\r\nSubject: Line {number}\r\nDate: Sat, 21 Nov 2026 10:00:00 +0800\r\n"
        f"Message-ID: <{number}.{secrets.token_hex(8)}@example.com>\r\n\r\n{body}\r\n"
    ).encode()


def main(port: int, to: str, connections: int, mails: int) -> None:
    clients = [smtplib.SMTP("127.0.0.1", port, timeout=120) for _ in range(connections)]
    sent = []

    def send(client: smtplib.SMTP) -> None:
        for number in range(mails):
            client.sendmail(f"c{number % PEOPLE}@example.com", [to], mail(number, to))
        client.quit()
        sent.append(client)

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(sent) < connections:
        sys.exit("not every mail was taken")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
