"""What the desk and the processes that read its mail say to each other, and how."""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from channels.email.parsed import BouncedRecipient
from channels.message import Inbound
from desk.config import OFF
from desk.files import KeptFile

LENGTH = struct.Struct(">Q")
LARGEST_MAIL = 25 * 1024 * 1024
NO_ROOM = 3  # with which a process ends whose memory does not even hold the mail


@dataclass(frozen=True)
class Job:
    """One mail to read, with what reading needs to know of us. `trust` is the setting; `peer` and `helo` delivered it."""

    raw: bytes
    envelope_from: str | None
    own_domains: frozenset[str]
    own_addresses: frozenset[str]
    folder: Path
    trust: str = OFF
    peer: str = ""
    helo: str = ""


@dataclass(frozen=True)
class Reading:
    """A mail as read and judged. Its bytes and files are written beside the store, to be settled: `written` says where."""

    inbound: Inbound
    files: tuple[KeptFile, ...]
    raw: KeptFile
    verdict: str
    reasons: tuple[str, ...]
    bounced: tuple[BouncedRecipient, ...]
    returned_message_id: str
    written: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Unread:
    """Reading failed; `why` in words. Whether it is the mail's fault: a full disk is not."""

    why: str
    by_mail: bool = True


def send(stream: BinaryIO, value: object) -> None:
    """Write one value, with its length before it."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: BinaryIO) -> object:
    """Read one value; raises EOFError when the other side has gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)  # noqa: S301 - only ever what the other half of this program wrote
