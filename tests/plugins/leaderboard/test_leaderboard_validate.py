"""A record forged by hand is named by `tlbench validate`, in a sentence that says which and why."""

import json
import pickle
import shutil
import stat
import zipfile

import numpy as np
import pytest
from leaderboard import Forger, all_right, make_results


@pytest.fixture(scope="module")
def results(toy, tmp_path_factory):
    return make_results(toy, tmp_path_factory.mktemp("validate") / "mine")


@pytest.fixture
def forger(results, tmp_path):
    return Forger(results, tmp_path / "forged")


@pytest.fixture
def faults(cli):
    """Validate, and return the sentences on what is wrong; the exit code says whether there are any."""

    def call(*paths):
        result = cli("validate", *paths)
        lines = [line for line in result.stdout.splitlines() if not line.startswith("note:")]
        assert "Traceback" not in result.output
        assert result.exit_code == (1 if lines[:-1] else 0)
        return lines[:-1]

    return call


def the_one(lines, *words):
    found = [line for line in lines if all(word in line for word in words)]
    assert found, lines
    return found[0]


def test_results_as_they_were_written_have_no_fault(faults, results):
    assert faults(results) == []


def test_a_changed_score_is_named_with_the_value_that_the_logits_give(faults, forger):
    path = forger.find("linear-probe")
    forger.record(path, lambda data: data["scores"].update(accuracy=0.987), again=False)
    lines = faults(forger.folder)
    assert path.name in the_one(lines, "accuracy", "0.987", "linear-probe", "2-shot", "replicate 0", "logits give")
    assert the_one(lines, "its digest")


def test_a_changed_score_is_named_where_the_forger_computed_the_digests_again(faults, forger):
    path = forger.find("linear-probe")
    forger.record(path, lambda data: data["scores"].update(accuracy=0.987))
    lines = faults(forger.folder)
    assert len(lines) == 1
    assert the_one(lines, path.name, "0.987", "logits give")


def test_changed_logits_are_named(faults, forger):
    path = forger.find("finetune")
    forger.logits(path, all_right)
    lines = faults(forger.folder)
    assert the_one(lines, path.name, "accuracy", "logits give 1.0")
    assert the_one(lines, path.name, "predictions are not those that its digest")


def test_changed_test_labels_are_named_where_scores_and_digests_fit_them(faults, forger):
    from safetensors.numpy import load_file, save_file

    path = forger.find("finetune", 1)
    beside = path.with_suffix(".safetensors")
    arrays = load_file(beside)
    arrays["labels"] = arrays["logits"].argmax(1).astype(np.int64)
    save_file(arrays, beside)
    forger.consistent_scores(path)
    lines = faults(forger.folder)
    assert the_one(lines, path.name, "the labels of the test items are not those")
    assert all(path.name in line for line in lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train_labels": 4}, "4 training and 0 validation labels, and the budget 2-shot gives 8"),
        ({"train_labels": 80}, "80 training and 0 validation labels"),
        ({"val_labels": 1}, "8 training and 1 validation labels"),
        ({"source_labels": 40}, "40 source labels, and its identity names no source"),
        ({"transductive": True}, "it is transductive, and finetune declares that it is not"),
        ({"upper_bound": True}, "it is an upper bound, and finetune declares"),
        ({"unlabelled_target": 5}, "5 unlabelled_target inputs, and finetune is given none".replace("_", " ")),
        ({"test_items": 39}, "39 test items, and its predictions are of 40"),
        ({"labelled_examples": "0123456789abcdef"}, "the labelled examples are not those"),
        ({"pretrained_on": "nothing at all"}, "what the backbone was pretrained on is not that"),
        ({"episodes": 5}, "5 episodes"),
    ],
)
def test_a_changed_ledger_is_named_though_its_digest_fits(faults, forger, change, said):
    path = forger.find("finetune")
    forger.record(path, lambda data: data["ledger"].update(change))
    assert the_one(faults(forger.folder), path.name, "finetune", said)


def test_a_changed_budget_is_no_longer_the_cell(faults, forger):
    path = forger.find("finetune")
    forger.record(path, lambda data: data["identity"].update(budget="1-shot"))
    assert the_one(faults(forger.folder), path.name, "its cell is not the digest of its identity")


def test_labels_that_show_another_strategy_are_named(faults, forger):
    path = forger.find("finetune")
    forger.record(path, lambda data: data["labels"].update(strategy="linear-probe"))
    assert the_one(faults(forger.folder), path.name, "label strategy is 'linear-probe'", "'finetune'")


def test_a_cell_twice_is_named_whether_copied_as_it_is_or_under_another_name(faults, forger):
    path = forger.find("finetune")
    for ending in (".json", ".safetensors"):
        shutil.copy(path.with_suffix(ending), path.with_name("0" * 20 + ending))
    lines = faults(forger.folder)
    assert the_one(lines, "0" * 20, "not named by its cell")
    assert the_one(lines, "this cell stands twice", path.name)


def test_a_cell_twice_with_another_score_is_named(faults, forger):
    path = forger.find("finetune")
    other = path.with_name("f" * 20 + ".json")
    shutil.copy(path, other)
    shutil.copy(path.with_suffix(".safetensors"), other.with_suffix(".safetensors"))
    forger.record(other, lambda data: data["costs"].update(fit_seconds=9.0))
    assert the_one(faults(forger.folder), "this cell stands twice")


def test_one_record_in_two_submissions_is_named_and_a_second_run_of_it_is_a_note(cli, toy, forger, results, tmp_path):
    result = cli("validate", results, forger.folder)
    assert result.exit_code == 1
    assert "byte for byte the record" in result.stdout
    again = make_results(toy, tmp_path / "again")
    result = cli("validate", results, again)
    assert result.exit_code == 0
    assert "a second submission of the cell" in result.stdout
    assert "the same bits" in result.stdout


def test_a_run_sold_as_another_replicate_is_a_copy(faults, forger):
    path = forger.find("finetune")

    def change(data):
        data["identity"]["replicate"] = data["labels"]["replicate"] = 7

    new = forger.rename(path, change)
    assert the_one(
        faults(forger.folder), "it is a copy of", "same seconds", new.stem if new.stem > path.stem else path.stem
    )


def test_missing_cells_replicates_predictions_and_plan_are_named(faults, forger):
    path = forger.find("finetune", 1)
    path.unlink()
    path.with_suffix(".safetensors").unlink()
    forger.find("scratch").with_suffix(".safetensors").unlink()
    lines = faults(forger.folder)
    assert the_one(lines, "1 cell of the 6 planned have no record", path.stem)
    assert the_one(lines, "scratch", "its predictions are missing")
    assert the_one(lines, "finetune", "1 replicate, and its suite has 2")
    plan = forger.folder / "plan.json"
    data = json.loads(plan.read_text())
    data["cells"].remove(path.stem)
    plan.write_text(json.dumps(data))
    assert the_one(faults(forger.folder), "finetune", "1 replicate, and its suite has 2")
    plan.unlink()
    assert the_one(faults(forger.folder), "there is no plan.json")


def test_a_record_beside_the_plan_is_a_note(cli, forger):
    plan = forger.folder / "plan.json"
    data = json.loads(plan.read_text())
    left_out = [json.loads(forger.find("scratch", number).read_text())["cell"] for number in (0, 1)]
    data["cells"] = [cell for cell in data["cells"] if cell not in left_out]
    plan.write_text(json.dumps(data))
    result = cli("validate", forger.folder)
    assert (result.exit_code, "2 records of a cell that the plan does not name" in result.stdout) == (0, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.update(scorez={}), "field 'scorez' is unknown. Did you mean 'scores'?"),
        (lambda data: data.pop("costs"), "field 'costs' is missing"),
        (lambda data: data["ledger"].pop("train_labels"), "field 'ledger.train_labels' is missing"),
        (lambda data: data["ledger"].update(train_labels="8"), "field 'ledger.train_labels' should be integer"),
        (lambda data: data["scores"].update(accuracy="high"), "field 'scores.accuracy' should be number"),
        (lambda data: data.update(identity=[]), "field 'identity'"),
        (lambda data: data.update(schema=99), "field 'schema'"),
    ],
)
def test_a_wrong_form_is_named_by_its_field(faults, forger, change, said):
    path = forger.find("finetune")
    forger.record(path, change, again=False)
    assert the_one(faults(forger.folder), path.name, said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not readable as JSON"),
        (b"{", "not readable as JSON"),
        (b"[1]", "holds no JSON object"),
        (b"\xff\xfe\x00", "not readable as JSON"),
        (b'{"cell": 1, "cell": 2}', "'cell' stands twice"),
        (b'{"cell": NaN}', "NaN is no number"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"notes":' * 90_000, "nested too deeply"),
    ],
)
def test_broken_json_is_named(faults, forger, content, said):
    path = forger.find("finetune")
    path.write_bytes(content)
    assert the_one(faults(forger.folder), path.name, said)


@pytest.mark.parametrize("content", [b"", b"\x00" * 20, b"\xff" * 64, pickle.dumps({"logits": 1})])
def test_broken_predictions_are_named_and_a_pickle_is_not_loaded(faults, forger, content):
    path = forger.find("finetune")
    path.with_suffix(".safetensors").write_bytes(content)
    assert the_one(faults(forger.folder), path.name, "finetune", "not readable as safetensors")


def test_predictions_that_are_not_finite_are_named(faults, forger):
    path = forger.find("finetune")
    forger.logits(path, lambda logits, labels: logits * np.nan)
    assert the_one(faults(forger.folder), path.name, "not finite")


def test_costs_below_zero_are_named(faults, forger):
    path = forger.find("finetune")
    forger.record(path, lambda data: data["costs"].update(fit_seconds=-1.0, predict_seconds=0.0))
    lines = faults(forger.folder)
    assert the_one(lines, path.name, "fit_seconds is -1.0")
    assert the_one(lines, path.name, "predict_seconds")


def test_links_and_other_files_among_records_are_named_and_not_followed(faults, forger, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    (forger.folder / "records" / ("a" * 20 + ".json")).symlink_to(secret)
    (forger.folder / "records" / "code.py").write_text("raise SystemExit")
    lines = faults(forger.folder)
    assert the_one(lines, "a" * 20, "is a link")
    assert the_one(lines, "code.py", "neither a record")


def test_a_hostile_pack_is_named_and_writes_nothing(faults, results, tmp_path):
    pack = tmp_path / "inside" / "hostile.zip"
    pack.parent.mkdir()
    with zipfile.ZipFile(pack, "w") as archive:
        for path in sorted([*results.glob("*.json"), *results.glob("records/*")]):
            archive.write(path, path.relative_to(results).as_posix())
        archive.writestr("../escaped.json", "{}")
        archive.writestr("/tmp/absolute.json", "{}")
        archive.writestr("records/model.pkl", pickle.dumps(print))
        link = zipfile.ZipInfo("records/" + "b" * 20 + ".json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("records/" + "c" * 20 + ".json", b" " * (17 * 2**20), zipfile.ZIP_DEFLATED)
    lines = faults(pack)
    assert the_one(lines, "'../escaped.json' leads outside")
    assert the_one(lines, "/tmp/absolute.json")
    assert the_one(lines, "model.pkl is nothing that a submission holds")
    assert the_one(lines, "b" * 20, "is a link")
    assert the_one(lines, "c" * 20, "nothing of its kind may have more")
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"\x00" * 50])
def test_what_is_no_pack_is_named(faults, tmp_path, content):
    pack = tmp_path / "broken.zip"
    pack.write_bytes(content)
    assert the_one(faults(pack), "is not a pack")


def test_an_empty_folder_is_named_and_a_missing_one_costs_one_line(faults, refused, results, tmp_path):
    (tmp_path / "empty").mkdir()
    assert the_one(faults(tmp_path / "empty"), "holds no tlbench.json")
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "tlbench.json").write_text('{"schema": 1}')
    assert the_one(faults(tmp_path / "hollow"), "it holds no records")
    assert "Did you mean 'mine'?" in refused("validate", results.parent / "mnie")


def test_json_says_the_same_as_the_sentences(cli, forger):
    path = forger.find("finetune")
    forger.record(path, lambda data: data["scores"].update(accuracy=0.5001))
    result = cli("validate", forger.folder, "--json")
    data = json.loads(result.stdout)
    assert (result.exit_code, data["ok"], data["records"]) == (1, False, 6)
    [fault] = data["faults"]
    assert (fault["cell"], fault["kind"]) == (path.stem, "plausibility")
    assert "0.5001" in fault["sentence"]


def test_results_without_digests_have_a_note_and_no_fault(cli, forger):
    for path in forger.paths:
        forger.record(path, lambda data: data.pop("digests"), again=False)
    result = cli("validate", forger.folder)
    assert result.exit_code == 0
    assert "of 6 records: it states no digests" in result.stdout


def test_a_strategy_that_is_not_installed_is_a_note(cli, forger):
    for path in [forger.find("finetune", replicate) for replicate in (0, 1)]:

        def change(data):
            data["identity"]["strategy"]["version"] = "77"

        new = forger.rename(path, change)
        path.unlink()
        path.with_suffix(".safetensors").unlink()
        plan = forger.folder / "plan.json"
        plan.write_text(plan.read_text().replace(path.stem, new.stem))
    result = cli("validate", forger.folder)
    assert result.exit_code == 0
    assert "of 2 records: finetune version 77 is not installed here" in result.stdout
