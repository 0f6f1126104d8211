"""Who works in which team."""

from __future__ import annotations

from desk.models import Agent, Team
from desk.store import Tx


def set_team(tx: Tx, agent: Agent, team: Team | None) -> None:
    """Put somebody into a team, or into none; what they may see changes with their next look."""
    new = team.id if team is not None else None
    if agent.team_id != new:
        tx.emit("agent.team_set", agent=agent, data={"old": agent.team_id, "new": new})
        agent.team_id = new
