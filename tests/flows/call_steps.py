"""What agents and supervisors press in the stories of their calls."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from desk.models import Agent, Call, CallLeg, CallRecording, CallSegment, HelpRequest
from tests.flows.phone_world import Phones

OUTSIDE = "+8613900139000"


class Steps:
    """The verbs of one desk's telephones; each answers what the page was told."""

    def __init__(self, phones: Phones) -> None:
        self.phones = phones
        self.world = phones.world
        self.carrier = phones.carrier

    def press(self, agent: Agent, verb: str, call: Call | None = None, **form: Any) -> Any:
        """Press a verb of the call strip and let everything happen that it causes."""
        call_id = (call or self.phones.call()).id
        answer = self.phones.console(agent).post(f"/desk/calls/{call_id}/{verb}", data=form)
        self.phones.settle()
        return answer

    def watch(self, supervisor: Agent, verb: str, **form: Any) -> Any:
        answer = self.phones.console(supervisor).post(f"/board/calls/{self.phones.call().id}/{verb}", data=form)
        self.phones.settle()
        return answer

    def dial(self, agent: Agent, number: str = OUTSIDE, **form: Any) -> Any:
        answer = self.phones.console(agent).post("/desk/calls/dial", data={"number": number, **form})
        self.phones.settle()
        return answer

    def talk(self, agent: Agent) -> tuple[str, str]:
        """A caller whom this agent speaks with: both legs."""
        sid = self.phones.queue()
        return sid, self.phones.pick_up(agent)

    def answer(self, agent: Agent) -> str:
        """The agent's browser, which rings, answers."""
        leg = self.world.until(lambda: self.carrier.leg_of(f"agent-{agent.id}"))
        self.carrier.answer(leg, f"agent-{agent.id}")
        self.phones.settle()
        return leg

    def leg_to(self, number: str = OUTSIDE) -> str:
        """The connection to somebody outside."""
        return self.world.one(select(CallLeg.sid).where(CallLeg.to == number).order_by(CallLeg.id.desc()).limit(1))

    def state(self) -> str:
        return self.phones.call().state

    def until(self, state: str) -> None:
        self.world.until(lambda: self.state() == state)
        self.phones.settle()

    def parts(self) -> list[tuple[str, str, str]]:
        """Every agent's part: what it was, how it stands, how it ended."""
        rows = self.world.all(select(CallSegment).order_by(CallSegment.id))
        return [(row.kind, row.state, row.ended_by) for row in rows]

    def part(self) -> CallSegment:
        return self.world.one(select(CallSegment).order_by(CallSegment.id.desc()).limit(1))

    def recording(self) -> CallRecording:
        return self.world.one(select(CallRecording).order_by(CallRecording.id.desc()).limit(1))

    def help(self) -> HelpRequest:
        return self.world.one(select(HelpRequest).order_by(HelpRequest.id.desc()).limit(1))

    def hears(self, speaker: str, *others: str) -> bool:
        """Whether exactly these connections hear what is said on the first."""
        return set(self.carrier.audible(speaker)[1]) == set(others)

    def load(self) -> dict[str, int]:
        return {agent.name: agent.used for agent in self.world.all(select(Agent))}
