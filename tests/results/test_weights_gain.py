"""What pretrained weights are worth: the same strategy and network, with them and from a random start."""

import numpy as np
import pytest

from tlbench import Results
from tlbench.results import spent_seconds

MEMBERS = ("linear-probe", "nearest-mean", "finetune")


@pytest.fixture
def results(suite, resources, run_suite):
    backbones = ("tiny.corners", "tiny.corners(pretrained=false)")
    small = suite((*MEMBERS, "vote"), backbones=backbones, replicates=3)
    return Results(run_suite(small, resources).folder)


def test_each_strategy_is_set_against_its_own_random_start_by_replicate(results):
    found = results.weights_gain()
    assert set(found["strategy"]) == {*MEMBERS, "vote"}
    assert set(found["backbone"]) == {"tiny.corners"}
    assert set(found["random_start"]) == {"tiny.corners [random start]"}
    frame = results.frame().set_index(["strategy", "backbone", "replicate"])["accuracy"]
    probe = found.set_index("strategy").loc["linear-probe"]
    mine = [
        frame["linear-probe", "tiny.corners", i] - frame["linear-probe", "tiny.corners [random start]", i]
        for i in range(3)
    ]
    assert probe["n"] == 3
    assert probe["delta"] == pytest.approx(sum(mine) / 3)
    assert probe["delta_low"] < probe["delta"] < probe["delta_high"]
    clear, ahead = found["p_holm"] <= 0.05, found["delta"] > 0
    assert found["verdict"].tolist() == np.select([~clear, ahead], ["unclear", "better"], "worse").tolist()
    assert (found["negative_transfer"] == (found["verdict"] == "worse")).all()


def test_the_report_says_what_the_weights_are_worth(results):
    said = [sentence for sentence in results.headlines() if "the weights against a random start" in sentence]
    assert len(said) == 1
    assert "linear-probe" in said[0]


def test_an_ensemble_costs_what_its_members_took(results):
    records = {
        (record.labels["strategy"], record.labels["backbone"], record.labels["replicate"]): record
        for record in results.records
    }
    for (strategy, backbone, replicate), record in records.items():
        if strategy != "vote":
            assert record.costs["members_seconds"] == 0
            continue
        members = [records[name, backbone, replicate] for name in MEMBERS]
        assert record.costs["members_seconds"] == pytest.approx(sum(spent_seconds(each.costs) for each in members))
    seconds = {row["strategy"]: row["seconds"] for row in results._summary("accuracy").rows}
    assert seconds["vote"] > seconds["finetune"] > 0
