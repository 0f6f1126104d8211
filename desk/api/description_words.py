"""What the API's description is made of."""

from __future__ import annotations

from typing import Any

PAGING = (("limit", "integer"), ("cursor", "string"))
TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
MAYBE_TEXT, MAYBE_TIME = {"type": ["string", "null"]}, {"type": ["string", "null"], "format": "date-time"}
TIME = {"type": "string", "format": "date-time"}


def object_of(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def list_of(of: str) -> dict[str, Any]:
    return object_of(("items", "next"), items={"type": "array", "items": ref(of)}, next=MAYBE_TEXT)


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def many(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}
