"""A round: submitters commit, the board draws one root seed, and what was not committed is named."""

import json
import linecache
import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner
from leaderboard import Forger

from tlbench import Results
from tlbench.cli import main
from tlbench.contract import Commitment, Round, kept, parse_kept
from tlbench.errors import ParameterError
from tlbench.running.code_digest import package_digest, source_digest

SUITE = """
name = "board"
strategies = ["{}"]
backbones = ["tiny.corners"]
datasets = ["blobs[->day]"]
budgets = ["2-shot"]
replicates = 2
recipe = {{ steps = 4, batch_size = 8 }}
"""
MINE = '''
"""A strategy that its author commits to."""

from dataclasses import dataclass

from tlbench import hookimpl
from tlbench_extract.nearest_mean import NearestMean


@dataclass(frozen=True)
class Mine(NearestMean):
    """Classify by the nearest mean."""

    name = "mine"


@hookimpl
def tlbench_strategies():
    return [Mine]
'''


@pytest.fixture(scope="module")
def drawn(toy, tmp_path_factory):
    """A folder in which two of three who committed have run: ours (ridge-probe) and theirs (a plugin of their own)."""
    folder = tmp_path_factory.mktemp("round")
    (folder / "mine.py").write_text(MINE)
    plugins = ("-p", toy, "-p", folder / "mine.py")

    def call(*arguments):
        done = CliRunner().invoke(main, [str(each) for each in arguments])
        assert done.exit_code == 0, done.output
        return done

    for name, strategy in (("ours", "ridge-probe"), ("theirs", "mine"), ("silent", "nearest-mean")):
        (folder / f"{name}.toml").write_text(SUITE.format(strategy))
        call("submit", "--commit", folder / f"{name}.toml", "--name", name.title(), *plugins)
    call("leaderboard-round", folder / "spring.json")
    shutil.copy(folder / "spring.json", folder / "open.json")
    call("leaderboard-round", folder / "spring.json", *sorted(folder.glob("*.commitment.json")))
    for name in ("ours", "theirs"):
        suite, out = folder / f"{name}.toml", folder / name
        call("run", "--suite", suite, "--round", folder / "spring.json", "--out", out, "--jobs", 1, *plugins)
    return folder


@pytest.fixture
def plugins(toy, drawn):
    return ("-p", toy, "-p", drawn / "mine.py")


@pytest.fixture
def own(drawn, tmp_path):
    """A copy of all files to change."""
    return shutil.copytree(drawn, tmp_path / "own")


@pytest.fixture
def faults(cli, drawn, plugins):
    """Validate against the board's round, and return the sentences."""

    def call(*paths, board=None):
        done = cli("validate", *paths, "--round", board or drawn / "spring.json", *plugins)
        lines = [line for line in done.stdout.splitlines() if not line.startswith("note:")][:-1]
        assert done.exit_code == int(bool(lines))
        return lines

    return call


def read(path):
    return json.loads(path.read_text())


# ---- commitments and the draw -----------------------------------------------------------------------------------


def test_a_commitment_shows_a_name_and_a_digest_that_is_another_each_time(cli, drawn, toy, tmp_path):
    assert set(read(drawn / "theirs.commitment.json")) == {"name", "digest"}
    shutil.copy(drawn / "ours.toml", tmp_path / "ours.toml")
    done = cli("submit", "--commit", tmp_path / "ours.toml", "--name", "Ours", "-p", toy)
    assert done.stdout == f"{tmp_path / 'ours.commitment.json'}\n"
    assert "ours.opening.json opens it: keep it to yourself" in done.stderr
    again, before = read(tmp_path / "ours.opening.json"), read(drawn / "ours.opening.json")
    assert read(tmp_path / "ours.commitment.json")["digest"] != read(drawn / "ours.commitment.json")["digest"]
    assert {**again, "salt": ""} == {**before, "salt": ""}
    assert again["salt"] != before["salt"]


def test_an_opening_names_the_code_the_content_and_the_rows_of_a_suite(drawn):
    opening = read(drawn / "theirs.opening.json")
    assert list(opening["sources"]) == ["backbone tiny.corners", "dataset blobs", "library tlbench", "strategy mine"]
    assert all(len(each["package_sha256"]) == 64 for each in opening["sources"].values())
    assert len(opening["sources"]["backbone tiny.corners"]["content"]) == 64
    assert list(opening["rows"].values()) == ["mine, tiny.corners, blobs/day, 2-shot"]


def test_a_round_is_opened_with_a_promise_and_keeps_its_number_private_until_the_draw(cli, tmp_path, drawn):
    done = cli("leaderboard-round", tmp_path / "autumn.json")
    assert "is open for commitments" in done.stdout
    secret = tmp_path / "autumn.secret"
    assert secret.stat().st_mode & 0o077 == 0
    number = secret.read_text()
    assert number not in (tmp_path / "autumn.json").read_text()
    done = cli("leaderboard-round", tmp_path / "autumn.json", drawn / "ours.commitment.json")
    held = read(tmp_path / "autumn.json")
    assert f"has the root seed {held['seed']}, of 1 commitment." in done.stdout
    assert held["number"] == number
    assert not secret.exists()


def test_the_seed_changes_with_the_number_and_with_every_commitment():
    ours, theirs, other = (Commitment(name, digest * 64) for name, digest in (("a", "1"), ("b", "2"), ("b", "3")))
    seeds = {
        Round.open("r", number).drawn(number, commitments).seed
        for number in ("x", "y")
        for commitments in ([ours], [ours, theirs], [ours, other])
    }
    assert len(seeds) == 6
    assert Round.open("r", "x").drawn("x", [ours, theirs]) == Round.open("r", "x").drawn("x", [theirs, ours])
    assert all(0 <= seed < 2**48 for seed in seeds)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"number": "another"}, "is not the one that was promised"),
        ({"seed": 7}, "is not what its commitments and number give"),
        ({"commitments": []}, "is not what its commitments and number give"),
        ({"seed": None}, "is open: it has no seed"),
        ({"seed": "7x"}, "holds no round: seed"),
    ],
)
def test_a_round_whose_seed_was_chosen_is_refused(refused, own, toy, change, said):
    board = own / "spring.json"
    board.write_text(json.dumps(read(board) | change))
    assert said in refused("validate", own / "ours", "--round", board, "-p", toy)
    assert said in refused("run", "--suite", own / "ours.toml", "--round", board, "-p", toy)


def test_what_a_round_cannot_be_drawn_of_costs_one_line(refused, own):
    one, other = own / "ours.commitment.json", own / "copied.commitment.json"
    shutil.copy(own / "open.json", own / "again.json")
    assert "again.secret is not there" in refused("leaderboard-round", own / "again.json", one)
    (own / "again.secret").write_text("guessed")
    assert "not the one that was promised" in refused("leaderboard-round", own / "again.json", one)
    shutil.copy(one, other)
    assert "two commitments are named 'Ours'" in refused("leaderboard-round", own / "again.json", one, other)
    other.write_text(json.dumps(read(one) | {"name": "Copied"}))
    assert "have one digest" in refused("leaderboard-round", own / "again.json", one, other)
    assert "has its seed already" in refused("leaderboard-round", own / "spring.json", one)
    assert "is there already" in refused("leaderboard-round", own / "spring.json")
    assert "holds no commitment: digest" in refused("leaderboard-round", own / "again.json", own / "open.json")


def test_a_slip_in_a_commitment_costs_one_line(refused, own, toy):
    assert "--commit needs --name" in refused("submit", "--commit", own / "ours.toml", "-p", toy)
    line = refused("submit", "--commit", own / "ours.toml", "--name", "Ours", "-p", toy)
    assert "ours.opening.json is there already" in line
    assert "give no results" in refused("submit", own / "ours", "--commit", own / "ours.toml", "--name", "Ours")
    assert "give RESULTS and -o FILE.zip, or --commit SUITE" in refused("submit", own / "ours")


# ---- runs -------------------------------------------------------------------------------------------------------


def test_rows_of_several_submitters_of_a_round_have_the_same_draws(drawn):
    ours, theirs = (Results(drawn / name).records for name in ("ours", "theirs"))
    seed = read(drawn / "spring.json")["seed"]
    assert {record.identity["seed"] for record in (*ours, *theirs)} == {seed}
    draws = [
        {record.labels["replicate"]: record.ledger["labelled_examples"] for record in each} for each in (ours, theirs)
    ]
    assert draws[0] == draws[1]
    assert len(set(draws[0].values())) == 2


def test_the_round_wins_over_the_seed_of_a_suite_and_says_so(cli, own, toy):
    text = (own / "ours.toml").read_text()
    (own / "ours.toml").write_text(f"seed = 5\n{text}")
    done = cli("plan", "--suite", own / "ours.toml", "--round", own / "spring.json", "--out", own / "ours", "-p", toy)
    seed = read(own / "spring.json")["seed"]
    assert f"sets the root seed {seed}; the suite's own, 5, is not used" in done.stderr
    assert "2 cells, 2 of them stored" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--replicates", 3), "the suite says replicates = 3, and that is not what was committed"),
        (("-s", "nearest-mean"), "the suite says strategies = nearest-mean, and"),
        (("--budget", "1-shot"), "the suite says budgets = 1-shot, and"),
        (("--metric", "nll"), "the suite says metric = 'nll', and"),
        (("--validation", 0.5), "the suite says protocol.validation = 0.5, and"),
        (("--seed", 3), "--seed 3 is not the root seed of the round 'spring'"),
    ],
)
def test_a_suite_that_was_changed_after_the_commitment_is_refused_by_the_key(refused, own, toy, options, said):
    run = ("run", "--suite", own / "ours.toml", "--round", own / "spring.json", "-p", toy, "--out", own / "new")
    assert said in refused(*run, *options)
    assert not (own / "new").exists()


def test_a_key_that_was_changed_in_the_file_is_named(refused, own, toy):
    text = (own / "ours.toml").read_text()
    (own / "ours.toml").write_text(text.replace("steps = 4", "steps = 9"))
    line = refused("run", "--suite", own / "ours.toml", "--round", own / "spring.json", "-p", toy)
    assert "the suite says recipe.steps = 9, and that is not what was committed" in line


def edit(path):
    """Change a plugin within this process, which remembers digests of what it has loaded."""
    path.write_text(path.read_text() + "# other code\n")
    linecache.checkcache()
    for known in (source_digest, package_digest):
        known.cache_clear()


@pytest.fixture
def edited(own):
    edit(own / "mine.py")
    yield own
    for known in (source_digest, package_digest):
        known.cache_clear()


def test_a_strategy_whose_source_was_changed_after_the_commitment_is_refused(refused, edited, toy):
    plugins = ("-p", toy, "-p", edited / "mine.py")
    line = refused("run", "--suite", edited / "theirs.toml", "--round", edited / "spring.json", *plugins)
    assert "the source of the strategy mine is not the one that was committed" in line


def test_a_backbone_whose_weights_were_changed_after_the_commitment_is_refused(refused, own, toy, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(toy.parent, tmp_path / "other")
    tensors = load_file(folder / "tiny.safetensors")
    save_file({name: value + 1 if value.is_floating_point() else value for name, value in tensors.items()},
              folder / "tiny.safetensors")  # fmt: skip
    line = refused("run", "--suite", own / "ours.toml", "--round", own / "spring.json", "-p", folder / toy.name)
    assert "the content of the backbone tiny.corners is not the one that was committed" in line


def test_a_round_without_a_commitment_of_ours_is_refused(refused, own, toy):
    run = ("run", "--suite", own / "ours.toml", "--round", own / "spring.json", "-p", toy)
    opening = own / "ours.opening.json"
    opening.write_text(json.dumps(read(opening) | {"salt": "0" * 64}))
    assert "holds no commitment of 'Ours' that this opening fits; it holds those of Ours, Silent, Theirs" in refused(
        *run
    )
    opening.unlink()
    line = refused(*run)
    assert "ours.opening.json is not there" in line
    assert "tlbench submit --commit" in line
    assert "is open: it has no seed" in refused(*run[:3], "--round", own / "open.json", "-p", toy)


def test_results_of_a_round_and_others_do_not_share_a_folder(refused, cli, own, toy):
    suite = ("--suite", own / "ours.toml", "-p", toy, "--jobs", 1)
    assert "holds results of the round 'spring', and these would be of none" in refused(
        "run", *suite, "--out", own / "ours"
    )
    cli("run", *suite, "--out", own / "local")
    assert not (own / "local" / "round.json").exists()
    line = refused("run", *suite, "--round", own / "spring.json", "--out", own / "local")
    assert "holds results of no round" in line


# ---- the board --------------------------------------------------------------------------------------------------


def test_what_was_committed_and_run_so_has_no_fault_alone_packed_and_joined(cli, faults, drawn, tmp_path, plugins):
    for name in ("ours", "theirs"):
        done = cli("submit", drawn / name, "-o", tmp_path / f"{name}.zip", "--name", name, *plugins)
        assert done.exit_code == 0
    packs = [tmp_path / "ours.zip", tmp_path / "theirs.zip"]
    assert faults(*packs) == []
    done = cli("merge", *packs, "-o", tmp_path / "joined", "--round", drawn / "spring.json")
    assert done.exit_code == 0
    assert faults(tmp_path / "joined") == []
    assert [each["name"] for each in read(tmp_path / "joined" / "round.json")["openings"]] == ["Ours", "Theirs"]


def test_a_commitment_without_results_is_told_by_name(cli, drawn, tmp_path):
    done = cli("merge", drawn / "ours", drawn / "theirs", "-o", tmp_path / "joined")
    assert "1 commitment of the round 'spring' without results: Silent" in done.stdout


def test_a_record_of_another_seed_is_named(faults, own, drawn):
    forger = Forger(drawn / "ours", own / "forged")
    path = forger.find("ridge-probe")

    def change(data):
        data["identity"]["seed"] = data["labels"]["seed"] = 1

    forger.rename(path, change)
    seed = read(drawn / "spring.json")["seed"]
    assert [
        line
        for line in faults(forger.folder)
        if f"its root seed is 1, and that of the round 'spring' is {seed}" in line
    ]


def test_a_row_that_was_not_committed_is_named(faults, own, drawn):
    forger = Forger(drawn / "ours", own / "forged")
    forger.rename(forger.find("ridge-probe"), lambda data: data["identity"]["recipe"].update(steps=9))
    assert [line for line in faults(forger.folder) if "its row was not committed for the round 'spring'" in line]


@pytest.mark.parametrize(
    ("kind", "key"), [("strategy", "source_sha256"), ("strategy", "package_sha256"), ("dataset", "module")]
)
def test_a_record_of_other_code_than_was_committed_is_named(faults, own, drawn, kind, key):
    forger = Forger(drawn / "ours", own / "forged")
    forger.record(forger.find("ridge-probe"), lambda data: data["provenance"][kind].update({key: "0" * 64}))
    [line] = faults(forger.folder)
    assert f"of the {kind}" in line
    assert "is not the one that was committed" in line


def test_a_replicate_that_was_committed_and_is_not_there_is_named(faults, own, drawn):
    forger = Forger(drawn / "ours", own / "forged")
    path = forger.find("ridge-probe", 1)
    path.unlink()
    path.with_suffix(".safetensors").unlink()
    plan = read(forger.folder / "plan.json")
    plan["cells"].remove(path.stem)
    plan["suite"]["replicates"] = 1
    (forger.folder / "plan.json").write_text(json.dumps(plan))
    [line] = [line for line in faults(forger.folder) if "committed" in line]
    assert "'Ours' committed to 2 replicates of it, and 1 of them are not here" in line


def test_a_round_of_the_submitter_s_own_making_is_named(faults, own, drawn):
    held = parse_kept(Round, (drawn / "ours" / "round.json").read_bytes(), "round.json")
    made = Round.open("spring", "chosen").drawn("chosen", held.commitments)
    (own / "ours" / "round.json").write_bytes(kept(made))
    assert [line for line in faults(own / "ours") if f"with the seed {made.seed}, and the board's is 'spring'" in line]
    (own / "ours" / "round.json").unlink()
    assert [line for line in faults(own / "ours") if "it is of no round, and the board's is 'spring'" in line]


def test_an_opening_that_fits_no_commitment_is_named(faults, own, drawn):
    held = read(own / "ours" / "round.json")
    held["openings"][0]["replicates"] = 1
    (own / "ours" / "round.json").write_text(json.dumps(held))
    lines = faults(own / "ours")
    assert [line for line in lines if "holds no commitment of 'Ours' that its opening fits" in line]
    assert [line for line in lines if "its row was not committed" in line]


def test_rounds_are_not_mixed_by_a_merge(refused, cli, own, drawn, toy, tmp_path):
    cli("run", "--suite", own / "ours.toml", "-p", toy, "--out", own / "local", "--jobs", 1)
    line = refused("merge", own / "local", drawn / "theirs", "-o", tmp_path / "joined")
    assert "is of no round, and" in line
    assert "their draws are not paired" in line
    line = refused("merge", own / "local", "-o", tmp_path / "joined", "--round", drawn / "spring.json")
    assert "it is of no round, and the board's is 'spring'" in line


def test_verify_names_installed_code_that_is_not_what_was_committed(cli, drawn, toy, edited, plugins):
    rerun = ("verify", drawn / "theirs", "--round", drawn / "spring.json", "-p", toy, "-p")
    done = cli(*rerun, edited / "mine.py", "--verified", edited / "verified.json")
    assert "the source of the strategy mine that is installed here is not the one that was committed" in done.stdout
    assert (
        "mine, tiny.corners, blobs/day, 2-shot: unverified (2 of 2 rerun, it is not what was committed)" in done.stdout
    )
    assert done.exit_code == 1
    [row] = read(edited / "verified.json")["submissions"][0]["rows"]
    assert row["status"] == "unverified"


@pytest.mark.parametrize("thing", ["backbone tiny.corners", "dataset blobs", "strategy mine"])
def test_verify_asks_the_installed_code_and_not_the_record(cli, own, plugins, thing):
    [opening] = parse_kept(Round, (own / "theirs" / "round.json").read_bytes(), "round.json").openings
    sources = {**opening.sources, thing: {**opening.sources[thing], "package_sha256": "0" * 64, "module": "made.up"}}
    opening = replace(opening, sources=sources)
    held = Round.open("own", "x").drawn("x", [opening.commitment])
    (own / "theirs" / "round.json").write_bytes(kept(replace(held, openings=(opening,))))
    done = cli("verify", own / "theirs", *plugins)
    assert f"the module of the {thing} that is installed here is not the one that was committed" in done.stdout
    assert done.exit_code == 1


def test_verify_passes_what_was_committed(cli, drawn, plugins):
    done = cli("verify", drawn / "theirs", "--round", drawn / "spring.json", *plugins)
    assert (done.exit_code, "1 verified" in done.stdout) == (0, True)


def test_a_kept_round_reads_back():
    held = Round.open("r", "x").drawn("x", [Commitment("a", "1" * 64)])
    assert parse_kept(Round, kept(held), "here") == held
    with pytest.raises(ParameterError, match="here holds no round"):
        parse_kept(Round, b"[", "here")
