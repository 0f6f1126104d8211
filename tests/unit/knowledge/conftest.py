from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.index import KnowledgeIndex


@pytest.fixture
def index(tmp_path: Path) -> Iterator[KnowledgeIndex]:
    """An index that was opened and built, with no articles in it."""
    fresh = KnowledgeIndex(tmp_path / "index")
    assert fresh.open()
    fresh.rebuild([])
    yield fresh
    fresh.close()
