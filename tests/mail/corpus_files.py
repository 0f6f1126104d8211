"""The files of the corpus, one case each: the name says what is special."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent / "corpus"


def cases(folder: str) -> dict[str, bytes]:
    """Name and bytes of each case in a folder."""
    return {path.stem.replace("-", " "): path.read_bytes() for path in sorted((HERE / folder).iterdir())}
