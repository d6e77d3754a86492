"""Two of a kind that differ in what they are never share a row, a label or a comparison."""

import pytest
from twins import BASE, MEANS, OTHERS, identity, make_record, relabelled, write_twins

from tlbench import Results
from tlbench.results import Store, distinct_labels


def rows_of(results, strategy="finetune"):
    frames = [results.summary(metric) for metric in results.primaries]
    return [row for frame in frames for row in frame.to_dict("records") if str(row["strategy"]).startswith(strategy)]


def named(row):
    return tuple(str(row[key]) for key in ("transfer", "backbone", "strategy", "source", "tuned"))


@pytest.mark.parametrize("axis", OTHERS)
def test_two_of_a_kind_have_a_row_each_with_its_own_replicates_mean_and_name(axis, tmp_path):
    results = Results(write_twins(tmp_path, axis))
    rows = rows_of(results)
    assert sorted(row["mean"] for row in rows) == pytest.approx(sorted(MEANS.values()))
    assert [row["n"] for row in rows] == [3, 3]
    if axis != "metric version":  # whose rows stand in two tables
        assert len({named(row) for row in rows}) == 2
    assert len({(row["transfer"], row["backbone"], row["label"]) for row in rows}) == (axis != "metric version") + 1
    costs = [row["fit_seconds"] for row in results.costs().to_dict("records") if row["strategy"] != "scratch"]
    assert len(costs) == (1 if axis == "metric version" else 2)


@pytest.mark.parametrize("axis", OTHERS)
def test_no_comparison_takes_its_pairs_from_both(axis, tmp_path):
    results = Results(write_twins(tmp_path, axis))
    for metric in results.primaries:
        for row in results.summary(metric).to_dict("records"):
            if row["strategy"] != "scratch" and row["baseline"] == "scratch":
                assert row["delta_n"] == 3
        assert (results.pairwise(metric)["n"] == 3).all()
        assert not (results.pairwise(metric)["a"] == results.pairwise(metric)["b"]).any()
    if axis not in ("strategy version", "source content", "search space"):  # whose scratch is the same
        for row in rows_of(results):
            assert row["delta"] == pytest.approx(5 / 40)


@pytest.mark.parametrize("axis", ["strategy version", "backbone weights", "backbone without weights", "search space"])
def test_over_datasets_they_are_candidates_of_their_own(axis, tmp_path):
    [across] = Results(write_twins(tmp_path, axis, datasets=("photos", "drawings", "signs"))).across()
    names = [name for name in across.candidates if name.startswith("finetune")]
    assert len(set(names)) == 2
    assert sorted(across.ranks.set_index("candidate").loc[names, "iqm"]) == pytest.approx(
        sorted(MEANS.values()), abs=0.02
    )


def test_what_parts_two_is_said_in_the_shortest_words(tmp_path):
    said = {}
    for axis in OTHERS:
        pairs = [(identity(which, axis), make_record(which, axis, 0).labels) for which in ("first", "second")]
        labels = distinct_labels(pairs)
        changed = {key for key in labels[0] if labels[0][key] != labels[1][key]}
        said[axis] = {key: (labels[0][key], labels[1][key]) for key in sorted(changed)}
    weights = ("small-conv [weights a1a1a1]", "small-conv [weights a2a2a2]")
    assert said["backbone weights"] == {"backbone": weights}
    assert said["backbone without weights"] == {"backbone": (weights[0], "small-conv [random start]")}
    assert said["backbone version"] == {"backbone": ("small-conv [version 1]", "small-conv [version 2]")}
    assert said["backbone parameters"]["backbone"][1] == "small-conv [spec small-conv(width=8)]"
    assert said["strategy version"] == {"strategy": ("finetune [version 1]", "finetune [version 2]")}
    apart = ("photos [fingerprint d1d1d1]", "photos [fingerprint d2d2d2]")
    assert said["dataset content"] == {"dataset": apart, "transfer": apart}
    assert said["dataset version"]["transfer"] == ("photos [version 1]", "photos [version 2]")
    assert said["split file"] == {"transfer": ("photos [splits b1b1b1]", "photos [splits b2b2b2]")}
    assert said["source content"] == {"source": ("shots [fingerprint e1e1e1]", "shots [fingerprint e2e2e2]")}
    assert set(said["search space"]) == {"tuned"}
    assert set(said["metric version"]) == {"seed"}  # which names no axis


def test_digests_are_shown_as_long_as_it_takes_to_part_them():
    cells = [
        ({"backbone": {"spec": "net", "weights": digits}}, {"backbone": "net"})
        for digits in ("abcdefgh1" + "0" * 55, "abcdefgh2" + "0" * 55)
    ]
    assert [each["backbone"] for each in distinct_labels(cells)] == [
        "net [weights abcdefgh1]",
        "net [weights abcdefgh2]",
    ]


def test_a_name_that_a_plugin_thought_of_itself_is_not_given_twice():
    weights, random = {"spec": "net", "weights": "ab" * 32}, {"spec": "net", "weights": None}
    cells = [
        ({"backbone": weights}, {"backbone": "net"}),
        ({"backbone": random}, {"backbone": "net"}),
        ({"backbone": {"spec": "other"}}, {"backbone": "net [random start]"}),
    ]
    names = [each["backbone"] for each in distinct_labels(cells)]
    assert len(set(names)) == 3
    assert names[0] == "net [weights ababab]"


def test_labels_that_are_distinct_stay_the_very_objects_that_they_were():
    one, other = make_record("first", "backbone weights", 0), make_record("second", "backbone weights", 0)
    other = relabelled(other, backbone="small-conv@other.safetensors")
    labels = distinct_labels([(one.identity, one.labels), (other.identity, other.labels)])
    assert labels[0] is one.labels
    assert labels[1] is other.labels


def test_one_thing_under_two_labels_is_one_row_under_the_shorter(tmp_path):
    store = Store(tmp_path, create=True)
    for replicate in range(3):
        record = make_record("first", "backbone weights", replicate)
        store.write(record if replicate else relabelled(record, backbone="small-conv@copy.safetensors"))
    [row] = Results(tmp_path).summary("macro-f1").to_dict("records")
    assert (row["backbone"], row["n"]) == ("small-conv", 3)


def test_two_strategies_may_share_a_tuning_budget_and_two_transfers_a_sources_name():
    space = {"tuning": {"budget": "8 trials", "space": {"rank": "OneOf"}, "version": "1"}}
    lora = {**BASE, "strategy": {"name": "lora", "version": "1", "parameters": {}}, **space}
    moved = {
        **BASE,
        "dataset": {**BASE["dataset"], "name": "signs", "fingerprint": "c3" * 32},
        "source": {**BASE["dataset"], "name": "signs", "fingerprint": "c3" * 32, "domain": "all"},
    }
    labels = make_record("first", "search space", 0).labels
    cells = [
        (BASE, labels),
        (lora, {**labels, "strategy": "lora"}),
        (moved, {**labels, "dataset": "signs", "transfer": "signs"}),
    ]
    assert distinct_labels(cells) == [own for _, own in cells]


def test_the_folds_of_a_cross_validation_are_replicates_of_one_row():
    folds = [{**BASE, "splits": {"digest": letter * 64, "folds": 3, "fold": 0}} for letter in "ab"]
    labels = make_record("first", "split file", 0).labels
    assert distinct_labels((each, labels) for each in folds) == [labels, labels]


def test_scores_by_an_older_version_of_a_metric_stand_under_a_name_of_their_own(tmp_path):
    results = Results(write_twins(tmp_path, "metric version"))
    assert results.primaries == ("accuracy", "accuracy [version 1]")
    assert set(results.metrics) == {"accuracy", "accuracy [version 1]", "macro-f1", "macro-f1 [version 1]"}
    assert "6 records hold accuracy by another version" in " ".join(results.warnings)
    for metric, which in (("macro-f1", "second"), ("macro-f1 [version 1]", "first")):
        [row] = [row for row in results.summary(metric).to_dict("records") if row["strategy"] == "finetune"]
        assert (row["mean"], row["n"]) == (pytest.approx(MEANS[which]), 3)
    assert len(results.headlines()) == 2
