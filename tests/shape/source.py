"""The project's source as data: what each module imports and which names it uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("routing", "channels", "knowledge", "desk")


@dataclass(frozen=True)
class Module:
    """One Python file. `path` is relative to the project, `text` its content."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """The dotted name: `desk.models.ticket`; a package has the name of its folder."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if self.is_package else parts)

    @property
    def is_package(self) -> bool:
        """Whether this is the `__init__` of a folder."""
        return self.path.stem == "__init__"

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and full name of everything imported, inside functions too; `from a import b` is both `a` and `a.b`."""
        return [
            found
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for found in self._imported(node)
        ]

    @cached_property
    def uses(self) -> list[tuple[int, str]]:
        """Line and full name of every imported thing that is imported by name or used through a dot (`datetime.datetime.now`)."""
        known = dict(self._local_names())
        found = [(line, name) for line, name in self.imports if name in known.values()]
        for node in ast.walk(self.tree):
            dotted = _dotted(node)
            if dotted:
                first, _, rest = dotted.partition(".")
                if first in known:
                    found.append((node.lineno, f"{known[first]}.{rest}"))
        return found

    @cached_property
    def method_calls(self) -> list[tuple[int, str]]:
        """Line and name of every method called, whatever it is called on."""
        return [
            (node.lineno, node.func.attr)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ]

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[int, str]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
            return
        origin = self._origin(node)
        yield node.lineno, origin
        for alias in node.names:
            yield node.lineno, f"{origin}.{alias.name}"

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        up = node.level - self.is_package
        package = self.name.split(".")[: -up or None]
        return ".".join([*package, *([node.module] if node.module else [])])

    def _local_names(self) -> Iterator[tuple[str, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield alias.asname or alias.name, f"{self._origin(node)}.{alias.name}"


def project() -> list[Module]:
    """Every Python file of the product."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    files += [path for path in [ROOT / "wsgi.py"] if path.exists()]
    return [Module(path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in sorted(files)]


def _dotted(node: ast.AST) -> str:
    """`a.b.c` for that expression, empty for any other."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) and parts else ""
