"""Simulation files: what may be left out, and that whatever is wrong is said of the key it is wrong with."""

from __future__ import annotations

import json

import pytest

from routing.simulation import Group, Plan, WorkType
from routing.simulation_file import FileProblems, read_simulation

GOOD = {
    "seed": 7,
    "horizon_s": 7200,
    "warmup_s": 600,
    "tiers": {"vip": {"target_s": 20}, "standard": {"target_s": 80}},
    "types": [
        {"name": "A", "rate_per_h": 60, "aht_s": 300, "patience_s": None, "requires": {"a": 1}, "tier": "standard"},
        {"name": "B", "rate_per_h": 6.5, "aht_s": 200, "patience_s": 90, "requires": {}, "tier": "vip"},
    ],
    "agents": [{"count": 6, "skills": {"a": 5}, "aht_factor": 1.5}],
    "policy": {"order": "strict", "choice": "proficiency"},
}
MISSING = object()


def changed(*path, to):
    """The good file as text, with one thing changed or left out."""
    data = json.loads(json.dumps(GOOD))
    place = data
    for step in path[:-1]:
        place = place[step]
    if to is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return json.dumps(data)


def problems_of(text):
    with pytest.raises(FileProblems) as caught:
        read_simulation(text)
    return caught.value.problems


def test_a_whole_file_is_read_as_it_is_written():
    assert read_simulation(json.dumps(GOOD)) == Plan(
        horizon_s=7200.0,
        warmup_s=600.0,
        tiers={"vip": 20.0, "standard": 80.0},
        types=(
            WorkType("A", 60.0, 300.0, None, frozenset({("a", 1)}), "standard"),
            WorkType("B", 6.5, 200.0, 90.0, frozenset(), "vip"),
        ),
        agents=(Group(6, {"a": 5}, 1.5),),
        order="strict",
        choice="proficiency",
        seed=7,
        within_s=(20.0, 80.0),
    )


def test_a_short_file_has_good_defaults():
    short = {
        "horizon_s": 100,
        "tiers": {"all": {"target_s": 30}},
        "types": [{"name": "A", "rate_per_h": 60, "aht_s": 300, "tier": "all"}],
        "agents": [{"count": 2}],
    }
    plan = read_simulation(json.dumps(short))
    assert (plan.seed, plan.warmup_s, plan.order, plan.choice, plan.runs) == (1, 0.0, "due", "longest_idle", 1)
    assert plan.within_s == (20.0, 30.0)
    assert plan.agents == (Group(2, {}),)


def test_thresholds_runs_steps_and_teams_may_be_added():
    steps = [{"after_s": 30, "do": "also_team", "team": "back"}]
    text = changed("types", 0, to={**GOOD["types"][0], "requires": {"z": 3}, "overflow": steps})
    data = {**json.loads(text), "sl_s": [60, 10, 10], "runs": 3, "agents": [{"count": 1, "team": "back"}]}
    plan = read_simulation(json.dumps(data))
    assert (plan.within_s, plan.runs, plan.agents[0].team) == ((10.0, 60.0), 3, "back")
    assert plan.types[0].overflow == tuple(steps)


WRONG = [
    (("seed",), 1.5, "seed: must be a whole number"),
    (("seed",), True, "seed: must be a whole number"),
    (("horizon_s",), 0, "horizon_s: must be a number above 0"),
    (("horizon_s",), "long", 'horizon_s: must be a number above 0 and at most 1e+09, not "long"'),
    (("horizon_s",), MISSING, "horizon_s: is missing."),
    (("warmup_s",), 7200, "warmup_s: must be shorter than horizon_s"),
    (("warmup_s",), -1, "warmup_s: must be a number from 0"),
    (("tiers",), [], "tiers: must be an object, not []."),
    (("tiers", "vip"), 20, "tiers.vip: must be an object, not 20."),
    (("tiers", "vip"), {}, "tiers.vip.target_s: is missing."),
    (("tiers", "vip", "target_s"), None, "tiers.vip.target_s: must be a number"),
    (("tiers", "vip", "colour"), "red", "tiers.vip.colour: is not known here"),
    (("types",), {}, "types: must be a list, not {}."),
    (("types",), [], "types: must not be empty."),
    (("types",), None, "types: must be a list, not null."),
    (("types", 0), "A", 'types[0]: must be an object, not "A".'),
    (("types", 1, "name"), "A", 'types: two of them have the name "A".'),
    (("types", 1, "name"), " ", 'types[1].name: must be a word, not " ".'),
    (("types", 1, "rate_per_h"), -1, "types[1].rate_per_h: must be a number from 0"),
    (("types", 1, "rate_per_h"), 1e300, "types[1].rate_per_h: must be a number from 0"),
    (("types", 1, "aht_s"), 0, "types[1].aht_s: must be a number above 0"),
    (("types", 1, "patience_s"), 0, "types[1].patience_s: must be a number above 0"),
    (("types", 1, "patience_s"), [], "types[1].patience_s: must be a number above 0"),
    (("types", 1, "tier"), "gold", 'types[1].tier: must be one of the tiers of the file, not "gold".'),
    (("types", 1, "tier"), ["vip"], 'types[1].tier: must be one of the tiers of the file, not ["vip"].'),
    (("types", 1, "requires"), ["a"], 'types[1].requires: must be an object, not ["a"].'),
    (("types", 1, "requires"), {"a": 11}, "types[1].requires.a: must be a whole number from 1 to 10, not 11."),
    (("types", 1, "requires"), {"": 1}, "types[1].requires: has a name that is empty."),
    (("types", 1, "requires"), {"team:x": 1}, "types[1].requires.team:x: a skill's name cannot begin with team:."),
    (("types", 1, "patience"), 5, "types[1].patience: is not known here; known are aht_s,"),
    (("types", 1, "overflow"), {}, "types[1].overflow: must be a list of steps."),
    (("types", 1, "overflow"), [{"after_s": 5, "do": "sing"}], "types[1].overflow: has a step whose do is not known."),
    (("types", 0, "requires"), {"a": 6}, "types[0].requires: no agent has these skills at these levels"),
    (("agents",), [], "agents: must not be empty."),
    (("agents", 0, "count"), 2.5, "agents[0].count: must be a whole number from 0"),
    (("agents", 0, "count"), 0, "agents: there must be from 1 to 10000 of them in all."),
    (("agents", 0, "count"), 10_001, "agents[0].count: must be a whole number from 0 to 10000, not 10001."),
    (("agents", 0, "aht_factor"), 0, "agents[0].aht_factor: must be a number above 0"),
    (("agents", 0, "skills"), {"a": "5"}, 'agents[0].skills.a: must be a whole number from 1 to 10, not "5".'),
    (("agents", 0, "name"), "x", "agents[0].name: is not known here"),
    (("policy",), "due", 'policy: must be an object, not "due".'),
    (("policy", "order"), "random", "policy.order: must be one of due, fcfs, strict"),
    (("policy", "choice"), [], "policy.choice: must be one of longest_idle, least_flexible"),
    (("policy", "mood"), "good", "policy.mood: is not known here; known are choice, order."),
    (("sl_s",), 20, "sl_s: must be a list, not 20."),
    (("sl_s",), [20, -1], "sl_s[1]: must be a number from 0"),
    (("runs",), 0, "runs: must be a whole number from 1 to 1000, not 0."),
    (("plan",), {}, "plan: is not known here"),
]


@pytest.mark.parametrize(("path", "to", "sentence"), WRONG)
def test_what_is_wrong_is_said_of_its_key(path, to, sentence):
    assert [problem for problem in problems_of(changed(*path, to=to)) if problem.startswith(sentence)]


def test_one_mistake_is_one_sentence():
    for path, to, sentence in WRONG:
        assert len(problems_of(changed(*path, to=to))) == 1, sentence


def test_more_calls_than_can_be_simulated_are_refused():
    [problem] = problems_of(changed("types", 0, "rate_per_h", to=1e9))
    assert problem == "horizon_s: about 2e+09 calls would come until then; at most 5e+07 can be simulated."


def test_every_problem_is_told_at_once():
    text = changed("seed", to="x").replace('"count": 6', '"count": -6').replace('"aht_s": 300', '"aht_s": false')
    assert len(problems_of(text)) == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1, column 1: this is not JSON"),
        ("{", "line 1, column 2: this is not JSON"),
        ('{"a": 1}\n{', "line 2, column 1: this is not JSON"),
        ("[]", "the file: must be an object, not []."),
        ('{"seed": 1, "seed": 2}', "seed: stands twice in one object."),
        ('{"horizon_s": NaN}', "NaN: is not a number that JSON knows."),
        ("[" * 100_000, "the file: it is nested too deeply."),
    ],
)
def test_what_is_no_simulation_file_at_all_is_said_too(text, sentence):
    assert problems_of(text)[0].startswith(sentence)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "1e-400"])
def test_numbers_that_overflow_are_refused(number):
    text = json.dumps(GOOD).replace('"horizon_s": 7200', f'"horizon_s": {number}')
    assert problems_of(text)[0].startswith("horizon_s: must be a number above 0 and at most 1e+09, not ")
