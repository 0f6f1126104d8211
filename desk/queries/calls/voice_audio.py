"""Uploaded audio by its secret name, for as long as callers may hear it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Call, CallFlow, CallFlowVersion, Queue, VoiceAudio
from desk.queries.calls.voice_texts import all_texts


def audio_of(session: Session, token: str) -> VoiceAudio | None:
    """The audio with this secret name; nothing once it has been replaced everywhere: an old address opens no door for ever."""
    audio = session.scalar(select(VoiceAudio).where(VoiceAudio.token == token))
    return audio if audio is not None and is_used(session, audio.id) else None


def is_used(session: Session, audio_id: int) -> bool:
    """Whether a text says it, a queue plays it, or menus: as being written, as published, or as a live call began with."""
    if any(audio_id in text.audio.values() for text in all_texts(session).values()):
        return True
    if session.scalar(select(Queue.id).where(Queue.music == audio_id).limit(1)) is not None:
        return True
    return any(_plays(content, audio_id) for content in _menus(session))


def _menus(session: Session) -> Iterable[Mapping[str, Any]]:
    yield from session.scalars(select(CallFlow.draft))
    holds = (CallFlow.id == CallFlowVersion.flow_id) & (CallFlow.published == CallFlowVersion.number)
    yield from session.scalars(select(CallFlowVersion.content).join(CallFlow, holds))
    live = {int(menu.get("version", 0)) for menu in session.scalars(select(Call.menu).where(Call.ended_at.is_(None)))}
    yield from session.scalars(select(CallFlowVersion.content).where(CallFlowVersion.id.in_(live)))


def _plays(content: Mapping[str, Any], audio_id: int) -> bool:
    said = any(audio_id in menu.get("audio", {}).values() for menu in content.get("menus", ()))
    return said or content.get("music") == audio_id
