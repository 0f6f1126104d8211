"""Which menus a caller goes through: those of the number that was called, in the version that holds, or the built-in ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.errors import NotFound
from desk.models import BlockedNumber, Call, CallFlow, CallFlowVersion, OurNumber, Queue, WorkItem
from desk.queries.calls.voice_texts import address_of, text_of
from desk.voice_texts import LANGUAGES, filled
from routing.call_flow import BUILT_IN, Flow
from routing.ivr import Texts

MENU_TEXTS = ("greeting", "connecting", "nothing_heard", "not_an_option")


@dataclass(frozen=True)
class Entry:
    """Where a call begins: the menus, the id of their version (0: built in), and the language in which the number answers."""

    flow: Flow
    version_id: int
    locale: str


@dataclass(frozen=True)
class FlowLine:
    """A flow, the version that callers hear, and the numbers that go by it."""

    flow: CallFlow
    version: CallFlowVersion | None
    numbers: list[OurNumber]


def entry_of(session: Session, number: str) -> Entry:
    """The menus behind this number of ours; a number that nobody has set goes by the first menus that were published."""
    ours = session.scalar(select(OurNumber).where(OurNumber.number == number))
    query = select(CallFlowVersion).join(
        CallFlow, (CallFlow.id == CallFlowVersion.flow_id) & (CallFlow.published == CallFlowVersion.number)
    )
    if ours is not None:
        query = query.where(CallFlow.id == ours.flow_id)
    version = session.scalar(query.order_by(CallFlow.id).limit(1))
    locale = ours.locale if ours is not None else ""
    return Entry(BUILT_IN, 0, locale) if version is None else Entry(Flow.from_dict(version.content), version.id, locale)


def flow_of(session: Session, version_id: int) -> Flow:
    """The menus with which a call began, whatever has been published since."""
    version = session.get(CallFlowVersion, version_id) if version_id else None
    return BUILT_IN if version is None else Flow.from_dict(version.content)


def music_of(session: Session, call: Call, base_url: str) -> str:
    """Where the carrier fetches what this call's customer hears while they wait: music of the queue, or else of the menus.

    Empty when neither has any.
    """
    item = session.get(WorkItem, call.item_id) if call.item_id else None
    queue = session.get(Queue, item.queue_id) if item is not None else None
    if queue is not None and queue.music:
        return address_of(session, base_url, queue.music)
    version = session.get(CallFlowVersion, call.menu["version"]) if call.menu.get("version") else None
    return "" if version is None else address_of(session, base_url, version.content.get("music", 0))


def menu_texts(session: Session, names: Mapping[str, str]) -> dict[str, Texts]:
    """What menus say besides their own words, by language; `names` is the company's name by language."""
    texts = {key: text_of(session, key) for key in MENU_TEXTS}
    return {
        key: {lang: texts[key].audio[lang] or filled(texts[key].words[lang], {"company": names[lang]}) for lang in LANGUAGES}
        for key in MENU_TEXTS
    }


def all_flows(session: Session) -> list[FlowLine]:
    """Every flow in the order in which they were made."""
    numbers: dict[int, list[OurNumber]] = {}
    for number in session.scalars(select(OurNumber).order_by(OurNumber.number)):
        numbers.setdefault(number.flow_id, []).append(number)
    current = select(CallFlowVersion).join(
        CallFlow, (CallFlow.id == CallFlowVersion.flow_id) & (CallFlow.published == CallFlowVersion.number)
    )
    versions = {version.flow_id: version for version in session.scalars(current)}
    flows = session.scalars(select(CallFlow).order_by(CallFlow.id))
    return [FlowLine(flow, versions.get(flow.id), numbers.get(flow.id, [])) for flow in flows]


def one_flow(session: Session, flow_id: int) -> CallFlow:
    """One flow; raises `NotFound`."""
    found = session.get(CallFlow, flow_id)
    if found is None:
        raise NotFound("There are no such menus.")
    return found


def versions_of(session: Session, flow_id: int, limit: int = 20) -> list[CallFlowVersion]:
    """The latest versions, the newest first."""
    query = select(CallFlowVersion).where(CallFlowVersion.flow_id == flow_id)
    return list(session.scalars(query.order_by(CallFlowVersion.number.desc()).limit(limit)))


def version_of(session: Session, flow_id: int, number: int) -> CallFlowVersion:
    """One version; raises `NotFound`."""
    query = select(CallFlowVersion).where(CallFlowVersion.flow_id == flow_id, CallFlowVersion.number == number)
    found = session.scalar(query)
    if found is None:
        raise NotFound("There is no such version.")
    return found


def all_numbers(session: Session) -> list[OurNumber]:
    """Our phone numbers."""
    return list(session.scalars(select(OurNumber).order_by(OurNumber.number)))


def one_number(session: Session, number_id: int) -> OurNumber:
    """One of our numbers; raises `NotFound`."""
    found = session.get(OurNumber, number_id)
    if found is None:
        raise NotFound("There is no such number.")
    return found


def blocked_numbers(session: Session, limit: int = 500) -> list[BlockedNumber]:
    """Whom we refuse, the latest first."""
    return list(session.scalars(select(BlockedNumber).order_by(BlockedNumber.id.desc()).limit(limit)))


def is_blocked(session: Session, number: str) -> bool:
    """Whether calls from this number are refused."""
    return session.scalar(select(BlockedNumber.id).where(BlockedNumber.number == number)) is not None


def queue_keys(session: Session) -> list[str]:
    """The queues that callers can be sent to."""
    return list(session.scalars(select(Queue.key).where(Queue.closed.is_(False)).order_by(Queue.position, Queue.id)))


def one_blocked(session: Session, blocked_id: int) -> BlockedNumber:
    """One number that is refused; raises `NotFound`."""
    found = session.get(BlockedNumber, blocked_id)
    if found is None:
        raise NotFound("There is no such number.")
    return found
