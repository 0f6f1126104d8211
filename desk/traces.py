"""Traces, where `DESK_TRACES_URL` says where to: what a request, a mail, an offer or a word with the carrier did.

They are OpenTelemetry spans. A statement is told without its values, and people by nothing at all. A span names the request's id
that stands in the log and in the answer, and the ids of the events that were committed; whoever tells screens of events that
another process committed names the same. Without the setting nothing is imported and nothing listens.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from types import MappingProxyType
from typing import Any

from sqlalchemy import Engine, event

from desk.events import Event

SPAN = "desk_span"  # under which a statement keeps its own
_NOTHING: AbstractContextManager[Any] = nullcontext()
_provider: Any = None
_tracer: Any = None


def begin(url: str, processor: Any = None) -> None:
    """Send spans to the collector at `url` (OTLP over HTTP), in the background; or give them to `processor`."""
    global _provider, _tracer
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    about = {"service.name": "desk", "service.instance.id": f"{socket.gethostname()}:{os.getpid()}"}
    provider = TracerProvider(resource=Resource.create(about))
    provider.add_span_processor(processor or BatchSpanProcessor(_exporter(url)))
    _provider, _tracer = provider, provider.get_tracer("desk")


def end() -> None:
    """Send what is left, and trace no more."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider is not None:
        provider.shutdown()


def are_on() -> bool:
    """Whether anybody measures."""
    return _tracer is not None


def span(name: str, about: Mapping[str, Any] = MappingProxyType({}), *, kind: str = "internal") -> AbstractContextManager[Any]:
    """A block of work. `kind` is internal, server or client."""
    return _NOTHING if _tracer is None else _span(name, kind, about)


def note(about: Mapping[str, Any]) -> None:
    """Say more about the span that this thread is in."""
    if _tracer is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attributes(dict(about))


def committed(events: Sequence[Event]) -> None:
    """A listener to the store's own commits."""
    note({"desk.events": [each.id for each in events], "desk.kinds": sorted({each.kind for each in events})})


def follow_statements(engine: Engine) -> None:
    """A span for each statement that is made within another span; what the background asks by itself is not told."""

    @event.listens_for(engine, "before_cursor_execute")
    def before(_connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, many: bool) -> None:
        if not _is_within():
            return
        words = statement.split(None, 1)[0].upper()
        about = {"db.system.name": engine.dialect.name, "db.query.text": statement, "db.operation.name": words}
        began = _tracer.start_span(words, kind=_kind("client"), attributes={**about, "desk.many": many})
        if context is not None:
            setattr(context, SPAN, began)

    @event.listens_for(engine, "after_cursor_execute")
    def after(_connection: Any, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool) -> None:
        _end_of(context)

    @event.listens_for(engine, "handle_error")
    def failed(told: Any) -> None:
        _end_of(told.execution_context, type(told.original_exception).__name__)


class Told:
    """Something in front of a provider: each word with it is a span."""

    def __init__(self, name: str, provider: Any) -> None:
        self._name, self._provider = name, provider

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._provider, name)
        return _within(f"{self._name} {name}", found) if callable(found) else found


def _within(name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(ask)
    def asked(*args: Any, **options: Any) -> Any:
        with span(name, kind="client"):
            return ask(*args, **options)

    return asked


@contextmanager
def _span(name: str, kind: str, about: Mapping[str, Any]) -> Iterator[Any]:
    with _tracer.start_as_current_span(name, kind=_kind(kind), attributes=dict(about)) as began:
        yield began


def _exporter(url: str) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=f"{url}/v1/traces")


def _kind(name: str) -> Any:
    from opentelemetry.trace import SpanKind

    return SpanKind[name.upper()]


def _is_within() -> bool:
    if _tracer is None:
        return False
    from opentelemetry.trace import get_current_span

    return bool(get_current_span().is_recording())


def _end_of(context: Any, fault: str = "") -> None:
    began = getattr(context, SPAN, None)
    if began is None:
        return
    if fault:
        began.set_attribute("error.type", fault)
    setattr(context, SPAN, None)
    began.end()
