"""Numbers in addresses: what the database cannot hold names nothing, so it is simply not found."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import IntegerConverter

LARGEST_ID = 2**63 - 1


class IdConverter(IntegerConverter):
    """`<int:…>` in a route, up to the largest id there can be."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max": LARGEST_ID, **options})
