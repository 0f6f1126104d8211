"""Who knocks at a running desk without belonging there: strangers, forged pages, colleagues of another team, stolen sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import pytest
import requests
from sqlalchemy import func, inspect, select, text

from channels.chat.secret import new_token
from desk.access import ROLES
from desk.events import Event
from desk.http.guard import guard_of
from desk.models import MailboxMail, OutboxMail, SignIn, Webhook
from tests.web.siege import TOKEN, Siege, besieged
from tests.world import PASSWORD

# Valid for whichever form it is sent to, so that nothing but the right to it can be missing.
FILLED = {
    "kind": "note", "text": "I should not be here", "client_id": "0123456789ab", "then": "pending_customer", "agent": "me",
    "queue": "2", "category": "billing", "wrap_up_code": "solved", "resolution": "Done.", "subject": "Mine", "priority": "1",
    "statement": "I complain", "stage": "assessed", "severity": "1", "outcome": "reached", "note": "x", "code": "solved",
    "reason": "busy", "tier": "vip", "value": "new@customers.example", "presence": "away:break", "name": "x", "word": "refund",
    "how": "related",
}  # fmt: skip
FOR_ALL_STAFF = {("GET", "/desk/articles/<key>/files/<int:file_id>")}  # articles are nobody's own
# Whose forms go without a token: programs that sign, keys in the address that stand in for it, pages of the demo alone.
WITHOUT_TOKEN = re.compile(r"/api/|/hooks/|/chat/files|/track/<key>/|/survey/<key>|/try|/mailbox")


@pytest.fixture(scope="module")
def siege(tmp_path_factory) -> Iterator[Siege]:
    with besieged(tmp_path_factory.mktemp("siege")) as siege:
        yield siege


@pytest.fixture(autouse=True)
def forget_rates(siege):
    """Each test begins with a clean sheet at the doors that count how often somebody knocks."""
    siege.world.app.extensions.pop("rates", None)
    with siege.world.tx() as tx:
        tx.session.query(SignIn).delete()


def everything(siege: Siege) -> int:
    """How much people and programs have done: whatever changes the desk says so here."""
    return siege.world.one(select(func.count()).select_from(Event).where(Event.actor_kind != "system"))


def guards(siege: Siege) -> dict[tuple[str, str], object]:
    rules = siege.world.app.url_map.iter_rules()
    return {
        (method, rule.rule): guard_of(siege.world.app.view_functions[rule.endpoint]) for rule in rules for method in rule.methods
    }


def is_open(siege: Siege, method: str, rule: str) -> bool:
    return guards(siege)[method, rule] in ("public", "signed")


def is_somebodys(method: str, rule: str) -> bool:
    if (method, rule) in FOR_ALL_STAFF:
        return False
    return rule.startswith(("/desk/", "/board/items", "/board/offers", "/board/agents", "/api/")) and "<int:" in rule


# What is not theirs


def test_a_stranger_opens_nothing_and_changes_nothing(siege):
    stranger = siege.world.browser()
    before = everything(siege)
    for method, rule in siege.routes():
        if is_open(siege, method, rule):
            continue
        answer = stranger.request(method, siege.path(rule), data=FILLED if method != "GET" else None)
        assert answer.status_code == 401 or (method, answer.status_code) == ("GET", 302), (method, rule, answer.status_code)
        assert "Li Na" not in answer.text
    assert everything(siege) == before


def test_a_colleague_of_another_team_finds_nothing_of_ours(siege):
    stranger = siege.world.browser("stranger@desk.example")
    before = everything(siege)
    for method, rule in siege.routes():
        if not is_somebodys(method, rule) or rule.startswith("/api/"):
            continue
        answer = stranger.request(method, siege.path(rule), data=FILLED if method != "GET" else None)
        assert answer.status_code in (403, 404), (method, rule, answer.status_code)
        assert "Li Na" not in answer.text
    assert everything(siege) == before


def test_a_complaint_is_closed_to_agents_of_other_teams(siege):
    maya = siege.world.browser("agent@desk.example")
    before = everything(siege)
    for method, rule in siege.routes():
        if "<int:number>" not in rule or rule.startswith(("/api/", "/portal/")):  # at the portal nobody is a colleague
            continue
        answer = maya.request(method, siege.path(rule, number=siege.ids["complaint"]), data=FILLED if method != "GET" else None)
        assert answer.status_code in (403, 404), (method, rule, answer.status_code)
    assert everything(siege) == before


def test_a_message_or_file_is_not_reached_by_way_of_ones_own_ticket(siege):
    supervisor = siege.world.browser("supervisor@desk.example")
    own, before = siege.ids["complaint"], everything(siege)
    for act in ("admit", "detach", "send-again"):
        path = f"/desk/tickets/{own}/messages/{siege.ids['message_id']}/{act}"
        assert supervisor.post(path).status_code == 404
    other = siege.ids["customer_id"] + 1
    assert supervisor.post(f"/desk/customers/{other}/contacts/{siege.ids['contact_id']}/reveal").status_code == 404
    assert everything(siege) == before


@pytest.mark.parametrize("role", ["agent", "admin", "knowledge_editor"])
def test_a_token_reaches_no_further_than_its_role(siege, role):
    """A program has no team and holds no work: without the right to read everything it finds no ticket."""
    headers = {"Authorization": f"Bearer {TOKEN}{role}"}
    before = everything(siege)
    for path in ("/tickets/{number}", "/tickets/{number}/messages", "/customers/{customer_id}"):
        answer = requests.get(f"{siege.world.url}/api/v1{path.format(**siege.ids)}", headers=headers, timeout=60)
        assert answer.status_code in (403, 404), path
    for path in ("/tickets", "/customers", "/work-items", "/complaints", "/events"):
        answer = requests.get(f"{siege.world.url}/api/v1{path}", headers=headers, timeout=60)
        assert answer.status_code == 403 or "li.na" not in answer.text, path
    body = {"text": "I should not be here", "kind": "note"}
    path = f"{siege.world.url}/api/v1/tickets/{siege.ids['number']}/messages"
    assert requests.post(path, json=body, headers=headers, timeout=60).status_code in (403, 404)
    assert everything(siege) == before


def test_a_browser_session_opens_nothing_of_the_api(siege):
    supervisor = siege.world.browser("supervisor@desk.example")
    assert supervisor.get("/api/v1/tickets").status_code == 401
    assert supervisor.post("/api/v1/tickets", json={"subject": "x", "email": "a@b.example"}).status_code == 401


@pytest.mark.parametrize("key", ["inner-en", "draft-en"])
def test_what_is_not_for_customers_is_not_in_the_help_centre(siege, key):
    stranger = siege.world.browser()
    assert stranger.get(f"/articles/{key}").status_code == 404
    assert stranger.post(f"/articles/{key}/vote", data={"helpful": "yes"}).status_code == 404
    assert key not in stranger.get("/?q=About").text


@pytest.mark.parametrize("path", ["/track/{}", "/survey/{}", "/survey/{}/thanks", "/complaints/received/{}"])
def test_a_wrong_key_opens_nothing_and_says_nothing(siege, path):
    stranger = siege.world.browser()
    kinds = {"track": siege.ids["survey"], "survey": siege.ids["track"], "complaints": siege.ids["survey"]}
    for key in ("x", "%", "_" * 32, siege.ids["track"][:-1], kinds[path.split("/")[1]]):
        answer = stranger.get(path.format(key))
        assert answer.status_code == 404
        assert "Li Na" not in answer.text


# Forged pages


def test_every_form_of_ours_refuses_one_without_its_token(siege):
    browsers = {role: siege.world.browser(f"{role.replace('_', '')}@desk.example") for role in ROLES}
    before = everything(siege)
    for method, rule in siege.routes():
        if method == "GET" or WITHOUT_TOKEN.match(rule):
            continue
        for browser in browsers.values():
            answer = requests.Session.request(
                browser, method, siege.world.url + siege.path(rule), data=FILLED, allow_redirects=False, timeout=60
            )
            assert answer.status_code == 400, (method, rule, answer.status_code)
    assert everything(siege) == before


def test_only_reading_is_done_by_links(siege):
    """What a link or picture on another site can trigger changes nothing, but that listening goes on record."""
    supervisor = siege.world.browser("supervisor@desk.example")
    before = everything(siege)
    for method, rule in siege.routes():
        if method == "GET" and rule != "/desk/recordings/<int:recording_id>/audio":
            supervisor.get(siege.path(rule), params=FILLED)
    assert everything(siege) == before


def test_the_session_from_before_signing_in_is_worth_nothing_after(siege):
    victim = siege.world.browser()
    victim.get("/login")
    planted = dict(victim.cookies)
    assert victim.post("/login", data={"email": "agent@desk.example", "password": PASSWORD}).status_code == 302
    thief = siege.world.browser()
    thief.cookies.update(planted)
    assert thief.get("/desk", allow_redirects=False).status_code == 302
    assert dict(victim.cookies) != planted


def test_a_stolen_session_ends_with_the_signing_out(siege):
    owner = siege.world.browser("agent@desk.example")
    thief = siege.world.browser()
    thief.cookies.update(dict(owner.cookies))
    assert thief.get("/desk", allow_redirects=False).status_code == 200
    assert owner.post("/logout").status_code == 302
    assert thief.get("/desk", allow_redirects=False).status_code == 302


def test_the_cookie_is_kept_from_scripts_and_other_sites(siege):
    answer = siege.world.browser().post("/login", data={"email": "agent@desk.example", "password": PASSWORD})
    flags = answer.headers["Set-Cookie"]
    assert "HttpOnly" in flags
    assert "SameSite=Lax" in flags
    assert "Domain" not in flags


ELSEWHERE = (
    "https://evil.example/", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example",
    "/\t/evil.example", "http:evil.example", "javascript:alert(1)", "https:/evil.example", "http://[evil", " //evil.example",
    "/\r\nX: y", "http://127.0.0.1@evil.example/", "/%0d%0aX:y", "//[::1", "/../\\evil.example",
)  # fmt: skip


@pytest.mark.parametrize("address", ELSEWHERE)
def test_nobody_is_sent_elsewhere(siege, address):
    for browser, path, form in (
        (siege.world.browser(), "/login", {"email": "agent@desk.example", "password": PASSWORD, "next": address}),
        (siege.world.browser(), "/language", {"locale": "en", "next": address}),
    ):
        answer = browser.post(path, data=form)
        assert answer.status_code == 302
        assert "X" not in answer.headers
        led = urljoin(siege.world.url, answer.headers["Location"].replace("\\", "/"))
        assert urlsplit(led).netloc == urlsplit(siege.world.url).netloc
    answer = siege.world.browser().post("/language", data={"locale": "en"}, headers={"Referer": "https://evil.example/x"})
    assert "evil" not in answer.headers["Location"]


# Every page


def test_every_page_carries_its_policy_and_private_ones_are_not_kept(siege):
    for role in ("", *ROLES):
        browser = siege.world.browser(f"{role.replace('_', '')}@desk.example" if role else "")
        for method, rule in siege.routes():
            if method != "GET":
                continue
            answer = browser.get(siege.path(rule, key=siege.ids["track"] if "track" in rule else siege.ids["survey"]))
            policy = answer.headers["Content-Security-Policy"]
            assert "unsafe" not in policy or rule == "/desk/messages/<int:message_id>/original", rule
            assert (
                "frame-ancestors 'none'" in policy
                or rule in ("/chat/frame", "/desk/messages/<int:message_id>/original")
                or ("default-src 'none'; sandbox" in policy)
            ), rule
            assert not re.search(r"connect-src[^;]*(ws:|wss:|https:|\*)", policy), rule
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "Referrer-Policy" in answer.headers
            assert (
                "no-store" in answer.headers["Cache-Control"]
                or "no-cache" in answer.headers["Cache-Control"]
                or (rule == "/chat/widget.js")
            ), rule
            # The widget asks from the page that includes it; what is answered is about nobody.
            assert ("Access-Control-Allow-Origin" in answer.headers) == (rule == "/chat/invitation"), rule
            if answer.headers["Content-Type"].startswith("text/html") and "original" not in rule:
                assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text), rule


def test_every_way_into_a_desk_page_by_another_sites_socket_is_shut(siege):
    answer = requests.get(
        f"{siege.world.url}/socket.io/?EIO=4&transport=websocket",
        headers={
            "Origin": "https://evil.example", "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==", "Sec-WebSocket-Version": "13",
        },
        timeout=60,
    )  # fmt: skip
    assert answer.status_code == 400


def test_links_in_mail_never_come_from_the_host_header(siege):
    poisoned = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    stranger = siege.world.browser()
    stranger._fetch_csrf()
    poisoned["Cookie"] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in stranger.cookies)
    form = {"email": "host@customers.example", "statement": "Charged twice", "token": uuid4().hex, "locale": "en"}
    answer = stranger.post("/complaints/new", data=form, headers=poisoned)
    assert answer.status_code == 303
    assert "evil" not in answer.headers["Location"]
    mail = siege.world.until(lambda: siege.world.mailbox("host@customers.example"))[0]
    assert siege.world.url in mail.text
    assert "evil.example" not in mail.text
    page = stranger.get(answer.headers["Location"], headers=poisoned)
    assert "evil.example" not in page.text


# Outgoing mail

ENCODED = "=?utf-8?q?x=0d=0aBcc:_all=40evil.example?="
NO_ADDRESSES = (
    "x\r\nBcc: y@evil.example",
    "a@b.example>\r\nRCPT TO:<c@evil.example",
    "@",
    "a b@c.example",
    "x" * 5000 + "@b.example",
)


@pytest.mark.parametrize(
    "line",
    [
        "x\r\nBcc: all@evil.example",
        "x\nBcc: all@evil.example",
        "x\rBcc: all@evil.example",
        "=?utf-8?q?x=0d=0aBcc:_all=40evil.example?=",
    ],
)
def test_a_subject_or_name_adds_no_header_to_our_mail(siege, line):
    customer = f"{uuid4().hex}@customers.example"
    api = {"Authorization": f"Bearer {TOKEN}supervisor"}
    opened = requests.post(
        f"{siege.world.url}/api/v1/tickets", json={"subject": line, "email": customer, "name": line}, headers=api, timeout=60
    )
    path = f"{siege.world.url}/api/v1/tickets/{opened.json()['number']}/messages"
    smuggled = "Hello\r\n.\r\nMAIL FROM:<a@evil.example>\r\nRCPT TO:<b@evil.example>\r\nDATA\r\n\n.\nquit\r.\r\n.end"
    assert requests.post(path, json={"text": smuggled}, headers=api, timeout=60).status_code == 201
    mail = siege.world.until(lambda: siege.world.mailbox(customer))[0]
    assert [contact.value for contact in (*mail.to, *mail.cc)] == [customer]
    raw = siege.world.one(select(MailboxMail.raw).where(MailboxMail.recipient == customer))
    assert not re.search(rb"(?im)^bcc:", raw)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert "MAIL FROM:<a@evil.example>" in mail.text
    assert mail.text.rstrip().endswith(".end") or ".end" in mail.text
    assert siege.world.mailbox("b@evil.example") == []


@pytest.mark.parametrize("cc", NO_ADDRESSES)
def test_a_copy_goes_to_addresses_only(siege, cc):
    before = siege.world.one(select(func.count()).select_from(OutboxMail))
    path = f"{siege.world.url}/api/v1/tickets/{siege.ids['number']}/messages"
    api = {"Authorization": f"Bearer {TOKEN}supervisor"}
    assert requests.post(path, json={"text": "Hello", "cc": [cc]}, headers=api, timeout=60).status_code == 422
    assert siege.world.one(select(func.count()).select_from(OutboxMail)) == before


# Too often, and nothing to learn


def test_signing_in_stops_after_some_tries_and_tells_nobody_apart(siege):
    stranger = siege.world.browser()
    answers = {
        stranger.post("/login", data={"email": email, "password": "wrong password"}).text.replace(email, "").count("is wrong")
        for email in ("agent@desk.example", "nobody@desk.example")
    }
    assert len(answers) == 1
    for _ in range(6):
        last = stranger.post("/login", data={"email": "agent@desk.example", "password": "wrong password"})
    assert last.status_code == 429
    # Even the right password tells nothing now.
    assert stranger.post("/login", data={"email": "agent@desk.example", "password": PASSWORD}).status_code == 429


def test_asking_for_a_link_says_the_same_whether_or_not_there_is_a_complaint(siege):
    stranger = siege.world.browser()
    number = siege.ids["complaint"]
    pages = [
        stranger.post("/track", data={"number": str(number), "contact": contact}).text
        for contact in ("li.na@customers.example", "somebody@else.example")
    ]
    assert len({re.sub(r'content="[^"]*"|value="[^"]*"', "", page) for page in pages}) == 1
    statuses = [stranger.post("/track", data={"number": str(number), "contact": "x@y.example"}).status_code for _ in range(20)]
    assert 429 in statuses


def test_unsigned_webhooks_leave_no_trace(siege):
    before = everything(siege)
    form = {"CallSid": "CA" + "0" * 32, "From": "+8613800138000", "To": "+862155501234", "CallStatus": "ringing"}
    for step in ("incoming", "menu", "wait", "hold", "conference", "status"):
        for headers in ({}, {"X-Twilio-Signature": "AAAA"}, {"X-Twilio-Signature": "é\x7f".encode("latin-1")}):
            path = f"{siege.world.url}/hooks/twilio/voice/{step}"
            assert requests.post(path, data=form, headers=headers, timeout=60).status_code == 403
    assert everything(siege) == before
    assert siege.world.all(select(Webhook.key)) == []


def test_public_forms_are_not_open_without_end(siege):
    stranger = siege.world.browser()
    stranger._fetch_csrf()
    stranger._fetch_csrf = lambda: None
    answers = [stranger.post("/complaints/new", data={"token": "0" * 20}).status_code for _ in range(201)]
    assert (answers[0], answers[-1]) == (422, 429)


# Secrets


def test_no_secret_stands_in_the_database_or_the_events(siege, caplog):
    browser = siege.world.browser("agent@desk.example")
    chat = new_token()
    assert browser.get("/desk").status_code == 200
    requests.get(f"{siege.world.url}/api/v1/tickets", headers={"Authorization": f"Bearer {TOKEN}agent"}, timeout=60)
    held = [PASSWORD, TOKEN + "agent", chat, siege.world.desk.voice_token, siege.world.desk.secret.decode()]
    keys = [siege.ids["track"], siege.ids["survey"]]
    with siege.world.desk.store.read() as session:
        for table in inspect(siege.world.desk.store.engine).get_table_names():
            rows = str(session.execute(text(f'SELECT * FROM "{table}"')).all())
            assert [secret for secret in held if secret in rows] == [], table
            if table == "event":
                assert [key for key in keys if key in rows] == []
    assert [secret for secret in (*held, *keys) if secret in caplog.text] == []


def test_the_pages_for_machines_hold_nothing_personal(siege):
    for path in ("/metrics", "/healthz", "/readyz", "/api/v1/openapi.json"):
        page = requests.get(siege.world.url + path, timeout=60).text
        assert not re.search(r"@customers|Li Na|supervisor@|/tmp|sqlite:|postgresql:|Traceback", page), path


def test_a_failure_of_ours_shows_no_trace_of_it(siege, monkeypatch):
    monkeypatch.setitem(siege.world.app.view_functions, "help_centre.home", guarded_failure)
    answer = siege.world.browser().get("/")
    assert answer.status_code == 500
    assert not re.search(r"Traceback|RuntimeError|a secret|\.py", answer.text)


def guarded_failure() -> str:
    raise RuntimeError("a secret of ours")


guarded_failure._guard = "public"
