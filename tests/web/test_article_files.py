"""Files and products of articles: who gets them, what is refused, and that they go along from one desk to another."""

from __future__ import annotations

import json
import re
from argparse import Namespace

import pytest
from sqlalchemy import select

from desk.actions import articles
from desk.commands import kb
from desk.models import Article, ArticleFile, ArticleProduct, Attachment, Product
from desk.models.article import PUBLISHED
from desk.queries.article_products import products_of
from desk.queries.articles import facets
from desk.work.indexing import Indexing
from tests.world import running, settings_for

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
FORM = b"%PDF-1.7 the form"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(settings_for(tmp_path_factory.mktemp("files")), background=False) as world:
        for name, role in (("Yutong", "knowledge_editor"), ("Maya", "agent"), ("Arthur", "auditor")):
            world.agent(name, roles=(role,), skills={})
        yield world


@pytest.fixture
def editor(world):
    return world.browser("yutong@desk.example")


def test_whoever_may_read_the_article_gets_its_files_and_nobody_else(world, editor):
    article(world, "return-en")
    assert attach(editor, "return-en", ("Return form.pdf", FORM), ("label.png", PNG)).status_code == 303
    form, label = files(world, "return-en")
    stranger, arthur = world.browser(), world.browser("arthur@desk.example")
    page = stranger.get("/articles/return-en").text
    assert "Return form.pdf" in page
    assert f'<img src="/articles/return-en/files/{label}"' in page
    saved = stranger.get(f"/articles/return-en/files/{form}")
    assert (saved.status_code, saved.content) == (200, FORM)
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert stranger.get(f"/articles/return-en/files/{label}").headers["Content-Type"] == "image/png"
    assert arthur.get(f"/desk/articles/return-en/files/{form}").content == FORM
    article(world, "other-en")
    assert stranger.get(f"/articles/other-en/files/{form}").status_code == 404
    assert editor.get(f"/desk/articles/other-en/files/{form}").status_code == 404
    assert editor.post(f"/desk/articles/other-en/files/{form}/remove").status_code == 404
    assert editor.post("/desk/articles/return-en/confidence", data={"confidence": "not_validated"}).ok
    assert stranger.get(f"/articles/return-en/files/{form}").status_code == 404
    assert arthur.get(f"/desk/articles/return-en/files/{form}").content == FORM


def test_the_files_of_a_merged_article_do_not_stay_open_by_the_other_one(world, editor):
    article(world, "double-en")
    article(world, "single-en")
    attach(editor, "double-en", ("old.pdf", FORM))
    (old,) = files(world, "double-en")
    assert editor.post("/desk/articles/double-en/merge", data={"into": "single-en"}).ok
    assert world.browser().get(f"/articles/double-en/files/{old}").status_code == 404


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("setup.exe", b"MZ"),
        ("page.html", b"<script>"),
        ("drawing.svg", b"<svg/>"),
        ("prices.xlsm", b"PK\x03\x04"),
        ("photo.png", b"MZ\x90"),
        ("...", b"words"),
    ],
)
def test_what_could_harm_a_reader_is_not_taken(world, editor, name, data):
    if of(world, "harm-en") is None:
        article(world, "harm-en")
    assert attach(editor, "harm-en", (name, data)).status_code == 422
    assert files(world, "harm-en") == []


def test_an_article_has_ten_files_at_most_each_with_its_own_name(world, editor):
    article(world, "many-en")
    assert attach(editor, "many-en").status_code == 422
    same = [("a.txt", f"number {number}".encode()) for number in range(10)]
    assert attach(editor, "many-en", *same).ok
    assert attach(editor, "many-en", same[0]).ok  # the same once more is no other file
    assert attach(editor, "many-en", ("b.txt", b"one more")).status_code == 422
    names = world.all(select(Attachment.name).join(ArticleFile).where(ArticleFile.article_id == of(world, "many-en").id))
    assert sorted(names) == ["a (10).txt", *(f"a ({number}).txt" for number in range(2, 10)), "a.txt"]


def test_a_file_that_is_taken_away_is_gone_unless_something_else_has_the_same_bytes(world, editor):
    for key in ("one-en", "two-en"):
        article(world, key)
        attach(editor, key, ("shared.txt", b"in both"))
    (first,), (second,) = files(world, "one-en"), files(world, "two-en")
    assert editor.post(f"/desk/articles/one-en/files/{first}/remove").ok
    assert world.browser().get(f"/articles/two-en/files/{second}").content == b"in both"
    kept = world.one(select(Attachment.sha256).where(Attachment.name == "shared.txt"))
    assert editor.post(f"/desk/articles/two-en/files/{second}/remove").ok
    assert not world.desk.files._path(kept).exists()
    assert editor.get("/desk/articles/two-en").status_code == 200


def test_who_may_not_change_an_article_adds_no_files(world):
    article(world, "closed-en")
    maya = world.browser("maya@desk.example")
    assert attach(maya, "closed-en", ("a.txt", b"words")).status_code == 403
    assert "Add files" not in maya.get("/desk/articles/closed-en").text


def test_a_product_is_written_once_chosen_in_lists_and_counted(world, editor):
    form = {"lang": "en", "text": "The glimmerbox.", "audience": "public"}
    for key, products in (("light-en", "Router R3, Ｃamera C2"), ("night-en", "camera  c2、 router r3"), ("dark-en", "")):
        assert editor.post("/desk/articles/new", data={**form, "title": f"About {key}", "key": key, "products": products}).ok
        assert editor.post(f"/desk/articles/{key}/state", data={"state": "published"}).ok
    assert sorted(world.all(select(Product.key))) == ["camera c2", "router r3"]
    page = editor.get("/desk/articles/night-en").text
    assert "Router R3" in page
    assert "camera  c2" not in page
    listed = editor.get("/desk/articles", params={"product": "ROUTER R3"}).text
    assert "night-en" in listed
    assert "dark-en" not in listed
    Indexing(world.desk).rebuild()
    counted = editor.get("/desk/articles", params={"q": "glimmerbox"}).text
    assert "Router R3 (2)" in counted
    stranger = world.browser()
    assert 'product=Router+R3"' in stranger.get("/?lang=en").text.replace("%20", "+")
    found = stranger.get("/", params={"q": "glimmerbox", "in": "all"}).text
    assert re.search(r"Router R3 <span[^>]*>2<", found)
    only = stranger.get("/", params={"q": "glimmerbox", "in": "all", "product": "router r3"}).text
    assert "2 answers" in only
    assert "dark-en" not in only
    assert "0 answers" in stranger.get("/", params={"q": "glimmerbox", "product": "no such thing"}).text
    about = stranger.get("/", params={"product": "Router R3"}).text
    assert "light-en" in about
    assert "dark-en" not in about
    assert editor.post("/desk/articles/light-en/edit", data={**form, "title": "T", "products": "", "based_on": "1"}).ok
    assert world.all(select(ArticleProduct.product_id).where(ArticleProduct.article_id == of(world, "light-en").id)) == []
    wrong = {**form, "title": "T", "products": "x" * 61, "based_on": "1"}
    assert editor.post("/desk/articles/night-en/edit", data=wrong).status_code == 422


def test_nobody_outside_learns_of_a_product_that_only_colleagues_read_about(world, editor):
    article(world, "secret-en", audience="internal", products=["Zephyr 9000"])
    Indexing(world.desk).rebuild()
    stranger = world.browser()
    for path in ("/", "/?product=Zephyr+9000", "/?q=zephyr&in=all", "/?q=zephyr&in=all&product=Zephyr+9000"):
        assert "<a" in stranger.get(path).text
        assert "Zephyr 9000</a>" not in stranger.get(path).text
        assert "secret-en" not in stranger.get(path).text


@pytest.mark.parametrize("where", ["all.jsonl", "folder"])
def test_everything_goes_along_from_one_desk_to_another(world, editor, tmp_path, monkeypatch, where):
    if of(world, "goes-en") is None:
        article(world, "goes-en", cause="Because.\n\nOf **two** things.", products=["Router R3"], environment="Since 2025")
        article(world, "goes-draft-en", state="draft")
        attach(editor, "goes-en", ("Form 表.pdf", FORM))
    out, there = tmp_path / where, tmp_path / "there"
    run(monkeypatch, world.desk.settings.data_dir, "export", out)
    run(monkeypatch, there, "import", out)
    run(monkeypatch, there, "import", out)  # once more changes nothing
    with running(settings_for(there), background=False) as other:
        came = other.one(select(Article).where(Article.key == "goes-en"))
        assert (came.version, came.state, came.confidence, came.cause, came.environment) == (
            1, PUBLISHED, "validated", "Because.\n\nOf **two** things.", "Since 2025",
        )  # fmt: skip
        with other.desk.store.read() as session:
            assert products_of(session, [came.id]) == {came.id: ("Router R3",)}
            assert facets(session, [(came, "")])["product"] == {"Router R3": 1}
        (form,) = files(other, "goes-en")
        assert other.browser().get(f"/articles/goes-en/files/{form}").content == FORM
        assert other.one(select(Article.state).where(Article.key == "goes-draft-en")) == "draft"
        assert other.browser().get("/articles/goes-draft-en").status_code == 404


def test_articles_from_elsewhere_keep_their_names_and_are_answered_by_them(tmp_path, monkeypatch, capsys):
    docs = [
        {"id": "MED-10", "title": "Statins", "text": "Cholesterol lowering."},
        {"id": 7, "title": "", "text": "快递到哪里查询"},
        {"id": "c67:2019-04_x.y", "title": "Parcel", "text": "Where it is."},
    ]
    (tmp_path / "docs.jsonl").write_text("\n".join(map(json.dumps, docs)), "utf-8")
    questions = [{"id": "q1", "text": "cholesterol"}, {"id": "q2", "text": "快遞"}, {"id": "q3", "text": "parcels"}]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, questions)), "utf-8")
    run(monkeypatch, tmp_path / "desk", "import", tmp_path / "docs.jsonl")
    capsys.readouterr()
    run(monkeypatch, tmp_path / "desk", "query", tmp_path / "q.jsonl", top=5)
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["id"], [hit["id"] for hit in each["hits"]]) for each in answers] == [
        ("q1", ["MED-10"]), ("q2", ["7"]), ("q3", ["c67:2019-04_x.y"]),
    ]  # fmt: skip


def run(monkeypatch, folder, verb, file, top=10):
    monkeypatch.setenv("DESK_DATA_DIR", str(folder))
    run = {"import": kb.run_import, "export": kb.run_export, "query": kb.run_query}[verb]
    assert run(Namespace(file=file, top=top)) == 0


def attach(browser, key, *uploads):
    return browser.post(f"/desk/articles/{key}/files", files=[("files", upload) for upload in uploads] or {"none": b""})


def article(world, key, *, state=PUBLISHED, audience="public", **more):
    with world.tx() as tx:
        row = articles.write_article(
            tx, key=key, lang="en", title=f"About {key}", text=f"Words of {key}.", audience=audience, **more
        )
        articles.set_state(tx, row, state)


def files(world, key):
    return world.all(select(ArticleFile.id).where(ArticleFile.article_id == of(world, key).id).order_by(ArticleFile.id))


def of(world, key):
    found = world.all(select(Article).where(Article.key == key))
    return found[0] if found else None
