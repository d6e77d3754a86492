"""The attacker's handbook: what it says of each attack is tried, here or in a test that it names."""

import ast
import json
import re
import sys

import numpy as np
import pytest
from leaderboard import Forger, make_results
from safetensors.numpy import load_file

from tlbench import Block, Recipe, Suite
from tlbench.contract import Commitment, Round
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan
from tlbench.results import Store
from tlbench.running import Where, execute_plan
from tlbench.running.code_digest import package_digest
from tlbench_leaderboard.chances import chance_of_row, chance_table, sampled_from_all
from tlbench_leaderboard.claims import read_claims
from tlbench_leaderboard.sampling import sample
from tlbench_leaderboard.source import open_source

CHEATS = '''
"""Strategies that look for what nobody has handed them."""

import gc
import sys
from dataclasses import dataclass

import torch
from torch import nn

from tlbench import Family, Strategy, hookimpl


class Answers(nn.Module):
    """Know the answers to some inputs."""

    def __init__(self, inputs, labels, classes):
        super().__init__()
        self.known = {bytes(each.numpy()): int(label) for each, label in zip(inputs, labels)}
        self.classes = classes

    def forward(self, inputs):
        found = [self.known.get(bytes(each.cpu().numpy()), 0) for each in inputs]
        return nn.functional.one_hot(torch.tensor(found), self.classes).float()


class Cheat(Strategy):
    family = Family.EXTRACT

    def fit(self, task, bench):
        inputs, labels = self.answers()
        return Answers(inputs, labels, len(task.classes))


@dataclass(frozen=True)
class Frames(Cheat):
    """Walk up the frames."""

    name = "frames"

    def answers(self):
        frame = sys._getframe()
        while "drawn" not in frame.f_locals:
            frame = frame.f_back
        drawn = frame.f_locals["drawn"]
        return drawn.queries, drawn.labels


@dataclass(frozen=True)
class Garbage(Cheat):
    """Ask the garbage collector."""

    name = "garbage"

    def answers(self):
        drawn = [each for each in gc.get_objects() if type(each).__name__ == "DrawnTask"][-1]
        return drawn.queries, drawn.labels


@dataclass(frozen=True)
class Stored(Cheat):
    """Load the test data by itself, which is as good as having stored them."""

    name = "stored"

    def answers(self):
        data = sys.modules["tlbench_file_toy"].Blobs().load("day", "test")
        return torch.from_numpy(data.inputs)[:, None], data.labels


@dataclass(frozen=True)
class Predictor(Cheat):
    """Put labels in the place of logits."""

    name = "predictor"

    def fit(self, task, bench):
        fitting = sys.modules["tlbench.running.fit_task"]

        def checked(outputs, items, classes, strategy):
            drawn = sys._getframe(1).f_locals["drawn"]
            return nn.functional.one_hot(torch.from_numpy(drawn.labels), classes).float().numpy()

        fitting._checked = checked
        sys.modules["tlbench.running.record_cell"].mixes_examples = lambda trial: False
        return bench.classifier(nn.Linear(bench.feature_dim, len(task.classes)))


@dataclass(frozen=True)
class Scorer(Cheat):
    """Score everything as right."""

    name = "scorer"

    def fit(self, task, bench):
        sys.modules["tlbench.running.run_cell"].score = lambda metrics, *_: {each.name: 1.0 for each in metrics}
        return bench.classifier(nn.Linear(bench.feature_dim, len(task.classes)))


@hookimpl
def tlbench_strategies():
    return [Frames, Garbage, Stored, Predictor, Scorer]
'''


@pytest.fixture(scope="module")
def results(toy, tmp_path_factory):
    return make_results(toy, tmp_path_factory.mktemp("trust") / "mine", ("linear-probe", "nearest-mean"), 5)


@pytest.fixture
def forger(results, tmp_path):
    return Forger(results, tmp_path / "forged")


@pytest.fixture
def cheated(toy, plugin_file, tmp_path, monkeypatch):
    """Run a strategy that cheats; what it patches is undone at the end of the test."""
    for module, name in (("run_cell", "score"), ("fit_task", "_checked"), ("record_cell", "mixes_examples")):
        patched = sys.modules[f"tlbench.running.{module}"]
        monkeypatch.setattr(patched, name, getattr(patched, name))
    file = plugin_file(CHEATS, "cheats.py")

    def call(strategy):
        block = Block((strategy,), ("tiny.corners",), ("blobs[->day]",), ("2-shot",))
        resources = Resources(Catalog(Host([toy, file])), Cache())
        plan = make_plan(Suite("toy", (block,), replicates=1, recipe=Recipe(steps=4, batch_size=8)), resources)
        store = Store(tmp_path / "cheated", create=True)
        execute_plan(plan, resources, store, Where("cpu", 1, 1))
        [record] = store.records()
        return store.folder, record, ("-p", toy, "-p", file)

    return call


# ---- code that cheats -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["frames", "garbage", "stored", "predictor"])
def test_cheats_in_process_pass_which_is_open_until_processes_are_isolated(cli, cheated, strategy):
    folder, record, plugins = cheated(strategy)
    assert (record.failure, record.scores["accuracy"]) == (None, 1.0)
    done = cli("validate", folder, *plugins)
    assert done.exit_code == 0, done.output
    done = cli("verify", folder, *plugins)
    assert (done.exit_code, "same bits" in done.stdout) == (0, True)


def test_a_patched_scorer_is_named_since_logits_give_other_scores(cli, cheated):
    folder, record, plugins = cheated("scorer")
    assert record.scores["accuracy"] == 1.0
    done = cli("validate", folder, *plugins)
    assert done.exit_code == 1
    assert "its accuracy is stored as 1.0, and its stored logits give" in done.stdout


# ---- what passes ------------------------------------------------------------------------------------------------


def test_seconds_that_are_scaled_pass_which_is_open(cli, toy, forger):
    for path in forger.paths:
        forger.record(path, lambda data: data["costs"].update(fit_seconds=data["costs"]["fit_seconds"] / 7))
    assert cli("validate", forger.folder).exit_code == 0
    assert cli("verify", forger.folder, "--all", "-p", toy).exit_code == 0


def nearly_right(logits, labels):
    """Return the item whose wrong answer takes the least to make right, and how much that is of the largest logit."""
    missing = logits.max(1) - logits[np.arange(len(labels)), labels]
    item = int(np.where(missing > 0, missing, np.inf).argmin())
    return item, missing[item] / np.abs(logits).max()


def right_by_a_hair(logits, labels):
    """Make that item right."""
    item, _ = nearly_right(logits, labels)
    logits[item, labels[item]] = logits[item].max() + 1e-6
    return logits


def test_a_row_raised_by_a_few_items_under_a_claimed_machine_is_not_refuted_which_is_open(cli, toy, tmp_path):
    forger = Forger(make_results(toy, tmp_path / "mine", ("finetune", "nearest-mean"), 5), tmp_path / "forged")
    raised = 0
    for number in range(5):
        path = forger.find("finetune", number)
        before = json.loads(path.read_text())["scores"]["accuracy"]
        stored = load_file(path.with_suffix(".safetensors"))
        if nearly_right(stored["logits"], stored["labels"])[1] < 0.04:
            forger.logits(path, right_by_a_hair)
            forger.consistent_scores(path)
            assert json.loads(path.read_text())["scores"]["accuracy"] == pytest.approx(before + 1 / 40)
            raised += 1
        forger.record(path, lambda data: data["environment"].update(processor="another"))
    assert raised >= 2
    done = cli("verify", forger.folder, "--all", "-p", toy)
    assert done.exit_code == 0, done.output
    assert done.stdout.count("as may be expected") == raised
    assert f"{raised} better, 0 worse" in done.stdout
    assert cli("verify", forger.folder, "--all", "--strict", "-p", toy).exit_code == 1


def test_logits_that_are_scaled_by_little_under_a_claimed_machine_pass_which_is_open(cli, toy, tmp_path):
    forger = Forger(make_results(toy, tmp_path / "mine", ("finetune", "nearest-mean"), 3), tmp_path / "forged")
    for number in range(3):
        path = forger.find("finetune", number)
        before = json.loads(path.read_text())["scores"]
        forger.logits(path, lambda logits, labels: logits * 1.02)
        forger.consistent_scores(path)
        after = json.loads(path.read_text())["scores"]
        assert after["accuracy"] == before["accuracy"]
        assert after["nll"] != before["nll"]
        forger.record(path, lambda data: data["environment"].update(processor="another"))
    done = cli("verify", forger.folder, "--all", "-p", toy)
    assert done.exit_code == 0, done.output
    assert cli("verify", forger.folder, "--all", "--strict", "-p", toy).exit_code == 1


def test_a_digest_does_not_reach_into_other_packages_which_is_open(tmp_path, monkeypatch):
    for name, text in (("mine_of_trust", "import helper_of_trust\n"), ("helper_of_trust", "VALUE = 1\n")):
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    import mine_of_trust  # noqa: F401

    before = package_digest("mine_of_trust")
    (tmp_path / "helper_of_trust.py").write_text("VALUE = 2\n")
    package_digest.cache_clear()
    assert before
    assert package_digest("mine_of_trust") == before


def test_a_board_that_commits_last_chooses_among_seeds_which_is_open():
    held, theirs = Round.open("r", "known"), Commitment("theirs", "1" * 64)
    seeds = [held.drawn("known", [theirs, Commitment("board", f"{number:064x}")]).seed for number in range(50)]
    assert len({seed % 2 for seed in seeds}) == 2
    assert len(set(seeds)) == 50


# ---- chances ----------------------------------------------------------------------------------------------------


def test_the_chances_are_those_of_samples_that_are_drawn(results):
    claims = read_claims(open_source(results))
    row = next(records for records in claims.rows.values() if "linear-probe" in records[0].row)
    changed = {claim.place for claim in row[:2]}
    for rerun in (1, 2, 3):
        draws = 1500
        hits = sum(
            any(claim.place in changed for claim in sample(claims, number, rerun, whole=False).chosen)
            for number in range(draws)
        )
        assert hits / draws == pytest.approx(chance_of_row(5, 2, rerun), abs=0.05)
        assert any(claim.place in changed for claim in sample(claims, 0, whole=True).chosen)
    assert [chance_of_row(5, 5, 1), chance_of_row(3, 1, 3), chance_of_row(3, 1, 9)] == [1.0, 1.0, 1.0]
    assert chance_of_row(10, 5, 2) == pytest.approx(1 - 5 * 4 / (10 * 9))


def test_a_sample_of_all_records_found_few_forged_ones():
    chances = [round(100 * sampled_from_all(108, forged, 3), 1) for forged in (1, 6, 18)]
    assert chances == [2.8, 15.9, 42.5]


def test_the_handbook_shows_the_chances_as_they_are_printed(handbook):
    block = handbook.split("<!-- chances:begin -->")[1].split("<!-- chances:end -->")[0]
    assert block.strip().splitlines() == list(chance_table())


# ---- the handbook -----------------------------------------------------------------------------------------------


@pytest.fixture
def handbook():
    from documents import ROOT

    page = ROOT / "docs" / "trust.md"
    if not page.is_file():
        pytest.skip("no documents beside the package")
    return page.read_text(encoding="utf-8")


def rows_of(handbook):
    """Return the attacks of the tables: number, attack, answer, how, and the names of tests."""
    attacks = handbook.partition("\n## Chances")[0]
    cells = [line.strip("| ").split(" | ") for line in attacks.splitlines() if re.match(r"\| \d+ \|", line)]
    return [(int(own[0]), own[1], own[2], own[3], re.findall(r"`(test_\w+)`", own[4])) for own in cells]


def names_of_tests():
    from documents import ROOT

    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_attack_of_the_handbook_has_a_number_an_answer_and_tests_that_exist(handbook):
    rows, known = rows_of(handbook), names_of_tests()
    assert [number for number, *_ in rows] == list(range(1, len(rows) + 1))
    assert len(rows) >= 40
    assert {answer for _, _, answer, _, _ in rows} == {"prevented", "detected", "open"}
    assert [number for number, _, answer, _, tests in rows if answer != "open" and not tests] == []
    assert [(number, name) for number, *_, tests in rows for name in tests if name not in known] == []


def test_what_a_test_shows_to_be_open_is_called_open_in_the_handbook(handbook):
    for number, _, answer, _, tests in rows_of(handbook):
        assert answer == "open" or not [name for name in tests if "open" in name.split("_")], number
    shown = {name for *_, tests in rows_of(handbook) for name in tests}
    assert {name for name in names_of_tests() if "which_is_open" in name} <= shown
