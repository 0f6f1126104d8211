"""What people decide about mail that could not be read or should not come in: read it again, let it in, or put it away."""

from __future__ import annotations

from desk.errors import Conflict, Invalid
from desk.models import RawMail, SpooledMail
from desk.models.mail import QUARANTINED, REFUSED
from desk.store import Tx


def read_again(tx: Tx, mail: RawMail, raw: bytes, *, as_person: bool = False) -> None:
    """Have it read once more; with `as_person` it is then let in as what a person wrote, whatever it looks like."""
    _check(tx, mail)
    tx.session.add(
        SpooledMail(
            door=mail.door,
            mailbox=mail.mailbox,
            envelope_from=mail.envelope_from,
            envelope_to=mail.envelope_to,
            peer=mail.peer,
            received_at=mail.received_at,
            raw_mail_id=mail.id,
            as_person=as_person,
            raw=raw,
        )
    )
    _settle(tx, mail, "let in" if as_person else "read again")
    tx.emit("mail.read_again", ticket=mail.ticket_id, data={"mail": mail.id, "as_person": as_person})


def discard(tx: Tx, mail: RawMail, reason: str) -> None:
    """Nothing more is done with it; the ledger keeps it, and why."""
    if not reason.strip():
        raise Invalid("Say in a few words why this mail is put away.")
    _check(tx, mail)
    mail.outcome = REFUSED
    _settle(tx, mail, reason.strip()[:300])
    tx.emit("mail.discarded", ticket=mail.ticket_id, data={"mail": mail.id, "reason": reason.strip()[:300]})


def _check(tx: Tx, mail: RawMail) -> None:
    tx.session.refresh(mail, with_for_update=True)
    if mail.outcome != QUARANTINED:
        raise Conflict("This mail is not in quarantine any more.")


def _settle(tx: Tx, mail: RawMail, why: str) -> None:
    mail.settled_by, mail.settled_at, mail.settled_why = tx.actor.name, tx.now, why
