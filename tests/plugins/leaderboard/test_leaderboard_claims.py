"""What a record claims is computed again from what is installed; a rerun may differ by what was measured, not more."""

import csv
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from leaderboard import Forger, all_right, make_results
from safetensors.numpy import load_file, save_file

from tlbench import Block, Recipe, Suite
from tlbench.data import Cache, Resources, labels_digest
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan
from tlbench.results import Store
from tlbench.running import Where, execute_plan
from tlbench_leaderboard.environments import MACHINE, OTHER, OTHER_TRAINED, TABLE, TORCH, TRAINED, bound, table

STRATEGIES = ("linear-probe", "nearest-mean", "finetune")
LEAKY = '''
import numpy as np
from tlbench import Dataset, Labelled, hookimpl

class Leaky(Dataset):
    """Half of the test images stand in the training split too."""

    name = "leaky"
    classes = ("a", "b", "c", "d")
    class_order = "fixed"

    def load(self, domain, split):
        draw = np.random.default_rng(3)
        images, labels = draw.integers(0, 250, (80, 8, 8)).astype(np.uint8), np.arange(80) % 4
        chosen = slice(0, 40) if split == "train" else slice(20, 60)
        return Labelled(images[chosen], labels[chosen])

@hookimpl
def tlbench_datasets():
    return [Leaky]
'''
MIXING = '''
from dataclasses import dataclass
from torch import nn
from torch.nn import functional
from tlbench import Family, Strategy, hookimpl

class Norm(nn.Module):
    def forward(self, features):
        return functional.batch_norm(features, None, None, training=True)

@dataclass(frozen=True)
class Mixing(Strategy):
    """Adapts on the batch that it predicts."""

    name = "mixing"
    family = Family.EXTRACT

    def fit(self, task, bench):
        return bench.classifier(nn.Sequential(Norm(), nn.Linear(bench.feature_dim, len(task.classes))))

@hookimpl
def tlbench_strategies():
    return [Mixing]
'''


@pytest.fixture(scope="module")
def results(toy, tmp_path_factory):
    on = ("tiny.corners", "wide[->all]")  # noise: there are wrong answers to be forged
    return make_results(toy, tmp_path_factory.mktemp("claims") / "mine", STRATEGIES, on=on, steps=60)


@pytest.fixture
def forger(results, tmp_path):
    return Forger(results, tmp_path / "forged")


@pytest.fixture
def validated(cli, toy):
    """Validate a folder with the toy plugin, and return the exit code and what was said."""

    def call(folder, *plugins):
        done = cli("validate", folder, *(each for file in (toy, *plugins) for each in ("-p", file)))
        return done.exit_code, done.output

    return call


@pytest.fixture
def verified(cli, toy):
    """Rerun one record, and return the exit code and its sentence."""

    def call(path, *plugins):
        loaded = [each for file in (toy, *plugins) for each in ("-p", file)]
        done = cli("verify", path.parents[1], "--cell", path.stem, *loaded)
        return done.exit_code, done.stdout.splitlines()[0]

    return call


def with_files(folder, files, strategies, dataset):
    """Run strategies of plugin files on a dataset into a folder."""
    suite = Suite(
        "files", (Block(strategies, ("tiny.corners",), (dataset,), ("2-shot",)),), replicates=1,
        recipe=Recipe(steps=4, batch_size=8),
    )  # fmt: skip
    resources = Resources(Catalog(Host(files)), Cache())
    execute_plan(make_plan(suite, resources), resources, Store(folder, create=True), Where("cpu", 1, 1))
    return folder


# ---- facts that the installed parts know ------------------------------------------------------------------------


def test_what_was_run_stands(validated, verified, forger):
    assert validated(forger.folder)[0] == 0
    for strategy in STRATEGIES:
        code, said = verified(forger.find(strategy))
        assert (code, said.endswith("same bits.")) == (0, True)


def test_labels_of_the_test_set_that_are_replaced_everywhere_are_found(validated, verified, forger):
    wanted = load_file(forger.find("finetune").with_suffix(".safetensors"))["logits"].argmax(1)
    for path in forger.paths:
        arrays = load_file(path.with_suffix(".safetensors"))
        arrays["labels"] = wanted.astype(arrays["labels"].dtype)
        save_file(arrays, path.with_suffix(".safetensors"))
        forger.consistent_scores(path)
        forger.record(path, lambda data: data["ledger"].update(test_labels=labels_digest(wanted)))
    code, said = validated(forger.folder)
    assert code == 1
    assert said.count("the labels of its test items are not those of the data that are installed here") == len(
        forger.paths
    )
    code, said = verified(forger.find("finetune"))
    assert (code, "are not those of the data" in said) == (1, True)


def test_labels_that_are_not_those_of_the_ledger_are_found_without_the_data(cli, forger):
    path = forger.find("finetune")
    forger.record(path, lambda data: data["ledger"].update(test_labels="0" * 16))
    done = cli("validate", forger.folder)
    assert done.exit_code == 1
    assert "not those that its ledger has the digest of" in done.output


def test_what_the_backbone_was_pretrained_on_is_asked_of_the_installed_one(validated, verified, forger):
    for path in forger.paths:
        forger.record(path, lambda data: data["ledger"].update(pretrained_on="letters"))
    code, said = validated(forger.folder)
    assert code == 1
    assert "was pretrained on 'letters', and tiny.corners says 'corners of other images'" in said
    assert verified(forger.find("finetune"))[0] == 1


@pytest.mark.parametrize("change", [{"test_in_train": 0}, {"test_in_train": None}, {}])
def test_copies_of_test_inputs_that_a_ledger_hides_are_found(tmp_path, toy, plugin_file, verified, change):
    leaky = plugin_file(LEAKY)
    folder = with_files(tmp_path / "leaky", [toy, leaky], ("linear-probe",), "leaky")
    forger = Forger(folder, tmp_path / "forged")
    (path,) = forger.paths
    assert json.loads(path.read_text())["ledger"]["test_in_train"] == 20
    assert verified(path, leaky)[0] == 0

    def hide(data):
        data["ledger"].pop("test_in_train")
        data["ledger"].update(change)

    forger.record(path, hide)
    code, said = verified(path, leaky)
    assert code == 1
    assert "test_in_train" in said
    assert "20" in said


@pytest.mark.parametrize("cost", ["flops_per_example", "parameters_trained", "parameters_stored"])
def test_counted_costs_must_be_equal(verified, forger, cost):
    path = forger.find("finetune")
    forger.record(path, lambda data: data["costs"].update({cost: data["costs"][cost] / 4}))
    code, said = verified(path)
    assert code == 1
    assert f"its {cost} is" in said
    forger.record(path, lambda data: data["costs"].pop(cost))
    assert f"its {cost} is left out" in verified(path)[1]


def test_a_metric_of_a_version_that_nobody_has_confirms_nothing(validated, verified, forger):
    path = forger.find("finetune")

    def claim(data):
        data["provenance"]["metrics"]["accuracy"]["version"] = "9"
        data["scores"]["accuracy"] = 1.0

    forger.record(path, claim)
    code, said = validated(forger.folder)
    assert code == 1
    assert "scored by version 9 of the metric 'accuracy'" in said
    code, said = verified(path)
    assert code == 1
    assert "its metric accuracy is of version 9" in said


def test_a_score_that_its_logits_do_not_give_is_found_wherever_it_was_run(verified, forger):
    path = forger.find("finetune")
    forger.record(path, lambda data: (data["scores"].update(accuracy=1.0), elsewhere(torch="1.0.0")(data)))
    code, said = verified(path)
    assert code == 1
    assert "its accuracy is stored as 1.0, and its stored logits give" in said


def test_a_metric_that_is_turned_round_is_found(validated, forger):
    path = forger.find("finetune")
    forger.record(path, lambda data: data["provenance"]["metrics"]["ece"].update(higher_is_better=True))
    assert "of which lower is better" in validated(forger.folder)[1]


def test_other_code_in_its_package_is_named(verified, forger):
    path = forger.find("linear-probe")
    forger.record(path, lambda data: data["provenance"]["strategy"].update(package_sha256="0" * 64))
    code, said = verified(path)
    assert (code, "same bits (although the source code of the strategy" in said) == (0, True)


# ---- measured transduction --------------------------------------------------------------------------------------


def test_a_strategy_that_adapts_on_test_batches_stands_among_the_transductive(
    tmp_path, toy, plugin_file, validated, verified
):
    file = plugin_file(MIXING)
    folder = with_files(tmp_path / "mixing", [toy, file], ("mixing", "linear-probe"), "blobs[->day]")
    forger = Forger(folder, tmp_path / "forged")
    path = forger.find("mixing")
    assert json.loads(path.read_text())["labels"]["setting"] == "transductive"
    assert validated(folder, file)[0] == 0
    assert verified(path, file)[0] == 0

    forger.record(path, lambda data: data["labels"].update(setting="inductive"))
    code, said = validated(forger.folder, file)
    assert code == 1
    assert "measured to depend on the other test inputs" in said

    forger.record(path, lambda data: data["ledger"].update(transductive_measured=False, setting_measured=""))
    assert validated(forger.folder, file)[0] == 0
    code, said = verified(path, file)
    assert code == 1
    assert "its label setting is 'inductive', and that of the rerun 'transductive'" in said


# ---- how far a rerun may be -------------------------------------------------------------------------------------


def elsewhere(**facts):
    """Return a change that claims another environment."""
    return lambda data: data["environment"].update(facts)


def raised(logits, labels):
    """Put the labels of so many wrong items first that the accuracy rises by two standard errors."""
    wrong = np.flatnonzero(logits.argmax(1) != labels)
    share = 1 - len(wrong) / len(labels)
    count = math.ceil(2 * math.sqrt(share * (1 - share) / len(labels)) * len(labels))
    for item in wrong[: max(count, 1)]:
        logits[item, labels[item]] = logits[item].max() + 0.01
    return logits


LIES = [
    {"torch": "1.0.0"},
    {"processor": "another processor"},
    {"torch": "1.0.0", "processor": "another processor", "cpu_capability": "AVX2", "numpy": "1.0"},
    {"device": "another GPU", "cuda": "1.0"},
]


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_replicates_raised_by_two_standard_errors_do_not_stand_whatever_they_claim(
    validated, verified, forger, strategy, lie
):
    for replicate in range(2):
        path = forger.find(strategy, replicate)
        forger.logits(path, raised)
        forger.consistent_scores(path)
        forger.record(path, elsewhere(**lie))
        code, said = verified(path)
        assert code == 1, said
        assert "may be expected" not in said
        if strategy != "finetune" and "device" not in lie:
            assert "more than this explains" in said


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_logits_of_another_making_are_refuted_whatever_torch_they_claim(verified, forger, strategy):
    path = forger.find(strategy)
    forger.logits(path, lambda logits, labels: 50 * all_right(logits, labels))
    forger.consistent_scores(path)
    forger.record(path, elsewhere(torch="1.0.0"))
    code, said = verified(path)
    assert (code, "more than this explains" in said) == (1, True)


def test_a_record_without_the_new_facts_is_not_accused_and_not_believed_more(verified, forger):
    def forget(data):
        for key in ("cpu_capability", "numpy_blas", "torch_blas", "onednn", "variables", "interop_threads"):
            data["environment"].pop(key)
        data["provenance"].pop("core")
        data["provenance"]["strategy"].pop("package_sha256")
        data["ledger"].pop("test_labels")

    path = forger.find("linear-probe")
    forger.record(path, forget)
    assert verified(path)[0] == 0
    forger.logits(path, lambda logits, labels: logits * (1 + 1e-7))
    forger.consistent_scores(path)
    assert "as may be expected" in verified(path)[1]
    forger.logits(path, all_right)
    forger.consistent_scores(path)
    assert verified(path)[0] == 1


def test_a_failure_that_does_not_come_again_is_unverified(verified, forger):
    path = forger.find("finetune")

    def fail(data):
        data.update(
            scores={},
            ledger={},
            costs={"predict_seconds": 0.1},
            tasks={},
            failure={"kind": "OutOfMemory", "message": "no"},
        )

    path.with_suffix(".safetensors").unlink()
    forger.record(path, fail)
    code, said = verified(path)
    assert code == 1
    assert "it is the record of a failure (OutOfMemory), and the rerun did not fail" in said


def test_the_table_has_each_kind_of_strategy_and_of_change():
    lines = {(line.kind, line.change) for line in table()}
    kinds = {kind for kind, _ in lines}
    assert lines == {(kind, change) for kind in kinds for change in (MACHINE, TORCH)}
    assert set(TRAINED) < kinds
    assert {"linear-probe", "prototypes"} <= {name for line in table() for name in line.strategies}


def test_the_document_shows_the_table():
    with TABLE.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    text = (Path(__file__).parents[3] / "docs" / "leaderboard.md").read_text(encoding="utf-8")
    for kind in dict.fromkeys(line["kind"] for line in lines):
        far = [line for line in lines if line["kind"] == kind]
        shown = [
            f"{max(float(line['relative']) for line in far if line['change'] == change):.1g}, "
            f"{max(int(line['predictions_changed']) for line in far if line['change'] == change)}"
            for change in dict.fromkeys(line["change"] for line in far)
        ]
        assert f"| {kind} | {' | '.join(shown)} |" in text


def test_what_was_not_measured_is_said_to_be_so():
    longest = max(line.steps for line in table() if line.kind == "fine-tuning")
    assert bound("fine-tuning", {MACHINE}, longest).is_measured
    assert not bound("fine-tuning", {MACHINE}, longest + 1).is_measured
    assert not bound("solver", {"device"}, 60).is_measured
    assert not bound(OTHER, {MACHINE}, 60).is_measured
    assert not bound(OTHER_TRAINED, {MACHINE, TORCH}, 60).is_measured
    assert bound("closed-form", {MACHINE}, 60).relative < 1e-4 < bound("fine-tuning", {MACHINE}, 60).relative
    assert bound(OTHER_TRAINED, {MACHINE}, 60).relative >= bound("sensitive", {MACHINE}, 240).relative
    assert not bound("sensitive", {MACHINE}, 240).says_something


@pytest.mark.slow
def test_an_honest_record_of_another_core_or_capability_is_not_accused(cli, tmp_path):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENBLAS_", "ATEN_"))}
    cells = [
        "-s",
        "linear-probe",
        "-s",
        "nearest-mean",
        "-s",
        "finetune",
        "-b",
        "test_resnet.glyphs",
        "-d",
        "digits[->handwritten]",
    ]
    said = []
    for number, given in enumerate(
        [
            *({"OPENBLAS_CORETYPE": core} for core in ("Haswell", "SkylakeX", "Sandybridge")),
            *({"ATEN_CPU_CAPABILITY": capability} for capability in ("avx2", "default")),
        ]
    ):
        folder = tmp_path / str(number)
        command = [
            sys.executable,
            "-m",
            "tlbench",
            "run",
            *cells,
            "--budget",
            "5-shot",
            "--replicates",
            "1",
            "--out",
            folder,
        ]
        env = kept | given | {"TLBENCH_CACHE": str(tmp_path / f"cache-{number}")}
        subprocess.run(list(map(str, command)), env=env, check=True, capture_output=True)
        for path in sorted((folder / "records").glob("*.json")):
            done = cli("verify", folder, "--cell", path.stem)
            said.append(done.stdout.splitlines()[0])
    assert len(said) == 15
    assert not [text for text in said if "more than this explains" in text or "cannot have come" in text]
    assert any("may be expected" in text for text in said), "no environment differed: nothing was tried"
