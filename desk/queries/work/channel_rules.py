"""What one item of each channel costs an agent: the house's own rules where it has set some, else the usual ones."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from desk.models import Setting
from routing.values import CHANNEL_RULES, ChannelRule

SETTING = "routing.channels"


def rules_of(session: Session) -> Mapping[str, ChannelRule]:
    """The rule of every channel."""
    setting = session.get(Setting, SETTING)
    own = setting.value if setting is not None else {}
    return {channel: ChannelRule(**own[channel]) if channel in own else rule for channel, rule in CHANNEL_RULES.items()}
