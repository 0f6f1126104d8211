"""The page of results without any script, what is shown while typing, the palette's pages, own keys, and search for programs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from sqlalchemy import select

from desk.actions.tickets import tickets
from desk.app import ROOT
from desk.errors import Invalid
from desk.models import Agent, Customer, Queue, Ticket
from desk.web.palette import PLACES
from desk.web.shortcut_words import SHORTCUTS, chosen_keys, normal
from desk.work.words import catch_up
from tests.web.siege import TOKEN, Siege, besieged
from tests.world import Browsing


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with besieged(tmp_path_factory.mktemp("search")) as siege:
        with siege.world.tx() as tx:
            ticket = tx.session.scalars(select(Ticket).where(Ticket.number == siege.ids["number"])).one()
            tickets.note(tx, ticket, None, "A <b>broken</b> earbud & 退款申请 of ours.")
        siege.world.background.parts["words"].wake()
        catch_up(siege.world.desk.store)
        yield siege


def who(siege: Siege, role: str) -> Browsing:
    return siege.world.browser(f"{role}@desk.example")


@pytest.mark.parametrize(
    ("asked", "found"),
    [("question", "tickets-"), ("earbuds", "messages-"), ("退款", "messages-"), ("Li Na", "customer-"), ("words", "article-")],
)
def test_each_kind_is_found_on_the_page_that_needs_no_script(siege, asked, found):
    page = who(siege, "senior").get("/desk/search", params={"q": asked})
    assert page.status_code == 200
    assert re.search(rf'<li id="{found}', page.text)
    assert "<mark>" in page.text or found == "customer-"


def test_what_was_written_is_shown_as_text_with_the_words_marked(siege):
    page = who(siege, "senior").get("/desk/search", params={"q": "broken earbud", "kind": "messages"}).text
    assert "A &lt;b&gt;<mark>broken</mark>&lt;/b&gt; <mark>earbud</mark> &amp;" in page


def test_whoever_may_not_see_a_ticket_finds_it_neither_on_the_page_nor_while_typing_nor_by_program(siege):
    number = str(siege.ids["number"])
    for name in ("stranger", "knowledgeeditor", "admin"):
        for address in ("/desk/search", "/desk/search/instant"):
            for asked in ("question", "earbud", number, f"#{number}", "li na", "li.na@customers.example"):
                text = who(siege, name).get(address, params={"q": asked}).text
                assert f"/desk/tickets/{number}" not in text, (name, asked)
                assert f"/desk/customers/{siege.ids['customer_id']}" not in text, (name, asked)


def test_whoever_sees_addresses_in_part_finds_by_how_they_begin_or_by_the_whole_and_is_told_so(siege):
    def page(role: str, asked: str) -> str:
        return who(siege, role).get("/desk/search", params={"q": asked}).text

    for role, told in (("agent", "by how these begin"), ("auditor", "by a whole number or address")):
        assert told in page(role, "li.na@customers.example")
        assert "Li Na" in page(role, "li.na@customers.example")
        assert "Li Na" in page(role, "li na")
        assert "li.na@" not in page(role, "li na")
    assert "Li Na" in page("agent", "li.na@cust")
    assert "Nothing was found." in page("auditor", "li.na@cust")
    assert "Li Na" in page("senior", "li.na@cust")


def test_filters_of_the_form_hold_and_nonsense_in_them_changes_nothing(siege):
    senior = who(siege, "senior")
    found = f'id="tickets-{siege.ids["number"]}"'
    for more, is_there in (
        ({"status": "live"}, True),
        ({"status": "closed"}, False),
        ({"queue": str(siege.ids["queue_id"])}, True),
        ({"queue": "999"}, False),
        ({"since": "2999-01-01"}, False),
        ({"until": "2000-01-01"}, False),
        ({"status": "x", "queue": "x", "since": "x", "until": "9999-99-99", "after": "x.y", "kind": "x"}, True),
    ):
        page = senior.get("/desk/search", params={"q": "question", **more})
        assert (found in page.text) is is_there, more


def test_a_page_ends_with_the_way_to_the_next(siege, monkeypatch):
    monkeypatch.setattr("desk.web.search.PAGE", 1)
    with siege.world.tx() as tx:
        first = tx.session.scalars(select(Ticket).where(Ticket.number == siege.ids["number"])).one()
        customer, queue = tx.session.get_one(Customer, first.customer_id), tx.session.get_one(Queue, first.queue_id)
        for subject in ("Zither one", "Zither two"):
            tickets.open_ticket(tx, customer=customer, queue=queue, subject=subject, channel="email")
    catch_up(siege.world.desk.store)
    senior = who(siege, "senior")
    page = senior.get("/desk/search", params={"q": "zither", "kind": "tickets"}).text
    assert "two" in page
    following = re.search(r'href="(/desk/search\?[^"]*after=[^"]*)"', page)
    assert following is not None
    page = senior.get(following[1].replace("&amp;", "&")).text
    assert re.search("one</a>", page)
    assert 'rel="next"' not in page


def test_the_palette_has_the_pages_that_one_may_open_and_no_other(siege):
    for role in ("agent", "supervisor", "admin", "knowledgeeditor"):
        browser = who(siege, role)
        shown = set(re.findall(r'role="option"[^>]* href="([^"]+)"', browser.get("/desk/palette").text))
        opened = {href for href, *_ in PLACES if browser.get(href).status_code == 200}
        assert shown <= opened, role
        assert shown >= {"/desk/search", "/desk/keys"}


def test_a_page_of_the_palette_is_found_by_its_name_in_either_language(siege):
    text = who(siege, "agent").get("/desk/palette").text
    assert re.search(r'href="/desk/customers" data-find="[^"]*Customers[^"]*客户', text)


def test_every_key_of_the_pages_can_be_chosen_otherwise(siege):
    used = set()
    for file in (ROOT / "templates").rglob("*.html"):
        if "styleguide" not in file.parts:
            text = file.read_text("utf-8")
            used.update(re.findall(r"""(?:data-key(?:=|': )|\bkey=)["']([^"'{]+)["']""", text))
            used.update(re.findall(r"'([a-z])' if (?:keys|loop|not)", text))
    assert used - set(SHORTCUTS) <= {"Escape"}


def test_own_keys_are_kept_on_the_server_and_shown_on_every_page(siege):
    browser = who(siege, "senior")
    fields = {f"key-{place}": key for place, key in enumerate(SHORTCUTS)}
    place = list(SHORTCUTS).index("c")
    assert browser.post("/desk/keys", data={**fields, f"key-{place}": "Q", "single": "1"}).status_code == 303
    kept = siege.world.one(select(Agent).where(Agent.email == "senior@desk.example"))
    assert (kept.own_keys, kept.single_keys) == ({"c": "q"}, True)
    assert 'data-own-keys="{&#34;c&#34;: &#34;q&#34;}"' in browser.get("/desk").text
    browser.post("/desk/keys", data={**fields, f"key-{place}": "q"})
    assert "data-no-single-keys" in browser.get("/desk").text
    browser.post("/desk/keys", data={"do": "reset"})
    kept = siege.world.one(select(Agent).where(Agent.email == "senior@desk.example"))
    assert (kept.own_keys, kept.single_keys) == ({}, True)


def test_two_shortcuts_with_one_key_are_told_at_both_and_nothing_is_kept(siege):
    browser = who(siege, "supervisor")
    fields = {f"key-{place}": key for place, key in enumerate(SHORTCUTS)}
    place = list(SHORTCUTS).index("c")
    answer = browser.post("/desk/keys", data={**fields, f"key-{place}": "j", "single": "1"})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2
    assert siege.world.one(select(Agent).where(Agent.email == "supervisor@desk.example")).own_keys == {}


@pytest.mark.parametrize(
    ("typed", "key"),
    [("ctrl + K", "Mod+k"), ("⌘k", "⌘k"), ("ALT+J", "Alt+j"), ("Q", "q"), ("+", "+"), ("", ""), ("shift+?", "Shift+?")],
)
def test_a_key_is_understood_as_people_write_it(typed, key):
    assert normal(typed) == key


@pytest.mark.parametrize("typed", ["qq", "Mod+c", "Foo+x", "a b", "Alt+qq", "F5"])
def test_what_is_no_key_or_the_browsers_own_is_refused(typed):
    with pytest.raises(Invalid) as refused:
        chosen_keys({"c": typed})
    assert set(refused.value.fields) == {"c"}


def test_programs_find_what_their_role_may_read(siege):
    def ask(role: str, kind: str, **params: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {TOKEN}{role}"}
        return requests.get(f"{siege.world.url}/api/v1/search/{kind}", headers=headers, params=params, timeout=60)

    found = ask("senior", "tickets", q="question").json()["items"]
    assert [each["number"] for each in found] == [siege.ids["number"]]
    assert found[0]["title_html"] == "<mark>Question</mark>"
    assert "<mark>earbud</mark>" in ask("senior", "messages", q="earbud").json()["items"][0]["snippet_html"]
    assert [each["name"] for each in ask("senior", "customers", q="li.na@customers").json()["items"]] == ["Li Na"]
    assert ask("auditor", "customers", q="li.na@customers").json() == {"items": [], "next": None}
    assert [each["contact"] for each in ask("auditor", "customers", q="li.na@customers.example").json()["items"]] == [
        "li•••@customers.example"
    ]
    assert ask("admin", "tickets", q="question").status_code == 403
    assert ask("admin", "customers", q="li").status_code == 403
    assert ask("senior", "tickets").status_code == 422
    assert ask("senior", "tickets", q="x", cursor="y").status_code == 422
    assert ask("senior", "customers", q="x", limit="0").status_code == 422
