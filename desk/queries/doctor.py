"""What `doctor` reads in the database and the file store: is what should be there there, and unchanged?"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from channels.voice.port import Finding
from desk.config import Settings
from desk.errors import NotFound
from desk.events import Actor, Event, link
from desk.files import FileStore
from desk.models import (
    Agent,
    Attachment,
    CallRecording,
    Complaint,
    ComplaintDecision,
    ContactPoint,
    Customer,
    Erasure,
    Evidence,
    OutboxMail,
    RouterLease,
    SpooledMail,
    Timer,
)
from desk.models.erasure import AGREED, CUSTOMER, DONE, RUNNING
from desk.models.mail import FAILED as MAIL_FAILED
from desk.queries.privacy.redacted import ERASED, WORDS_ERASED, digest

LATEST = 200  # files whose presence is looked at
MOST_CHAINS = 500  # complaints whose record is read from end to end, the newest
MOST_HASHED = 500  # pieces of evidence that are read from end to end
SLOW = timedelta(minutes=15)  # what should happen in seconds and has not for so long is stuck
AHEAD = timedelta(seconds=5)
OWN_CONNECTIONS = 5  # of a process beside those it shares: what it listens by, and its locks
LONG_AGREED = timedelta(days=2)  # that a customer is to be erased, and is not


def unchanged_events(session: Session) -> Iterator[Finding]:
    """The database itself refuses to change a row of the log; whoever removed that can have changed anything."""
    if session.get_bind().dialect.name == "sqlite":
        there = text(
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name IN ('event_no_update', 'event_no_delete')"
        )
        wanted = 2
    else:
        there = text("SELECT count(*) FROM pg_trigger WHERE tgname = 'event_append_only' AND tgenabled <> 'D'")
        wanted = 1
    if session.scalar(there) == wanted:
        yield Finding("ok", "The database refuses to change or delete what has been logged.")
    else:
        yield Finding(
            "error",
            "The guard over the event log has been removed from the database.",
            "Find out who did it and when; compare the log with a backup. Migration 0002 makes the guard.",
        )


def evidence(session: Session, files: FileStore) -> Iterator[Finding]:
    """Each piece of evidence still has the bytes whose hash was noted when it was added; the newest of them if there are many."""
    query = select(Evidence.id, Evidence.sha256, Attachment.name).join(Attachment, Attachment.id == Evidence.attachment_id)
    rows = session.execute(query.order_by(Evidence.id.desc()).limit(MOST_HASHED)).all()
    wrong = [f"{name} (evidence {row_id})" for row_id, sha256, name in rows if _hash_of(files, sha256) != sha256]
    if wrong:
        yield Finding(
            "error",
            f"Evidence is gone or not what it was: {_some(wrong)}.",
            "Restore it from a backup, and find out what happened.",
        )
    elif rows:
        yield Finding("ok", f"{len(rows)} pieces of evidence are as they were added.")


def complaints(session: Session) -> Iterator[Finding]:
    """What is recorded of each complaint is what was recorded, to the last entry; the letters are as they were sent."""
    newest = session.scalars(select(Complaint).order_by(Complaint.id.desc()).limit(MOST_CHAINS)).all()
    happened: dict[int, list[Event]] = {}
    query = select(Event).where(Event.ticket_id.in_([each.ticket_id for each in newest]), Event.complaint_id.is_not(None))
    for event in session.scalars(query.order_by(Event.id)):
        happened.setdefault(event.complaint_id or 0, []).append(event)
    broken = [str(each.id) for each in newest if not _is_whole(each, happened.get(each.id, []))]
    if broken:
        yield Finding(
            "error",
            f"The record of complaints was changed: {_some(broken)} (ids of complaints).",
            "Compare the events of these complaints with a backup, and find out who did it and when.",
        )
    letters = select(ComplaintDecision).where(ComplaintDecision.letter_sha256 != "").order_by(ComplaintDecision.id.desc())
    sent = session.scalars(letters.limit(MOST_CHAINS)).all()
    wrong = [str(each.id) for each in sent if not _is_as_sent(each)]
    if wrong:
        yield Finding(
            "error", f"Letters are not what was sent: {_some(wrong)} (ids of decisions).", "Restore them from a backup."
        )
    if newest and not broken and not wrong:
        yield Finding("ok", f"The records of {len(newest)} complaints and {len(sent)} letters are as they were written.")


def _is_as_sent(decision: ComplaintDecision) -> bool:
    """Whether the letter has its hash, and the PDF that is made since has its own."""
    if hashlib.sha256(decision.letter.encode()).hexdigest() != decision.letter_sha256:
        return False
    return not decision.pdf_sha256 or hashlib.sha256(decision.pdf or b"").hexdigest() == decision.pdf_sha256


def erased(session: Session, known: Collection[tuple[int | None, str]], now: datetime) -> Iterator[Finding]:
    """Who was erased is named by number on the list (`known`) that keeps an older backup from bringing them back."""
    done = select(Erasure).where(Erasure.kind == CUSTOMER, Erasure.state == DONE)
    finished = session.scalars(done.order_by(Erasure.id.desc()).limit(MOST_CHAINS)).all()
    missing = [f"#{each.customer_id}" for each in finished if (each.customer_id, _began(each)) not in known]
    if missing:
        yield Finding(
            "error",
            f"Erased customers are not on the list beside the database: {_some(missing)}.",
            "Start the desk: the worker writes the list. Keep erased.jsonl with your backups.",
        )
    named = select(func.count(ContactPoint.id)).join(Customer, Customer.id == ContactPoint.customer_id)
    left = session.scalar(named.where(Customer.erased_at.is_not(None)))
    if left:
        yield Finding("error", f"{left} ways to reach erased customers are still there.", "Ask for their erasing once more.")
    waiting = (Erasure.state.in_((AGREED, RUNNING)), Erasure.judged_at < now - LONG_AGREED)
    stuck = session.scalar(select(func.count(Erasure.id)).where(*waiting))
    if stuck:
        yield Finding(
            "warning",
            f"{stuck} customers wait to be erased.",
            "See Admin, Erasing and copies: what stands in the way.",
        )
    if not missing and not left and not stuck:
        yield Finding("ok", f"{len(finished)} customers were erased, and the list says so.")


def _began(erasure: Erasure) -> str:
    return erasure.customer_since.isoformat() if erasure.customer_since else ""


def stored_files(session: Session, files: FileStore) -> Iterator[Finding]:
    """The files that rows name are on the disk; the latest are looked at."""
    rows = session.execute(select(Attachment.sha256, Attachment.name).order_by(Attachment.id.desc()).limit(LATEST)).all()
    missing = [name for sha256, name in rows if not _is_there(files, sha256)]
    if missing:
        yield Finding(
            "error",
            f"{len(missing)} of the latest {len(rows)} files are gone: {_some(missing)}.",
            "Is the data folder the one that belongs to this database? Restore both from the same backup.",
        )
    else:
        yield Finding("ok", f"The latest {len(rows)} files are where they should be." if rows else "No file has been kept yet.")


def work_left_lying(session: Session, now: datetime) -> Iterator[Finding]:
    """What a background part should have done long ago."""
    stuck = [
        (func.count(SpooledMail.id), (SpooledMail.received_at < now - SLOW,), "mails wait to be read"),
        (func.count(Timer.id), (Timer.done_at.is_(None), Timer.due_at < now - SLOW), "timers are overdue"),
        (func.count(CallRecording.id), (CallRecording.next_at < now - SLOW,), "recordings wait to be fetched"),
    ]
    late = [f"{count} {what}" for counted, which, what in stuck if (count := session.scalar(select(counted).where(*which)))]
    if late:
        yield Finding("warning", f"Work is left lying: {', '.join(late)}.", "Is a worker running? See /readyz and its log.")
    failed = session.scalar(select(func.count(CallRecording.id)).where(CallRecording.state == "failed"))
    if failed:
        yield Finding(
            "warning",
            f"{failed} recordings could not be fetched from the carrier.",
            "Their calls say why; look at the carrier's console.",
        )
    unsent = session.scalar(select(func.count(OutboxMail.id)).where(OutboxMail.state == MAIL_FAILED))
    if unsent:
        yield Finding("warning", f"{unsent} mails could not be sent.", "See Deliveries in the desk.")
    if not late and not failed and not unsent:
        yield Finding("ok", "Nothing is left lying.")


def router(session: Session, now: datetime) -> Iterator[Finding]:
    """One router at a time has the lease."""
    lease = session.scalar(select(RouterLease))
    if lease is None or lease.until < now:
        yield Finding(
            "warning", "No router is at work: nobody is offered anything.", "Start the desk, or `python -m desk router`."
        )
    else:
        yield Finding("ok", f"A router is at work ({lease.holder}).")


def clock(session: Session, now: datetime) -> Iterator[Finding]:
    """Our time against the database's, and against what has been written already."""
    latest = session.scalar(select(Event.at).order_by(Event.id.desc()).limit(1))
    ahead = [("what has been logged", latest)]
    if session.get_bind().dialect.name != "sqlite":
        server = session.scalar(text("SELECT clock_timestamp()"))
        ahead.append(("the database server's", server))
        if server is not None and now - server > AHEAD:
            yield Finding(
                "warning", f"This clock is {_seconds(now - server)} ahead of the database server's.", "Set both by NTP."
            )
    for what, other in ahead:
        if other is not None and other - now > AHEAD:
            yield Finding(
                "error",
                f"This clock is {_seconds(other - now)} behind {what}.",
                "Set it by NTP: deadlines, softphone tokens and signatures depend on it.",
            )
            return
    yield Finding("ok", f"The clock says {now:%Y-%m-%d %H:%M:%S} UTC.")


def connections(session: Session, settings: Settings) -> Iterator[Finding]:
    """What all processes of the desk may open at once, against what PostgreSQL takes."""
    if settings.on_sqlite:
        return
    taken = "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    most = session.scalar(text(taken)) or 0
    each = settings.database_connections + OWN_CONNECTIONS
    whole = settings.processes * each
    if whole > most:
        yield Finding(
            "warning",
            f"The desk may open {whole} connections ({settings.processes} processes of {each}), and PostgreSQL takes {most}.",
            "Raise max_connections of PostgreSQL, or lower DESK_DATABASE_CONNECTIONS; see docs/deploy.md, “Sizes”.",
        )
    else:
        yield Finding("ok", f"The desk opens {whole} connections at most, of {most} that PostgreSQL takes.")


def people(session: Session) -> Iterator[Finding]:
    """Somebody has to be able to set the desk up."""
    active = select(Agent.roles).where(Agent.active.is_(True)).limit(1000)
    if any("admin" in roles for roles in session.scalars(active)):
        yield Finding("ok", "There is an administrator.")
    else:
        yield Finding(
            "warning", "There is no administrator yet.", "Add one: `python -m desk user add NAME@HOST --name NAME --role admin`."
        )


def _is_whole(complaint: Complaint, events: list[Event]) -> bool:
    """Whether the chain leads to the hash in the complaint's row. What was written before there were chains comes before it.

    Entries that have lost their words pass their link on as it was. A later entry must name them, with a hash of what is left.
    """
    last, bare, named = "", {}, set()
    for event in events:
        if "chain" not in event.data:
            if last:
                return False
            continue
        if ERASED in event.data:
            last, bare[event.id] = event.data["chain"], event
            continue
        data = {name: value for name, value in event.data.items() if name != "chain"}
        actor = Actor(event.actor_kind, event.actor_id, event.actor_name)  # type: ignore[arg-type]
        last = link(last, event.at, event.kind, actor, data)
        if last != event.data["chain"]:
            return False
        if event.kind == WORDS_ERASED:
            entries = event.data["entries"]
            if not bare.keys() >= set(entries) or digest([bare[each] for each in entries]) != event.data["sha256"]:
                return False
            named |= set(entries)
    return last == complaint.chain and named == bare.keys()


def _is_there(files: FileStore, sha256: str) -> bool:
    try:
        files.path(sha256)
    except NotFound:
        return False
    return True


def _hash_of(files: FileStore, sha256: str) -> str:
    try:
        with files.path(sha256).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (NotFound, OSError):
        return ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"
