"""`doctor`: looks at everything that the desk needs and says in plain words what is wrong and what to do about it.

Nothing is changed by looking, but that an empty data folder gets its secret.
Exit status: 0 all is well, 1 there are warnings, 2 something does not work.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from channels.voice.port import Finding
from desk.actions.privacy import again
from desk.app import install
from desk.commands import doctor_looks as looks
from desk.config import Settings
from desk.errors import Invalid
from desk.installation import Installation
from desk.migrate import is_current
from desk.queries import doctor
from desk.queries.search import progress

WORST = {"ok": 0, "warning": 1, "error": 2}
SIGNS = {"ok": "ok     ", "warning": "WARNING", "error": "ERROR  "}

Look = Callable[[], Iterable[Finding]]


def add(commands: Any) -> None:
    parser = commands.add_parser("doctor", help="check settings, database, files, mail and the telephone account")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.set_defaults(run=run)


def run(chosen: Namespace) -> int:
    found = list(examine())
    worst = max((WORST[finding.level] for _, finding in found), default=0)
    if chosen.json:
        status = next(level for level, rank in WORST.items() if rank == worst)
        rows = [{"area": area, "level": one.level, "what": one.what, "advice": one.advice} for area, one in found]
        print(json.dumps({"status": status, "findings": rows}, ensure_ascii=False, indent=2))
        return worst
    last = ""
    for area, finding in found:
        if area != last:
            print(f"\n{area}")
            last = area
        print(f"  {SIGNS[finding.level]}  {finding.what}")
        if finding.advice and finding.level != "ok":
            print(f"           {finding.advice}")
    counts = {level: sum(finding.level == level for _, finding in found) for level in ("error", "warning")}
    print("\nAll is well." if worst == 0 else f"\n{counts['error']} errors, {counts['warning']} warnings.")
    return worst


def examine() -> Iterator[tuple[str, Finding]]:
    """Everything in turn, as (area, finding). What one look needs and an earlier one found missing is not looked at."""
    try:
        settings = Settings.from_env()
    except Invalid as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        yield from (("Settings", Finding("error", line, "See docs/configuration.md.")) for line in lines)
        return
    yield from _area("Settings", lambda: looks.settings_together(settings))
    yield from _area("Disk", lambda: looks.disk(settings.data_dir))
    desk = None
    if settings.data_dir.is_dir():
        desk = install(settings)
        yield from _database(desk)
        if settings.files_url:
            yield from _area("Files", lambda: looks.files_elsewhere(desk))
        yield from _area("Search", lambda: looks.search_index(desk))
    yield from _area("Mail", lambda: looks.mail(settings))
    yield from _area("Web", lambda: looks.web(settings, desk.voice_token if desk else ""))
    if desk is not None:
        yield from _area("Telephone", desk.carrier.check if settings.has_twilio else lambda: looks.no_account(settings))
        desk.knowledge.close()
        desk.store.engine.dispose()


def _database(desk: Installation) -> Iterator[tuple[str, Finding]]:
    settings, sound = desk.settings, True
    if settings.on_sqlite and not looks.sqlite_path(settings).exists():
        yield (
            "Database",
            Finding("warning", "There is no database yet.", "The first start makes it, or `python -m desk migrate`."),
        )
        return
    for area, finding in _area("Database", lambda: _shape(desk)):
        sound = sound and finding.level == "ok"
        yield area, finding
    if not sound:
        return
    now = desk.clock.now()
    for area, look in (
        ("Database", doctor.unchanged_events),
        ("Database", lambda session: doctor.connections(session, settings)),
        ("Database", doctor.people),
        ("Complaints", doctor.complaints),
        ("Erasing", lambda session: doctor.erased(session, again.listed(settings.data_dir / again.NAME), now)),
        ("Files", lambda session: doctor.stored_files(session, desk.files)),
        ("Files", lambda session: doctor.evidence(session, desk.files)),
        ("Work", lambda session: doctor.work_left_lying(session, now)),
        ("Work", lambda session: doctor.router(session, now)),
        ("Clock", lambda session: doctor.clock(session, now)),
        ("Search", lambda session: progress.look(session, now)),
    ):
        yield from _area(area, _reading(desk, look))


def _shape(desk: Installation) -> Iterator[Finding]:
    if is_current(desk.store.engine):
        yield Finding("ok", f"The {desk.store.engine.dialect.name} database has the shape of this version.")
    else:
        yield Finding(
            "error", "The database has not the shape of this version.", "Make a backup, then run `python -m desk migrate`."
        )


def _reading(desk: Installation, look: Callable[[Any], Iterable[Finding]]) -> Look:
    def read() -> list[Finding]:
        with desk.store.read() as session:
            return list(look(session))

    return read


def _area(area: str, look: Look) -> Iterator[tuple[str, Finding]]:
    """A look that stumbles is a finding too: the others go on."""
    try:
        for finding in look():
            yield area, finding
    except Exception as error:  # noqa: BLE001 - whatever it is, the person who asked should hear of it and of all the rest
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        yield area, Finding("error", f"This could not be looked at: {said}", "The message above says what stood in the way.")
