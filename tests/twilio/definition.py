"""Twilio's official API definition, and whether a request or an answer conforms to it.

The schema says which parameters there are, their types and patterns. What it says only in words (“Can be: `mono` or `dual`”,
“an integer between `5` and `600`”) is read out of the words and held too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from tests.shape.source import ROOT

FOLDER = ROOT / "node_modules/@twilio/cli-core/src/services/twilio-api"
FORM = "application/x-www-form-urlencoded"

Pairs = Iterable[tuple[str, str]]

_ONE_OF = re.compile(r"[Cc]an be:? ?((?:`[\w.-]+`(?:,? (?:and|or) |, ?)?)+)")
_BETWEEN = re.compile(r"(?:between `?(\d+)`? and `?(\d+)`?|from `(\d+)` to `(\d+)`|Possible Values: (\d+)-(\d+))")
_E164 = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)
_ENDPOINT = re.compile(r"\+[1-9]\d{1,14}|client:[A-Za-z0-9_]{1,121}(\?.*)?|sip:[^@\s]+@\S+|app:AP[0-9a-f]{32}(\?.*)?", re.ASCII)


@dataclass(frozen=True)
class Operation:
    """One path and method of the definition."""

    method: str
    path: str
    spec: Mapping[str, Any]
    values: Mapping[str, str]

    @property
    def name(self) -> str:
        return str(self.spec["operationId"])


class Definition:
    """One of Twilio's files, such as `twilio_api_v2010.json`."""

    def __init__(self, name: str) -> None:
        path = FOLDER / name
        assert path.exists(), "Twilio's API definition is needed: `.ci/setup test` installs it"
        self._file = json.loads(path.read_text(encoding="utf-8"))
        self._paths = [(_pattern(path), path, item) for path, item in self._file["paths"].items()]

    def operation(self, method: str, path: str) -> Operation | None:
        """What a request is, or None when Twilio has no such thing."""
        for pattern, template, item in self._paths:
            found = pattern.fullmatch(path)
            if found and method.lower() in item:
                return Operation(method, template, item[method.lower()], found.groupdict())
        return None

    def faults_of_request(self, operation: Operation, query: Pairs, form: Pairs, content_type: str) -> list[str]:
        """What is wrong with the request; nothing when it is as Twilio takes it."""
        places: dict[str, dict[str, Any]] = {"path": {}, "query": {}}
        for parameter in operation.spec.get("parameters", []):
            places[parameter["in"]][parameter["name"]] = parameter
        faults = [
            *self._faults_of_values("path", operation.values.items(), places["path"]),
            *self._faults_of_values("query", query, places["query"]),
        ]
        form, body = list(form), operation.spec.get("requestBody")
        if body is None:
            return faults + [f"form {name}: takes no form" for name, _ in form]
        if form and content_type != FORM:
            faults.append(f"form: {content_type} instead of {FORM}")
        schema = body["content"][FORM]["schema"]
        required = schema.get("required", [])
        fields = {
            name: {"schema": field, "description": field.get("description", ""), "required": name in required}
            for name, field in schema["properties"].items()
        }
        return faults + self._faults_of_values("form", form, fields)

    def faults_of_answer(self, operation: Operation, status: int, body: Any) -> list[str]:
        """What is wrong with an answer of the fake; every field that the definition knows has to be in it."""
        answers = operation.spec["responses"]
        if str(status) not in answers:
            return [f"status {status} instead of {', '.join(answers)}"]
        content = answers[str(status)].get("content")
        if content is None:
            return [] if body is None else ["a body where there is none"]
        return list(self._faults_of_json("", body, content["application/json"]["schema"]))

    def _faults_of_values(self, place: str, pairs: Pairs, known: Mapping[str, Mapping[str, Any]]) -> list[str]:
        faults, seen = [], set()
        for name, value in pairs:
            parameter = known.get(name)
            if parameter is None:
                faults.append(f"{place} {name}: no such parameter")
                continue
            schema = self._resolved(parameter["schema"])
            if name in seen and schema["type"] != "array":
                faults.append(f"{place} {name}: given twice")
            seen.add(name)
            words = parameter.get("description") or ""
            faults += [f"{place} {name}: {fault}" for fault in _faults_of_value(value, self._element(schema), words)]
        return faults + [f"{place} {name}: missing" for name, one in known.items() if one.get("required") and name not in seen]

    def _element(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._resolved(schema["items"]) if schema.get("type") == "array" else schema

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self._file["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def _faults_of_json(self, where: str, value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
        schema = self._resolved(schema)
        if value is None:
            # An enumeration cannot say that it may be null, and Twilio's own examples have null in them.
            if not schema.get("nullable") and "enum" not in schema:
                yield f"{where}: null"
        elif schema.get("type") == "array":
            for at, one in enumerate(value):
                yield from self._faults_of_json(f"{where}[{at}]", one, schema["items"])
        elif "properties" in schema:
            known = schema["properties"]
            yield from (f"{where}.{name}: unknown" for name in value.keys() - known.keys())
            if not where or where.endswith("]"):
                yield from (f"{where}.{name}: missing" for name in known.keys() - value.keys())
            for name in value.keys() & known.keys():
                yield from self._faults_of_json(f"{where}.{name}", value[name], known[name])
        else:
            yield from (f"{where}: {fault}" for fault in _faults_of_typed(value, schema))


@cache
def definition(name: str = "twilio_api_v2010.json") -> Definition:
    """A file, read once."""
    return Definition(name)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(f"(?P<{part}>[^/]+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)))


def _faults_of_value(text: str, schema: Mapping[str, Any], words: str) -> list[str]:
    """What is wrong with a parameter, which always comes as text."""
    kind = schema.get("type")
    if kind == "boolean":
        return [] if text in ("true", "false") else [f"“{text}” is neither true nor false"]
    if kind == "integer":
        if not re.fullmatch(r"-?\d+", text, re.ASCII):
            return [f"“{text}” is no integer"]
        return [*_faults_of_number(int(text), schema), *_outside(int(text), words)]
    faults = _faults_of_text(text, schema)
    told = _ONE_OF.search(words)
    if told and "enum" not in schema:
        allowed = re.findall(r"`([\w.-]+)`", told.group(1))
        if text not in allowed:
            faults.append(f"“{text}” is not one of {', '.join(allowed)}")
    return faults


def _outside(number: int, words: str) -> list[str]:
    found = _BETWEEN.search(words)
    if found is None:
        return []
    least, most = (int(limit) for limit in found.groups() if limit is not None)
    return [] if least <= number <= most else [f"{number} is not between {least} and {most}"]


def _faults_of_typed(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with a value in an answer."""
    kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict}
    kind = schema.get("type")
    if kind is None:
        return []
    if not isinstance(value, kinds[kind]) or (kind in ("integer", "number") and isinstance(value, bool)):
        return [f"{value!r} is no {kind}"]
    if kind == "string":
        return _faults_of_text(value, schema, answer=True)
    return _faults_of_number(value, schema) if kind == "integer" else []


def _faults_of_number(number: int, schema: Mapping[str, Any]) -> list[str]:
    least, most = schema.get("minimum", number), schema.get("maximum", number)
    return [] if least <= number <= most else [f"{number} is not between {least} and {most}"]


def _faults_of_text(text: str, schema: Mapping[str, Any], *, answer: bool = False) -> list[str]:
    faults = []
    if "enum" in schema and text not in schema["enum"]:
        faults.append(f"“{text}” is not one of {', '.join(schema['enum'])}")
    if "pattern" in schema and not re.search(schema["pattern"], text, re.ASCII):
        faults.append(f"“{text}” is not like {schema['pattern']}")
    if not schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)):
        faults.append(f"“{text}” is {len(text)} characters long")
    if not _is_of_format(text, schema.get("format", ""), answer):
        faults.append(f"“{text}” is no {schema['format']}")
    return faults


def _is_of_format(text: str, form: str, answer: bool) -> bool:
    if form == "uri":
        parts = urlsplit(text)
        return bool(parts.scheme in ("http", "https") and parts.hostname) or (answer and (not text or text.startswith("/")))
    if form == "endpoint":
        return bool(_ENDPOINT.fullmatch(text))
    if form == "phone-number":
        return bool(_E164.fullmatch(text))
    if form == "date":
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text))
    if form == "date-time-rfc-2822":
        return parsedate_to_datetime(text) is not None
    return True
