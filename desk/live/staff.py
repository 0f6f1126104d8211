"""The staff namespace `/desk`: who is connected, which rooms they are in, and the hints that go there after each commit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from flask import request, session
from flask_socketio import Namespace, SocketIO, disconnect, join_room, leave_room
from sqlalchemy import func, select

from channels.voice.simulated.carrier import SimulatedCarrier
from desk import traces
from desk.access import Right, Viewer, viewer_of
from desk.actions.people.sessions import signed_in
from desk.actions.work import presence
from desk.events import SYSTEM, Event
from desk.installation import Installation
from desk.live.attendance import Attendance
from desk.live.attention import Attention
from desk.live.company import Company, Seat
from desk.live.composing import Composing
from desk.live.hang_up import hang_up
from desk.live.topics import holders_of, may_watch, topics_of
from desk.models import Agent
from desk.models.ticket import FIRST_NUMBER
from desk.store import StoreAway

log = logging.getLogger(__name__)

NAMESPACE = "/desk"
SOFTPHONES = "/softphone"
SILENT_S = 10.0  # after so long without an answer to a ping a connection counts as lost
MOST_TOPICS = 60


def install(socketio: SocketIO, desk: Installation, attendance: Attendance, company: Company) -> Staff:
    """Serve the namespace and publish what is committed."""
    staff = Staff(socketio, desk, attendance, company)
    socketio.on_namespace(staff)
    desk.store.subscribe(staff.publish)
    return staff


class Staff(Namespace):
    """Connections of signed-in staff. Rights are asked when a room is joined, and again of everybody when they change."""

    def __init__(self, socketio: SocketIO, desk: Installation, attendance: Attendance, company: Company) -> None:
        super().__init__(NAMESPACE)
        self._socketio = socketio
        self._desk = desk
        self._screens: dict[str, int] = {}  # connection id -> agent id
        self._tokens: dict[str, str] = {}
        self._watched: dict[str, frozenset[str]] = {}  # our own list: the library's cannot be read while others come and go
        self._softphones: dict[str, tuple[int, str]] = {}  # connection id -> agent id and session token
        self._lock = threading.Lock()
        self._attendance = attendance
        attendance.here["agent"], attendance.gone["agent"], attendance.back["agent"] = self._here, self._gone, self._back
        self._company = company
        self._attention = Attention(desk)
        self._composing = Composing(desk)
        company.tell = self._tell_who_is_at
        self._telling = threading.Lock()
        self.typing_to_visitor: Callable[[int, str], None] = lambda _number, _name: None

    def on_connect(self, _auth: Any = None) -> bool | None:
        try:
            return self._let_in()
        except StoreAway:
            hang_up(self._socketio, NAMESPACE)
            return None

    def _let_in(self) -> bool | None:
        viewer = self._viewer(session.get("token", ""))
        if viewer is None or viewer.agent_id is None:
            return False
        sid = request.sid  # type: ignore[attr-defined]
        with self._lock:
            self._screens[sid] = viewer.agent_id
            self._tokens[sid] = session["token"]
        self._attendance.came("agent", viewer.agent_id)
        with self._desk.store.tx(viewer.actor) as tx:
            presence.regain_connection(tx, tx.session.get_one(Agent, viewer.agent_id))
        return None

    def on_disconnect(self, reason: Any = None) -> None:
        """A screen has gone. One that fell silent has been gone for a while already."""
        sid = request.sid  # type: ignore[attr-defined]
        with self._lock:
            agent_id = self._screens.pop(sid, None)
            self._tokens.pop(sid, None)
            self._watched.pop(sid, None)
            is_last = agent_id is not None and agent_id not in self._screens.values()
        self._company.announce(self._company.rise(sid))
        if agent_id is not None and is_last:
            self._attendance.left("agent", agent_id, presence.GRACE_S - (SILENT_S if reason == "ping timeout" else 0.0))
        self._attention.turns_away(sid)

    def on_watch(self, data: Any) -> dict[str, Any]:
        """Join the rooms of these topics (and leave all others). Answers which were refused and the id of the last event."""
        try:
            return self._watch(data)
        except StoreAway:
            hang_up(self._socketio, NAMESPACE)
            return {"ok": [], "refused": [], "at": 0}

    def _watch(self, data: Any) -> dict[str, Any]:
        viewer = self._viewer(session.get("token", ""))
        if viewer is None:
            disconnect()
            return {"ok": [], "refused": [], "at": 0}
        topics = data.get("topics") if isinstance(data, dict) else None
        wanted = [str(topic) for topic in topics[:MOST_TOPICS]] if isinstance(topics, list) else []
        with self._desk.store.read() as reading:
            allowed = [topic for topic in wanted if may_watch(reading, viewer, topic)]
            at = reading.scalar(select(func.max(Event.id))) or 0
        sid = request.sid  # type: ignore[attr-defined]
        with self._lock:
            before = self._watched.get(sid, frozenset())
            if sid in self._screens:
                self._watched[sid] = frozenset(allowed)
        with suppress(ValueError, KeyError):  # the screen has gone while we looked
            for room in before - set(allowed):
                leave_room(room)
                self._company.announce(self._company.rise(sid, [room]))
            self._attention.turns_away(sid, before - set(allowed))
            for topic in allowed:
                join_room(topic)
        return {"ok": allowed, "refused": sorted(set(wanted) - set(allowed)), "at": at}

    def on_typing(self, data: Any) -> None:
        """An agent is writing to a chat visitor or on a ticket: told to the others there."""
        viewer = self._viewer(session.get("token", ""))
        topic = str(data.get("topic", "")) if isinstance(data, dict) else ""
        sid = request.sid  # type: ignore[attr-defined]
        if viewer is None or topic not in self._watches(sid) or not viewer.can(Right.REPLY):
            return
        self._socketio.emit(
            "typing",
            {"topic": topic, "name": viewer.name},
            namespace=NAMESPACE,
            to=topic,
            skip_sid=sid,
        )
        if topic.startswith("ticket:"):
            number = int(topic.partition(":")[2])
            self.typing_to_visitor(number, viewer.name)
            if viewer.agent_id is not None:
                self._composing.writes(number, viewer.agent_id)

    def on_here(self, data: Any) -> None:
        """Somebody has a ticket's page open; whether they look at it, and what they are writing, is told to all who have."""
        viewer = self._viewer(session.get("token", ""))
        data = data if isinstance(data, dict) else {}
        topic = str(data.get("topic", ""))
        sid = request.sid  # type: ignore[attr-defined]
        if viewer is None or viewer.agent_id is None or topic not in self._watches(sid) or not topic.startswith("ticket:"):
            return
        writing = str(data.get("writing", "")) if viewer.can(Right.REPLY) else ""
        turn = data.get("turn") if isinstance(data.get("turn"), int) else 0
        seat = Seat(viewer.agent_id, viewer.name, data.get("away") is True, writing, turn)
        if self._company.sit(sid, topic, seat):
            self._company.announce([topic])
        self._attention.looks(sid, viewer.agent_id, "" if seat.away else topic)
        if topic not in self._watches(sid):  # it left while this was heard: a late word keeps nobody there
            self._company.announce(self._company.rise(sid, [topic]))
            self._attention.turns_away(sid, [topic])

    def _tell_who_is_at(self, topic: str) -> None:
        with self._telling:  # or the last to speak might not be the last to have looked
            self._tell_here("company", {"topic": topic, "people": self._company.at(topic)}, to=topic)

    def _tell_here(self, event: str, data: dict[str, Any], *, to: str) -> None:
        """Tell the screens of this process; every other has its own occasion to tell its own."""
        self._socketio.emit(event, data, namespace=NAMESPACE, to=to, ignore_queue=True)

    def softphone_identity(self, auth: dict[str, Any]) -> str | None:
        """Whose softphone this connection is: the signed-in agent's own, and only with the token made for it."""
        viewer = self._viewer(session.get("token", ""))
        carrier = self._desk.carrier
        if viewer is None or viewer.agent_id is None or not isinstance(carrier, SimulatedCarrier):
            return None
        identity = f"agent-{viewer.agent_id}"
        if carrier.identity_of(str(auth.get("token", ""))) != identity:
            return None
        with self._lock:
            # Those whose session has ended are not needed any more; there is no word of a softphone's going.
            connected = self._socketio.server.manager.is_connected
            self._softphones = {sid: held for sid, held in self._softphones.items() if connected(sid, SOFTPHONES)}
            self._softphones[request.sid] = viewer.agent_id, session["token"]  # type: ignore[attr-defined]
        return identity

    def visitor_typing(self, ticket_number: int) -> None:
        """The visitor of this ticket's chat is writing."""
        topic = f"ticket:{ticket_number}"
        self._socketio.emit("typing", {"topic": topic, "name": ""}, namespace=NAMESPACE, to=topic)

    def publish(self, events: Sequence[Event]) -> None:
        """After a commit: one hint to each room concerned, and out with whoever may not look any more."""
        with traces.span("tell screens", {"desk.events": [event.id for event in events]}):
            self._publish(events)

    def _publish(self, events: Sequence[Event]) -> None:
        with self._desk.store.read() as reading:
            holders = holders_of(reading, events)
        at = max(event.id for event in events)
        topics = topics_of(events, holders)
        for topic in topics:
            self._tell_here("changed", {"topics": [topic], "at": at}, to=topic)
        log.debug("told", extra={"at_event": at, "topics": len(topics)})
        traces.note({"desk.topics": len(topics)})
        for event in events:
            if event.kind in ("agent.signed_out", "agent.deactivated", "agent.roles_set") and event.agent_id is not None:
                self._recheck(event.agent_id)
            elif event.kind == "agent.team_set" and event.agent_id is not None:
                self._recheck_rooms_of(event.agent_id)
            elif event.kind in ("ticket.moved", "ticket.assigned", "complaint.recused"):
                self._recheck_room(f"ticket:{FIRST_NUMBER + (event.ticket_id or 0)}")

    def _recheck(self, agent_id: int) -> None:
        """End the connections whose session is over."""
        with self._lock:
            mine = [(sid, self._tokens[sid], NAMESPACE) for sid, holder in self._screens.items() if holder == agent_id]
            mine += [(sid, token, SOFTPHONES) for sid, (holder, token) in self._softphones.items() if holder == agent_id]
        for sid, token, namespace in mine:
            if self._viewer(token) is None:
                self._socketio.server.disconnect(sid, namespace=namespace)

    def _recheck_rooms_of(self, agent_id: int) -> None:
        """Somebody changed teams: they leave the rooms of what they may not read any longer."""
        with self._lock:
            mine = [sid for sid, holder in self._screens.items() if holder == agent_id]
        for topic in {topic for sid in mine for topic in self._watches(sid)}:
            self._recheck_room(topic)

    def _recheck_room(self, topic: str) -> None:
        """A ticket changed hands: who may not read it any longer leaves its room, and their page learns so by fetching."""
        with self._lock:
            screens = dict(self._tokens)
        for sid in [each for each in screens if topic in self._watches(each)]:
            viewer = self._viewer(screens[sid])
            with self._desk.store.read() as reading:
                stays = viewer is not None and may_watch(reading, viewer, topic)
            if not stays:
                self._socketio.server.leave_room(sid, topic, namespace=NAMESPACE)
                with self._lock:
                    if sid in self._watched:
                        self._watched[sid] -= {topic}
                self._company.announce(self._company.rise(sid, [topic]))
                self._tell_here("refused", {"topics": [topic]}, to=sid)

    def _watches(self, sid: str) -> frozenset[str]:
        with self._lock:
            return self._watched.get(sid, frozenset())

    def count(self) -> int:
        """Open screens."""
        return len(self._screens)

    def _here(self) -> set[int]:
        with self._lock:
            return set(self._screens.values())

    def _gone(self, agent_id: int) -> None:
        with self._lock:
            if agent_id in self._screens.values():
                return
        try:
            with self._desk.store.tx(SYSTEM) as tx:
                presence.lose_connection(tx, tx.session.get_one(Agent, agent_id))
        except Exception:
            log.exception("agent %s has gone and could not be marked so", agent_id)

    def _back(self, agent_id: int) -> None:
        with self._desk.store.tx(SYSTEM) as tx:
            presence.regain_connection(tx, tx.session.get_one(Agent, agent_id))

    def _viewer(self, token: str) -> Viewer | None:
        with self._desk.store.read() as reading:
            agent = signed_in(reading, token, self._desk.clock.now()) if token else None
        return viewer_of(agent) if agent else None

    def close(self) -> None:
        """The end of the process."""
        self._attendance.close()
