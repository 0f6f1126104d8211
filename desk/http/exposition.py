"""The figures of a process and the state of the desk in the text format of Prometheus."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy.exc import SQLAlchemyError

from desk.errors import DeskError
from desk.installation import Installation
from desk.queries.board import vital_signs as seen

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(desk: Installation, health: Mapping[str, bool]) -> bytes:
    """Everything. While the database is away what is in it is left out, and `desk_database_answers` is 0."""
    desk.figures.show_parts(health.items())
    return generate_latest(desk.figures.registry) + generate_latest(_read(desk))


def may_ask(token: str, authorization: str, address: str, *, forwarded: bool) -> bool:
    """Whoever has the token; where none is set, who asks on this machine and not through a proxy that stands there."""
    if token:
        return hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())
    return address in ("127.0.0.1", "::1") and not forwarded


class _Families:
    """Gauges that were read already, as a registry asks for them."""

    def __init__(self, families: Iterable[GaugeMetricFamily]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self._families


def _read(desk: Installation) -> CollectorRegistry:
    try:
        with desk.store.read() as reading:
            families = _families(seen.state(reading, desk.clock.now()))
    except (DeskError, SQLAlchemyError):
        families = []
    families.append(_one("desk_database_answers", "1 while the database answers.", bool(families)))
    registry = CollectorRegistry()
    registry.register(_Families(families))  # type: ignore[arg-type]
    return registry


def _families(now: seen.State) -> list[GaugeMetricFamily]:
    by_queue, by_door = ("queue", "channel"), ("door",)
    return [
        _many("desk_work_waiting", "Work that waits for an agent.", by_queue, {key: n for key, (n, _) in now.waiting.items()}),
        _many("desk_work_oldest_seconds", "The longest wait.", by_queue, {key: age for key, (_, age) in now.waiting.items()}),
        _many("desk_agents", "Agents by presence.", ("presence",), {(key,): n for key, n in now.agents.items()}),
        _many("desk_mail_unread", "Mail kept and not yet read.", by_door, {(key,): n for key, (n, _) in now.unread.items()}),
        _many("desk_mail_unread_seconds", "Age of the oldest.", by_door, {(key,): age for key, (_, age) in now.unread.items()}),
        _one("desk_outbox_waiting", "Mail that is still to leave.", now.unsent[0]),
        _one("desk_outbox_oldest_seconds", "Age of the oldest of it.", now.unsent[1]),
        _one("desk_outbox_retrying", "How much of it has been tried in vain.", now.retrying),
        _one("desk_outbox_failed", "Mail that nobody got, as far as it is counted.", now.failed),
        _one("desk_timers_due", "Timers whose time has come.", now.timers[0]),
        _one("desk_timers_late_seconds", "For how long the first of them has been due.", now.timers[1]),
        _one("desk_carrier_answers", "1 while the telephone carrier answers.", int(now.carrier_answers)),
        _many(
            "desk_imap_failing",
            "1 while mail cannot be fetched from there.",
            ("account",),
            {(name,): int(failing) for name, failing in now.failing_accounts.items()},
        ),
        _one("desk_last_event_id", "The id of the last event.", now.last_event),
    ]


def _one(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value=value)


def _many(name: str, what: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def forwarded(headers: Any) -> bool:
    """Whether a proxy says that it asks for somebody else."""
    return any(name in headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"))
