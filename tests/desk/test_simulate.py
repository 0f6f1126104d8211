"""The command `simulate`: one JSON object out, or one sentence for each problem and nothing else."""

from __future__ import annotations

import io
import json

import pytest

from desk.__main__ import main

FILE = {
    "seed": 1,
    "horizon_s": 100_000,
    "warmup_s": 5_000,
    "tiers": {"vip": {"target_s": 30}, "standard": {"target_s": 80}},
    "types": [
        {"name": "A", "rate_per_h": 60, "aht_s": 300, "patience_s": None, "requires": {"a": 1}, "tier": "standard"},
        {"name": "投诉", "rate_per_h": 5, "aht_s": 300, "patience_s": 60, "requires": {"a": 6}, "tier": "vip"},
    ],
    "agents": [{"count": 6, "skills": {"a": 5}, "aht_factor": 1.0}, {"count": 2, "skills": {"a": 9}, "aht_factor": 0.9}],
    "policy": {"order": "due", "choice": "least_flexible"},
}
FIGURES = {"n", "p_wait", "mean_wait_s", "mean_wait_served_s", "p_abandon", "sl", "occupancy"}


def run(capsys, *words):
    status = main(["simulate", *map(str, words)])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_the_result_is_one_object_with_figures_and_half_widths(capsys, tmp_path):
    path = tmp_path / "file.json"
    path.write_text("\ufeff" + json.dumps(FILE), encoding="utf-8")
    status, out, err = run(capsys, path)
    result = json.loads(out)
    assert (status, err, out.count("\n")) == (0, "", 1)
    assert set(result) == {"overall", "types", "tiers"}
    assert (set(result["types"]), set(result["tiers"])) == ({"A", "投诉"}, {"vip", "standard"})
    for found in (result["overall"], *result["types"].values(), *result["tiers"].values()):
        assert set(found) == FIGURES | {"half_width"}
        assert set(found["half_width"]) == FIGURES
        assert set(found["sl"]) == set(found["half_width"]["sl"]) == {"20", "30", "80"}
        assert 0 <= found["sl"]["20"] <= found["sl"]["80"] <= 1
        assert found["half_width"]["mean_wait_s"] > 0
    assert result["types"]["投诉"] == result["tiers"]["vip"]


def test_standard_input_is_read_for_a_dash(capsys, tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    path.write_text(json.dumps(FILE), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert run(capsys, "-") == run(capsys, path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[]", "the file: must be an object, not [].\n"),
        (b"\xff\xfe{}", "{path}: the file is not written in UTF-8.\n"),
        (json.dumps({**FILE, "warmup_s": -1, "seeds": 2}).encode(), 2),
        (None, "{path}: No such file or directory\n"),
    ],
)
def test_a_wrong_file_gives_sentences_and_no_result(capsys, tmp_path, content, said):
    path = tmp_path / "file.json"
    if content is not None:
        path.write_bytes(content)
    status, out, err = run(capsys, path)
    assert (status, out) == (2, "")
    assert err.count("\n") == said if isinstance(said, int) else err == said.format(path=path)
