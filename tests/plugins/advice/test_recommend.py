"""Advice: what it rests on, how its past is counted, when it declines, and that it never sees a test split."""

import dataclasses
import hashlib
import json
import shlex

import numpy as np
import pytest

from tlbench.contract import Failure, Predictions, Record
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan
from tlbench.results import Store
from tlbench.running import Where, execute_plan
from tlbench_advice.evidence import Candidate, find_folders, read
from tlbench_advice.hindsight import look_back
from tlbench_advice.recommend import recommend
from tlbench_advice.rule import Question, rank

BLOBS = "blobs[->day]"
TINY = {"spec": "tiny", "version": "1", "encoding": "tiny/1", "weights": None}
# Accuracy of three strategies in two replicates on four datasets, at two labels per class.
TABLE = {
    "a": {"linear-probe": (0.50, 0.52), "finetune": (0.60, 0.62), "scratch": (0.30, 0.34)},
    "b": {"linear-probe": (0.70, 0.72), "finetune": (0.75, 0.77), "scratch": (0.60, 0.64)},
    "c": {"linear-probe": (0.90, 0.92), "finetune": (0.80, 0.82), "scratch": (0.40, 0.44)},
    "d": {"linear-probe": (0.40, 0.42), "finetune": (0.52, 0.54), "scratch": (0.20, 0.24)},
}


def record(dataset, strategy, score, replicate=0, classes=4, backbone=TINY, budget="2-shot", **changes):
    """Build a record as a run writes it, of what advice reads."""
    shots = int(budget.removesuffix("-shot"))
    labels = {
        "strategy": strategy, "family": "extract", "setting": "inductive", "baseline": strategy == "scratch",
        "backbone": backbone["spec"], "dataset": dataset, "source": "", "target": "all", "transfer": dataset,
        "budget": budget, "replicate": replicate, "seed": 0, "upper_bound": False,
    }  # fmt: skip
    identity = {
        "strategy": {"name": strategy}, "backbone": backbone, "dataset": {"name": dataset, "fingerprint": dataset * 9},
        "target": "all", "budget": budget, "protocol": {}, "recipe": {}, "replicate": replicate, "seed": 0,
    }  # fmt: skip
    ledger = {"train_labels": shots * classes, "val_labels": 0, "test_items": 100}
    text = json.dumps([identity, labels, changes], default=str)
    return Record(
        cell=f"{abs(hash(text)):020x}"[:20],
        identity=identity,
        labels={**labels, **changes.pop("labels", {})},
        scores={"accuracy": score},
        ledger=ledger,
        costs={},
        **changes,
    )


@pytest.fixture
def stored(tmp_path):
    """Write records into a results folder and return it."""

    def write(records, name="stored"):
        store = Store(tmp_path / name, create=True)
        for each in records:
            store.write(each)
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def corners(toy):
    """What names the pretrained toy backbone in records."""
    weights = hashlib.sha256((toy.parent / "tiny.safetensors").read_bytes()).hexdigest()
    return {"spec": "tiny.corners", "version": "1", "encoding": "tiny.corners/1", "weights": weights}


@pytest.fixture
def table(stored, corners):
    """A results folder of TABLE, of the pretrained toy backbone."""
    return stored(of_table(TABLE, backbone=corners))


def of_table(table, **rest):
    return [
        record(dataset, strategy, score, replicate, **rest)
        for dataset, row in table.items()
        for strategy, scores in row.items()
        for replicate, score in enumerate(scores)
    ]


def blocks_of(folder):
    return read(find_folders([folder])).blocks


@pytest.fixture
def toy_resources(toy, tmp_path):
    return Resources(Catalog(Host([toy])), Cache(tmp_path / "cache"))


@pytest.fixture
def ask(cli, toy):
    """Ask for advice on blobs, on the pretrained toy backbone."""

    def call(folder, *more, budget="2-shot"):
        question = ("-p", toy, "-d", BLOBS, "-b", "tiny.corners", "--budget", budget, "--results", folder)
        return cli("recommend", *question, *more)

    return call


# ---- the rule ----------------------------------------------------------------------------------------------------


def test_candidates_are_ranked_by_their_mean_difference_weighted_by_similarity(stored):
    near, far = {"a": TABLE["a"], "b": TABLE["b"]}, {"c": TABLE["c"]}
    folder = stored([*of_table(near), *of_table(far, classes=32)])
    ranking = rank(blocks_of(folder), Question("", 4, 2.0, False))
    weights = [1, 1, 1 / (1 + 3)]  # 32 classes are three doublings of 4
    gains = {each.candidate.strategy: each.gain for each in ranking.standings}
    assert ranking.reference.strategy == "scratch"
    assert gains["finetune"] == pytest.approx(np.average([0.29, 0.14, 0.39], weights=weights))
    assert gains["linear-probe"] == pytest.approx(np.average([0.19, 0.09, 0.49], weights=weights))
    assert [each.candidate.strategy for each in ranking.standings] == ["finetune", "linear-probe", "scratch"]


def test_what_test_items_cannot_tell_apart_is_tied_as_in_reports(stored):
    def answers(right):  # the first so many of 100 test items are right
        labels = np.zeros(100, dtype=np.int64)
        return Predictions(
            np.stack([np.arange(100) < right, np.arange(100) >= right], axis=1).astype(np.float32), labels
        )

    folder = stored([])
    store = Store(folder)
    for strategy, right in (("linear-probe", 60), ("finetune", 58), ("scratch", 20)):
        for replicate in range(3):  # as far apart in every replicate: a t test over these alone would be sure
            store.write(record("a", strategy, right / 100, replicate), answers(right))
    (block,) = blocks_of(folder)
    assert {each.strategy for each in block.tied} == {"linear-probe", "finetune"}


def test_a_dataset_counts_once_whatever_the_number_of_its_records(stored):
    many = [record("c", strategy, score, replicate) for strategy, score in (("linear-probe", 0.9), ("finetune", 0.8))
            for replicate in range(30)]  # fmt: skip
    others = of_table({name: TABLE[name] for name in "abd"})
    ranking = rank(blocks_of(stored([*others, *many])), Question("", 4, 2.0, False))
    gains = {each.candidate.strategy: each.gain for each in ranking.standings}
    assert gains["finetune"] - gains["linear-probe"] == pytest.approx((0.10 + 0.05 - 0.10 + 0.12) / 4)


def test_only_the_nearest_budget_counts_and_none_that_is_far(stored):
    other = {name: {key: (1 - one, 1 - two) for key, (one, two) in row.items()} for name, row in TABLE.items()}
    folder = stored([*of_table(TABLE), *of_table(other, budget="8-shot")])
    assert rank(blocks_of(folder), Question("", 4, 3.0, False)).standings[0].candidate.strategy == "finetune"
    assert rank(blocks_of(folder), Question("", 4, 6.0, False)).standings[0].candidate.strategy == "scratch"
    assert rank(blocks_of(folder), Question("", 4, 64.0, False)) is None


def test_what_was_scored_on_one_dataset_is_not_ranked(stored):
    folder = stored([*of_table(TABLE), record("a", "lucky", 0.99)])
    ranking = rank(blocks_of(folder), Question("", 4, 2.0, False))
    assert [each.strategy for each in ranking.seldom] == ["lucky"]
    assert "lucky" not in {each.candidate.strategy for each in ranking.standings}


@pytest.mark.parametrize(
    "change",
    [
        {"labels": {"setting": "transductive"}}, {"labels": {"setting": "oracle"}}, {"labels": {"upper_bound": True}},
        {"labels": {"tuned": "10 trials"}}, {"labels": {"selection": "entropy"}},
        {"labels": {"budget": "5-way 1-shot"}}, {"failure": Failure("OutOfMemory", "")},
    ],
    ids=str,
)  # fmt: skip
def test_rows_that_were_given_more_than_the_labels_are_no_evidence(stored, change):
    lucky = [record(name, "lucky", 0.99, **json.loads(json.dumps(change)) if "labels" in change else change)
             for name in TABLE]  # fmt: skip
    evidence = read(find_folders([stored([*of_table(TABLE), *lucky])]))
    assert sum(evidence.unused.values()) == 4
    assert not any(candidate.strategy == "lucky" for block in evidence.blocks for candidate in block.scores)


def test_equal_cells_of_two_folders_count_once(stored):
    one, two = stored(of_table(TABLE), "one"), stored(of_table(TABLE), "two")
    assert read(find_folders([one, two])).records == read(find_folders([one])).records == 24


def test_other_data_of_an_equal_name_are_another_dataset(stored):
    own = of_table({"a": TABLE["a"]})
    data = {"name": "a", "fingerprint": "other"}
    other = [
        dataclasses.replace(
            each, cell=f"x{each.cell[1:]}", identity={**each.identity, "dataset": data},
            provenance={"command": {"dataset": "folder:elsewhere/a"}},
        )
        for each in own
    ]  # fmt: skip
    assert {block.dataset for block in blocks_of(stored([*own, *other]))} == {"a", "a (2)"}


# ---- the past hit rate --------------------------------------------------------------------------------------------


def test_the_past_hit_rate_is_what_leaving_each_dataset_out_by_hand_gives(table):
    # Without a, b or d the others prefer fine-tuning, which is best there; without c too, and there the probe is best.
    past = look_back(blocks_of(table), has_source=False)
    assert (past.tasks, past.datasets, past.unanswered) == (4, 4, 0)
    assert past.rule.rate == past.winner.rate == 3 / 4
    assert past.rule.regret == pytest.approx(0.10 / 4)
    # One of three candidates is best; scratch on b is behind by 0.15 and 0.13, too unlike for two replicates.
    assert past.chance.rate == pytest.approx((1 / 3 + 2 / 3 + 1 / 3 + 1 / 3) / 4)
    assert past.chance.regret == pytest.approx(
        np.mean([(0.10 + 0.29) / 3, (0.05 + 0.14) / 3, (0.1 + 0.49) / 3, (0.12 + 0.31) / 3])
    )


def test_what_does_not_separate_from_the_best_is_a_hit(stored):
    noisy = {**TABLE, "c": {**TABLE["c"], "finetune": (0.70, 1.0)}}
    past = look_back(blocks_of(stored(of_table(noisy))), has_source=False)
    assert past.rule.rate == 1
    assert past.rule.regret == pytest.approx(0.06 / 4)


def test_a_left_out_dataset_is_no_part_of_its_own_advice(stored):
    # Each strategy is far ahead on one dataset alone: whoever looks there finds it, and the others cannot know.
    names = ["p", "q", "r", "s"]
    own = {name: {other: ((0.9, 0.91) if name == other else (0.1, 0.12)) for other in names} for name in names}
    past = look_back(blocks_of(stored(of_table(own))), has_source=False)
    assert past.rule.rate == 0
    assert past.chance.rate == 1 / 4


def test_two_targets_of_one_dataset_are_left_out_together(stored):
    two = [*of_table({"a": TABLE["a"]}), *of_table({"b": TABLE["b"]})]
    moved = [
        dataclasses.replace(
            each, cell=f"y{each.cell[1:]}", identity={**each.identity, "target": "night"},
            labels={**each.labels, "target": "night", "transfer": "a/night"},
        )
        for each in of_table({"a": TABLE["a"]})
    ]  # fmt: skip
    assert look_back(blocks_of(stored([*two, *moved])), has_source=False) is None


# ---- the command --------------------------------------------------------------------------------------------------


def test_the_answer_names_its_evidence_its_past_and_the_command_that_checks_it(cli, toy, ask, table):
    done = ask(table)
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert "blobs/day: 4 classes, budget 2-shot (8 of 80 training labels; the test split is not read)" in text
    assert "Advice: finetune on tiny.corners" in text
    assert "24 scores on 4 other datasets, of 24 records in 1 folder" in text
    assert "of accuracy over scratch, the mean of 4 stored datasets" in text
    assert "Best or tied with the best on 3 of 4 tasks" in text
    assert "at random 42 %" in text
    assert "LEEP does not apply" in text
    command = shlex.split(done.stdout.splitlines()[-1])
    assert command[:4] == ["tlbench", "run", "-s", "finetune"]
    planned = cli("plan", "-p", toy, *command[2:])
    assert "finetune: 6" in planned.stdout


def test_without_results_there_is_not_enough_evidence_but_there_are_scores(cli, toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = cli("recommend", "-p", toy, "-d", BLOBS, "-b", "tiny", "-b", "tiny.corners").stdout.splitlines()
    assert few[0] == "Advice: not enough evidence"
    assert few[-1].startswith("  tlbench run")
    assert len(few) <= 12
    assert "Transferability" not in " ".join(few)
    done = cli("recommend", "-p", toy, "-d", BLOBS, "-b", "tiny", "-b", "tiny.corners", "--verbose")
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert "Advice: not enough evidence" in text
    assert "0 other datasets" in text
    assert "3 are needed" in text
    assert "No results folder" in text
    assert "LogME and kNN prefer tiny.corners; no stored result has tested that" in text
    assert text.count("tiny.corners -") >= 1  # its row of scores; LogME is negative here
    assert "budget 5-shot (20 of 80" in text


def test_results_of_two_datasets_are_not_enough(ask, stored, corners):
    folder = stored(of_table({"a": TABLE["a"], "b": TABLE["b"]}, backbone=corners))
    done = ask(folder)
    assert "not enough evidence" in done.stdout
    assert "2 other datasets" in " ".join(done.stdout.split())


def test_a_rule_that_was_no_better_than_chance_gives_no_answer(ask, stored, corners):
    names = ["linear-probe", "nearest-mean", "finetune", "scratch"]
    own = {
        f"data-{name}": {other: ((0.9, 0.91) if name == other else (0.1, 0.12)) for other in names} for name in names
    }
    folder = stored(of_table(own, backbone=corners))
    done = ask(folder)
    assert "not enough evidence" in done.stdout
    assert "no better than a choice at random" in " ".join(done.stdout.split())


def test_results_in_the_usual_folder_are_found_without_being_named(cli, toy, tmp_path, monkeypatch, stored, corners):
    stored(of_table(TABLE, backbone=corners), "tlbench-results/mine")
    monkeypatch.chdir(tmp_path)
    done = cli("recommend", "-p", toy, "-d", BLOBS, "--budget", "2-shot")
    assert "Advice: finetune on tiny.corners" in done.stdout
    assert "tlbench-results/mine" in done.stdout


def test_a_backbone_without_results_is_chosen_by_scores_and_said_to_be_untested(cli, toy, stored, corners):
    folder = stored(of_table(TABLE, backbone={**corners, "weights": "of another file"}))
    done = cli("recommend", "-p", toy, "-d", BLOBS, "-b", "tiny", "-b", "tiny.corners", "--budget", "2-shot",
               "--results", folder)  # fmt: skip
    text = " ".join(done.stdout.split())
    assert "Advice: finetune on tiny.corners" in text
    assert "chosen by LogME and kNN alone" in text
    assert "the choice of the backbone is untested" in text


def test_own_results_are_left_out_because_they_are_of_the_test_split(toy_resources, stored, corners):
    own = {"blobs": {**TABLE["a"], "scratch": (1.0, 1.0)}}
    folder = stored(of_table({**TABLE, **own}, backbone=corners))
    advice = recommend(BLOBS, backbones=["tiny.corners"], budget="2-shot", results=[folder], resources=toy_resources)
    assert advice.strategy == "finetune"
    assert "blobs" not in {each.dataset for each in advice.neighbours}
    assert any("itself was measured" in remark for remark in advice.remarks)


def test_a_stored_strategy_that_is_not_installed_is_not_advised(toy_resources, stored, corners):
    foreign = {name: {**row, "their-method": (0.95, 0.95)} for name, row in TABLE.items()}
    folder = stored(of_table(foreign, backbone=corners))
    advice = recommend(BLOBS, backbones=["tiny.corners"], budget="2-shot", results=[folder], resources=toy_resources)
    assert advice.strategy == "finetune"
    assert "their-method is left out: it is not installed here." in advice.remarks


def test_a_source_gives_leep(toy_resources, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    advice = recommend("blobs[night->day]", backbones=["tiny.corners"], budget="2-shot", resources=toy_resources)
    assert -np.log(4) < advice.scores[0].leep <= 0
    assert not any("LEEP" in sentence for sentence in advice.inapplicable)


def test_json_holds_the_whole_answer_and_null_for_what_does_not_apply(ask, table):
    done = ask(table, "--json", budget="1-shot")
    answer = json.loads(done.stdout)
    assert (answer["strategy"], answer["backbone"], answer["enough"]) == ("finetune", "tiny.corners", True)
    assert answer["scores"][0]["knn"] is None
    assert answer["scores"][0]["logme"] < 0
    assert answer["hindsight"]["rule"]["rate"] == 0.75
    assert len(answer["rows"]) == 3


def test_sixty_columns_are_enough(ask, table, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    done = ask(table)
    *lines, _ = done.stdout.splitlines()  # the last is a command, which is never cut
    assert max(map(len, lines)) <= 60


# ---- what it may read ---------------------------------------------------------------------------------------------

GUARDED = '''
from dataclasses import dataclass

import numpy as np

from tlbench import Dataset, Labelled, hookimpl

READ = set()


class Inputs:
    def __len__(self):
        return 400

    def __getitem__(self, row):
        READ.add(int(row))
        return np.random.default_rng(int(row)).integers(0, 255, (8, 8)).astype(np.uint8)


class Guarded(Dataset):
    """Four classes of a hundred; nobody may load the test split."""

    name = "guarded"
    classes = ("a", "b", "c", "d")

    def load(self, domain, split):
        if split != "train":
            raise RuntimeError("the test split was loaded")
        return Labelled(Inputs(), np.arange(400) % 4)


@hookimpl
def tlbench_datasets():
    return [Guarded]
'''


def test_the_test_split_is_never_loaded_and_no_more_labels_are_used_than_the_budget(toy, plugin_file, table, tmp_path):
    catalog = Catalog(Host([toy, plugin_file(GUARDED, "guarded.py")]))
    dataset = catalog.dataset("guarded")[0]
    advice = recommend("guarded", backbones=["tiny.corners"], budget="3-shot", results=[table],
                       resources=Resources(catalog, Cache(tmp_path / "cache")))  # fmt: skip
    assert (advice.labels, advice.scored, advice.train_examples) == (12, 12, 400)
    read_rows = type(dataset.load("all", "train").inputs).__getitem__.__globals__["READ"]
    assert len(read_rows) <= 12 + 8  # and the few that are looked at before any run


def test_the_answer_does_not_change_with_labels_beyond_the_budget(toy, tmp_path):
    from tlbench_advice.sample import choose_budget, draw
    from tlbench_advice.target import open_target

    place = open_target(BLOBS, Resources(Catalog(Host([toy])), Cache(tmp_path))).place
    for budget, labels in (("2-shot", 8), ("10%", 8), ("12", 12), ("full", 80), ("0", 0)):
        sample = draw(place, choose_budget(budget, place))
        assert len(sample.rows) == sample.within == labels
    assert str(choose_budget(None, place)) == "5-shot"


def test_a_class_of_three_makes_full_the_usual_budget(cli, toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        "budget full (15 of 15" in cli("recommend", "-p", toy, "-d", "lone", "-b", "tiny.corners", "--verbose").stdout
    )


# ---- slips --------------------------------------------------------------------------------------------------------


def test_slips_cost_one_line(refused, toy, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def slip(*arguments):
        return refused("recommend", "-p", toy, *arguments)

    assert "Did you mean 'blobs'?" in slip("-d", "blob")
    assert "Did you mean 'tiny'?" in slip("-d", BLOBS, "-b", "tinny")
    assert "Did you mean 'day'?" in slip("-d", "blobs[->dya]")
    assert "Write 'blobs[->day]'" in slip("-d", "blobs")
    assert "there is no results folder" in slip("-d", BLOBS, "--results", "stord")
    assert "Did you mean 'stored'?" in slip("-d", BLOBS, "--results", "stord")
    (tmp_path / "empty").mkdir()
    assert "is no results folder" in slip("-d", BLOBS, "--results", "empty")
    assert "is not a label budget" in slip("-d", BLOBS, "--budget", "five")
    assert "Use 20-shot at most" in slip("-d", BLOBS, "--budget", "50-shot")
    assert "advice is for one task" in slip("-d", BLOBS, "--budget", "2-way 1-shot")
    assert "Name a source" in slip("-d", BLOBS, "--budget", "0")
    assert "unknown device" in slip("-d", BLOBS, "--device", "gpu")


def test_a_bare_folder_is_told_how_to_be_written(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    assert "Write 'folder:photos'" in refused("recommend", "-d", "photos")


# ---- from runs to advice ------------------------------------------------------------------------------------------


def test_real_results_of_three_datasets_advise_on_a_fourth(toy_resources, suite, tmp_path):
    made = suite(("linear-probe", "nearest-mean", "scratch"), ("tiny.corners",), (BLOBS, "letters", "lone"))
    store = Store(tmp_path / "ran", create=True)
    execute_plan(make_plan(made, toy_resources), toy_resources, store, Where("cpu", 1, 1))
    advice = recommend("wide", budget="2-shot", results=[tmp_path / "ran"], resources=toy_resources)
    assert {each.dataset for each in advice.neighbours} == {"blobs", "letters", "lone"}
    assert {each.classes for each in advice.neighbours} == {4, 6, 2}
    assert (advice.records, advice.used) == (18, 18)
    assert advice.hindsight.datasets == 3
    assert {row.strategy for row in advice.rows} == {"linear-probe", "nearest-mean", "scratch"}
    assert [each.label for each in advice.scores] == ["tiny.corners"]
    assert Candidate("scratch") < Candidate("wide")


def test_a_question_with_a_source_uses_results_with_and_without_one_and_one_without_uses_no_other(stored):
    sourced = [
        dataclasses.replace(each, cell=f"z{each.cell[1:]}", labels={**each.labels, "source": "night"})
        for each in of_table({name: {"dann": (0.98, 0.99)} for name in TABLE})
    ]
    blocks = blocks_of(stored([*of_table(TABLE), *sourced]))
    asked = {flag: rank(blocks, Question("", 4, 2.0, flag)).standings for flag in (True, False)}
    assert asked[True][0].candidate.strategy == "dann"
    assert "dann" not in {each.candidate.strategy for each in asked[False]}
    assert "finetune" in {each.candidate.strategy for each in asked[True]}
    plain = blocks_of(stored(of_table(TABLE), "plain"))
    assert rank(plain, Question("", 4, 2.0, True)).standings[0].candidate.strategy == "finetune"


def test_scores_that_contradict_the_stored_results_are_told_with_the_answer_and_both_backbones_are_checked(
    cli, toy, stored, corners
):
    random = [
        dataclasses.replace(each, cell=f"w{each.cell[1:]}", scores={"accuracy": 0.99})
        for each in of_table({name: {"linear-probe": (0, 0)} for name in TABLE})
    ]
    folder = stored([*of_table(TABLE, backbone=corners), *random])
    done = cli("recommend", "-p", toy, "-d", BLOBS, "-b", "tiny", "-b", "tiny.corners", "--results", folder)
    text = " ".join(done.stdout.split())
    assert "Advice: linear-probe on tiny " in text
    assert "But LogME and kNN of the features at hand agree on tiny.corners" in text
    assert "-b tiny -b tiny.corners -d" in text
