"""The parts of a running desk, put together once by the composition root and handed to the edges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from limits.storage import Storage

from channels.voice.port import Carrier
from desk.clock import Clock
from desk.config import Settings
from desk.figures import Figures
from desk.files import FileStore
from desk.store import Store
from knowledge.index import KnowledgeIndex


@dataclass(frozen=True)
class Installation:
    """What every edge needs. `secret` signs addresses, links and tokens; it is the settings' or the installation's own."""

    settings: Settings
    secret: bytes
    clock: Clock
    store: Store
    files: FileStore
    knowledge: KnowledgeIndex
    carrier: Carrier
    counts: Storage  # of what may not be done too often; shared between processes by Redis when there is one
    figures: Figures  # what this process has counted
    voice_token: str  # signs the carrier's webhooks

    @property
    def data_dir(self) -> Path:
        return self.settings.data_dir
