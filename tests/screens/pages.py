"""Every whole page that the desk serves, found from its routes: a page that is new is looked at like the others."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from desk.access import Right
from desk.http.guard import guard_of
from tests.world import Browsing

# Not pages of the desk's own look: what machines fetch, and frames inside other pages.
NOT_LOOKED_AT = re.compile(r"/(api|hooks|static|healthz|readyz|metrics|sitemap|robots|logout)|\.(pdf|js|xml|txt|csv)$|/original$")


@dataclass(frozen=True)
class Shown:
    """A page: its route, the address of one such page, and whose eyes see it; nobody's for a stranger."""

    rule: str
    path: str
    who: str

    @property
    def name(self) -> str:
        """Fit for a file's name."""
        return (
            re.sub(r"[^a-z0-9]+", "-", re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"\1", self.rule.lower())).strip("-") or "home"
        )


def pages_of(
    app: Any, ids: Mapping[str, Any], people: Mapping[str, Browsing], rights: Mapping[str, Collection[Right]]
) -> list[Shown]:
    """Each route that answers somebody with a whole page. `people` are signed-in browsers by name, `rights` what each may do.

    `ids` are those of what is there, by the name they have in the routes; `track`, `survey` and `complaint` stand for the key or
    number that pages of these kinds need.
    """
    found = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        if "GET" not in rule.methods or NOT_LOOKED_AT.search(rule.rule):
            continue
        path = _path(rule.rule, ids)
        needed = guard_of(app.view_functions[rule.endpoint])
        who = next((name for name in people if needed in rights.get(name, ())), None) if isinstance(needed, Right) else ""
        if who is None:
            continue
        answer = people[who].get(path)
        if answer.status_code == 200 and answer.text.lstrip()[:15].lower() == "<!doctype html>":
            found.append(Shown(rule.rule, path, who))
    return found


def _path(rule: str, ids: Mapping[str, Any]) -> str:
    def there(part: re.Match[str]) -> str:
        if part[1]:
            return part[1]
        for kind in ("track", "survey"):
            if rule.startswith(f"/{kind}/"):
                return str(ids.get(kind, 1))
        if "complaint" in rule and part[2] == "number":
            return str(ids.get("complaint", 1))
        return str(ids.get(part[2], 1))

    return re.sub(r"<(?:any\((\w+)[^)]*\):|\w+:)?(\w+)>", there, rule)
