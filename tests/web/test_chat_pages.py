"""The chat's pages: what any site may load, in both languages, under a strict policy."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import Client

from channels.chat.secret import new_token
from desk.actions import chats
from desk.app import create_app, install
from desk.clock import FrozenClock
from desk.config import Settings
from desk.db import Base
from desk.events import SYSTEM
from desk.files import FileStore
from desk.models import Agent
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
    assert len(answer.data) < 10_000
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
