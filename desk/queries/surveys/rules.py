"""When customers are asked how it was, what, and in which words; the rules as they ship, and those that hold now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from desk.models import Setting
from desk.models.survey import CES, CSAT, INDEX, NPS

SETTING = "surveys"
CHANNELS = ("email", "chat", "voice", "form")
NOTHING = "none"
DAY_M = 24 * 60
DELAYS = {"email": DAY_M, "chat": 0, "voice": 15, "form": 120}  # minutes from the solution to the question

QUESTIONS: dict[str, dict[str, str]] = {
    CSAT: {"en": "How content are you with our service?", "zh": "您对本次服务满意吗？"},
    NPS: {
        "en": "How likely is it that you would recommend us to a friend or colleague?",
        "zh": "您有多大可能向朋友或同事推荐我们？",
    },
    CES: {"en": "We made it easy to handle your issue. Do you agree?", "zh": "我们让您轻松解决了问题。您同意吗？"},
    INDEX: {"en": "And how good was it, in fact?", "zh": "实际得到的服务有多好？"},
    "expected": {"en": "How good did you expect our service to be?", "zh": "您原本期望我们的服务有多好？"},
    # What is said to a customer who is asked again (回访), read out by whoever calls.
    "script": {
        "en": "Is it solved? Are you content with the result, and with how we dealt with it? Is anything still open?",
        "zh": "请问您的问题解决了吗？您对处理结果满意吗？对处理过程满意吗？还有没有其他没有解决的问题？",
    },
}


@dataclass(frozen=True)
class SurveyRules:
    """`kinds` says for each channel which question is asked, or none. At most one sheet in `every_days`, `a_year` in a year.

    `hours` are those of the customer's own day in which a mail may go out. `after_calls`: callers are asked by the keys of their
    phone when their agent hangs up. `delays` are minutes from the solution to the question, by channel. Of all who could be
    asked, `share` in a hundred are, by lot. `left_out` are addresses and domains that are never asked, such as those of tests.
    `relation`: customers are asked twice a year whether they would recommend us. `version` grows with every change.
    """

    kinds: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(CHANNELS, CSAT))
    every_days: int = 30
    a_year: int = 4
    hours: tuple[str, str] = ("09:00", "20:00")
    questions: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: QUESTIONS)
    after_calls: bool = False
    delays: Mapping[str, int] = field(default_factory=lambda: DELAYS)
    share: int = 100
    left_out: tuple[str, ...] = ()
    relation: bool = False
    version: int = 1

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> SurveyRules:
        """The rules as they were kept; what was not known then is as it ships."""
        known = {each.name: kept[each.name] for each in fields(cls) if each.name in kept}
        if "hours" in known:
            known["hours"] = tuple(known["hours"])
        if "left_out" in known:
            known["left_out"] = tuple(known["left_out"])
        if "questions" in known:
            known["questions"] = {**QUESTIONS, **known["questions"]}
        return cls(**known)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "hours": list(self.hours), "left_out": list(self.left_out)}

    def kind_for(self, channel: str) -> str:
        """What is asked after a contact of this channel."""
        return self.kinds.get(channel, self.kinds["email"])

    def delay_for(self, channel: str) -> timedelta:
        """How long after the solution of a contact of this channel."""
        return timedelta(minutes=self.delays.get(channel, DELAYS.get(channel, DAY_M)))

    def leaves_out(self, address: str) -> bool:
        """Whether this address is one of those that are never asked: itself, its domain, or a domain above that."""
        domain = address.rpartition("@")[2]
        return any(each in (address, domain) or domain.endswith(f".{each}") for each in self.left_out)


def survey_rules(session: Session) -> SurveyRules:
    """The rules that hold now."""
    row = session.get(Setting, SETTING)
    return SurveyRules() if row is None else SurveyRules.from_dict(row.value)


def may_leave_at(now: datetime, zone: str, hours: tuple[str, str]) -> datetime:
    """Now, if it is neither early nor late where the customer is; else the next time it is not."""
    local = now.astimezone(ZoneInfo(zone))
    first, last = (time.fromisoformat(each) for each in hours)
    if first <= local.time() < last:
        return now
    day = local.date() if local.time() < first else local.date() + timedelta(days=1)
    return datetime.combine(day, first, ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
