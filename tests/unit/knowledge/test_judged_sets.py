"""Judged sets of others are read as they are, and what is wrong in one is said by its line."""

from __future__ import annotations

import json
from argparse import Namespace

import pytest

from desk.commands import kb
from desk.errors import Invalid

CORPUS = [
    {"_id": "MED-1", "title": "Missing deliveries", "text": "What to do when a parcel does not come."},
    {"_id": "2", "title": "", "text": "电子发票在哪里下载"},
    {"_id": "3", "title": "Wi-Fi", "text": "Slow at night."},
]


def test_a_set_is_judged_by_language_beside_the_plain_words(tmp_path, capsys):
    make(tmp_path, "query-id\tcorpus-id\tscore\nq1\tMED-1\t2\nq1\t3\t0\nq2\t2\t1\nnobody\t2\t1\n")
    assert kb.run_judge(Namespace(folder=tmp_path, part="test")) == 0
    english, chinese = [json.loads(line) for line in capsys.readouterr().out.splitlines()][::-1]
    assert (english["lang"], english["questions"], english["articles"]) == ("en", 1, 3)
    assert (chinese["lang"], chinese["questions"]) == ("zh", 1)
    assert english["ours"] == chinese["ours"] == {"ndcg": 1, "recall": 1, "mrr": 1}
    assert english["bm25"]["recall"] == 0  # "parcels" is no word of the article to it
    assert english["ndcg_more"] == {"mean": 1, "low": 1, "high": 1}
    assert chinese["ndcg_more"] == {"mean": 0, "low": 0, "high": 0}


def test_judgements_may_have_the_four_columns_of_trec(tmp_path, capsys):
    make(tmp_path, "q2 0 2 1\n")
    assert kb.run_judge(Namespace(folder=tmp_path, part="test")) == 0
    assert json.loads(capsys.readouterr().out)["questions"] == 1


@pytest.mark.parametrize(
    ("judgements", "said"),
    [("q1\tMED-1\n", "line 1"), ("q1\tMED-1\t1\nq2\t2\tgood\n", "line 2"), ("nobody\t2\t1\n", "no judged questions")],
)
def test_what_cannot_be_read_is_said(tmp_path, judgements, said):
    make(tmp_path, judgements)
    with pytest.raises(Invalid) as wrong:
        kb.run_judge(Namespace(folder=tmp_path, part="test"))
    assert said in str(wrong.value) or said in str(wrong.value.values)


def test_a_folder_that_holds_no_set_is_said(tmp_path):
    with pytest.raises(Invalid):
        kb.run_judge(Namespace(folder=tmp_path, part="test"))


def make(folder, judgements):
    questions = [{"_id": "q1", "text": "losing parcels"}, {"_id": "q2", "text": "发票下载"}]
    for name, rows in (("corpus", CORPUS), ("queries", questions)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (folder / "qrels").mkdir(exist_ok=True)
    (folder / "qrels" / "test.tsv").write_text(judgements, "utf-8")
