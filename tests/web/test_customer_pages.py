from __future__ import annotations

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from desk.actions.articles.articles import set_state, write_article
from desk.actions.complaints import complaints
from desk.actions.defaults import ensure_defaults
from desk.actions.tickets import tickets
from desk.actions.tickets.solving import solve
from desk.app import create_app, install
from desk.clock import FrozenClock
from desk.config import Settings
from desk.db import Base
from desk.events import SYSTEM
from desk.installation import Installation
from desk.models import Article, Attachment, Complaint, FollowUp, Message, OutboxMail, SearchLog, Survey, Ticket
from desk.models.article import PUBLISHED
from knowledge.article import Article as Entry
from tests.desk.care_world import FRIDAY, agent, decide, hire, mail_in

ARTICLES = {
    "refund-en": ("en", "Refunds", "You get your money back in **five days**.", "public", "refund-zh"),
    "refund-zh": ("zh", "退款多久到账", "退款五天内到账。", "public", "refund-en"),
    "escalate-en": ("en", "Refunds above the limit", "Ask the supervisor about refunds.", "internal", None),
}


class Page(HTMLParser):
    """What a page is made of, and what is wrong with it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.hidden: dict[str, str] = {}
        self.lang = ""
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "html":
            self.lang = given.get("lang") or ""
        if given.get("id"):
            self.ids.append(given["id"])
        if tag == "label":
            self.labelled.add(given.get("for") or "")
        if tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"]] = given.get("value") or ""
        elif tag in ("input", "select", "textarea"):
            self.controls.append(given)
        if "style" in given or any(name.startswith("on") for name in given) or (tag == "script" and not given.get("src")):
            self.inline.append(tag)


class Visitor:
    """A customer's browser."""

    def __init__(self, client: FlaskClient, language: str = "en") -> None:
        self.client = client
        self.headers = {"Accept-Language": language}

    def get(self, address: str, status: int = 200) -> str:
        response = self.client.get(address, headers=self.headers)
        assert response.status_code == status
        return checked(response.get_data(as_text=True))

    def send(self, address: str, status: int = 303, to: str = "", **fields: object) -> str:
        """Fill in the form on a page and send it, as a browser does, hidden fields included."""
        hidden = Page(self.client.get(address, headers=self.headers).get_data(as_text=True)).hidden
        response = self.client.post(to or address, data={**hidden, **fields}, headers=self.headers)
        response.request.environ["wsgi.input"].close()  # a large body waits in a temporary file
        assert response.status_code == status, response.get_data(as_text=True)
        return response.headers.get("Location") or checked(response.get_data(as_text=True))


def checked(html: str) -> str:
    """The page, if nothing is wrong with how it is made."""
    page = Page(html)
    assert re.search(r"<title>[^<]+</title>", html)
    assert len(page.ids) == len(set(page.ids)), "an id stands twice"
    unnamed = [each for each in page.controls if each.get("id") not in page.labelled and not each.get("aria-label")]
    assert unnamed == []
    assert page.inline == []
    return html


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Installation]:
    desk = install(Settings.from_env({"DESK_DATA_DIR": str(tmp_path)}), clock=FrozenClock(FRIDAY))
    Base.metadata.create_all(desk.store.engine)
    with desk.store.tx(SYSTEM) as tx:
        ensure_defaults(tx)
        hire(tx)
        for key, (lang, title, text, audience, twin) in ARTICLES.items():
            article = write_article(
                tx, key=key, lang=lang, title=title, text=text, audience=audience, tags=("billing",), twin_key=twin
            )
            set_state(tx, article, PUBLISHED)
    desk.knowledge.open()
    desk.knowledge.rebuild(
        Entry(id=key, lang=lang, title=title, text=text, audience=audience)
        for key, (lang, title, text, audience, _) in ARTICLES.items()
    )
    yield desk
    desk.knowledge.close()
    desk.store.engine.dispose()


@pytest.fixture
def app(desk: Installation):
    return create_app(desk)[0]


@pytest.fixture
def visitor(app) -> Visitor:
    return Visitor(app.test_client())


def complain(visitor: Visitor, **fields: object) -> str:
    """Send a complaint and return its secret key."""
    usual = {"statement": "You charged me twice.", "email": "li@example.com"}
    return visitor.send("/complaints/new", **usual | fields).rsplit("/", 1)[1]


def follow_up_begun(desk: Installation, key: str) -> None:
    with desk.store.tx(SYSTEM) as tx:
        complaint = tx.session.scalars(select(Complaint).where(Complaint.access_key == key)).one()
        officer = agent(tx, "He Yan")
        complaints.advance(tx, complaint, "assessed", agent=officer, category="billing")
        complaints.advance(tx, complaint, "investigating", agent=officer)
        decide(tx, complaint)
        complaints.advance(tx, complaint, "follow_up")


def survey_sent(desk: Installation, **mail: object) -> str:
    with desk.store.tx(SYSTEM) as tx:
        ticket = mail_in(tx, **mail)
        tickets.assign(tx, ticket, agent(tx, "Lin").id)
        solve(tx, ticket, agent(tx, "Lin"), category="technical", wrap_up_code="solved", resolution="Restarted.")
        return tx.session.scalars(select(Survey.access_key)).one()


def one(desk: Installation, what):
    with desk.store.read() as session:
        return session.scalars(select(what)).one()


def many(desk: Installation, what) -> int:
    with desk.store.read() as session:
        return session.scalar(select(func.count()).select_from(what))


@pytest.mark.parametrize(
    "address", ["/", "/?q=refund", "/?q=nothing+like+it", "/articles/refund-en", "/complaints/new", "/track"]
)
@pytest.mark.parametrize(("language", "lang"), [("en", "en"), ("zh-CN", "zh-CN")])
def test_every_page_for_customers_is_well_made_in_both_languages(app, address, language, lang):
    assert Page(Visitor(app.test_client(), language).get(address)).lang == lang


def test_the_form_promises_a_date_before_it_asks_anything(visitor):
    html = visitor.get("/complaints/new")
    assert html.index("Friday, 11 December 2026") < html.index('<form method="post" action="/complaints/new')


def test_a_complaint_is_answered_with_number_date_and_link(visitor, desk):
    key = complain(visitor)
    html = visitor.get(f"/complaints/received/{key}")
    assert str(one(desk, Ticket).number) in html
    assert "Friday, 11 December 2026" in html
    assert f"{desk.settings.base_url}/track/{key}" in html
    assert one(desk, OutboxMail).payload["to"] == ["li@example.com"]


def test_a_complaint_written_on_the_chinese_page_is_answered_in_chinese(app, desk):
    complain(Visitor(app.test_client(), "zh-CN"), statement="三月份重复扣费。")
    assert "您的投诉" in one(desk, OutboxMail).payload["subject"]


def test_a_complaint_filled_in_after_choosing_a_language_by_address_is_answered_in_it(visitor, desk):
    key = visitor.send("/complaints/new?lang=zh", to="/complaints/new", statement="LK-2026", email="li@example.com").rsplit(
        "/", 1
    )[1]
    assert one(desk, Ticket).locale == "zh"
    assert Page(visitor.get(f"/complaints/received/{key}")).lang == "zh-CN"


def test_a_program_that_does_not_name_its_language_is_taken_at_its_words(visitor, desk):
    complain(visitor, locale="", statement="三月份重复扣费。")
    assert one(desk, Ticket).locale == "zh"


def test_sending_the_same_form_twice_makes_one_complaint(visitor, desk):
    fields = {"statement": "Twice.", "email": "li@example.com", "token": "one-filling-of-the-form"}
    assert visitor.send("/complaints/new", **fields) == visitor.send("/complaints/new", **fields)
    assert many(desk, Complaint) == 1


def test_a_double_click_makes_one_complaint(app, desk):
    fields = {"statement": "Twice.", "email": "li@example.com", "token": "one-filling-of-the-form"}
    visitors = [Visitor(app.test_client()) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda visitor: visitor.send("/complaints/new", **fields), visitors))
    assert len(set(answers)) == 1
    assert many(desk, Complaint) == 1


def test_mistakes_are_shown_beside_their_fields_and_nothing_typed_is_lost(visitor, desk):
    html = visitor.send(
        "/complaints/new", 422, statement="A <b>long</b> story", email="nonsense", product="Router R3", category="billing"
    )
    assert "This is no e-mail address" in html
    assert "A &lt;b&gt;long&lt;/b&gt; story" in html
    assert 'value="Router R3"' in html
    assert '<option value="billing" selected>' in html
    assert many(desk, Ticket) == 0


def test_files_sent_with_a_mistake_need_not_be_chosen_again(visitor, desk):
    html = visitor.send("/complaints/new", 422, statement="", email="li@example.com", files=(io.BytesIO(b"%PDF-1.4"), "bill.pdf"))
    assert "bill.pdf" in html
    hidden = Page(html).hidden
    answer = visitor.client.post("/complaints/new", data={**hidden, "statement": "Twice.", "email": "li@example.com"})
    assert answer.status_code == 303
    file = one(desk, Attachment)
    assert (file.name, file.content_type) == ("bill.pdf", "application/pdf")
    assert desk.files.get(file.sha256) == b"%PDF-1.4"


def test_a_list_of_files_that_we_did_not_seal_is_not_believed(visitor, desk):
    complain(visitor, kept='[["0000","secret.pdf","application/pdf",1,"",""]].c2lnbmF0dXJl')
    assert many(desk, Attachment) == 0


def test_ten_files_are_taken_and_an_eleventh_is_not(visitor, desk):
    def files(count: int) -> list[tuple[io.BytesIO, str]]:
        return [(io.BytesIO(b"x" * number), f"{number}.txt") for number in range(1, count + 1)]

    assert "at most 10 files" in visitor.send("/complaints/new", 422, statement="A", email="li@example.com", files=files(11))
    complain(visitor, files=files(10))
    assert many(desk, Attachment) == 10


def test_a_file_that_is_too_large_is_refused_and_the_text_is_kept(visitor, desk):
    large = (io.BytesIO(b"x" * (20 * 1024 * 1024 + 1)), "film.txt")
    html = visitor.send("/complaints/new", 422, statement="A story", email="li@example.com", files=large)
    assert "film.txt" in html
    assert "A story" in html
    assert many(desk, Ticket) == 0


def test_a_program_that_fills_every_field_is_stopped_and_told(visitor, desk):
    assert "leave this field empty" in visitor.send(
        "/complaints/new", 422, statement="A", email="li@example.com", website="http://x"
    )
    assert many(desk, Ticket) == 0


def test_a_form_from_another_site_is_refused(app, desk):
    fields = {"token": "one-filling-of-the-form", "statement": "A", "email": "li@example.com"}
    assert app.test_client().post("/complaints/new", data=fields).status_code == 400
    assert many(desk, Ticket) == 0


def test_one_address_cannot_flood_us_with_complaints(visitor):
    answers = [visitor.client.post("/track", data=Page(visitor.get("/track")).hidden).status_code for _ in range(21)]
    assert answers == [200] * 20 + [429]


def test_the_status_page_keeps_its_address_secret(visitor):
    key = complain(visitor)
    for address in (f"/track/{key}", f"/complaints/received/{key}"):
        headers = visitor.client.get(address).headers
        assert headers["Referrer-Policy"] == "same-origin"
        assert "noindex" in headers["X-Robots-Tag"]
        assert headers["Cache-Control"] == "no-store"
        assert 'name="robots" content="noindex' in visitor.get(address)


@pytest.mark.parametrize("address", ["/track/{}", "/survey/{}", "/complaints/received/{}", "/survey/{}/thanks"])
@pytest.mark.parametrize("key", ["x" * 32, "x", "x" * 400])
def test_an_unknown_address_is_answered_with_what_to_do(visitor, address, key):
    html = visitor.get(address.format(key), 404)
    assert "/#contact" in html or 'href="/"' in html


def test_the_complainant_adds_words_and_files(visitor, desk):
    key = complain(visitor)
    file = (io.BytesIO(b"%PDF-1.4 second"), "second.pdf")
    assert visitor.send(f"/track/{key}", to=f"/track/{key}/add", text="Here is <i>more</i>.", files=file) == f"/track/{key}"
    html = visitor.get(f"/track/{key}")
    assert "Here is &lt;i&gt;more&lt;/i&gt;." in html
    assert html.count("second.pdf") == 2
    assert "whoever handles it has been told" in html


def test_an_empty_addition_is_refused_beside_the_field(visitor):
    key = complain(visitor)
    assert "Please write something or attach a file." in visitor.send(f"/track/{key}", 422, to=f"/track/{key}/add", text=" ")


def test_the_complainant_confirms_and_later_has_it_looked_at_again(visitor, desk):
    key = complain(visitor)
    follow_up_begun(desk, key)
    html = visitor.get(f"/track/{key}")
    assert html.index("Is the matter settled for you?") < html.index("How far we are")
    visitor.send(f"/track/{key}", to=f"/track/{key}/answer", settled="yes")
    assert one(desk, Complaint).stage == "closed"
    assert "This complaint is closed." in visitor.get(f"/track/{key}")
    assert "Please tell us what is still open." in visitor.send(f"/track/{key}", 422, to=f"/track/{key}/answer", text="")
    visitor.send(f"/track/{key}", to=f"/track/{key}/answer", text="The charge is back.")
    assert one(desk, Complaint).stage == "reopened"
    assert "The charge is back." in visitor.get(f"/track/{key}")


def test_an_answer_without_a_choice_is_asked_for_again(visitor, desk):
    key = complain(visitor)
    follow_up_begun(desk, key)
    assert "Please choose an answer." in visitor.send(f"/track/{key}", 422, to=f"/track/{key}/answer", text="Hm")
    assert one(desk, Complaint).stage == "follow_up"


def test_the_lookup_says_the_same_whether_or_not_there_is_such_a_complaint(visitor, desk):
    key = complain(visitor)
    number = str(one(desk, Ticket).number)
    answers = [
        without_numbers(visitor.send("/track", 200, number=each, contact=contact))
        for each, contact in ((number, "li@example.com"), (number, "else@example.com"), ("98765", "li@example.com"))
    ]
    assert answers[0] == answers[1] == answers[2]
    assert key not in answers[0]
    with desk.store.read() as session:
        mails = [mail.payload for mail in session.scalars(select(OutboxMail).order_by(OutboxMail.id))]
    assert len(mails) == 2
    assert f"/track/{key}" in mails[1]["text"]


def without_numbers(html: str) -> str:
    return re.sub(r'(csrf-token" content|csrf_token" value)="[^"]*"', "", html)


def test_the_question_sheet_is_answered_without_a_cookie_and_needs_no_script(visitor, desk, app):
    key = survey_sent(desk)
    html = visitor.get(f"/survey/{key}")
    assert "Is your problem solved?" in html
    assert one(desk, Survey).answered_at is None
    stranger = app.test_client()
    answer = stranger.post(f"/survey/{key}", data={"score": "5", "solved": "yes", "comment": "Quick!"})
    assert answer.headers["Location"] == f"/survey/{key}/thanks"
    assert (one(desk, Survey).score, one(desk, Survey).solved, one(desk, Ticket).score) == (5, True, 5)
    assert "It helps us to do better" in visitor.get(f"/survey/{key}/thanks")


def test_not_solved_is_told_what_happens_next(visitor, desk):
    key = survey_sent(desk)
    visitor.send(f"/survey/{key}", score="2", solved="no")
    assert "Your request is open again" in visitor.get(f"/survey/{key}/thanks")
    assert one(desk, Ticket).status == "open"
    assert one(desk, FollowUp).reason == "not_solved"


def test_an_incomplete_sheet_keeps_what_was_filled_in(visitor, desk):
    key = survey_sent(desk)
    html = visitor.send(f"/survey/{key}", 422, score="7", solved="yes", comment="Nice people")
    assert "Please choose a mark from 1 to 5." in html
    assert "Nice people" in html
    assert one(desk, Survey).answered_at is None


def test_a_sheet_is_closed_after_a_week(visitor, desk):
    key = survey_sent(desk)
    desk.clock.tick(9 * 24 * 3600)  # a day until it leaves, and the week
    assert "This question sheet is closed" in visitor.get(f"/survey/{key}")
    visitor.client.post(f"/survey/{key}", data={"score": "5", "solved": "yes"})
    assert one(desk, Survey).score is None


def test_a_link_in_a_mail_opens_in_the_customers_language_whatever_the_browser_speaks(visitor, desk):
    key = survey_sent(desk, text="路由器坏了", locale="zh")
    assert Page(visitor.get(f"/survey/{key}")).lang == "zh-CN"
    assert Page(visitor.get(f"/survey/{key}?lang=en")).lang == "en"


def test_the_help_centre_finds_public_articles_only_and_notes_the_search(visitor, desk):
    html = visitor.get("/?q=refund")
    assert "/articles/refund-en" in html
    assert "escalate-en" not in html
    log = one(desk, SearchLog)
    assert (log.place, log.query, log.lang, log.hits) == ("help_centre", "refund", "en", 1)


def test_a_slip_of_the_finger_is_understood_and_said(visitor):
    html = visitor.get("/?q=refnud")
    assert "/articles/refund-en" in html
    assert "Shown are answers for “refund”." in html


def test_a_search_that_finds_nothing_in_one_language_looks_in_the_other_and_says_so(visitor):
    html = visitor.get("/?q=退款&in=en")
    assert "/articles/refund-zh" in html
    assert "these are in the other one" in html


def test_what_is_searched_for_is_shown_as_text(visitor):
    assert "<script>alert" not in visitor.get("/?q=<script>alert(1)</script>&in=nonsense")


def test_the_front_page_shows_topics_and_every_way_to_reach_us(visitor, desk):
    html = visitor.get("/")
    assert "Refunds</a>" in html
    assert "above the limit" not in html
    for way in ("tel:+", f"mailto:{desk.settings.mail_from}", "/complaints/new", "/track", "/chat"):
        assert way in html


def test_an_article_links_its_twin_and_internal_ones_are_not_there(visitor):
    html = visitor.get("/articles/refund-en")
    assert "<strong>five days</strong>" in html
    assert 'href="/articles/refund-zh"' in html
    visitor.get("/articles/escalate-en", 404)


def test_a_browser_that_has_an_article_asks_only_whether_it_changed(visitor, desk):
    visitor.get("/articles/refund-en")  # gives the visitor a session
    first = visitor.client.get("/articles/refund-en", headers=visitor.headers)
    again = visitor.client.get("/articles/refund-en", headers={**visitor.headers, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    with desk.store.tx(SYSTEM) as tx:
        write_article(
            tx, key="refund-en", lang="en", title="Refunds", text="Three days.", audience="public", twin_key="refund-zh"
        )
    changed = visitor.client.get("/articles/refund-en", headers={**visitor.headers, "If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert b"Three days." in changed.data


def test_a_reader_votes_once(visitor, desk):
    for _ in range(2):
        visitor.send("/articles/refund-en", to="/articles/refund-en/vote", helpful="yes")
    with desk.store.read() as session:
        assert session.scalars(select(Article.helpful).where(Article.key == "refund-en")).one() == 1
    assert "Thank you for telling us." in visitor.get("/articles/refund-en")


def test_a_letter_on_the_ticket_waits_to_be_sent(visitor, desk):
    complain(visitor)
    with desk.store.read() as session:
        letter = session.scalars(select(Message).where(Message.direction == "out")).one()
        mail = session.scalars(select(OutboxMail)).one()
    assert (mail.message_id, letter.to) == (letter.id, ["li@example.com"])
