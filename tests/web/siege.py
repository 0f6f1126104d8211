"""A desk worth attacking: people of every role, a stranger in another team, and something of each kind that is somebody's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from channels.form import ComplaintForm, to_inbound
from desk.access import ROLES, viewer_of
from desk.actions import intake
from desk.actions.articles.articles import set_state, write_article
from desk.actions.articles.files import add_files
from desk.actions.calls import callbacks, menus, recordings, voice_texts
from desk.actions.complaints import complaints, mass_events
from desk.actions.people import customers, tokens
from desk.actions.surveys.follow_up_work import open_follow_up
from desk.actions.surveys.surveys import send_survey
from desk.actions.tickets import bulk, linking, own_fields, saved_views, tags, tickets
from desk.actions.work.floor_notes import write_to
from desk.app import ROOT
from desk.http.incoming import Incoming, Values
from desk.models import Agent, Attachment, Call, CallRecording, CallSegment, CannedReply, ContactPoint, Message, Team, Ticket
from desk.models.article import PUBLISHED
from desk.models.call import DONE
from desk.store import Tx
from tests.world import World, running, settings_for

TOKEN = "an API token of the role "
NAMED = re.compile(r"""(?:args|form)(?:\.get(?:list)?)?[\[(]"(\w+)\"""")


FIELDS_READ: set[str] = set()


class Watched(Values):
    """The values of a request that tell which of them somebody looked at, beside what is looked at on every page."""

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:
        self._note(key)
        return super().get(key, default, type)

    def getlist(self, key: str, type: Any = None) -> list[Any]:
        self._note(key)
        return super().getlist(key, type)

    def __getitem__(self, key: str) -> str:
        self._note(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._note(str(key))
        return super().__contains__(key)

    def items(self, multi: bool = False) -> Iterator[tuple[str, str]]:
        self._note("all of them")
        return super().items(multi)

    def _note(self, key: str) -> None:
        if key not in ("csrf_token", "lang"):
            FIELDS_READ.add(key)


class WatchedIncoming(Incoming):
    parameter_storage_class = Watched


@dataclass
class Siege:
    """The running desk and the ids of what is in it. `private` belongs to the team of complaints, where Maya is not.

    `fields_read` are the names of the fields that were looked at since it was cleared.
    """

    world: World
    ids: dict[str, object] = field(default_factory=dict)
    fields_read: set[str] = field(default_factory=lambda: FIELDS_READ)

    def path(self, rule: str, **others: object) -> str:
        """An address with the ids of what is there, or others."""
        values = {**self.ids, **others}
        return re.sub(r"<(?:any\((\w+)[^)]*\):|\w+:)?(\w+)>", lambda found: found[1] or str(values[found[2]]), rule)

    def routes(self) -> list[tuple[str, str]]:
        """Method and address of everything that is served."""
        rules = [rule for rule in self.world.app.url_map.iter_rules() if rule.endpoint != "static"]
        return sorted((method, rule.rule) for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"})


@contextmanager
def besieged(folder: Path, **more: str) -> Iterator[Siege]:
    """A desk in `folder` with its people and their things."""
    with running(settings_for(folder, **more)) as world:
        world.app.request_class = WatchedIncoming
        for role in ROLES:
            world.agent(role.replace("_", ""), roles=(role,))
        world.agent("Stranger", team="care")
        yield Siege(world, _furnish(world))


def names_of_fields() -> set[str]:
    """Every name that a page reads from a form or an address."""
    folders = (ROOT / "desk" / "web", ROOT / "desk" / "api")
    found = {name for folder in folders for file in folder.glob("*.py") for name in NAMED.findall(file.read_text("utf-8"))}
    return found | {"text", "title", "subject", "name", "email", "phone", "statement", "remedy_wanted", "product", "comment"}


def _furnish(world: World) -> dict[str, object]:
    with world.tx() as tx:
        home = tx.session.scalars(select(Team).where(Team.key == "service")).one()
        maya = tx.session.scalars(select(Agent).where(Agent.name == "agent")).one()
        customer = customers.identify(tx, "email", "li.na@customers.example", name="Li Na")
        ticket = tickets.open_ticket(
            tx, customer=customer, queue=intake.find_queue(tx, "general"), subject="Question", channel="email"
        )
        tickets.queue_work(tx, ticket, intake.find_queue(tx, "general"))
        kept = world.desk.files.keep(b"the bill", "bill.txt", "text/plain")
        message = Message(
            channel="email", direction="in", customer_id=customer.id, from_address="li.na@customers.example", text="Hello",
            html="<p>Hello</p>", external_id="first",
        )  # fmt: skip
        tickets.add_message(tx, ticket, message, [kept])
        form = ComplaintForm(
            token="0123456789abcdef", email="zhao@customers.example", name="Zhao", statement="You charged me twice."
        )
        complaint = complaints.file_complaint(tx, to_inbound(form), form)
        officer = tx.session.scalars(select(Agent).where(Agent.name == "complaintofficer")).one()
        mass_events.open_event(tx, officer, "Everybody was charged twice", [complaint])
        survey = send_survey(tx, ticket, "email")
        follow_up = open_follow_up(tx, ticket, "low_score", exclude=None)
        for key, audience in (("open-en", "public"), ("inner-en", "internal"), ("draft-en", "public")):
            article = write_article(
                tx, key=key, lang="en", title=f"About {key}", text="Words.", audience=audience, products=["Router R3"]
            )
            add_files(tx, article, [kept])
            if key != "draft-en":
                set_state(tx, article, PUBLISHED)
        recording = _recorded_call(world, tx, ticket, maya)
        promise = callbacks.promise_later(
            tx, number="+8613800138000", customer=customer, queue=intake.find_queue(tx, "general"), source="web",
            at=tx.now + timedelta(days=3),
        )  # fmt: skip
        flow = menus.add_flow(tx, "Hotline")
        ours = menus.set_number(tx, None, number="+862155501234", name="Hotline", flow_id=flow.id, locale="")
        audio = voice_texts.add_audio(tx, world.desk.files.keep(b"RIFF\x04\x00\x00\x00WAVE", "notice.wav", "audio/wav"))
        blocked = menus.block(tx, "+8613800138009", "threats")
        spare = tokens.create(tx, name="spare", role="agent", secret="one that may be revoked")
        for role in ROLES:
            tokens.create(tx, name=role, role=role, secret=TOKEN + role)
        note = write_to(tx, maya, tx.session.scalars(select(Agent).where(Agent.name == "supervisor")).one(), "Take a break.")
        canned = CannedReply(key="hello", name="Hello", owner_id=maya.id, texts={"en": "Hello"}, steps={}, changed_at=tx.now)
        tx.session.add(canned)
        tx.session.flush()
        at_hand = _at_hand(tx, ticket, tx.session.get_one(Ticket, complaint.ticket_id), maya)
        return {
            "number": ticket.number, "message_id": message.id, "customer_id": customer.id, "key": "open-en", "agent_id": maya.id,
            "attachment_id": tx.session.scalars(select(Attachment.id)).first(), "item_id": 1, "offer_id": 1,
            "contact_id": tx.session.scalars(select(ContactPoint.id).order_by(ContactPoint.id)).first(),
            "queue_id": ticket.queue_id, "token_id": spare.id,
            "chat_id": 1, "block_id": 1, "help_id": 1, "mail_id": 1, "account_id": 1, "silence_id": 1, "unsent_id": 1,
            "participant_id": 1,
            "follow_up_id": getattr(follow_up, "id", 1), "team": home.id,
            "track": complaint.access_key, "survey": survey.access_key if survey else "",
            "complaint": complaint.ticket_id + 10_000, "calendar_id": 1, "decision_id": 1, "policy_id": 1, "disposal_id": 1,
            "erasure_id": 1, "letter_id": 1,
            "recording_id": recording.id, "call_id": recording.call_id,
            "flow_id": flow.id, "number_id": ours.id, "blocked_id": blocked.id, "closure_id": 1,
            "callback_id": promise.id, "canned_id": canned.id, "event_id": 1, "name": "stale", "gap_id": 1, "flag_id": 1,
            "action_id": 1, "note_id": note.id, "alert_id": 1, "file_id": 1, "link": "nobodys",
            "token": audio.token, **at_hand,
        }  # fmt: skip


def _at_hand(tx: Tx, ticket: Ticket, other: Ticket, agent: Agent) -> dict[str, object]:
    """A tag, a link, a field, a kept view and an act on many, all of the agent's."""
    tag = tags.tag_named(tx, "refund")
    tags.tag_ticket(tx, ticket, tag)
    drawn = linking.link(tx, ticket, other, "related", agent)
    words = {"en": "Order", "zh": "订单"}
    asked = own_fields.write_field(
        tx, None, key="order_number", kind="text", labels=words, choices=[], needed=False, position=0
    )  # fmt: skip
    view = saved_views.save_view(
        tx, viewer_of(agent), None, name="Mine", shared=False, filters={"view": "mine"}, columns=[], sort=""
    )  # fmt: skip
    many = bulk.act_on_many(
        tx, viewer_of(agent), agent, key="0123456789ab", verb="untag", value={"tag": "refund"}, numbers=[ticket.number or 0]
    )  # fmt: skip
    tags.tag_ticket(tx, ticket, tag)
    tx.session.flush()
    return {"tag_id": tag.id, "link_id": drawn.id, "field_id": asked.id, "view_id": view.id, "act_id": many.id}


def _recorded_call(world: World, tx: Tx, ticket: Ticket, agent: Agent) -> CallRecording:
    """A call that the agent has taken, long over, with its sound."""
    call = Call(
        sid="CA" + "7" * 32, state=DONE, from_number="+8613800138000", to_number="+862155501234", conference="call-7",
        ticket_id=ticket.id, agent_id=agent.id, arrived_at=tx.now, ended_at=tx.now, wrap_ended_at=tx.now,
    )  # fmt: skip
    tx.session.add(call)
    tx.session.flush()
    recording = CallRecording(call_id=call.id, sid="RE" + "7" * 32, started_at=tx.now, duration_s=1)
    tx.session.add(recording)
    tx.session.add(CallSegment(call_id=call.id, agent_id=agent.id, state="done", ended_at=tx.now))
    recordings.completed(tx, recording, 1)
    recordings.fetched(
        tx, recording, world.desk.files.keep(b"RIFF\x04\x00\x00\x00WAVE", "call.wav", "audio/wav"), doubt="cut short"
    )
    return recording
