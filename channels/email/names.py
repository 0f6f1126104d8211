"""File names that are safe to show, store and download, whatever the sender wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from channels.email.words import CONTROL
from channels.message import File

LONGEST_BYTES = 200
LONGEST_ENDING = 16
UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")
PATH = re.compile(r"^(?:[A-Za-z]:[\\/]|\\\\|/|\.{1,2}[\\/]|file:)")
RESERVED = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
ENDINGS = {
    "text/plain": "txt", "text/html": "html", "text/calendar": "ics", "text/vcard": "vcf", "text/x-vcard": "vcf",
    "text/csv": "csv",
    "image/jpeg": "jpg", "image/jpg": "jpg", "image/pjpeg": "jpg", "image/tiff": "tif", "image/svg+xml": "svg",
    "audio/mpeg": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/amr": "amr", "video/quicktime": "mov",
    "application/msword": "doc", "application/vnd.ms-excel": "xls", "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/octet-stream": "bin", "application/x-zip-compressed": "zip", "application/pgp-signature": "asc",
    "application/pgp-encrypted": "asc", "application/pkcs7-signature": "p7s", "application/x-pkcs7-signature": "p7s",
    "application/pkcs7-mime": "p7m", "application/x-pkcs7-mime": "p7m", "application/ms-tnef": "dat",
    "application/applefile": "rsrc",
    "application/x-gzip": "gz", "application/gzip": "gz", "text/rfc822-headers": "txt", "message/delivery-status": "txt",
    "message/disposition-notification": "txt", "message/feedback-report": "txt",
}  # fmt: skip


def safe_name(name: str) -> str:
    """A name without path, control and direction characters, at most 200 bytes, its ending kept; empty when nothing is left."""
    name = CONTROL.sub("", name)
    if PATH.match(name):
        name = re.split(r"[\\/]", name)[-1]
    name = " ".join(UNSAFE.sub("_", name).split()).strip(". ")
    if RESERVED.match(name):
        name = f"_{name}"
    return _shortened(name)


def default_name(kind: str, number: int) -> str:
    """A name for a part that has none."""
    if kind.startswith("message/rfc822") or kind == "message/global":
        return f"message-{number}.eml"
    ending = ENDINGS.get(kind) or kind.rsplit("/", maxsplit=1)[-1].split("+", maxsplit=1)[0]
    return f"attachment-{number}.{ending if ending.isalnum() and len(ending) <= 8 else 'bin'}"


def told_apart(files: Sequence[File]) -> tuple[File, ...]:
    """The files with names of their own: the second `photo.jpg` becomes `photo (2).jpg`."""
    taken: set[str] = set()
    out = []
    for file in files:
        name = _free(file.name, taken)
        taken.add(name.casefold())
        out.append(file if name == file.name else replace(file, name=name))
    return tuple(out)


def _free(name: str, taken: Iterable[str]) -> str:
    stem, ending = _split(name)
    return next(
        one
        for number in range(1, 10_000)
        if (one := name if number == 1 else f"{stem} ({number}){ending}").casefold() not in taken
    )


def _shortened(name: str) -> str:
    if len(name.encode("utf-8", "replace")) <= LONGEST_BYTES:
        return name
    stem, ending = _split(name)
    room = LONGEST_BYTES - len(ending.encode("utf-8", "replace"))
    return stem.encode("utf-8", "replace")[:room].decode("utf-8", "ignore").strip() + ending


def _split(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem and len(ending) <= LONGEST_ENDING else (name, "")
