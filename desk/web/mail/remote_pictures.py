"""Pictures from elsewhere as part of the page: fetched by the desk, known by their bytes, and remembered for a while."""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from channels.email.pictures import NoPicture, PictureFetcher
from desk.clock import Clock
from desk.files import content_type_of
from desk.http.sending import PICTURES

MOST_PICTURES = 40  # of one mail
MOST_BYTES = 8_000_000  # of one mail's pictures
PATIENCE_S = 8.0  # for all pictures of a mail
AT_ONCE = 8
REMEMBERED_BYTES = 32_000_000
REMEMBERED_S = 3600.0


class RemotePictures:
    """Fetches each picture once for all who look at the mail in the next hour: its sender learns of one look at the most."""

    def __init__(self, clock: Clock, fetcher: PictureFetcher | None = None) -> None:
        self._clock = clock
        self._fetcher = fetcher or PictureFetcher()
        self._known: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def inside(self, addresses: Sequence[str]) -> dict[str, str]:
        """Each address that a picture was found at, with the picture as a `data:` address. The others are left out."""
        until = self._clock.monotonic() + PATIENCE_S
        wanted = list(addresses)[:MOST_PICTURES]
        if not wanted:
            return {}
        with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(wanted)), thread_name_prefix="pictures") as together:
            found = list(together.map(lambda address: self._one(address, until), wanted))
        inside, weight = {}, 0
        for address, data in zip(wanted, found, strict=True):
            weight += len(data)
            if data and weight <= MOST_BYTES:
                inside[address] = f"data:{content_type_of(data)};base64,{base64.b64encode(data).decode('ascii')}"
        return inside

    def _one(self, address: str, until: float) -> bytes:
        """The bytes of a picture; empty when there is none."""
        with self._lock:
            kept_until, data = self._known.get(address, (0.0, b""))
        if kept_until > self._clock.monotonic():
            return data
        try:
            data = self._fetcher.fetch(address, until - self._clock.monotonic())
        except NoPicture:
            return b""
        if content_type_of(data) not in PICTURES:
            return b""
        self._remember(address, data)
        return data

    def _remember(self, address: str, data: bytes) -> None:
        with self._lock:
            _, before = self._known.pop(address, (0.0, b""))
            self._known[address] = (self._clock.monotonic() + REMEMBERED_S, data)
            self._weight += len(data) - len(before)
            while self._weight > REMEMBERED_BYTES:
                _, (_, oldest) = self._known.popitem(last=False)
                self._weight -= len(oldest)
