"""The key with which the desk signs its mail: the one of the settings, or its own, made when first needed."""

from __future__ import annotations

import os
from pathlib import Path

from channels.email.dkim_signature import Key, checked_key, new_key
from desk.config import Settings

OWN_FILE = "dkim_key.pem"


def signing_key(settings: Settings) -> Key:
    """The key, with the name and text of the record to publish. Raises OSError or ValueError for a file that cannot be used."""
    path = Path(settings.dkim_key) if settings.dkim_key else settings.data_dir / OWN_FILE
    if not settings.dkim_key and not path.exists():
        _make(path)
    return Key(settings.mail_domain, settings.dkim_selector, checked_key(path.read_bytes()))


def _make(path: Path) -> None:
    """Readable by the owner only; of two processes that begin together, one makes it. Whole or not there at all."""
    unfinished = f"{os.fspath(path)}.{os.getpid()}"
    with open(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(new_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(unfinished)
