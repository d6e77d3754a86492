"""Records are run again and compared bit by bit: a forger who computes all else anew is caught."""

import json
from pathlib import Path

import pytest
from leaderboard import Forger, all_right, make_results


@pytest.fixture(scope="module")
def results(toy, tmp_path_factory):
    strategies = ("scratch", "linear-probe", "finetune", "vote(members=(scratch,linear-probe))")
    return make_results(toy, tmp_path_factory.mktemp("verify") / "mine", strategies)


@pytest.fixture
def forger(results, tmp_path):
    return Forger(results, tmp_path / "forged")


@pytest.fixture
def verified(cli, toy):
    """Verify one record and return the exit code and its sentence."""

    def call(path, *options):
        done = cli("verify", path.parents[1], "--cell", path.stem, "-p", toy, *options)
        return done.exit_code, done.stdout.splitlines()[0]

    return call


def elsewhere(data):
    data["environment"]["torch"] = "1.0.0"


def test_records_as_they_were_written_have_the_same_bits(cli, toy, results):
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*")}
    done = cli("verify", results, "--all", "-p", toy)
    assert done.exit_code == 0
    assert done.stdout.count(": same bits.") == 8
    assert done.stdout.count(": verified (2 of 2 rerun)") == 4
    assert done.stdout.splitlines()[-1] == "4 rows: 4 verified; 8 of 8 records rerun."
    assert before == {path: path.stat().st_mtime_ns for path in results.rglob("*")}


def test_a_record_of_each_row_is_rerun_and_the_draw_is_told_and_draws_it_again(cli, toy, results):
    one, other = (cli("verify", results, "--per-row", 1, "--draw", 5, "-p", toy) for _ in range(2))
    assert one.stdout == other.stdout
    assert one.stdout.count(": verified (1 of 2 rerun)") == 4
    assert "4 records of 8, from 4 rows, will be rerun: about " in one.stderr
    assert (
        "at least 100 % where all of its records were changed, 50 % where half were, 50 % where one was" in one.stderr
    )
    assert "--draw " not in cli("verify", results, "--all", "-p", toy).stderr
    assert "--draw " in cli("verify", results, "--per-row", 1, "-p", toy).stderr


def test_of_few_rows_more_records_are_rerun(cli, toy, results):
    assert cli("verify", results, "-p", toy).stdout.count(": verified (2 of 2 rerun)") == 4


def test_logits_scores_and_digests_that_fit_each_other_are_found_by_the_rerun(cli, verified, forger):
    path = forger.find("finetune")
    forger.logits(path, all_right)
    forger.consistent_scores(path)
    assert cli("validate", forger.folder).exit_code == 0
    code, said = verified(path)
    assert code == 1
    assert "cannot have come from this code" in said
    assert "accuracy 1 there" in said


def test_one_changed_bit_is_found(verified, forger):
    def nudge(logits, labels):
        logits[0, 0] += 1e-6
        return logits

    path = forger.find("linear-probe")
    forger.logits(path, nudge)
    forger.consistent_scores(path)
    code, said = verified(path)
    assert code == 1
    assert "0 of 40 predictions" in said


def test_a_ledger_that_is_consistent_in_all_records_is_found(cli, verified, forger):
    for path in forger.paths:
        forger.record(path, lambda data: data["ledger"].update(pretrained_on="letters"))
    assert cli("validate", forger.folder).exit_code == 0
    code, said = verified(forger.find("linear-probe"))
    assert code == 1
    assert "its ledger says pretrained_on letters, and the rerun was given corners of other images" in said


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["ledger"].pop("did_not_learn"),
        lambda data: (data["ledger"].update(did_not_learn=""), elsewhere(data)),
    ],
)
def test_a_fit_that_did_not_learn_is_told_whatever_its_ledger_leaves_out(verified, forger, change):
    path = forger.find("finetune")  # of five steps
    forger.record(path, change)
    code, said = verified(path)
    assert code == 1
    assert "by its ledger it learnt, and the rerun did not learn" in said


def test_another_loss_in_the_reason_is_no_difference_elsewhere(verified, forger):
    path = forger.find("finetune")
    forger.record(path, lambda data: (data["ledger"].update(did_not_learn="its loss is 1.38; try"), elsewhere(data)))
    assert verified(path)[0] == 0


def test_small_differences_of_another_environment_are_expected_and_named(verified, forger):
    path = forger.find("finetune")
    forger.logits(path, lambda logits, labels: logits * 1.0001)
    forger.consistent_scores(path)
    forger.record(path, elsewhere)
    code, said = verified(path)
    assert code == 0
    assert "as may be expected" in said
    assert "torch" in said
    assert "1.0.0 there" in said
    assert verified(path, "--strict")[0] == 1


def test_another_environment_does_not_explain_a_large_difference(verified, forger):
    path = forger.find("linear-probe")
    forger.logits(path, all_right)
    forger.consistent_scores(path)
    forger.record(path, elsewhere)
    code, said = verified(path)
    assert code == 1
    assert "more than this explains" in said


def test_other_code_is_named(verified, forger):
    path = forger.find("finetune")
    forger.logits(path, lambda logits, labels: logits * 1.0001)
    forger.consistent_scores(path)
    forger.record(path, lambda data: data["provenance"]["strategy"].update(source_sha256="0" * 64, version="0.0.1"))
    assert "the source code of the strategy" in verified(path)[1]


def test_an_ensemble_is_run_on_its_members_as_they_were_submitted(verified, forger):
    path = next(path for path in forger.paths if json.loads(path.read_text())["identity"].get("members"))
    assert verified(path) == (0, verified(path)[1])
    assert "same bits" in verified(path)[1]


def test_other_data_are_named(verified, forger):
    path = forger.find("finetune")

    def change(data):
        data["identity"]["dataset"]["fingerprint"] = "0" * 64

    new = forger.rename(path, change)
    code, said = verified(new)
    assert code == 1
    assert "cannot be rerun here: the dataset's fingerprint is" in said


def test_records_without_the_data_or_without_a_plan(cli, verified, toy, forger):
    path = forger.find("finetune")
    done = cli("verify", forger.folder, "--cell", path.stem)  # the plugin of the data is not loaded
    assert done.exit_code == 1
    assert "cannot be rerun here: unknown" in done.stdout
    (forger.folder / "plan.json").unlink()
    code, said = verified(path)
    assert (code, "same bits" in said) == (0, True)


def test_data_that_lie_elsewhere_are_given_by_data(cli, toy, tmp_path, monkeypatch):
    import numpy as np
    from PIL import Image

    draw = np.random.default_rng(0)
    for number in range(24):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(path)
    monkeypatch.chdir(tmp_path)
    make_results(toy, Path("mine"), ("nearest-mean",), 1, on=("test_resnet.glyphs", "folder:photos"))
    (tmp_path / "photos").rename(tmp_path / "moved")
    done = cli("verify", "mine")
    assert (done.exit_code, "cannot be rerun here" in done.stdout) == (1, True)
    done = cli("verify", "mine", "--data", "folder:photos=folder:moved")
    assert (done.exit_code, "same bits" in done.stdout) == (0, True)


def test_a_slip_costs_one_line(refused, results, toy):
    assert "has no record of the cell" in refused("verify", results, "--cell", "0" * 20, "-p", toy)
    assert "write SPEC=SPEC" in refused("verify", results, "--data", "blobz=x", "-p", toy)
    assert "not both" in refused("verify", results, "--draw", 1, "--draws", "draws.json", "-p", toy)
    assert "has no number for" in refused("verify", results, "--draws", "draws.json", "-p", toy)
    assert "Leave one out" in refused("verify", results, "--cell", "0" * 20, "--verified", "v.json", "-p", toy)
    assert "unknown device" in refused("verify", results, "--device", "gpu", "-p", toy)
    assert "does not exist" in refused("verify", results / "nowhere")
