"""The chat's pages: what any site may load, in both languages, under a strict policy."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from io import BytesIO

import pytest
from sqlalchemy import func, select
from werkzeug.test import Client

from channels.chat.secret import new_token
from desk.actions.chats import chats
from desk.app import ROOT, create_app, install
from desk.clock import FrozenClock
from desk.config import Settings
from desk.db import Base
from desk.events import SYSTEM
from desk.files import FileStore
from desk.models import Agent, Attachment, Chat
from desk.queries.chats.chats import said_in
from tests.desk.chat_world import MONDAY, people, question


@pytest.fixture
def desk(tmp_path):
    desk = install(Settings.from_env({"DESK_DATA_DIR": str(tmp_path)}), clock=FrozenClock(MONDAY))
    Base.metadata.create_all(desk.store.engine)
    with desk.store.tx(SYSTEM) as tx:
        people(tx)
    yield desk
    desk.store.engine.dispose()


@pytest.fixture
def client(desk) -> Client:
    return create_app(desk)[0].test_client()


def test_any_site_may_load_the_widget(client):
    answer = client.get("/chat/widget.js")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/javascript")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert len(answer.data) < 11_000
    answer.close()


@pytest.mark.parametrize(("lang", "html_lang"), [("en", "en"), ("zh", "zh-CN")])
def test_any_site_may_show_the_frame_and_its_policy_is_strict(client, lang, html_lang):
    answer = client.get(f"/chat/frame?lang={lang}&theme=dark")
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors *" in policy
    assert "unsafe" not in policy
    assert "X-Frame-Options" not in answer.headers
    assert f'<html lang="{html_lang}" data-theme="dark">' in answer.text
    assert '"state": "open"' in answer.text.replace("&#34;", '"')
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/chat/frame", "/shop"])
def test_pages_have_no_script_or_style_of_their_own_and_no_id_twice(client, path):
    text = client.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert sorted(ids) == sorted(set(ids))
    labels = re.findall(r'<label for="([^"]+)"', text)
    assert set(labels) <= set(ids)


def test_only_the_sites_that_are_named_may_show_the_frame(desk):
    sites = ("https://shop.example", "https://*.shop.example")
    app, _ = create_app(replace(desk, settings=replace(desk.settings, chat_sites=sites)))
    policy = app.test_client().get("/chat/frame").headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://shop.example https://*.shop.example")


def test_all_that_the_chat_loads_is_light():
    """Of each file what travels; the page itself is drawn anew each time and not counted."""
    static = ROOT / "desk" / "static"
    frame = (ROOT / "templates" / "chat" / "frame.html").read_text(encoding="utf-8")
    named = set(re.findall(r"asset\('([^']+\.(?:js|css))'\)", frame))
    own = {f"chat/{path.name}" for path in (static / "chat").glob("*.js")}
    sizes = {
        name: len(gzip.compress((static / name).read_bytes(), 9))
        for name in named | own | {"js/texts.js", "vendor/socket.io.esm.min.js"}
    }
    assert len(sizes) > 12
    assert sum(sizes.values()) < 40_000, sizes


def send(client, token, data=b"%PDF-1.7 bill", name="账单.pdf", client_id="0123456789"):
    answer = client.post(
        "/chat/files?lang=zh",
        data={"client_id": client_id, "files": (BytesIO(data), name)},
        headers={"X-Chat-Token": token, "Accept": "application/json"},
    )
    answer.request.environ["wsgi.input"].close()  # a large body is a file, which the client leaves open
    return answer


def test_a_visitors_file_comes_once_into_their_chat(desk, client):
    token = new_token()
    with desk.store.tx(SYSTEM) as tx:
        chat, _ = chats.open_chat(tx, question(), token=token)
        chat_id = chat.id
    first, again = send(client, token), send(client, token)
    assert first.status_code == again.status_code == 200
    assert first.json == again.json
    with desk.store.read() as reading:
        said = said_in(reading, reading.get_one(Chat, chat_id))
    assert [[file["name"] for file in row["files"]] for row in said] == [[], ["账单.pdf"]]
    with client.get("/chat/files/1", headers={"X-Chat-Token": token}) as answer:
        assert answer.data == b"%PDF-1.7 bill"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"MZ\x90\x00", "invoice.exe"),
        (b"<script>alert(1)</script>", "page.html"),
        (b"<svg onload=alert(1)>", "picture.svg"),
        (b"MZ\x90\x00", "holiday.png"),
        (b"PK\x03\x04", "list.xlsm"),
        (b"", "empty.pdf"),
        (b"x" * (10 * 1024 * 1024 + 1), "film.bin"),
    ],
)
def test_a_file_that_could_harm_or_is_too_large_is_refused_in_the_visitors_language(desk, client, data, name):
    token = new_token()
    with desk.store.tx(SYSTEM) as tx:
        chats.open_chat(tx, question(), token=token)
    answer = send(client, token, data, name)
    assert answer.status_code == 422
    assert re.search("[\u4e00-\u9fff]", answer.json["detail"])
    with desk.store.read() as reading:
        assert reading.scalar(select(func.count()).select_from(Attachment)) == 0


def test_a_file_needs_a_chat_that_goes_on(desk, client):
    token = new_token()
    assert send(client, token).status_code == 404
    with desk.store.tx(SYSTEM) as tx:
        chat, _ = chats.open_chat(tx, question(), token=token)
        chats.end_chat(tx, chat, "agent")
    assert send(client, token).status_code == 409


def test_the_theme_is_one_of_two(client):
    assert "data-theme" not in client.get('/chat/frame?theme="><script>').text


def test_a_file_needs_the_token_of_its_chat(desk, client):
    kept = FileStore(desk.data_dir / "files").keep(b"%PDF-1.7 bill", "账单.pdf")
    token = new_token()
    with desk.store.tx(SYSTEM) as tx:
        chat, _ = chats.open_chat(tx, question(), token=token)
        chats.agent_says(tx, chat, tx.session.get_one(Agent, 1), "0123456789", "", [kept])
    for headers, status in (({}, 404), ({"X-Chat-Token": new_token()}, 404), ({"X-Chat-Token": token}, 200)):
        answer = client.get("/chat/files/1", headers=headers)
        assert answer.status_code == status
        answer.close()
    answer = client.get("/chat/files/1", headers={"X-Chat-Token": token})
    assert answer.data == b"%PDF-1.7 bill"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    answer.close()
