"""A small desk for chats: one team, queues for billing and for the rest, an agent for each language."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from desk.clock import Clock, FrozenClock
from desk.config import Settings
from desk.db import Base, make_engine
from desk.events import SYSTEM
from desk.models import Agent, AgentSkill, Calendar, Queue, RouterLease, Team
from desk.models.agent import AVAILABLE
from desk.store import Store, Tx

MONDAY = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # 11:00 in Shanghai
WEEK = [[["09:00", "22:00"]]] * 7


def open_store(folder: Path, clock: Clock | None = None, url: str = "") -> Store:
    """An empty desk's store with `people` in it."""
    settings = Settings.from_env({"DESK_DATA_DIR": str(folder), "DESK_DATABASE_URL": url or f"sqlite:///{folder}/desk.db"})
    engine = make_engine(settings.database_url)
    Base.metadata.create_all(engine)
    store = Store(engine, clock or FrozenClock(MONDAY), settings)
    with store.tx(SYSTEM) as tx:
        people(tx)
    return store


def people(tx: Tx, *, week: Any = WEEK) -> None:
    """Lin speaks Chinese and English and knows billing; Dan speaks English only. Both are there."""
    team, hours = Team(key="service", name="Service"), Calendar(key="chat", zone="Asia/Shanghai", week=week)
    tx.session.add_all([team, hours, RouterLease(id=1, epoch=1, holder="test", until=tx.now)])
    tx.session.flush()
    for key, requires in (("general", []), ("billing", [["billing", 1]])):
        tx.session.add(Queue(key=key, name=key.title(), team_id=team.id, calendar_id=hours.id, requires=requires, wrap_up_s=60))
    for name, skills in (("Lin Xiaowen", ("lang:zh", "lang:en", "billing")), ("Dan Okafor", ("lang:en",))):
        agent = Agent(
            email=f"{name.split()[0].lower()}@desk.example",
            name=name,
            password_hash="",
            roles=["agent"],
            team_id=team.id,
            presence=AVAILABLE,
            presence_since=tx.now,
            idle_since=tx.now,
        )
        tx.session.add(agent)
        tx.session.flush()
        tx.session.add_all([AgentSkill(agent_id=agent.id, skill=skill, level=5, since=tx.now) for skill in skills])


def question(**answers: Any) -> dict[str, Any]:
    """A filled-in form."""
    return {
        "client_id": str(uuid4()),
        "name": "Wang Wei",
        "topic": "other",
        "text": "Where is my parcel?",
        "locale": "en",
        **answers,
    }
