"""Files and products of articles: who gets them, what is refused, and that they go along from one desk to another."""

from __future__ import annotations

import json
import re
from argparse import Namespace

import pytest
import requests
from sqlalchemy import select

from desk.actions.articles import articles
from desk.actions.people import tokens
from desk.commands import kb
from desk.models import Article, ArticleFile, ArticleProduct, Attachment, Product
from desk.models.article import PUBLISHED
from desk.queries.articles.articles import facets
from desk.queries.articles.products import products_of
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


def test_the_files_of_a_merged_article_go_along_unless_fewer_could_read_them(world, editor):
    article(world, "single-en")
    attach(editor, "single-en", ("form.pdf", FORM))
    for key, audience in (("double-en", "public"), ("inner-en", "internal")):
        article(world, key, audience=audience)
        attach(editor, key, ("form.pdf", FORM), (f"{key}.pdf", FORM))
    (_, old), (_, inner) = files(world, "double-en"), files(world, "inner-en")
    assert editor.post("/desk/articles/double-en/merge", data={"into": "single-en"}).ok
    assert editor.post("/desk/articles/inner-en/merge", data={"into": "single-en"}).ok
    assert "stayed with it" in editor.get("/desk/articles/single-en").text
    stranger = world.browser()
    for key, file_id in (("double-en", old), ("inner-en", inner), ("single-en", inner)):
        assert stranger.get(f"/articles/{key}/files/{file_id}").status_code == 404
    page = stranger.get("/articles/single-en").text
    assert re.findall(r">([\w-]+\.pdf)<", page) == ["form.pdf", "double-en.pdf"]
    assert stranger.get(f"/articles/single-en/files/{files(world, 'single-en')[-1]}").content == FORM


def test_files_belong_to_versions_and_come_back_with_them(world, editor):
    article(world, "history-en")
    attach(editor, "history-en", ("first.pdf", FORM))
    attach(editor, "history-en", ("second.png", PNG))
    first, second = files(world, "history-en")
    assert editor.post(f"/desk/articles/history-en/files/{first}/remove").ok
    stranger = world.browser()
    assert of(world, "history-en").version == 4
    assert stranger.get(f"/articles/history-en/files/{first}").status_code == 404
    assert editor.get(f"/desk/articles/history-en/files/{first}").content == FORM  # an earlier version still has it
    changed = editor.get("/desk/articles/history-en/versions").text
    assert changed.index("first.pdf") < changed.index("taken away") < changed.index("second.png")
    assert editor.post("/desk/articles/history-en/restore", data={"version": 2, "based_on": 4}).ok
    page = stranger.get("/articles/history-en").text
    assert re.findall(r">([\w-]+\.(?:pdf|png))<", page) == ["first.pdf"]
    assert editor.post("/desk/articles/history-en/restore", data={"version": 5, "based_on": 5}).ok
    assert of(world, "history-en").version == 5  # it says the same, and has the same files
    assert stranger.get(f"/articles/history-en/files/{second}").status_code == 404
    assert editor.post("/desk/articles/history-en/restore", data={"version": 1, "based_on": 5}).ok
    assert "first.pdf" not in stranger.get("/articles/history-en").text


def test_a_file_that_should_never_have_been_there_is_gone_from_every_version(world, editor):
    article(world, "leak-en")
    attach(editor, "leak-en", ("list of customers.txt", b"names"))
    (leak,) = files(world, "leak-en")
    assert editor.post(f"/desk/articles/leak-en/files/{leak}/remove").ok
    assert editor.post("/desk/articles/leak-en/restore", data={"version": 2, "based_on": 3}).ok
    assert world.browser("maya@desk.example").post(f"/desk/articles/leak-en/files/{leak}/destroy").status_code == 403
    kept = world.one(select(Attachment.sha256).where(Attachment.name == "list of customers.txt"))
    assert editor.post(f"/desk/articles/leak-en/files/{leak}/destroy").ok
    page = editor.get("/desk/articles/leak-en/versions").text
    assert "gone from every version" in page
    assert "customers.txt" not in page
    assert files(world, "leak-en") == []
    assert not world.desk.files._path(kept).exists()
    assert of(world, "leak-en").version == 5


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


def test_a_file_that_is_destroyed_is_gone_unless_something_else_has_the_same_bytes(world, editor):
    for key in ("one-en", "two-en"):
        article(world, key)
        attach(editor, key, ("shared.txt", b"in both"))
    (first,), (second,) = files(world, "one-en"), files(world, "two-en")
    assert editor.post(f"/desk/articles/one-en/files/{first}/destroy").ok
    assert world.browser().get(f"/articles/two-en/files/{second}").content == b"in both"
    kept = world.one(select(Attachment.sha256).where(Attachment.name == "shared.txt"))
    assert editor.post(f"/desk/articles/two-en/files/{second}/destroy").ok
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
    assert re.search(r"Router R3\s+<span[^>]*>2<", found)
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


def test_programs_give_and_take_articles_with_products_and_files(world, editor):
    article(world, "program-en", products=["Router R3"])
    attach(editor, "program-en", ("form.pdf", FORM))
    program = api(world, "knowledge_editor")
    found = program("GET", "articles/program-en").json()
    assert (found["products"], found["version"], found["confidence"]) == (["Router R3"], 2, "validated")
    (form,) = found["files"]
    assert (form["name"], form["type"], form["size"]) == ("form.pdf", "application/pdf", len(FORM))
    assert program("GET", form["path"][1:]).content == FORM
    assert program("GET", f"articles/other-en/files/{form['id']}").status_code == 404
    described = requests.get(f"{world.url}/api/v1/openapi.json", timeout=60).json()["components"]["schemas"]
    assert found.keys() == described["Article"]["properties"].keys()
    assert form.keys() == described["ArticleFile"]["properties"].keys()
    assert [each["id"] for each in program("GET", "articles?product=router+r3").json()["items"]][-1] == "program-en"
    changed = program("PATCH", "articles/program-en", json={"version": 2, "products": ["Mesh M2"], "summary": "Short."}).json()
    assert (changed["products"], changed["summary"], changed["text"]) == (["Mesh M2"], "Short.", found["text"])
    assert program("PATCH", "articles/program-en", json={"version": 2, "title": "Later"}).status_code == 409
    new = {"id": "from-program-en", "lang": "en", "title": "New", "text": "Words.", "products": ["Mesh M2"]}
    made = program("POST", "articles", json=new)
    assert (made.status_code, made.json()["state"], made.json()["audience"]) == (201, "draft", "internal")
    assert program("POST", "articles", json=new).status_code == 409
    for wrong in ({**new, "id": "x y"}, {**new, "id": "b-en", "products": "Mesh"}, {**new, "id": "b-en", "colour": "red"}):
        assert program("POST", "articles", json=wrong).status_code == 422
    assert api(world, "auditor")("PATCH", "articles/program-en", json={"version": 3}).status_code == 403
    assert api(world, "agent")("PATCH", "articles/program-en", json={"version": 3, "title": "T"}).status_code == 403


def api(world, role):
    secret = f"the secret of {role}"
    with world.tx() as tx:
        tokens.create(tx, name=role, role=role, secret=secret)
    headers = {"Authorization": f"Bearer {secret}"}
    return lambda method, path, **more: requests.request(
        method, f"{world.url}/api/v1/{path}", headers=headers, timeout=60, **more
    )


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
