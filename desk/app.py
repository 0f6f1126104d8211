"""The composition root: everything is put together here and handed on by argument."""

from __future__ import annotations

import hashlib
import hmac
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from flask import Flask, Response, g, request
from flask_babel import Babel
from flask_socketio import SocketIO
from flask_wtf.csrf import CSRFProtect

from channels.voice.port import Carrier
from channels.voice.simulated import door
from channels.voice.simulated.carrier import SimulatedCarrier
from channels.voice.stand_in import StandIn
from channels.voice.twilio_carrier import TwilioCarrier
from channels.voice.twilio_way import client_by
from desk import traces
from desk.actions.defaults import ensure_defaults
from desk.api import token, v1
from desk.clock import Clock
from desk.config import BABEL_LOCALES, LOCALES, Settings, keep_secret
from desk.counts import open_counts
from desk.db import NO_LIMITS, Limits, make_engine
from desk.events import SYSTEM, Event
from desk.figures import Figures
from desk.files_elsewhere import open_files
from desk.http import guard, problems, watch, wording
from desk.http.incoming import IdConverter, Incoming
from desk.http.turns import Turns
from desk.installation import Installation
from desk.live import staff, visitors
from desk.live.attendance import Attendance
from desk.live.company import Company
from desk.live.together import Together
from desk.migrate import upgrade
from desk.models import Setting
from desk.places import Elsewhere
from desk.store import Store, StoreAway
from desk.web import board, console, customers, health, own_settings, palette, passwords, search, sign_in, styleguide, work
from desk.web.admin import (
    calendars,
    channels,
    chatting,
    letters,
    marks,
    menus,
    people,
    policies,
    queues,
    records,
    skills,
    telephone,
    voice_texts,
)
from desk.web.articles import articles, care, editor
from desk.web.articles import files as article_files
from desk.web.articles import work as knowledge_work
from desk.web.calls import callbacks, calls, pages, passing, recordings, supervision
from desk.web.complaints import disposals, officers, posting
from desk.web.complaints import file as complaint_file
from desk.web.mail import doors, ledger, mailbox
from desk.web.mail.remote_pictures import RemotePictures
from desk.web.privacy import erasures
from desk.web.public import call_back_form, chat, complaints, help_centre, help_centre_form, portal, survey, track, try_it
from desk.web.public.reader import chosen_language
from desk.web.tickets import canned, files, tickets
from desk.web.voice import callback, caller, outside, waiting, webhooks
from desk.web.voice import mailbox as voice_mailbox
from desk.web.voice import survey as voice_survey
from desk.work import word_lists
from knowledge.index import KnowledgeIndex

ROOT = Path(__file__).parent.parent
PAGES = (
    sign_in,
    passwords,
    portal,
    help_centre,
    help_centre_form,
    complaints,
    track,
    survey,
    chat,
    console,
    work,
    calls,
    pages,
    call_back_form,
    callbacks,
    passing,
    supervision,
    tickets,
    customers,
    canned,
    articles,
    editor,
    care,
    article_files,
    knowledge_work,
    officers,
    disposals,
    posting,
    complaint_file,
    board,
    people,
    skills,
    queues,
    calendars,
    channels,
    chatting,
    letters,
    policies,
    marks,
    telephone,
    menus,
    voice_texts,
    records,
    erasures,
    try_it,
    doors,
    ledger,
    mailbox,
    files,
    recordings,
    webhooks,
    caller,
    waiting,
    callback,
    voice_mailbox,
    outside,
    voice_survey,
    health,
    own_settings,
    palette,
    search,
    styleguide,
)


def install(
    settings: Settings, *, clock: Clock | None = None, carrier: Carrier | None = None, limits: Limits = NO_LIMITS
) -> Installation:
    """Open the parts of a desk: store, files, knowledge index, carrier. Nothing is started and no table is made."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    clock = clock or Clock()
    secret = (settings.secret_key or keep_secret(settings.data_dir)).encode()
    voice_token = settings.twilio_auth_token or hmac.new(secret, b"simulated carrier", hashlib.sha256).hexdigest()[:32]
    engine = make_engine(settings.database_url, connections=settings.database_connections, limits=limits)
    store, figures = Store(engine, clock, settings), Figures(clock)
    store.subscribe(figures.count_ours, ours_only=True)
    if settings.traces_url:
        traces.begin(settings.traces_url)
        traces.follow_statements(engine)
        store.subscribe(traces.committed, ours_only=True)
    return Installation(
        settings=settings,
        secret=secret,
        clock=clock,
        store=store,
        files=open_files(settings.data_dir / "files", settings.files_url, clock),
        knowledge=KnowledgeIndex(settings.data_dir / "knowledge"),
        carrier=carrier or _carrier(settings, voice_token, clock),
        counts=open_counts(settings.redis_url),
        figures=figures,
        voice_token=voice_token,
    )


def prepare(desk: Installation) -> None:
    """Bring the database to the shape of this version, and make the defaults of an empty desk."""
    upgrade(desk.store.engine)
    with desk.store.tx(SYSTEM) as tx:
        ensure_defaults(tx)


def cookie_key(desk: Installation) -> bytes:
    """What the cookies of all processes of this desk are signed with."""
    return hmac.new(desk.secret, b"cookies", hashlib.sha256).digest()


def create_app(desk: Installation) -> tuple[Flask, SocketIO]:
    """The web application and its sockets."""
    app = Flask("desk", root_path=str(ROOT / "desk"), template_folder=str(ROOT / "templates"), static_folder="static")
    settings = desk.settings
    app.extensions["desk"] = desk
    app.extensions["pictures"] = RemotePictures(desk.clock)
    app.url_map.converters["int"] = IdConverter
    app.request_class = Incoming
    app.config.update(
        SECRET_KEY=cookie_key(desk),
        SESSION_COOKIE_NAME="desk",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.base_url.startswith("https://"),
        MAX_CONTENT_LENGTH=210 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=True,
        BABEL_TRANSLATION_DIRECTORIES="translations",
        BABEL_DEFAULT_LOCALE=settings.locale,
        BABEL_DEFAULT_TIMEZONE=settings.timezone,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    Babel(app, locale_selector=lambda: BABEL_LOCALES[locale_of(settings)])
    wording.install(app)
    csrf = CSRFProtect(app)
    watch.install(app, desk)
    _install_edges(app, csrf)
    _add_context(app, desk)
    _add_headers(app, settings)
    socketio = SocketIO(
        app,
        async_mode="gevent" if gevent_runs() else "threading",
        transports=["websocket"],
        ping_interval=5,
        ping_timeout=staff.SILENT_S,
        message_queue=settings.redis_url or None,
        channel=_own_name(desk),
    )
    _install_live(app, socketio, desk)
    word_lists.follow(desk)
    app.wsgi_app = watch.outermost(Turns(app.wsgi_app, desk.store.places), desk)  # type: ignore[method-assign]
    return app, socketio


def locale_of(settings: Settings) -> str:
    """The reader's language: what they chose, else what their browser prefers, else the installation's."""
    chosen = chosen_language()
    if chosen is not None:
        return chosen
    return request.accept_languages.best_match(LOCALES) or settings.locale


def _carrier(settings: Settings, voice_token: str, clock: Clock) -> Carrier:
    if settings.has_twilio:
        made: Callable[..., TwilioCarrier] = TwilioCarrier
        if settings.twilio_softphone_path:
            made = partial(StandIn, door=settings.twilio_softphone_path, now=lambda: clock.now().timestamp())
        carrier = made(
            settings.twilio_account_sid,
            settings.twilio_auth_token,
            settings.twilio_api_key,
            settings.twilio_api_secret,
            settings.twilio_twiml_app_sid,
            base_url=settings.base_url,
            number=settings.twilio_number,
            region=settings.twilio_region,
            edge=settings.twilio_edge,
            http_client=client_by(settings.twilio_api_url) if settings.twilio_api_url else None,
        )
        return cast(Carrier, Elsewhere(traces.Told("carrier", carrier) if settings.traces_url else carrier))
    return SimulatedCarrier(
        base_url=settings.base_url,
        auth_token=voice_token,
        number=settings.own_number,
        now=lambda: clock.now().timestamp(),
        latency_s=settings.carrier_latency_s,
        loss=settings.carrier_loss,
        duplicate=settings.carrier_duplicate,
        reorder=settings.carrier_reorder,
    )


def _install_edges(app: Flask, csrf: CSRFProtect) -> None:
    problems.install(app)
    sign_in.install(app)
    token.install(app)
    guard.install(app)
    for module in PAGES:
        app.register_blueprint(module.pages)
    app.register_blueprint(v1.pages)
    for name in ("voice", "voice_caller", "voice_waiting", "voice_callback", "voice_mailbox", "voice_outside", "voice_survey"):
        csrf.exempt(app.blueprints[name])  # the carrier signs its requests
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith(f"{v1.pages.name}."):
            csrf.exempt(view)  # a token is sent on purpose, never by a browser on its own


def gevent_runs() -> bool:
    """Whether threads are greenlets here: gunicorn's gevent worker has seen to it before this module was read."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("threading")


def _own_name(desk: Installation) -> str:
    """What is ours in a Redis that others use too: its publish and subscribe know no databases."""
    return "desk-" + hmac.new(desk.secret, b"redis", hashlib.sha256).hexdigest()[:12]


def _install_live(app: Flask, socketio: SocketIO, desk: Installation) -> None:
    if desk.settings.redis_url:
        together = Together(desk.settings.redis_url, _own_name(desk), desk.clock)
        attendance, company = together.attendance, together.company
    else:
        together, attendance, company = None, Attendance(), Company()
    app.extensions["together"] = together
    screens = staff.install(socketio, desk, attendance, company)
    windows = visitors.install(socketio, desk, attendance, lambda _chat_id, ticket_number: screens.visitor_typing(ticket_number))
    screens.typing_to_visitor = windows.agent_typing_on
    app.extensions["staff"] = screens
    desk.figures.count_sockets("staff", screens.count)
    desk.figures.count_sockets("visitor", windows.count)
    if isinstance(desk.carrier, SimulatedCarrier):
        door.attach(
            socketio,
            desk.carrier,
            identify=screens.softphone_identity,
            phone_allowed=lambda: desk.settings.demo,
            ice_servers=desk.settings.ice_servers,
        )


def _add_context(app: Flask, desk: Installation) -> None:
    versions: dict[str, str] = {}
    company = _Company(desk)

    def asset(path: str) -> str:
        """The address of a static file, changed whenever its content changes."""
        if path not in versions:
            file = ROOT / "desk" / "static" / path
            versions[path] = hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.exists() else "0"
        return f"/static/{path}?v={versions[path]}"

    @app.context_processor
    def everywhere() -> dict[str, Any]:
        locale = locale_of(desk.settings)
        return {
            "viewer": g.get("viewer"),
            "locale": locale,
            "locales": LOCALES,
            "company": company.name(locale),
            "asset": asset,
            "demo": desk.settings.demo,
        }


class _Company:
    """The company's name by language, read once and again after a setting has changed; a minute old at most."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._names: dict[str, str] = {}
        self._read_at = float("-inf")
        desk.store.subscribe(self._forget)

    def name(self, locale: str) -> str:
        if self._desk.clock.monotonic() - self._read_at > 60:
            try:
                with self._desk.store.read() as reading:
                    setting = reading.get(Setting, "company")
            except StoreAway:
                return self._names.get(locale, "")  # the page that says that the database is away has a title too
            self._names = setting.value if setting else {"en": "Service Desk", "zh": "服务台"}
            self._read_at = self._desk.clock.monotonic()
        return self._names.get(locale) or self._names.get("en", "")

    def _forget(self, events: Sequence[Event]) -> None:
        if any(event.kind.startswith(("setting.", "demo.")) for event in events):
            self._read_at = float("-inf")


POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'{carrier}; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
TWILIO = " https://*.twilio.com wss://*.twilio.com"


def _add_headers(app: Flask, settings: Settings) -> None:
    # Pages speak to us (“self” holds for sockets too) and, for calls, to the carrier: what got into a page tells nobody else.
    policy = POLICY.format(carrier=TWILIO if settings.has_twilio else "")

    @app.after_request
    def secure(response: Response) -> Response:
        """Views that need another policy (the chat frame, a mail's own HTML) have set theirs already."""
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if g.get("as_of"):
            response.headers["X-As-Of"] = g.as_of.isoformat()
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        elif request.args.get("v"):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        else:
            # Modules and the icon sprite have no version in their address; they must not vanish while offline.
            response.headers["Cache-Control"] = "public, max-age=300"
        return response
