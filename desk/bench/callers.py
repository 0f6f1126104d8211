"""Callers for `bench calls`: so many at any moment, each through the menu, patient or not, and gone when the talk is over."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from random import Random

from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.simulated.state import ListenEvent
from channels.voice.simulated.switch import NotPossible

LANGUAGES, TOPICS = "12", "12"  # keys of the first and the second menu
IMPATIENT = 0.1
PATIENCE_S = (5.0, 90.0)
RAMP_S = 60.0


class Callers:
    """Keeps `calls` telephones in a call until `close`. `talk_s` is the mean of a talk, in simulated seconds."""

    def __init__(self, carrier: SimulatedCarrier, calls: int, *, talk_s: float, ramp_s: float = RAMP_S, seed: int = 1) -> None:
        self._carrier = carrier
        self._calls = calls
        self._talk_s = talk_s
        self._ramp_s = ramp_s
        self._chance = Random(seed)
        self._menus: Counter[str] = Counter()
        self._talking: set[str] = set()
        self._mine: set[str] = set()
        self._number = 0
        self._open = True
        self._gone = threading.Condition()
        self.errors: Counter[str] = Counter()
        self.most_at_once = 0
        self._stop_listening = carrier.listen(self._perceive)

    def begin(self) -> None:
        """Let the first ones come, over a while."""
        for _ in range(self._calls):
            self._carrier.later(self._chance.uniform(0, self._ramp_s), self._dial)

    def close(self) -> bool:
        """No more come; everybody who is there says good-bye, over as long a while as they came. True when all have gone."""
        self._open = False
        for sid in list(self._mine):
            self._carrier.later(self._chance.uniform(0, self._ramp_s), lambda sid=sid: self._hang_up(sid))
        with self._gone:
            everybody = self._gone.wait_for(lambda: not self._mine, timeout=self._ramp_s + self._talk_s)
        self._stop_listening()
        return everybody

    def _dial(self) -> None:
        if not self._open:
            return
        self._number += 1
        sid = self._carrier.dial(f"+8613{self._number:09d}")
        with self._gone:
            self._mine.add(sid)
            self.most_at_once = max(self.most_at_once, len(self._mine))
        if self._chance.random() < IMPATIENT:
            self._carrier.later(20 + self._chance.uniform(*PATIENCE_S), lambda: self._hang_up(sid, waiting=True))

    def _perceive(self, event: ListenEvent) -> None:
        sid = event.call_sid
        if sid not in self._mine:
            return
        match event.kind:
            case "gather":
                self._menus[sid] += 1
                keys = {1: LANGUAGES, 2: TOPICS}.get(self._menus[sid], "")
                if keys:  # a later question is answered by silence
                    key = self._chance.choice(keys)
                    self._carrier.later(self._chance.uniform(1, 4), lambda: self._press(sid, key))
            case "connected":
                if sid not in self._talking:
                    self._talking.add(sid)
                    self._carrier.later(self._chance.expovariate(1 / self._talk_s), lambda: self._hang_up(sid))
            case "error":
                self.errors[f"{event.data['code']} {event.data['message'][:80]}"] += 1
            case "ended":
                self._menus.pop(sid, None)
                self._talking.discard(sid)
                with self._gone:
                    self._mine.discard(sid)
                    self._gone.notify_all()
                self._carrier.later(self._chance.uniform(0.2, 1), self._dial)

    def _press(self, sid: str, key: str) -> None:
        with suppress(NotPossible):  # hung up meanwhile
            self._carrier.press(sid, key)

    def _hang_up(self, sid: str, *, waiting: bool = False) -> None:
        if waiting and sid in self._talking:
            return
        with suppress(NotPossible):  # so long gone that it is forgotten
            self._carrier.hang_up_phone(sid)
