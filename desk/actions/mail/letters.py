"""Letters that the desk writes by itself: putting them into the outbox in the customer's language, and changing their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from desk.actions.editing import check_same, differences
from desk.actions.mail.heads import new_message_id
from desk.actions.mail.outbox import queue_mail
from desk.actions.tickets.tickets import add_message
from desk.errors import Invalid
from desk.letter_texts import LANGUAGES, LETTERS, NEEDED, OUTCOMES, filled, has_subject, places_in, places_of
from desk.models import Message, Setting, Ticket
from desk.models.message import OUT
from desk.queries.mail.letters import Texts, as_kept, setting_of, texts_of
from desk.sentences import N_
from desk.store import Tx

LONGEST_SUBJECT, LONGEST_TEXT = 150, 5000


def send_letter(
    tx: Tx,
    ticket: Ticket,
    address: str,
    kind: str,
    *,
    on_record: bool = False,
    automatic: bool = True,
    in_reply_to: str = "",
    headers: Sequence[tuple[str, str]] = (),
    **values: str | int,
) -> None:
    """Queue the letter `kind` to the customer of this ticket, in the ticket's language.

    `on_record` puts it on the ticket's timeline (and the status page) too, where it shows whether it was delivered.
    `automatic` mails carry no return path, and ask not to be answered by machines. `in_reply_to` names the mail
    that it answers; `headers` are further fields of its head.
    """
    subject, text = write(tx, kind, ticket.locale, **{"number": ticket.number or 0, **values})
    message_id = new_message_id(tx)
    message = _record(tx, ticket, address, subject, text, message_id) if on_record else None
    payload = {
        "kind": "letter",
        "to": [address],
        "subject": subject,
        "text": text,
        "ticket_number": ticket.number,
        "message_id": message_id,
        "in_reply_to": in_reply_to,
        "headers": [list(each) for each in headers],
    }
    queue_mail(tx, ticket_id=ticket.id, message=message, payload=payload, automatic=automatic)


def write(tx: Tx, kind: str, locale: str, **values: str | int) -> tuple[str, str]:
    """Subject and text of a letter. Locales other than `zh` are written in English."""
    subject, text = texts_of(tx.session, kind)["zh" if locale == "zh" else "en"]
    return filled(subject, values).replace("\n", " "), filled(text, values)


def set_letter(tx: Tx, kind: str, texts: Texts, *, seen: str | None = None) -> bool:
    """Write a letter otherwise, in both languages at once. The built-in texts again are a reset.

    False when nothing was different. Raises `Invalid` with the fields that are wrong ("zh.text"), `Conflict` when somebody else
    was quicker than whoever saw `seen`.
    """
    row = tx.session.get(Setting, setting_of(kind), with_for_update=True)
    old = as_kept(texts_of(tx.session, kind))
    check_same(old, seen)
    texts = {language: (subject.strip(), _lines(text)) for language, (subject, text) in texts.items()}
    wrong = {field: why for language in LANGUAGES for field, why in _wrong(kind, language, *texts[language])}
    if wrong:
        raise Invalid("Please check these answers.", wrong)
    new = as_kept(texts)
    data = differences(old, new)
    if not data:
        return False
    if new == as_kept(LETTERS[kind]):
        tx.session.delete(row)
    elif row is None:
        tx.session.add(Setting(key=setting_of(kind), value=new))
    else:
        row.value = new
    tx.emit("letter.changed", data={"letter": kind, **data})
    return True


def _wrong(kind: str, language: str, subject: str, text: str) -> Iterator[tuple[str, str]]:
    """Each field that is wrong, with the sentence that says why; one for each field."""
    known, there = set(places_of(kind)), places_in(subject) | places_in(text)
    if not text or len(text) > LONGEST_TEXT:
        yield f"{language}.text", N_("Write a text of at most 5000 characters.")
    elif not places_in(text) <= known:
        yield f"{language}.text", N_("There is a name in braces that this letter does not know.")
    elif not set(NEEDED[kind]) <= there:
        yield f"{language}.text", N_("A name in braces is missing that this letter cannot do without.")
    if not has_subject(kind):
        return
    if not subject or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        yield f"{language}.subject", N_("Write a subject of at most 150 characters, on one line.")
    elif not places_in(subject) <= known:
        yield f"{language}.subject", N_("There is a name in braces that this letter does not know.")
    elif "[#{number}]" not in subject:
        yield f"{language}.subject", N_("The subject needs [#{number}], so that answers find their ticket.")


def _lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def outcome_in_words(outcome: str, locale: str) -> str:
    """What was decided, as a sentence in a letter."""
    return OUTCOMES[outcome]["zh" if locale == "zh" else "en"]


def _record(tx: Tx, ticket: Ticket, address: str, subject: str, text: str, message_id: str) -> Message:
    message = Message(
        channel="email",
        direction=OUT,
        customer_id=ticket.customer_id,
        from_address=tx.settings.mail_from,
        to=[address],
        subject=subject,
        text=text,
        reply_text=text,
        mail_message_id=message_id,
        meta={"letter": True},
    )
    return add_message(tx, ticket, message)
