"""What a view needs of its request: the installation, the viewer, and transactions in the viewer's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from flask import current_app, g, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from desk.access import Viewer
from desk.errors import Invalid, NotSignedIn
from desk.events import Actor
from desk.files import KeptFile
from desk.installation import Installation
from desk.models import Agent
from desk.store import Found, Tx

MAX_FILES = 10
MAX_FILE_BYTES = 20 * 1024 * 1024


def installation() -> Installation:
    """The parts of the running desk."""
    return current_app.extensions["desk"]


def viewer() -> Viewer:
    """The signed-in person; raises `NotSignedIn` on a public page where nobody is."""
    if g.get("viewer") is None:
        raise NotSignedIn("Please sign in.")
    return g.viewer


def me(tx: Tx) -> Agent:
    """The row of the signed-in colleague, to act in their name."""
    return tx.session.get_one(Agent, viewer().agent_id)


def writing(actor: Actor | None = None) -> AbstractContextManager[Tx]:
    """A transaction in the viewer's name, or in the given actor's on public pages."""
    return installation().store.tx(actor or viewer().actor)


def change(act: Callable[[Tx], Found], actor: Actor | None = None) -> Found:
    """The same for what may collide with others': `act` is done anew then, so that all it does is in its transaction."""
    return installation().store.write(actor or viewer().actor, act)


@contextmanager
def reading() -> Iterator[Session]:
    """A consistent view for one page."""
    with installation().store.read() as session:
        yield session


@contextmanager
def reckoning() -> Iterator[Session]:
    """The same for a page that reckons over much; `g.as_of` says of when it is, where it comes from a copy of the database."""
    with installation().store.reports() as session:
        g.as_of = session.info["as_of"]
        yield session


def is_fragment() -> bool:
    """Whether only a live region of the page is asked for."""
    return request.headers.get("X-Fragment") == "1" or request.headers.get("HX-Request") == "true"


def keep_uploads(field: str = "files") -> list[KeptFile]:
    """Store the uploaded files before any transaction begins; raises `Invalid` for too many or too large ones."""
    uploads = [upload for upload in request.files.getlist(field) if upload.filename]
    if len(uploads) > MAX_FILES:
        raise Invalid("Please attach at most %(count)s files.", count=MAX_FILES)
    return [_keep(upload) for upload in uploads]


def _keep(upload: FileStorage) -> KeptFile:
    data = upload.stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise Invalid("“%(name)s” is too large: a file may have up to %(size)s MB.", name=upload.filename, size=20)
    return installation().files.keep(data, upload.filename or "", upload.mimetype)
