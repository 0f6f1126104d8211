"""Who may import whom: the rules that keep the parts of the project apart, and the check of a set of modules against them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.shape.source import PACKAGES, Module

MOST_LINES = 500
MOST_FILES = 50  # in one folder

EDGES = ("desk.web", "desk.api", "desk.live", "desk.work")
OUTSIDE = (*EDGES, "desk.app", "desk.commands", "desk.__main__")
ABOVE_MODELS = ("desk.actions", "desk.queries", *OUTSIDE)
FLASK = ("flask", "flask_socketio", "flask_babel", "flask_wtf", "socketio", "engineio", "werkzeug", "jinja2", "wtforms")
SENDERS = ("smtplib", "aiosmtpd", "twilio.rest", "twilio.http", "requests", "urllib.request", "http.client", "socket")

LIBRARIES = {
    "routing": (),
    "channels": (
        "aiosmtpd",
        "charset_normalizer",
        "cryptography",
        "dkim",
        "dns",
        "mailparser_reply",
        "nh3",
        "phonenumbers",
        "requests",
        "twilio",
    ),
    "knowledge": ("markdown_it", "nh3", "numpy", "opencc", "rjieba", "whoosh"),
}
AT_DOORS = ("flask", "flask_socketio", "werkzeug")  # a door is a module named `door`, or `door_…` where it has several leaves

ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
WALL_CLOCK = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.ctime",
}


@dataclass(frozen=True)
class Never:
    """Modules within `who` never import anything within `what`; where `through` is set, not by way of other modules either."""

    who: tuple[str, ...]
    what: tuple[str, ...]
    because: str
    through: bool = False


RULES = (
    Never(("routing",), ("desk", "channels", "knowledge"), "a leaf knows neither the desk nor another leaf"),
    Never(("channels",), ("desk", "routing", "knowledge"), "a leaf knows neither the desk nor another leaf"),
    Never(("knowledge",), ("desk", "routing", "channels"), "a leaf knows neither the desk nor another leaf"),
    Never(("desk.models",), ABOVE_MODELS, "models are below actions and queries"),
    Never(("desk.models",), (*FLASK, *SENDERS), "models know no page and no provider", through=True),
    Never(("desk.actions",), OUTSIDE, "actions know no edge"),
    Never(("desk.actions",), (*FLASK, *SENDERS), "actions never render and never call a provider", through=True),
    Never(("desk.queries",), ("desk.actions", *OUTSIDE), "queries only read"),
    Never(("desk.queries",), (*FLASK, *SENDERS), "queries never render and never call a provider", through=True),
    *(
        Never(
            (edge,), tuple(other for other in EDGES if other != edge), "edges do not know one another: share an action or a query"
        )
        for edge in EDGES
    ),
    Never(EDGES, ("desk.app", "desk.commands", "desk.__main__"), "the composition root knows the edges, not they it"),
)


def faults(modules: Sequence[Module]) -> list[str]:
    """One line for each place that breaks a rule: file, line, and why it matters."""
    checks: tuple[Callable[[Sequence[Module]], Iterator[str]], ...] = (
        _forbidden_imports,
        _forbidden_reach,
        _kernel,
        _strange_libraries,
        _environment_and_clock,
        _commits,
        _sizes,
        _crowds,
    )
    return sorted({fault for check in checks for fault in check(modules)})


def _forbidden_imports(modules: Sequence[Module]) -> Iterator[str]:
    for rule in RULES:
        for module in modules:
            if _within(module.name, rule.who):
                for line, name in module.imports:
                    if _within(name, rule.what):
                        yield f"{module.path}:{line}: imports {name}: {rule.because}"


def _forbidden_reach(modules: Sequence[Module]) -> Iterator[str]:
    by_name = {module.name: module for module in modules}
    for rule in RULES:
        if rule.through:
            for module in modules:
                if _within(module.name, rule.who):
                    for name, way in _reached(module, by_name):
                        if _within(name, rule.what) and len(way) > 1:
                            yield f"{module.path}: reaches {name} by {' -> '.join(way)}: {rule.because}"


def _reached(start: Module, by_name: dict[str, Module]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Everything that comes along when `start` is imported, each with the modules on the way."""
    waiting, seen = [(start, (start.name,))], {start.name}
    while waiting:
        module, way = waiting.pop(0)
        for _, name in module.imports:
            yield name, way
            for part in _with_parents(name):
                if part in by_name and part not in seen:
                    seen.add(part)
                    waiting.append((by_name[part], (*way, part)))


def _kernel(modules: Sequence[Module]) -> Iterator[str]:
    """The modules directly in `desk` are below the rest; only `access`, which loads objects for a viewer, knows the models."""
    for module in modules:
        if (
            module.name.count(".") == 1
            and module.name.startswith("desk.")
            and module.name not in OUTSIDE
            and not module.is_package
        ):
            above = ABOVE_MODELS if module.name == "desk.access" else ("desk.models", *ABOVE_MODELS)
            for line, name in module.imports:
                if _within(name, above):
                    yield f"{module.path}:{line}: imports {name}: the kernel is below everything else"


def _strange_libraries(modules: Sequence[Module]) -> Iterator[str]:
    for module in modules:
        leaf = module.name.partition(".")[0]
        if leaf in LIBRARIES:
            allowed = LIBRARIES[leaf] + (AT_DOORS if leaf == "channels" and module.path.stem.partition("_")[0] == "door" else ())
            known = {*PACKAGES, *allowed, *sys.stdlib_module_names}
            for line, name in module.imports:
                if name.partition(".")[0] not in known:
                    yield f"{module.path}:{line}: imports {name}: {leaf}/ may use {', '.join(allowed) or 'no library at all'}"


def _environment_and_clock(modules: Sequence[Module]) -> Iterator[str]:
    for module in modules:
        for line, name in module.uses:
            if name in ENVIRONMENT and module.name != "desk.config":
                yield f"{module.path}:{line}: uses {name}: only desk/config.py reads the environment"
            if name in WALL_CLOCK and module.name != "desk.clock":
                yield f"{module.path}:{line}: uses {name}: only desk/clock.py knows the time; take it by argument"


def _commits(modules: Sequence[Module]) -> Iterator[str]:
    for module in modules:
        if _within(module.name, ("desk.actions", "desk.queries")):
            for line, name in module.method_calls:
                if name in ("commit", "rollback"):
                    yield f"{module.path}:{line}: calls {name}: only the store ends a transaction"


def _sizes(modules: Sequence[Module]) -> Iterator[str]:
    for module in modules:
        lines = module.text.count("\n")
        # A migration is written by the tool and read once; what counts there is that it is whole.
        if lines > MOST_LINES and not _within(module.name, ("desk.migrations",)):
            yield f"{module.path}: has {lines} lines: no file has more than {MOST_LINES}"


def _crowds(modules: Sequence[Module]) -> Iterator[str]:
    for folder, files in Counter(module.path.parent for module in modules).items():
        if files > MOST_FILES:
            yield f"{folder}: has {files} files: what belongs to one noun goes into a folder of its own"


def _with_parents(name: str) -> Iterator[str]:
    """Importing `a.b.c` runs `a` and `a.b` too."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _within(name: str, places: Sequence[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)
