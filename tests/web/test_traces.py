"""With a collector set, what a request did is one trace from door to screen, and names nobody; without, nothing is told."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import select

from channels.voice.simulated.carrier import SimulatedCarrier
from desk import traces
from desk.events import Event
from desk.models import MailboxMail, WorkItem
from tests.shape.source import ROOT
from tests.world import PASSWORD, running, settings_for


class Collector(ThreadingHTTPServer):
    """Takes traces as a real one does, and keeps them."""

    def __init__(self) -> None:
        self.spans: list = []
        super().__init__(("127.0.0.1", 0), Door)

    def find(self, name: str, **about) -> list:
        """The spans of this name that say so of themselves."""
        return [span for span in list(self.spans) if span.name == name and about.items() <= told(span).items()]


class Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/traces"
        self.server.spans += [span for group in request.resource_spans for each in group.scope_spans for span in each.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_words) -> None:
        """A test has no log."""


def told(span) -> dict:
    """What a span says of itself."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


@pytest.fixture(scope="module")
def collector():
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def world(collector, tmp_path_factory):
    address = f"http://127.0.0.1:{collector.server_port}"
    with running(settings_for(tmp_path_factory.mktemp("traces"), DESK_TRACES_URL=address)) as world:
        yield world
    traces.end()


def arrived(world, look):
    """Wait until the collector has what `look` finds."""

    def sent():
        traces._provider.force_flush()
        return look()

    return world.until(sent)


def events_of(world, kind, item):
    return world.all(select(Event).where(Event.kind == kind, Event.item_id == item.id))


def test_what_is_no_trace_costs_no_span():
    assert not traces.are_on()
    assert traces.span("anything") is traces.span("else")


def test_a_request_its_statements_and_what_screens_are_told_are_one_trace(world, collector):
    maya = world.agent()
    client = world.browser()
    answer = client.post("/login", data={"email": maya.email, "password": PASSWORD})
    own = {"desk.request": answer.headers["X-Request-Id"]}
    [request] = arrived(world, lambda: collector.find("POST", **own))
    about = told(request)
    assert (about["http.route"], about["http.response.status_code"]) == ("/login", 302)
    assert [each.string_value for each in about["desk.kinds"].values] == ["agent.signed_in"]
    mine = [span for span in list(collector.spans) if span.trace_id == request.trace_id]
    [screens] = [span for span in mine if span.name == "tell screens"]
    assert screens.parent_span_id == request.span_id
    assert told(screens)["desk.events"] == about["desk.events"]
    statements = [told(span)["db.query.text"] for span in mine if span.name == "INSERT"]
    assert any(each.startswith("INSERT INTO staff_session") for each in statements)
    assert [span.name for span in list(collector.spans) if "db.query.text" in told(span) and not span.parent_span_id] == []
    everything = str(list(collector.spans))
    assert [secret for secret in (maya.email, PASSWORD, maya.name) if secret in everything] == []


def test_a_mail_that_leaves_and_a_word_with_the_carrier_are_told(world, collector):
    noor = world.agent("Noor")
    assert world.browser().post("/login/forgot", data={"email": noor.email}).status_code == 200
    world.until(lambda: world.one(select(MailboxMail.id)))
    [mail, *_] = arrived(world, lambda: collector.find("send mail"))
    under = [span.name for span in list(collector.spans) if span.parent_span_id == mail.span_id]
    assert {"SELECT", "UPDATE"} <= set(under)
    carrier = traces.Told("carrier", world.desk.carrier)
    assert isinstance(world.desk.carrier, SimulatedCarrier)
    carrier.call_state("CA-nobody")
    assert carrier.number == world.desk.carrier.number
    assert arrived(world, lambda: collector.find("carrier call_state"))


def test_a_mail_is_followed_from_the_door_to_the_screens(world, collector):
    def is_about(span, event):
        return event.id in [each.int_value for each in told(span)["desk.events"].values]

    world.send("Where is my parcel?")
    [item] = world.all(select(WorkItem).where(WorkItem.kind == "ticket"))
    [came] = events_of(world, "item.queued", item)
    [door] = arrived(world, lambda: collector.find("receive mail"))
    assert told(door)["desk.mails"] == 1
    [read] = arrived(world, lambda: [span for span in collector.find("read mail") if is_about(span, came)])
    lena = world.agent("Lena", available=True)
    [offered] = world.until(lambda: events_of(world, "offer.made", item))
    assert offered.agent_id == lena.id
    [offer] = arrived(world, lambda: [span for span in collector.find("offer work") if is_about(span, offered)])
    assert [each.int_value for each in told(offer)["desk.items"].values] == [item.id]
    for span, event in ((read, came), (offer, offered)):
        [screens] = [each for each in collector.find("tell screens") if each.parent_span_id == span.span_id]
        assert is_about(screens, event)


def test_without_a_collector_nothing_is_measured_nor_loaded():
    ours = ("opentelemetry.sdk.trace", "opentelemetry.exporter")  # the client of Redis looks for another part of it by itself
    look = f"import sys, desk.app; print([name for name in sys.modules if name.startswith({ours!r})])"
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True, timeout=240)
    assert done.stdout.strip() == "[]"
