"""Every address says who may use it, and the lists of those open to strangers are these."""

from __future__ import annotations

import re

import pytest

from desk.access import Right
from desk.actions.people.agents import add_agent
from desk.app import create_app, install
from desk.commands.migrate import prepare
from desk.events import SYSTEM
from desk.http.guard import guard_of
from tests.world import PASSWORD, settings_for

PUBLIC = {
    "GET /",
    "GET /api/v1/openapi.json",
    "GET /articles/<key>",
    "GET /articles/<key>/files/<int:file_id>",
    "GET /call-back",
    "POST /call-back",
    "POST /articles/<key>/vote",
    "POST /articles/<key>/why",
    "GET /robots.txt",
    "GET /sitemap.xml",
    "GET /starts",
    "POST /suggestions",
    "GET /chat/frame",
    "GET /chat/invitation",
    "GET /chat/widget.js",
    "GET /complaints/new",
    "POST /complaints/new",
    "GET /healthz",
    "POST /language",
    "GET /login",
    "GET /login/forgot",
    "POST /login/forgot",
    "POST /login",
    "GET /portal",
    "POST /portal",
    "GET /readyz",
    "GET /shop",
    "GET /write",
    "POST /write",
    "GET /write/sent",
    "GET /track",
    "POST /track",
}
# Open to everybody, but only while the desk shows itself off; otherwise they are not there.
DEMO = {
    "GET /mailbox",
    "GET /mailbox/<int:mail_id>",
    "GET /mailbox/list",
    "POST /mailbox/<int:mail_id>/answer",
    "GET /try",
    "GET /try/traffic",
    "POST /try/mail",
    "POST /try/network",
    "POST /try/sign-in/<key>",
    "POST /try/traffic",
}
SIGNED = {
    "GET /login/new/<key>",
    "POST /login/new/<key>",
    "GET /portal/enter/<key>",
    "POST /portal/enter/<key>",
    "POST /portal/leave",
    "GET /portal/<int:number>",
    "POST /portal/<int:number>",
    "GET /portal/<int:number>/files/<int:attachment_id>",
    "GET /metrics",
    "GET /wallboard/<link>",
    "GET /chat/files/<int:attachment_id>",
    "POST /chat/files",
    "GET /complaints/received/<key>",
    "GET /hooks/twilio/voice/audio/<token>",
    *(f"POST /hooks/twilio/voice/{step}" for step in ("conference", "hold", "incoming", "menu", "status", "wait")),
    *(f"POST /hooks/twilio/voice/{step}" for step in ("leave", "choice", "back", "callback", "callback/answer")),
    *(f"POST /hooks/twilio/voice/{step}" for step in ("voicemail", "recorded", "recorded-status", "transcribed")),
    *(f"POST /hooks/twilio/voice/{step}" for step in ("survey", "survey/answer")),
    *(f"POST /hooks/twilio/voice/{step}" for step in ("amd", "keys", "notice", "outside", "recording")),
    "GET /call-back/<key>",
    "POST /call-back/<key>",
    "GET /survey/<key>",
    "POST /survey/<key>",
    "GET /survey/<key>/leave",
    "POST /survey/<key>/leave",
    "GET /survey/<key>/thanks",
    "GET /track/<key>",
    "GET /track/<key>/letter",
    "GET /track/<key>/letter.pdf",
    "POST /track/<key>/add",
    "POST /track/<key>/answer",
}
# What each role may do; everything else is refused. Kept by hand, so that a right given by mistake is seen.
EVERYBODY = {"signed_in"}
AGENT = EVERYBODY | {
    "read_articles",
    "take_work",
    "make_calls",
    "read_tickets",
    "reply",
    "read_customers",
    "register_complaint",
    "write_articles",
    "play_recordings",
}
SENIOR = AGENT | {"validate_articles", "read_all_tickets", "reveal_contacts", "edit_customers", "read_complaints"}
ROLES = {
    "agent": AGENT,
    "senior": SENIOR,
    "supervisor": SENIOR
    | {"supervise", "read_audit", "read_settings", "read_policies", "set_skills", "settle_mail", "close_lines"}
    | {"listen_to_calls"},
    "complaint_officer": EVERYBODY
    | {"read_articles", "take_work", "make_calls", "read_complaints", "handle_complaint", "register_complaint"}
    | {"read_policies"}
    | {"reply", "read_customers", "reveal_contacts", "write_articles", "validate_articles", "play_recordings"},
    "knowledge_editor": EVERYBODY | {"read_articles", "write_articles", "validate_articles", "publish_articles"},
    "admin": EVERYBODY
    | {"administer", "read_audit", "read_settings", "read_policies", "set_skills", "settle_mail", "close_lines"},
    "auditor": EVERYBODY
    | {"read_articles", "read_tickets", "read_all_tickets", "read_customers", "read_audit", "read_settings", "read_policies"},
}
# Pages of the console that ask for any of several rights by themselves: not for those who have nothing to do with tickets.
NOT_IN_THE_CONSOLE = {"knowledge_editor", "admin"}
CONSOLE = re.compile(r"/desk(/worklist|/views(/.*)?|/tickets(/.*)?|/calls(/rows|/<int:call_id>(/body)?)?)?")


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    desk = install(settings_for(tmp_path_factory.mktemp("routes")))
    prepare(desk)
    app, _socketio = create_app(desk)
    app.config["WTF_CSRF_ENABLED"] = False  # who may is the question here, not whether the form is ours
    with desk.store.tx(SYSTEM) as tx:
        for role in ROLES:
            add_agent(tx, email=f"{role}@desk.example", name=role, password=PASSWORD, roles=[role], team=None)
    yield app
    app.extensions["staff"].close()
    desk.store.engine.dispose()


def routes(app):
    """Method, address and guard of everything that is served."""
    return [
        (method, rule.rule, guard_of(app.view_functions[rule.endpoint]))
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
    ]


def test_every_address_has_a_guard(app):
    assert [f"{method} {path}" for method, path, guard in routes(app) if guard is None] == []


def test_the_addresses_open_to_everybody_are_these(app):
    assert {f"{method} {path}" for method, path, guard in routes(app) if guard == "public"} == PUBLIC | DEMO


def test_the_addresses_that_check_a_proof_of_their_own_are_these(app):
    assert {f"{method} {path}" for method, path, guard in routes(app) if guard == "signed"} == SIGNED


@pytest.mark.parametrize("route", sorted(DEMO))
def test_what_is_for_the_demo_is_not_there_otherwise(app, route):
    method, path = route.split(" ")
    assert app.test_client().open(filled(path), method=method).status_code == 404


@pytest.mark.parametrize("route", sorted(SIGNED))
def test_what_needs_a_proof_answers_nobody_without_one(app, route):
    method, path = route.split(" ")
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}  # to be on this machine is a proof for some
    answer = app.test_client().open(filled(path), method=method, environ_base=elsewhere)
    assert answer.status_code in (401, 403, 404) or answer.headers.get("Location") == "/portal"  # where links are asked for


def test_strangers_are_sent_to_sign_in_or_refused_everywhere_else(app):
    stranger = app.test_client()
    for method, path, guard in routes(app):
        if guard in ("public", "signed"):
            continue
        answer = stranger.open(filled(path), method=method)
        if path.startswith("/api/") or method != "GET":
            assert answer.status_code == 401, path
        else:
            assert answer.status_code == 302, path
            assert answer.headers["Location"].startswith("/login?next="), path


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_what_its_rights_say_and_is_refused_the_rest(app, role):
    client = app.test_client()
    assert client.post("/login", data={"email": f"{role}@desk.example", "password": PASSWORD}).status_code == 302
    wrong = []
    for method, path, guard in routes(app):
        if guard in ("public", "signed") or path in ("/logout", "/desk/styleguide") or path.startswith("/api/"):
            continue
        refused = guard not in ROLES[role] or (
            guard == "signed_in" and CONSOLE.fullmatch(path) is not None and role in NOT_IN_THE_CONSOLE
        )
        answer = client.open(filled(path), method=method)
        if (answer.status_code == 403) != refused or answer.status_code >= 500:
            wrong.append(f"{method} {path} ({guard}): {answer.status_code}")
    assert wrong == []


def test_the_table_of_roles_knows_every_right():
    assert set().union(*ROLES.values()) == set(Right)


def filled(path: str) -> str:
    """The address with something in the place of every variable that names nothing."""
    path = re.sub(r"<any\(([a-z_]+)[^)]*\):\w+>", r"\1", path)
    return re.sub(r"<int:\w+>", "4711", path).replace("<key>", "no-such-key")
