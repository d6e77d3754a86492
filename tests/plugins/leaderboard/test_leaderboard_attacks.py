"""What forgers tried: each attack, and the command that finds it."""

import json
import re
import zipfile
from dataclasses import replace

import pytest
from leaderboard import Forger, all_right, make_results

from tlbench import Reporter
from tlbench.host import Catalog
from tlbench_leaderboard.claims import read_claims
from tlbench_leaderboard.comparing import Verdict
from tlbench_leaderboard.draws import Draws
from tlbench_leaderboard.row_status import sum_up
from tlbench_leaderboard.sampling import further, sample
from tlbench_leaderboard.source import open_source
from tlbench_leaderboard.verified import VerifiedFile
from tlbench_leaderboard.verifying import Verified

STRATEGIES = ("scratch", "linear-probe", "finetune", "vote(members=(scratch,linear-probe))")
REPLICATES = 5


@pytest.fixture(scope="module")
def results(toy, tmp_path_factory):
    return make_results(toy, tmp_path_factory.mktemp("attacks") / "mine", STRATEGIES, REPLICATES)


@pytest.fixture
def forger(results, tmp_path):
    return Forger(results, tmp_path / "forged")


@pytest.fixture(autouse=True)
def short_report(monkeypatch):
    """Write a page of one line in the place of the report, which says how many records it was given."""

    def write(results, folder):
        (folder / "index.html").write_text(f"<!doctype html><title>report</title>{len(results.records)} records")
        return [folder / "index.html"]

    found = Catalog.reporters.func

    def reporters(self):
        offers = found(self)
        object.__setattr__(offers["html"], "thing", Reporter("html", write))
        return offers

    monkeypatch.setattr(Catalog, "reporters", property(reporters))


def replicates_of(forger, strategy):
    return [forger.find(strategy, replicate) for replicate in range(REPLICATES)]


def forge(forger, path):
    forger.logits(path, all_right)
    forger.consistent_scores(path)


def remove(path):
    path.unlink()
    path.with_suffix(".safetensors").unlink()


def edit_plan(folder, change):
    plan = json.loads((folder / "plan.json").read_text())
    change(plan)
    (folder / "plan.json").write_text(json.dumps(plan))


def declare_out_of_memory(forger, path):
    path.with_suffix(".safetensors").unlink()
    failure = {"kind": "OutOfMemory", "message": "CUDA out of memory", "traceback": ""}
    forger.record(path, lambda data: data.update(scores={}, ledger={}, costs={}, tasks={}, failure=failure))


def publish(cli, folder, *options):
    """Publish, and return the lines of the table: strategy, score, standing and status."""
    done = cli("publish", folder, "-o", folder.parent / "site", *options)
    assert done.exit_code == 0
    page = (folder.parent / "site" / "boards" / "toy" / "index.html").read_text()
    return [line_of(row) for row in page.split("<tr data-row")[1:]], page


def line_of(row):
    """Return strategy, score, standing and status of a line of a ranking."""
    row = re.split("</table>|<tbody", row)[0]
    cells = [re.sub("<(small|em).*", "", cell, flags=re.DOTALL) for cell in re.split(r"<t[dh][^>]*>", row)[1:]]
    plain = [re.sub("<.*?>", "", cell).strip() for cell in cells]
    said = re.findall("<em[^>]*>(.*?)</em>", row)
    return plain[1], plain[2], "best" if row.startswith(" class=best") else "".join(said), plain[7]


def test_the_worst_replicates_declared_out_of_memory_neither_pass_nor_rank(cli, toy, forger):
    paths = replicates_of(forger, "finetune")
    for path in sorted(paths, key=lambda path: json.loads(path.read_text())["scores"]["accuracy"])[:3]:
        declare_out_of_memory(forger, path)
    done = cli("validate", forger.folder)
    assert (done.exit_code, "3 of its 5 records failed: a row with failures does not rank" in done.stdout) == (0, True)
    done = cli("verify", forger.folder, "-p", toy)  # three records of each row, of which one at least is a failure
    assert done.exit_code == 1
    assert "it is the record of a failure (OutOfMemory), and the rerun did not fail" in done.stdout
    assert "finetune, tiny.corners, blobs/day, 2-shot: unverified (3 of 5 rerun)" in done.stdout
    assert cli("verify", forger.folder, "--all", "--allow-unverified", "-p", toy).exit_code == 1
    rows, page = publish(cli, forger.folder)
    assert (rows[-1][0], rows[-1][2]) == ("finetune", "3 of 5 failed")
    assert "1 row not ranked" in page
    report = (forger.folder.parent / "site" / "boards" / "toy" / "report.html").read_text()
    assert report.endswith("15 records")


def test_a_failure_is_sampled_like_any_other_record(forger):
    for path in replicates_of(forger, "finetune"):
        declare_out_of_memory(forger, path)
    claims = read_claims(open_source(forger.folder))
    chosen = sample(claims, 1, 1, whole=False).chosen
    assert sum("finetune" in claim.row for claim in chosen) == 1


@pytest.mark.parametrize("stated", [3, 5, 1])
def test_other_replicates_dropped_of_each_strategy_are_named_whatever_the_plan_says(cli, forger, stated):
    kept = {"scratch": (0, 2, 4), "finetune": (1, 3, 4), "linear-probe": (0, 1, 2)}
    for path in forger.paths:
        labels = json.loads(path.read_text())["labels"]
        if labels["replicate"] not in kept.get(labels["strategy"], ()):
            remove(path)
    left = {path.stem for path in (forger.folder / "records").glob("*.json")}

    def change(plan):
        plan["cells"] = [cell for cell in plan["cells"] if cell in left]
        plan["suite"]["replicates"] = stated

    edit_plan(forger.folder, change)
    done = cli("validate", forger.folder)
    assert done.exit_code == 1
    assert (
        f"scratch, tiny.corners, blobs/day, 2-shot: it has 3 replicates, and its suite has {stated}: 1 and 3 are"
        in (done.stdout)
    )
    assert "0 and 2 are missing" in done.stdout
    rows, _ = publish(cli, forger.folder)
    assert [row[2] for row in rows if row[0] == "scratch"] in (
        ["incomplete: without replicates 1 and 3"],
        ["incomplete: replicates 0, 2 and 4, others have 0 to 2"],
    )
    assert [row[2] for row in rows].count("incomplete: without replicates 1 and 3") < 3


def test_rows_with_fewer_replicates_than_their_group_are_named_whatever_their_own_plan_says(
    cli, toy, results, tmp_path
):
    mine = Forger(make_results(toy, tmp_path / "theirs", ("nearest-mean",), 2), tmp_path / "few")
    done = cli("validate", results, mine.folder)
    assert done.exit_code == 1
    assert "its replicates are 0 and 1, and those of 4 other rows of its group are 0 to 4" in done.stdout
    assert cli("merge", results, mine.folder, "-o", tmp_path / "joined").exit_code == 0
    rows, _ = publish(cli, tmp_path / "joined")
    assert rows[-1][::2] == ("nearest-mean", "incomplete: without replicates 2 to 4")


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("provenance", lambda provenance: provenance.pop("command")),
        ("identity", lambda identity: identity["strategy"].update(version="77")),
        ("identity", lambda identity: identity["dataset"].update(fingerprint="0" * 64)),
    ],
)
def test_what_cannot_be_rerun_does_not_pass(cli, toy, forger, part, change, tmp_path):
    for path in replicates_of(forger, "finetune"):
        forge(forger, path)
        if part == "identity":
            forger.rename(path, lambda data: change(data[part]))
            remove(path)
        else:
            forger.record(path, lambda data: change(data[part]))
    kept = tmp_path / "verified.json"
    done = cli("verify", forger.folder, "-p", toy, "--verified", kept)
    assert done.exit_code == 1
    assert "cannot be rerun here: " in done.stdout
    assert "finetune, tiny.corners, blobs/day, 2-shot: unverified" in done.stdout
    assert "1 unverified" in done.stdout.splitlines()[-1]
    assert cli("verify", forger.folder, "-p", toy, "--allow-unverified").exit_code == 0
    rows, _ = publish(cli, forger.folder, "--verified", kept)
    assert {row[0]: row[3] for row in rows}["finetune"] == "unverified"


def test_a_row_of_which_all_records_were_changed_is_found_at_the_first_try(cli, toy, forger, tmp_path):
    for path in replicates_of(forger, "finetune"):
        forge(forger, path)
    assert cli("submit", forger.folder, "-o", tmp_path / "pack.zip").exit_code == 0
    pack, draws, kept = tmp_path / "pack.zip", tmp_path / "draws.json", tmp_path / "verified.json"
    assert cli("leaderboard-draw", pack, "--draws", draws).exit_code == 0
    done = cli("verify", pack, "--draws", draws, "--verified", kept, "-p", toy)
    assert done.exit_code == 1
    assert "finetune, tiny.corners, blobs/day, 2-shot: refuted" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("4 rows: 3 verified, 1 refuted; ")
    assert cli("verify", pack, "--all", "-p", toy).exit_code == 1
    again = cli("verify", pack, "--draws", draws, "--verified", kept)  # nothing is rerun: the plugin is not there
    assert (again.exit_code, "has these results already" in again.stdout) == (1, True)
    rows, _ = publish(cli, forger.folder, "--verified", kept)
    assert [row[0] for row in rows][-1] == "finetune"
    assert rows[-1][2:] == ("refuted", "refuted")
    assert {row[3] for row in rows[:-1]} == {"verified"}
    assert "best" in rows[0][2]


def test_every_draw_holds_a_record_of_each_row(results):
    claims = read_claims(open_source(results))
    for number in range(300):
        chosen = sample(claims, number, 1, whole=False)
        assert {claim.key for claim in chosen.chosen} == set(claims.rows)
        assert chosen.chance(1.0) == 1.0
    several = {tuple(claim.cell for claim in sample(claims, number, 1, whole=False).chosen) for number in range(50)}
    assert len(several) > 25  # of 625
    assert sample(claims, 0, 1, whole=False).chance(0.0) == pytest.approx(0.2)
    assert sample(claims, 0, 2, whole=False).chance(0.5) == pytest.approx(1 - 3 / 10)


def test_neither_grinding_the_note_nor_trying_again_draws_another_sample(cli, results, tmp_path):
    pack, draws = tmp_path / "pack.zip", tmp_path / "draws.json"
    cli("submit", results, "-o", pack, "--name", "They", "--note", "first")
    assert "a number was drawn" in cli("leaderboard-draw", pack, "--draws", draws).stdout
    before = draws.read_bytes()
    with zipfile.ZipFile(pack) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    samples = set()
    for number in range(100):
        about = json.loads(files["submission.json"]) | {"note": f"nonce {number}", "name": f"group {number}"}
        ground = tmp_path / "ground.zip"
        with zipfile.ZipFile(ground, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, json.dumps(about) if name == "submission.json" else content)
        claims = read_claims(open_source(ground))
        board = Draws(draws)
        chosen = sample(claims, board.number(claims), 1, board.tries(claims), whole=False).chosen
        samples.add(tuple(claim.cell for claim in chosen))
    assert len(samples) == 1
    assert "has its number" in cli("leaderboard-draw", ground, pack, "--draws", draws).stdout
    assert draws.read_bytes() == before


def test_costs_notes_and_environments_draw_no_other_sample_and_other_logits_are_looked_at_more_closely(
    cli, results, forger, tmp_path
):
    draws = tmp_path / "draws.json"
    cli("leaderboard-draw", results, "--draws", draws)

    def change(data):
        data["costs"]["fit_seconds"] = 3.25
        data["notes"]["nonce"] = 7
        data["environment"]["processor"] = "another"

    path = forger.find("finetune")
    forger.record(path, change)
    cli("leaderboard-draw", forger.folder, "--draws", draws)
    assert len(json.loads(draws.read_text())["draws"]) == 1
    forger.logits(path, lambda logits, labels: logits + 1e-6)
    forger.consistent_scores(path)
    cli("leaderboard-draw", forger.folder, "--draws", draws)
    board, claims = Draws(draws), read_claims(open_source(forger.folder))
    assert len(board.drawn) == 2
    assert set(board.tries(claims).values()) == {1}
    chosen = sample(claims, board.number(claims), 1, board.tries(claims), whole=False)
    assert {rerun for _, rerun in chosen.rows.values()} == {2}
    first = read_claims(open_source(results))
    assert set(board.tries(first).values()) == {0}


def test_a_file_of_draws_that_is_none_costs_one_line(refused, results, tmp_path):
    (tmp_path / "draws.json").write_text('{"draws": [{"digest": "x"}]}')
    assert "is no list of digest" in refused("leaderboard-draw", results, "--draws", tmp_path / "draws.json")
    (tmp_path / "v.json").write_text('{"submissions": 3}')
    said = refused("publish", results, "-o", tmp_path / "site", "--verified", tmp_path / "v.json")
    assert "is not what `tlbench verify --verified` writes" in said


def test_all_scores_raised_by_less_than_two_standard_errors_under_another_torch(cli, toy, forger):
    def three_more(logits, labels):
        # linear-probe is right everywhere: its row is the one that was not changed
        wrong = (logits.argmax(1) != labels).nonzero()[0][:3]
        logits[wrong, labels[wrong]] = logits[wrong].max(1) + 0.01
        return logits

    for path in forger.paths:
        if "vote" not in json.loads(path.read_text())["labels"]["strategy"]:
            forger.logits(path, three_more)
            forger.consistent_scores(path)
            forger.record(path, lambda data: data["environment"].update(torch="1.0.0"))
    done = cli("verify", forger.folder, "-p", toy)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1].startswith("4 rows: 1 verified, ")
    assert "linear-probe, tiny.corners, blobs/day, 2-shot: verified" in done.stdout


def reruns(claims, differences):
    """Return reruns that differ a little, as may be expected, by the root of the test items or not at all."""
    verdict = Verdict("expected", "differs a little")
    return [Verified(claim, verdict, difference) for claim, difference in zip(claims.claims, differences, strict=False)]


def test_a_lean_of_all_scores_refutes_the_rows_that_lean_and_noise_refutes_none(results):
    claims = read_claims(open_source(results))
    raised = sum_up(claims, reruns(claims, [0.1 + number / 50 for number in range(20)]), False, False)
    assert raised.count("refuted") == 4
    assert "20 better, 0 worse" in raised.lean.words
    noise = sum_up(claims, reruns(claims, [(-1) ** number * (1 + number) / 50 for number in range(20)]), False, False)
    assert noise.words == "4 rows: 4 verified"
    mixed = reruns(claims, [0.1 + number / 50 for number in range(20)])
    mixed = [replace(each, difference=0.0) if "finetune" in each.claim.row else each for each in mixed]
    assert sum_up(claims, mixed, False, False).count("verified") == 1


def test_while_all_scores_that_differ_are_better_further_records_are_rerun(results):
    claims = read_claims(open_source(results))
    chosen = sample(claims, 3, 1, whole=False)

    def rerun(differ):
        verdict = Verdict("expected", "")
        found = [Verified(each, verdict, 0.1 if "vote" not in each.row else 0.0) for each in chosen.chosen]
        for claim in further(claims, 3, chosen, found):
            assert claim not in [each.claim for each in found]
            found.append(Verified(claim, verdict, differ))
        return found

    raised = sum_up(claims, rerun(0.2), False, True)
    assert (raised.lean.above, raised.count("refuted")) == (7, 4)  # with the ensemble of refuted members
    assert {row.rerun for row in raised.rows if "vote" not in row.row} == {2, 3}
    assert len(rerun(-0.2)) == len(chosen.chosen) + 1


def test_an_ensemble_of_forged_members_stands_no_better_than_they(results):
    claims = read_claims(open_source(results))

    def status(of_scratch):
        found = [
            Verified(claim, Verdict(of_scratch if claim.row.startswith("scratch") else "same", ""))
            for claim in claims.claims
        ]
        rows = sum_up(claims, found, False, True).rows
        return {row.row.partition(",")[0].partition("(")[0]: (row.status, row.why) for row in rows}

    assert status("impossible")["vote"] == ("refuted", "a member of it is refuted")
    assert status("not-run")["vote"] == ("unverified", "a member of it is unverified")
    assert status("same")["vote"] == ("verified", "")


def test_a_forged_twin_neither_displaces_a_verified_record_nor_spoils_it(cli, toy, results, forger, tmp_path):
    for path in replicates_of(forger, "finetune"):
        forge(forger, path)
    kept = tmp_path / "verified.json"
    for folder, code in ((forger.folder, 1), (results, 0)):
        assert cli("verify", folder, "--per-row", 1, "--verified", kept, "-p", toy).exit_code == code
    honest = json.loads((results / "records" / path.name).read_text())
    for name, options in (("plain", ()), ("known", ("--verified", kept))):
        assert cli("merge", forger.folder, results, "-o", tmp_path / name, *options).exit_code == 0
        primary = json.loads((tmp_path / name / "records" / path.name).read_text())
        assert (primary == honest) == (name == "known")
    rows, _ = publish(cli, tmp_path / "known", "--verified", kept)
    assert {row[3] for row in rows} == {"verified"}
    status = VerifiedFile(kept).status()
    assert all(status[claim.content] == "verified" for claim in read_claims(open_source(results)).claims)


def test_without_a_file_of_what_was_verified_rows_say_that_nobody_has_looked(cli, results, tmp_path):
    cli("merge", results, "-o", tmp_path / "joined")
    rows, _ = publish(cli, tmp_path / "joined")
    assert {row[3] for row in rows} == {"not verified"}
