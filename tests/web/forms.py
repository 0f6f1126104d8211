"""Forms as a browser would send them: what is in the fields of a page, to be changed and posted."""

from __future__ import annotations

from html.parser import HTMLParser

Fields = list[tuple[str, str]]


class _Reader(HTMLParser):
    """Gathers the fields of the POST form that has a field of this name."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Fields] = []
        self._select = ""
        self._chosen: str | None = None
        self._area = ""
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = dict(attrs)
        if tag == "form":
            self.forms.append([])
        if not self.forms:
            return
        name, kind = at.get("name") or "", at.get("type") or "text"
        if tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in at):
            self.forms[-1].append((name, at.get("value") or ""))
        elif tag == "select":
            self._select, self._chosen = name, None
        elif tag == "option" and self._select and ("selected" in at or self._chosen is None):
            self._chosen = at.get("value") or ""
        elif tag == "textarea":
            self._area, self._text = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self.forms:
            self.forms[-1].append((self._select, self._chosen or ""))
            self._select = ""
        elif tag == "textarea" and self.forms:
            self.forms[-1].append((self._area, self._text.removeprefix("\n")))
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self._text += data


def form_with(page: str, name: str) -> Fields:
    """The fields of the page's form that has a field `name`."""
    reader = _Reader()
    reader.feed(page)
    return next(form for form in reader.forms if any(field == name for field, _ in form))


def filled(fields: Fields, **changed: str | list[str]) -> Fields:
    """The fields with others in their place; "__" in a name stands for "." and "_dash_" for "-"."""
    new = {name.replace("__", ".").replace("_dash_", "-"): value for name, value in changed.items()}
    kept = [(name, value) for name, value in fields if name not in new]
    return kept + [(name, each) for name, value in new.items() for each in ([value] if isinstance(value, str) else value)]
