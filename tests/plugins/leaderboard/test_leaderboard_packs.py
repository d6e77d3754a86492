"""Results are packed for others and joined with theirs; nothing is overwritten and nothing is lost."""

import json
import shutil
import zipfile

import pytest
from leaderboard import Forger, make_results

from tlbench import Results


@pytest.fixture(scope="module")
def results(toy, tmp_path_factory):
    return make_results(toy, tmp_path_factory.mktemp("packs") / "mine", ("scratch", "linear-probe"))


@pytest.fixture(scope="module")
def further(toy, tmp_path_factory):
    return make_results(toy, tmp_path_factory.mktemp("packs") / "further", ("finetune",), name="more")


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_pack_is_the_same_bytes_each_time_and_is_valid_results(cli, results, tmp_path):
    before = files_of(results)
    for name in ("one.zip", "two.zip"):
        done = cli(
            "submit",
            results,
            "-o",
            tmp_path / name,
            "--name",
            "Our group",
            "--link",
            "https://example.org",
            "--date",
            "2026-11-05",
        )
        assert done.exit_code == 0
        assert done.stdout == f"{tmp_path / name}\n"
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert cli("validate", tmp_path / "one.zip").exit_code == 0
    shutil.unpack_archive(tmp_path / "one.zip", tmp_path / "unpacked")
    assert len(Results(tmp_path / "unpacked").records) == 4
    about = json.loads((tmp_path / "unpacked" / "submission.json").read_text())
    assert (about["name"], about["records"]) == ("Our group", 4)
    assert files_of(results) == before


def test_what_is_not_in_order_is_not_packed(cli, results, tmp_path):
    forger = Forger(results, tmp_path / "forged")
    forger.record(forger.find("scratch"), lambda data: data["scores"].update(accuracy=0.999))
    done = cli("submit", forger.folder, "-o", tmp_path / "forged.zip")
    assert done.exit_code == 1
    assert "0.999" in done.stdout
    assert not (tmp_path / "forged.zip").exists()


def test_a_pack_that_was_changed_afterwards_is_named(cli, results, tmp_path):
    cli("submit", results, "-o", tmp_path / "pack.zip")
    with zipfile.ZipFile(tmp_path / "pack.zip") as old, zipfile.ZipFile(tmp_path / "new.zip", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(
                name, content.replace(b'"warnings": [', b'"warnings": ["x", ') if name == "plan.json" else content
            )
    done = cli("validate", tmp_path / "new.zip")
    assert done.exit_code == 1
    assert "the files are not those that were packed" in done.stdout


@pytest.mark.parametrize(
    "options",
    [
        ["-o", "pack.tar"],
        ["-o", "p.zip", "--link", "javascript:alert(1)"],
        ["-o", "p.zip", "--name", "x" * 101],
        ["-o", "p.zip", "--date", "yesterday"],
    ],
)
def test_a_slip_costs_one_line(refused, results, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused("submit", results, *options)
    assert list(tmp_path.iterdir()) == []


def test_private_folders_are_pointed_out_and_stripped_on_demand_without_another_cell(cli, results, tmp_path):
    forger = Forger(results, tmp_path / "private")
    for path in forger.paths:
        forger.record(path, lambda data: data["provenance"]["command"].update(dataset="folder:/home/jo/photos?also=a"))
    done = cli("submit", forger.folder, "-o", tmp_path / "told.zip")
    assert "/home/jo/" in done.stderr
    assert "--strip-paths" in done.stderr
    done = cli("submit", forger.folder, "-o", tmp_path / "stripped.zip", "--strip-paths")
    assert "/home/jo/" not in done.stderr
    assert cli("validate", tmp_path / "stripped.zip").exit_code == 0
    with zipfile.ZipFile(tmp_path / "stripped.zip") as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".json")}
    assert not any("/home" in text for text in texts.values())
    command = json.loads(texts[f"records/{forger.paths[0].name}"])["provenance"]["command"]
    assert command["dataset"] == "folder:photos?also=a"


def test_merging_joins_and_a_second_time_changes_nothing(cli, results, further, tmp_path):
    before = files_of(results), files_of(further)
    cli("submit", further, "-o", tmp_path / "theirs.zip", "--name", "They")
    out = tmp_path / "joined"
    done = cli("merge", results, tmp_path / "theirs.zip", "-o", out)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, str(out))
    assert {record.labels["strategy"] for record in Results(out).records} == {"scratch", "linear-probe", "finetune"}
    assert cli("validate", out).exit_code == 0
    plan = json.loads((out / "plan.json").read_text())
    assert len(plan["cells"]) == 6
    assert plan["suite"]["name"] == "toy + more"
    once = files_of(out)
    done = cli("merge", results, tmp_path / "theirs.zip", "-o", out)
    assert "nothing is new" in done.stdout
    assert files_of(out) == once
    assert (files_of(results), files_of(further)) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["joined", "theirs.zip"]


@pytest.mark.parametrize("folder_first", [True, False])
def test_a_record_that_stands_twice_is_of_whoever_handed_it_in(cli, results, tmp_path, folder_first):
    pack, out = tmp_path / "theirs.zip", tmp_path / "joined"
    cli("submit", results, "-o", pack, "--name", "Our group", "--date", "2026-11-05")
    both = [results, pack] if folder_first else [pack, results]
    done = cli("merge", *both, "-o", out)
    assert done.stdout.splitlines()[:2] == [
        "4 records of 4 cells from 1 submission: Our group",
        "4 records stood in two of them byte for byte, and count once",
    ]
    [theirs] = json.loads((out / "submissions.json").read_text())["submissions"]
    assert (theirs["name"], theirs["date"], len(theirs["records"])) == ("Our group", "2026-11-05", 4)
    cli("submit", results, "-o", tmp_path / "copied.zip", "--name", "Somebody else")
    cli("merge", tmp_path / "copied.zip", "-o", out)
    [theirs] = json.loads((out / "submissions.json").read_text())["submissions"]
    assert theirs["name"] == "Our group"  # who was first keeps them


def test_one_record_that_stands_twice_counts_once(cli, toy, tmp_path):
    results = make_results(toy, tmp_path / "one", ("scratch",), replicates=1)
    shutil.copytree(results, tmp_path / "again")
    done = cli("merge", results, tmp_path / "again", "-o", tmp_path / "joined")
    assert "1 record stood in two of them byte for byte, and counts once" in done.stdout


def test_two_submissions_of_one_cell_are_both_kept_with_their_spread(cli, toy, results, tmp_path):
    other = Forger(make_results(toy, tmp_path / "theirs", ("scratch",)), tmp_path / "other")
    path = other.find("scratch")
    other.logits(path, lambda logits, labels: -logits)
    other.consistent_scores(path)
    done = cli("merge", results, other.folder, "-o", tmp_path / "joined")
    assert "2 cells submitted more than once, 1 of them with the same bits" in done.stdout
    assert f"{path.stem} (scratch, tiny.corners, blobs/day, 2-shot, replicate 0) by mine and other" in done.stdout
    assert "accuracy" in done.stdout
    assert "apart" in done.stdout
    first = json.loads((tmp_path / "joined" / "records" / path.name).read_text())
    second = json.loads((tmp_path / "joined" / "submissions" / "other" / "records" / path.name).read_text())
    mine = json.loads((results / "records" / path.name).read_text())
    assert (first, second) == (mine, json.loads(path.read_text()))
    assert len(Results(tmp_path / "joined").records) == 4
    assert len(Results(tmp_path / "joined" / "submissions" / "other").records) == 2
    done = cli("validate", tmp_path / "joined")
    assert done.exit_code == 0
    assert "a second submission of the cell" in done.stdout


def test_a_failure_gives_way_to_a_record_with_scores_and_both_are_kept(cli, results, tmp_path):
    forger = Forger(results, tmp_path / "failed")
    path = forger.find("scratch")
    path.with_suffix(".safetensors").unlink()

    def fail(data):
        data.update(
            scores={}, ledger={}, costs={}, tasks={}, failure={"kind": "OutOfMemory", "message": "m", "traceback": ""}
        )

    forger.record(path, fail)
    assert cli("merge", forger.folder, results, "-o", tmp_path / "joined").exit_code == 0
    assert json.loads((tmp_path / "joined" / "records" / path.name).read_text())["failure"] is None
    assert (tmp_path / "joined" / "submissions" / "failed" / "records" / path.name).is_file()


def test_another_recipe_is_refused_and_nothing_is_written(refused, toy, results, tmp_path):
    other = make_results(toy, tmp_path / "other", ("scratch",), replicates=1, steps=5)
    line = refused("merge", results, other, "-o", tmp_path / "joined")
    assert "steps 4 in its recipe" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other"]


def test_a_folder_of_another_origin_is_never_written_to(refused, results, further, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_bytes(b"1")
    assert "is no merge" in refused("merge", results, "-o", tmp_path / "photos")
    assert "is no merge" in refused("merge", results, "-o", further)
    assert "lies inside" in refused("merge", results, "-o", results / "joined")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["one.png"]


def test_a_forged_cell_is_not_merged(refused, results, tmp_path):
    forger = Forger(results, tmp_path / "forged")
    path = forger.find("scratch")
    path.rename(path.with_name("0" * 20 + ".json"))
    assert "is not the record of its cell" in refused("merge", forger.folder, "-o", tmp_path / "joined")
    assert not (tmp_path / "joined").exists()
