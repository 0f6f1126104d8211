"""A telephone carrier in memory with the telephones on it, for demonstration, tests and load: the same port, no account."""

from __future__ import annotations

from channels.voice.simulated.carrier import NotPossible, SimulatedCarrier
from channels.voice.simulated.ear import Ear
from channels.voice.simulated.state import ListenEvent

__all__ = ["Ear", "ListenEvent", "NotPossible", "SimulatedCarrier"]
