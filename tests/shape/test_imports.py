"""The parts of the project stay apart, and the check that says so can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shape.import_rules import MOST_LINES, faults
from tests.shape.source import ROOT, Module, project

WRITTEN_BY_HAND = ("desk/static/js/**/*.js", "desk/static/css/**/*.css", "templates/**/*.html", "tests/**/*.py", "tests/**/*.js")


def test_the_parts_of_the_project_stay_apart():
    modules = project()
    assert len(modules) > 20, "the check looks at the wrong folder"
    assert faults(modules) == []


def test_a_folder_of_too_many_files_is_told():
    crowd = [Module(Path(f"desk/actions/verb{number}.py"), "") for number in range(51)]
    assert faults(crowd[:50]) == []
    assert faults(crowd) == ["desk/actions: has 51 files: what belongs to one noun goes into a folder of its own"]


def test_no_file_is_too_long_to_be_read_in_one_sitting():
    lengths = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n")
        for pattern in WRITTEN_BY_HAND
        for path in ROOT.glob(pattern)
    }
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        ("routing/a.py", "import desk", "imports desk: a leaf knows neither"),
        ("routing/b.py", "from channels.message import Inbound", "imports channels.message: a leaf knows neither"),
        ("routing/c.py", "import sqlalchemy", "routing/ may use no library at all"),
        ("routing/d.py", "def late():\n    import knowledge.index", "d.py:2: imports knowledge.index"),
        ("knowledge/a.py", "from desk import clock", "imports desk.clock: a leaf knows neither"),
        ("knowledge/b.py", "from routing import order", "imports routing.order"),
        ("knowledge/c.py", "import flask", "imports flask: knowledge/ may use"),
        ("channels/a.py", "from knowledge import index", "imports knowledge.index"),
        ("channels/b.py", "import sqlalchemy.orm", "imports sqlalchemy.orm: channels/ may use"),
        ("channels/voice/webhooks.py", "from flask import request", "imports flask.request: channels/ may use"),
        ("desk/errors.py", "from desk import models", "imports desk.models: the kernel is below everything else"),
        ("desk/store.py", "import desk.web.pages", "imports desk.web.pages: the kernel is below everything else"),
        ("desk/models/a.py", "from desk.actions import tickets", "imports desk.actions: models are below"),
        ("desk/models/b.py", "from ..queries.board import rows", "imports desk.queries.board: models are below"),
        ("desk/models/__init__.py", "from ..actions import tickets", "imports desk.actions.tickets: models are below"),
        ("desk/actions/a.py", "import flask", "imports flask: actions never render"),
        ("desk/actions/b.py", "import flask_socketio", "imports flask_socketio: actions never render"),
        ("desk/actions/c.py", "import smtplib", "imports smtplib: actions never render and never call a provider"),
        ("desk/actions/d.py", "from twilio.rest import Client", "imports twilio.rest.Client: actions never render"),
        ("desk/actions/e.py", "from desk.live import push", "imports desk.live.push: actions know no edge"),
        ("desk/actions/f.py", "def act(tx):\n    tx.session.commit()", "f.py:2: calls commit: only the store"),
        ("desk/queries/a.py", "from desk.actions.tickets import open_ticket", "imports desk.actions.tickets: queries only read"),
        ("desk/web/a.py", "from desk.live import rooms", "imports desk.live.rooms: edges do not know one another"),
        ("desk/api/a.py", "from desk import web", "imports desk.web: edges do not know one another"),
        ("desk/live/a.py", "import desk.work.outbox", "imports desk.work.outbox: edges do not know one another"),
        ("desk/work/a.py", "from desk.app import create_app", "imports desk.app: the composition root knows the edges"),
        ("desk/web/b.py", "import os\n\nHOST = os.environ['HOST']", "b.py:3: uses os.environ: only desk/config.py"),
        ("desk/web/c.py", "from os import getenv", "uses os.getenv: only desk/config.py"),
        ("desk/work/b.py", "import os as system\nsystem.getenv('A')", "uses os.getenv: only desk/config.py"),
        (
            "desk/actions/g.py",
            "from datetime import UTC, datetime\nnow = datetime.now(UTC)",
            "uses datetime.datetime.now: only desk/clock.py",
        ),
        ("desk/actions/h.py", "import datetime as dt\nnow = dt.datetime.utcnow()", "uses datetime.datetime.utcnow"),
        ("desk/queries/b.py", "from datetime import date\ntoday = date.today()", "uses datetime.date.today"),
        ("desk/live/b.py", "import time\nclock = time.time", "uses time.time: only desk/clock.py"),
        ("desk/live/c.py", "from time import time", "uses time.time: only desk/clock.py"),
        ("channels/c.py", "import time\nstamp = time.time()", "uses time.time: only desk/clock.py"),
        ("desk/web/d.py", "A = 1\n" * 501, "has 501 lines"),
    ],
)
def test_the_check_sees_a_broken_rule(path, source, fault):
    assert fault in "\n".join(faults([Module(Path(path), source)]))


def test_the_check_sees_a_provider_behind_another_module():
    modules = [
        Module(Path("desk/actions/reply.py"), "from channels.email import send"),
        Module(Path("channels/email/__init__.py"), ""),
        Module(Path("channels/email/send.py"), "import smtplib"),
    ]
    [fault] = faults(modules)
    assert "desk/actions/reply.py: reaches smtplib by desk.actions.reply -> channels.email.send" in fault


def test_the_check_sees_a_provider_in_the_folder_of_another_module():
    modules = [
        Module(Path("desk/actions/reply.py"), "import channels.email.words"),
        Module(Path("channels/email/__init__.py"), "import smtplib"),
        Module(Path("channels/email/words.py"), ""),
    ]
    [fault] = faults(modules)
    assert "reaches smtplib by desk.actions.reply -> channels.email:" in fault


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("routing/a.py", "import heapq\nfrom routing.values import Work"),
        ("channels/voice/door.py", "from flask import request"),
        ("channels/voice/port.py", "import time\ndeadline = time.monotonic()"),
        ("knowledge/index.py", "import whoosh.fields\nimport rjieba"),
        ("desk/access.py", "from desk.models import Ticket"),
        ("desk/actions/a.py", "from datetime import datetime\nfrom desk.models import Ticket\nfrom twilio.twiml import TwiML"),
        ("desk/web/a.py", "from desk.actions import reply\nimport flask\n\ndef time(now): return now.time()"),
        ("desk/app.py", "from desk import web, live, work, actions"),
        ("desk/config.py", "import os\nHOME = os.environ['HOME']"),
        ("desk/clock.py", "from datetime import UTC, datetime\nnow = datetime.now(UTC)"),
        ("desk/commands/serve.py", "from desk.app import create_app"),
        ("desk/web/b.py", "A = 1\n" * 500),
    ],
)
def test_the_check_lets_an_honest_module_pass(path, source):
    assert faults([Module(Path(path), source)]) == []
