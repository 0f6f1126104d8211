"""The index: who finds what, and what survives a change, a rebuild, another process and a damaged file."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.article import AUDIENCES, Article
from knowledge.index import Hit, KnowledgeIndex

EVERYBODY = set(AUDIENCES)
RETURN_ZH = Article("r-zh", "zh", "退货以后多久能收到钱", "财务在三个工作日内把退款原路退回。", twin="r-en")
RETURN_EN = Article("r-en", "en", "When your money comes back", "We send the refund within three days.", twin="r-zh")
LIMITS = Article("limits", "zh", "退款额度", "坐席最多退款二百元。", audience="internal")


def ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def test_a_word_in_the_middle_of_a_chinese_sentence_is_found(index: KnowledgeIndex) -> None:
    index.rebuild([RETURN_ZH, RETURN_EN])
    (hit,) = index.search("怎么退款", audiences={"public"})
    assert (hit.id, hit.title, hit.lang) == ("r-zh", RETURN_ZH.title, "zh")
    assert "<mark>退款</mark>" in hit.snippet_html
    assert ids(index.search("refunds", audiences={"public"})) == ["r-en"]
    assert ids(index.search("怎麼退款", audiences={"public"})) == ["r-zh"]


def test_an_internal_article_is_found_by_nobody_outside(index: KnowledgeIndex) -> None:
    index.rebuild([RETURN_ZH, LIMITS])
    for audiences in ({"public"}, {"public", "customer", "partner"}):
        assert ids(index.search("退款额度", audiences=audiences)) == ["r-zh"]
        assert "limits" not in ids(index.suggest("退款额度是多少" * 20, audiences=audiences))
        assert index.title_prefix("退款额", audiences=audiences) == []
    assert ids(index.search("退款额度", audiences=EVERYBODY))[0] == "limits"
    assert index.search("退款", audiences=set()) == []


def test_hidden_articles_take_no_place_among_the_best(index: KnowledgeIndex) -> None:
    hidden = [Article(f"h{n}", "en", "router router", "router", audience="internal") for n in range(30)]
    index.rebuild([*hidden, Article("seen", "en", "Guide", "Somewhere in it the router is named once among many other words.")])
    assert ids(index.search("router", audiences={"public"}, limit=1)) == ["seen"]


def test_the_language_can_be_chosen(index: KnowledgeIndex) -> None:
    index.rebuild([Article("a", "zh", "R3", "路由器 R3"), Article("b", "en", "R3", "Router R3")])
    assert sorted(ids(index.search("R3", audiences={"public"}))) == ["a", "b"]
    assert ids(index.search("R3", audiences={"public"}, lang="en")) == ["b"]


@pytest.mark.parametrize("wrong", [{"audiences": {"all"}}, {"lang": "fr"}, {"limit": 0}, {"offset": -1}])
def test_a_wrong_filter_is_refused(index: KnowledgeIndex, wrong: dict) -> None:
    index.rebuild([RETURN_EN])
    with pytest.raises(ValueError, match=r"unknown|limit"):
        index.search("refund", **{"audiences": {"public"}} | wrong)


@pytest.mark.parametrize("query", ["", "   ", "？！", "zzzz", 'title:* AND ("', "*"])
def test_a_query_that_asks_for_nothing_finds_nothing_and_raises_nothing(index: KnowledgeIndex, query: str) -> None:
    index.rebuild([RETURN_EN])
    assert index.search(query, audiences={"public"}) == []


def test_a_title_counts_more_than_a_body(index: KnowledgeIndex) -> None:
    index.rebuild(
        [Article("body", "en", "Other things", "All about the invoice."), Article("title", "en", "The invoice", "All about.")]
    )
    assert ids(index.search("invoice", audiences={"public"})) == ["title", "body"]


def test_pages_of_results_do_not_overlap_and_equal_scores_keep_one_order(index: KnowledgeIndex) -> None:
    index.rebuild([Article(f"{n:02}", "en", "Router", "router") for n in range(25)])
    pages = [ids(index.search("router", audiences={"public"}, limit=10, offset=offset)) for offset in (0, 10, 20)]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert len({article for page in pages for article in page}) == 25


def test_an_update_adds_replaces_and_removes_in_one_commit(index: KnowledgeIndex) -> None:
    index.rebuild([RETURN_ZH, RETURN_EN, LIMITS])
    changed = Article("r-en", "en", "Routers", "Nothing about money.")
    index.update([changed, Article("new", "en", "Lamp", "A lamp.")], ["r-zh", "never-there"])
    assert index.count() == 3
    assert index.search("退款", audiences={"public"}) == []
    assert index.search("refund", audiences={"public"}) == []
    assert ids(index.search("router", audiences={"public"})) == ["r-en"]
    assert ids(index.search("lamp", audiences={"public"})) == ["new"]


def test_an_article_made_internal_is_gone_from_the_public_at_once(index: KnowledgeIndex) -> None:
    index.rebuild([RETURN_EN])
    assert index.search("refund", audiences={"public"})
    index.update([Article("r-en", "en", RETURN_EN.title, RETURN_EN.text, audience="internal")])
    assert index.search("refund", audiences={"public"}) == []


def test_every_search_agrees_with_counting_by_hand_through_many_changes(index: KnowledgeIndex) -> None:
    chance = random.Random(11)
    words = ["alpha", "bravo", "carol", "delta", "foxes", *"退款账单配送网络"]

    def article(number: int) -> Article:
        text = " ".join(chance.choices(words, k=chance.randint(1, 12)))
        return Article(str(number), chance.choice(["zh", "en"]), chance.choice(words), text, chance.choice(AUDIENCES))

    live = {str(number): article(number) for number in range(200)}
    index.rebuild(live.values())
    for _ in range(15):
        upserts = {a.id: a for a in (article(chance.randrange(260)) for _ in range(12))}
        deletes = {str(chance.randrange(260)) for _ in range(4)}
        index.update(upserts.values(), deletes)
        live = {key: value for key, value in live.items() if key not in deletes} | upserts
        assert index.count() == len(live)
        for _ in range(3):
            asked = set(chance.choices(words, k=chance.randint(1, 5)))
            readers = set(chance.sample(AUDIENCES, chance.randint(1, 4)))
            lang = chance.choice([None, "zh", "en"])
            having = {a.id for a in live.values() if asked & set(f"{a.title} {a.text}".split())}
            allowed = {a.id for a in live.values() if a.audience in readers and lang in (None, a.lang)}
            everything = index.search(" ".join(asked), audiences=EVERYBODY, limit=1000)
            assert set(ids(everything)) == having
            best = index.search(" ".join(asked), audiences=readers, lang=lang, limit=10)
            expected = [hit for hit in everything if hit.id in allowed]
            assert [round(hit.score, 4) for hit in best] == [round(hit.score, 4) for hit in expected[:10]]
            assert set(ids(best)) <= allowed


def test_a_long_mail_suggests_the_article_it_is_about(index: KnowledgeIndex) -> None:
    index.rebuild(
        [RETURN_EN, Article("wifi", "en", "Slow Wi-Fi", "Put the router high."), Article("bill", "en", "Bill", "Monthly.")]
    )
    mail = (
        "Hello, I hope you are well. I have been a customer for many years and was always happy. Last week I sent the speaker "
        "back as we agreed on the phone, and I have waited since then. Could you please tell me when the refund will reach my "
        "account? The refund should be 399. My router is fine, thank you. Kind regards, Ann. "
        + "I look forward to your answer. "
        * 30
    )
    assert ids(index.suggest(mail, audiences={"public"}))[0] == "r-en"


def test_typing_the_beginning_of_a_title_finds_it(index: KnowledgeIndex) -> None:
    index.rebuild([RETURN_ZH, RETURN_EN, Article("w", "en", "Your warranty", "x")])
    hits = index.title_prefix("your mon", audiences={"public"})
    assert ids(hits) == ["r-en"]
    assert hits[0].snippet_html == "When <mark>your</mark> <mark>mon</mark>ey comes back"
    assert ids(index.title_prefix("退货", audiences={"public"})) == ["r-zh"]
    assert ids(index.title_prefix("退", audiences={"public"})) == ["r-zh"]
    assert ids(index.title_prefix("your", audiences={"public"})) == ["w", "r-en"], "a title that begins so comes first"


def test_typing_agrees_with_looking_through_all_titles(index: KnowledgeIndex) -> None:
    chance = random.Random(5)
    words = ["alpha", "alps", "beta", "bet", "gamma", "game"]
    articles = [
        Article(str(n), "en", " ".join(chance.choices(words, k=3)), "x", chance.choice(["public", "internal"]))
        for n in range(120)
    ]
    index.rebuild(articles)
    for typed in ("al", "alp", "bet g", "ga be", "game alpha", "beta bet"):
        expected = {
            article.id
            for article in articles
            if article.audience == "public" and all(any(w.startswith(t) for w in article.title.split()) for t in typed.split())
        }
        assert set(ids(index.title_prefix(typed, audiences={"public"}, limit=50))) <= expected
        assert len(index.title_prefix(typed, audiences={"public"}, limit=50)) == min(50, len(expected))


@pytest.mark.parametrize("typed", ["", "y", "*", "？"])
def test_too_little_typed_asks_the_index_for_nothing(index: KnowledgeIndex, typed: str) -> None:
    index.rebuild([RETURN_EN])
    assert index.title_prefix(typed, audiences={"public"}) == []


def test_an_absent_index_finds_nothing_and_asks_to_be_built(tmp_path: Path) -> None:
    index = KnowledgeIndex(tmp_path / "none")
    assert index.open()
    assert index.count() == 0
    assert index.search("refund", audiences={"public"}) == []
    assert index.title_prefix("refund", audiences={"public"}) == []
    with pytest.raises(RuntimeError, match="has to be rebuilt"):
        index.update([RETURN_EN])


def test_a_closed_and_reopened_index_is_the_same(index: KnowledgeIndex, tmp_path: Path) -> None:
    index.rebuild([RETURN_EN])
    index.close()
    again = KnowledgeIndex(tmp_path / "index")
    assert not again.open()
    assert ids(again.search("refund", audiences={"public"})) == ["r-en"]
    again.close()


def test_an_index_of_another_version_asks_to_be_rebuilt(index: KnowledgeIndex, tmp_path: Path) -> None:
    index.rebuild([RETURN_EN])
    stamp = tmp_path / "index" / "current.json"
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"version": "0.0"}))
    assert index.open()
    assert index.search("refund", audiences={"public"}) == []
    index.rebuild([RETURN_EN])
    assert not index.open()
    assert ids(index.search("refund", audiences={"public"})) == ["r-en"]


def test_a_commit_whose_process_died_before_sealing_it_is_read_through_and_kept(index: KnowledgeIndex, tmp_path: Path) -> None:
    index.rebuild([RETURN_EN])
    live = tmp_path / "index" / json.loads((tmp_path / "index" / "current.json").read_text())["folder"]
    seals = live / "seals.json"
    before = seals.read_text()
    index.update([RETURN_ZH])
    seals.write_text(before)
    assert not index.open()
    assert index.count() == 2


@pytest.mark.parametrize("damage", ["cut", "zeros", "missing", "stamp"])
def test_a_damaged_index_is_noticed_at_start_and_mended_by_a_rebuild(index: KnowledgeIndex, tmp_path: Path, damage: str) -> None:
    index.rebuild([RETURN_EN, RETURN_ZH, LIMITS])
    index.close()
    segment = max((tmp_path / "index").glob("index-*/*.seg"), key=lambda path: path.stat().st_size)
    whole = segment.read_bytes()
    if damage == "cut":
        segment.write_bytes(whole[: len(whole) // 2])
    elif damage == "zeros":
        segment.write_bytes(bytes(len(whole)))
    elif damage == "missing":
        segment.unlink()
    else:
        (tmp_path / "index" / "current.json").write_text("{")
    assert index.open()
    assert index.search("refund", audiences={"public"}) == [], "a damaged index is not searched"
    assert index.count() == 0
    index.rebuild([RETURN_EN])
    assert ids(index.search("refund", audiences={"public"})) == ["r-en"]
    assert not index.open()


def test_a_rebuild_that_fails_leaves_the_old_index(index: KnowledgeIndex, tmp_path: Path) -> None:
    index.rebuild([RETURN_EN])

    def breaking() -> Iterator[Article]:
        yield RETURN_ZH
        raise OSError("database away")

    with pytest.raises(OSError, match="database away"):
        index.rebuild(breaking())
    with pytest.raises(ValueError, match="two articles have the id r-zh"):
        index.rebuild([RETURN_ZH, RETURN_ZH])
    assert ids(index.search("refund", audiences={"public"})) == ["r-en"]
    assert index.count() == 1


def test_old_folders_do_not_pile_up(index: KnowledgeIndex, tmp_path: Path) -> None:
    for _ in range(4):
        index.rebuild([RETURN_EN])
    assert len(list((tmp_path / "index").glob("index-*"))) == 2


def test_a_change_by_another_process_is_seen_by_the_next_search(index: KnowledgeIndex, tmp_path: Path) -> None:
    index.rebuild([RETURN_EN])
    assert index.search("refund", audiences={"public"})
    program = (
        "import sys; from pathlib import Path; from knowledge.index import KnowledgeIndex\n"
        "from knowledge.article import Article\n"
        "index = KnowledgeIndex(Path(sys.argv[1])); article = Article('other', 'en', 'Lantern', 'x')\n"
        "index.rebuild([article]) if sys.argv[2] == 'rebuild' else index.update([article], ['r-en'])"
    )
    for step, left in (("update", []), ("rebuild", [])):
        subprocess.run([sys.executable, "-c", program, str(tmp_path / "index"), step], check=True, timeout=60)
        assert ids(index.search("lantern", audiences={"public"})) == ["other"]
        assert ids(index.search("refund", audiences={"public"})) == left


def test_searches_go_on_while_another_thread_updates_and_rebuilds(index: KnowledgeIndex) -> None:
    steady = [Article(f"s{n}", "en", "Steady lamp", "lamp " * 5) for n in range(10)]
    index.rebuild(steady)
    done = threading.Event()
    faults: list[Exception] = []
    answers: list[int] = []

    def search() -> None:
        try:
            while not (answers and done.is_set()):
                answers.append(len(index.search("lamp", audiences={"public"}, limit=50)))
        except Exception as fault:  # noqa: BLE001  Whatever it is, the test wants to see it.
            faults.append(fault)

    searchers = [threading.Thread(target=search) for _ in range(3)]
    for thread in searchers:
        thread.start()
    try:
        for round_ in range(6):
            index.update([Article(f"n{round_}", "en", "Other", "router")], [f"n{round_ - 1}"])
            index.rebuild([*steady, Article(f"n{round_}", "en", "Other", "router")])
    finally:
        done.set()
        for thread in searchers:
            thread.join(timeout=60)
    assert faults == []
    assert answers
    assert set(answers) == {10}, "a search sees the whole index before or after a change, never a part"


ROUTER = Article("router", "en", "Red light on the router", "Restart the broadband router and wait for the invoice.")
SECRET = Article("secret", "en", "Compensation tables", "Goodwill and compensation.", audience="internal")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rooter", "router"),
        ("my Roter is dead", "my router is dead"),
        ("brodband", "broadband"),
        ("invocie", "invoice"),  # two neighbours in the wrong order
        ("routers", None),  # another form is no mistake
        ("router", None),
        ("LK-2026", None),
        ("路由器", None),
        ("qqqqqq", None),
    ],
)
def test_a_misspelt_word_is_understood(index: KnowledgeIndex, typed: str, meant: str | None) -> None:
    index.rebuild([ROUTER, SECRET, RETURN_ZH])
    assert index.did_you_mean(typed, audiences={"public"}) == meant
    if meant:
        assert ids(index.search(typed, audiences={"public"})) == ["router"]


def test_a_correction_gives_no_word_of_what_the_reader_may_not_read(index: KnowledgeIndex) -> None:
    index.rebuild([ROUTER, SECRET])
    assert index.did_you_mean("compensaton", audiences={"public", "customer", "partner"}) is None
    assert index.did_you_mean("compensaton", audiences={"internal"}) == "compensation"


def test_an_index_without_articles_is_opened_again_and_finds_nothing(index: KnowledgeIndex) -> None:
    index.rebuild([])
    index.close()
    assert index.open() is False
    assert index.count() == 0
    assert index.search("refund", audiences={"public"}) == []
    assert index.did_you_mean("refnd", audiences={"public"}) is None


@pytest.mark.parametrize(
    "asked", ["4008108888", "400 810 8888", "(400) 810-8888", "8108888", "8888", "13800138000", "+86 138 0013 8000"]
)
def test_a_number_is_found_however_it_is_written_and_by_its_last_digits(index: KnowledgeIndex, asked: str) -> None:
    index.rebuild(
        [Article("a", "en", "Hotline", "Call 400-810-8888 or +86 138 0013 8000."), Article("b", "zh", "热线", "请打 12345。")]
    )
    assert ids(index.search(asked, audiences=EVERYBODY))[:1] == ["a"]


def test_words_of_taiwan_find_what_the_mainland_writes(index: KnowledgeIndex) -> None:
    index.rebuild([Article("a", "zh", "软件安装", "下载文件后打开程序。"), Article("b", "zh", "退款", "三天到账。")])
    assert ids(index.search("軟體安裝", audiences=EVERYBODY)) == ["a"]
    assert ids(index.search("檔案在哪裡下載", audiences=EVERYBODY)) == ["a"]


def test_a_product_is_a_filter_however_it_is_written(index: KnowledgeIndex) -> None:
    about = {"r3": ("Router R3", "Mesh, M2"), "m2": ("mesh m2",), "none": ()}
    index.rebuild([Article(key, "en", f"Light {key}", "The lamp.", products=names) for key, names in about.items()])
    assert {hit.id: hit.products for hit in index.search("lamp", audiences=EVERYBODY)} == about
    assert ids(index.search("lamp", audiences=EVERYBODY, product="ROUTER  r3")) == ["r3"]
    assert sorted(ids(index.search("lamp", audiences=EVERYBODY, product="Mesh M2"))) == ["m2", "r3"]
    assert index.search("lamp", audiences=EVERYBODY, product="Router") == []
    assert ids(index.search("router", audiences=EVERYBODY))[:1] == ["r3"]


def test_what_nobody_has_written_takes_no_memory_however_much_of_it_is_asked(index: KnowledgeIndex) -> None:
    index.rebuild([RETURN_EN])
    kept = []
    for number in range(60):
        word = "".join(chr(ord("a") + int(digit)) for digit in f"{number:05}")
        index.search(f"{word}ly refund", audiences=EVERYBODY, product=f"thing {number}")
        index.title_prefix(word, audiences=EVERYBODY)
        kept.append(len(index._postings._lists) + len(index._allowed))
    assert kept[-1] == kept[0]
