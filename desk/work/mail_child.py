"""A process that reads mails for the desk: what strangers wrote is parsed here, within bounds, and nowhere else.

It is started as `python -m desk.work.mail_child BYTES`, reads one `Job` after another on standard input and answers each with a
`Reading` or an `Unread` on standard output. A mail that takes all memory, or for ever, costs this process and nothing else.
"""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import replace

from channels.email.authentication import Authentication, authenticate
from channels.email.dns_lookup import DnsResolver
from channels.email.parse import identity, parse, to_inbound
from channels.email.screen import screen
from desk.config import OFF, UPSTREAM
from desk.files import FileStore
from desk.work.mail_wire import LARGEST_MAIL, NO_ROOM, Job, Reading, Unread, receive, send

RESOLVER = DnsResolver()  # remembers what it was told, from one mail to the next


def read(job: Job) -> Reading:
    """Parse and judge a mail, and write its bytes and its files."""
    parsed = parse(job.raw)
    verdict = screen(
        parsed,
        own_domains=job.own_domains,
        own_addresses=job.own_addresses,
        max_size=LARGEST_MAIL,
        envelope_from=job.envelope_from,
    )
    inbound = to_inbound(parsed, identity=identity(parsed))
    store = FileStore(job.folder)
    raw, *files = [
        store.write(job.raw, "message.eml", "message/rfc822"),
        *(store.write(file.data, file.name, file.content_type, file.content_id) for file in inbound.files),
    ]
    meta = {**inbound.meta, "verdict": verdict.kind, "reasons": list(verdict.reasons)}
    if job.trust != OFF:
        meta["authentication"] = _authenticated(job).as_meta()
    return Reading(
        inbound=replace(inbound, meta=meta, files=()),
        files=tuple(file for file, _ in files),
        raw=raw[0],
        verdict=verdict.kind,
        reasons=verdict.reasons,
        bounced=verdict.recipients,
        returned_message_id=parsed.returned_message_id,
        written=tuple((file.sha256, written) for file, written in (raw, *files)),
    )


def _authenticated(job: Job) -> Authentication:
    """Who vouches for the sender. A mailbox elsewhere has lost who delivered to it: its own server's report is all there is."""
    upstream = job.trust.removeprefix(UPSTREAM) if job.trust.startswith(UPSTREAM) else ""
    return authenticate(
        job.raw,
        mode="upstream" if upstream else "check",
        envelope_from=job.envelope_from or "",
        client_ip=job.peer if job.envelope_from is not None else "",
        helo=job.helo,
        upstream=upstream,
        resolver=RESOLVER,
    )


def main(most_memory: int) -> None:
    """Read until nobody asks any more. `most_memory` is in bytes of address space."""
    os.nice(5)  # who delivers and who looks at a page come first
    resource.setrlimit(resource.RLIMIT_AS, (most_memory, most_memory))
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever a library prints must not get between the answers
    while True:
        try:
            job = receive(questions)
        except EOFError:
            return
        except MemoryError:
            sys.exit(NO_ROOM)
        assert isinstance(job, Job)
        try:
            answer: Reading | Unread = read(job)
        except OSError as error:
            answer = Unread(str(error)[:500], by_mail=False)
        except Exception as error:  # noqa: BLE001 - the desk counts what cannot be read
            answer = Unread(f"{type(error).__name__}: {error}"[:500])
        send(answers, answer)


if __name__ == "__main__":
    main(int(sys.argv[1]))
