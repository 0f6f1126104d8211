"""The form of a queue: filled from the queue or from what was typed, read back as the answers that the action checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from desk.http.incoming import whole
from desk.models import Queue
from desk.web.admin.page import number
from desk.web.spans import seconds_of, span
from routing.order import TARGETS_S, TIERS

DOES = ("drop_skill", "lower_level", "also_team", "raise_band", "offer_callback", "to_voicemail")
FIRST_STEP = "30 s"


@dataclass
class StepLine:
    """One line of the overflow editor, as typed."""

    after: str = ""
    do: str = "drop_skill"
    skill: str = ""
    level: str = ""
    team: str = ""

    def answer(self) -> dict[str, Any]:
        """The step as it is stored; what is no number becomes one that is refused."""
        step: dict[str, Any] = {"after_s": _seconds(self.after), "do": self.do}
        if self.do in ("drop_skill", "lower_level"):
            step["skill"] = self.skill
        if self.do == "lower_level":
            step["level"] = number(self.level)
        if self.do == "also_team":
            step["team"] = self.team
        return step


@dataclass
class QueueForm:
    """Everything as text, so that it can be shown again as it was typed."""

    key: str = ""
    name: str = ""
    name_zh: str = ""
    team_id: str = ""
    calendar_id: str = ""
    closed: bool = False
    music: int = 0
    asks_article: bool = False
    choice: str = "least_flexible"
    offer_timeout: str = ""
    wrap_up: str = ""
    requires: list[tuple[str, str]] = field(default_factory=list)
    steps: list[StepLine] = field(default_factory=list)
    times: dict[str, str] = field(default_factory=dict)  # "voice.vip", "voice.sticky" to what was typed

    def answers(self) -> dict[str, Any]:
        """What `actions.work.queues` takes."""
        targets: dict[str, dict[str, int]] = {}
        sticky: dict[str, int] = {}
        for name, text in self.times.items():
            channel, _, what = name.partition(".")
            if not text.strip():
                continue
            if what == "sticky":
                sticky[channel] = _seconds(text)
            else:
                targets.setdefault(channel, {})[what] = _seconds(text)
        return {
            "name": self.name,
            "name_zh": self.name_zh,
            "team_id": number(self.team_id),
            "calendar_id": number(self.calendar_id),
            "closed": self.closed,
            "music": self.music,
            "asks_article": self.asks_article,
            "requires": [[skill.strip().lower(), number(level)] for skill, level in self.requires if skill.strip()],
            "overflow": [line.answer() for line in self.steps],
            "targets": targets,
            "sticky_s": sticky,
            "choice": self.choice,
            "offer_timeout_s": _seconds(self.offer_timeout),
            "wrap_up_s": _seconds(self.wrap_up),
        }

    def change_rows(self, what: str) -> int:
        """Add, remove or move a line of the overflow editor, as a button of it says ("up:2"); returns the line to go on with."""
        verb, _, place = what.partition(":")
        at = number(place)
        if verb == "add":
            last = seconds_of(self.steps[-1].after) if self.steps else None
            self.steps.append(StepLine(after=span(last * 2) if last else FIRST_STEP))
            return len(self.steps) - 1
        if not 0 <= at < len(self.steps):
            return 0
        if verb == "remove":
            del self.steps[at]
            return min(at, len(self.steps) - 1)
        to = at + {"up": -1, "down": 1}.get(verb, 0)
        if not 0 <= to < len(self.steps):
            return at
        # The times stay where they are: what moves is what happens then.
        here, there = self.steps[at], self.steps[to]
        here.after, there.after = there.after, here.after
        self.steps[at], self.steps[to] = there, here
        return to


def form_of(queue: Queue) -> QueueForm:
    """The form filled with what the queue is now."""
    times = {f"{channel}.{tier}": span(seconds) for channel, tiers in queue.targets.items() for tier, seconds in tiers.items()}
    return QueueForm(
        key=queue.key,
        name=queue.name,
        name_zh=queue.name_zh,
        team_id=str(queue.team_id),
        calendar_id=str(queue.calendar_id),
        closed=queue.closed,
        music=queue.music,
        asks_article=queue.asks_article,
        choice=queue.choice,
        offer_timeout=span(queue.offer_timeout_s),
        wrap_up=span(queue.wrap_up_s),
        requires=[(skill, str(level)) for skill, level in queue.requires],
        steps=[
            StepLine(span(step["after_s"]), step["do"], step.get("skill", ""), str(step.get("level", "")), step.get("team", ""))
            for step in queue.overflow
        ],
        times=times | {f"{channel}.sticky": span(seconds) for channel, seconds in queue.sticky_s.items()},
    )


def new_form() -> QueueForm:
    """The form of a queue that is to be added."""
    return QueueForm(offer_timeout=span(20), wrap_up=span(60))


def typed_form(form: MultiDict[str, str]) -> QueueForm:
    """The form as it was sent."""
    text = {name: form.get(name, "") for name in ("key", "name", "name_zh", "team_id", "calendar_id", "choice")}
    columns = [form.getlist(f"step_{name}") for name in ("after", "do", "skill", "level", "team")]
    return QueueForm(
        **text,
        closed=form.get("closed") == "yes",
        asks_article=form.get("asks_article") == "yes",
        music=0 if "music.menus" in form else whole(form.get("music", "")) or 0,
        offer_timeout=form.get("offer_timeout_s", ""),
        wrap_up=form.get("wrap_up_s", ""),
        requires=[line for line in zip(form.getlist("skill"), form.getlist("level"), strict=False) if line[0].strip()],
        steps=[StepLine(*line) for line in zip(*columns, strict=False)],
        times={name: form.get(name, "") for channel in TARGETS_S for name in (*_tiers(channel), f"{channel}.sticky")},
    )


def _tiers(channel: str) -> list[str]:
    return [f"{channel}.{tier}" for tier in TIERS]


def _seconds(text: str) -> int:
    found = seconds_of(text)
    return -1 if found is None else found
