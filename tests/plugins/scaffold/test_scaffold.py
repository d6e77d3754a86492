"""`tlbench new`: what it writes is a whole package, found as installed, tested, formatted; and what it refuses."""

import importlib.metadata
import os
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from documents import ROOT
from packaging.requirements import Requirement

from tlbench import __version__

pytest.importorskip("tlbench_scaffold")

KINDS = ("strategy", "backbone", "dataset", "metric", "reporter")


def installed(package, site):
    """Make a package importable from `site` as pip would, by what its pyproject.toml says."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))
    modules = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    for module in modules:
        shutil.copy(package / module, site)
    facts = project["project"]
    info = site / f"{facts['name'].replace('-', '_')}-{facts['version']}.dist-info"
    info.mkdir()
    needs = "".join(f"Requires-Dist: {line}\n" for line in facts["dependencies"])
    head = f"Metadata-Version: 2.3\nName: {facts['name']}\nVersion: {facts['version']}\n{needs}\n"
    (info / "METADATA").write_text(head, encoding="utf-8")
    lines = "".join(f"{name} = {module}\n" for name, module in facts["entry-points"]["tlbench"].items())
    (info / "entry_points.txt").write_text(f"[tlbench]\n{lines}", encoding="utf-8")


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Return the folder in which a package of each kind was written, and what was printed."""
    from click.testing import CliRunner

    from tlbench.cli import main

    out = tmp_path_factory.mktemp("packages")
    said = {}
    for kind in KINDS:
        result = CliRunner().invoke(
            main, ["new", kind, f"own-{kind}", "--out", str(out), "--author", 'Ada "L" Løvelace']
        )
        assert result.exit_code == 0, result.output
        said[kind] = result.stdout.splitlines()
    return out, said


@pytest.fixture(scope="module")
def site(packages, tmp_path_factory):
    """Return a folder from which all of them can be imported, as installed packages."""
    folder = tmp_path_factory.mktemp("site")
    for package in sorted(packages[0].iterdir()):
        installed(package, folder)
    return folder


def run(site, *arguments, cwd=None):
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, cwd=cwd, capture_output=True, text=True, timeout=570
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_is_whole_and_the_last_line_is_its_folder(packages, kind):
    out, said = packages
    folder = out / f"tlbench-own-{kind}"
    assert said[kind][-1] == str(folder)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "pyproject.toml", "README.md", "LICENSE", ".gitignore", f"tlbench_own_{kind}.py", f"tests/test_own_{kind}.py"
    }  # fmt: skip
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [needed] = map(Requirement, project["dependencies"])
    for version in (__version__, importlib.metadata.version("tlbench")):  # a checkout may have moved on
        assert needed.specifier.contains(version, prereleases=True)
    assert project["authors"] == [{"name": 'Ada "L" Løvelace'}]
    assert 'Ada "L" Løvelace' in (folder / "LICENSE").read_text(encoding="utf-8")
    assert stat.S_IMODE(folder.stat().st_mode) & 0o700 == 0o700
    everything = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file())
    assert "{{" not in everything
    assert "{%" not in everything


@pytest.mark.parametrize("kind", KINDS)
def test_the_commands_that_are_printed_stand_in_the_readme_too(packages, kind):
    out, said = packages
    readme = (out / f"tlbench-own-{kind}" / "README.md").read_text(encoding="utf-8")
    [command] = [line.strip() for line in said[kind] if line.strip().startswith("tlbench run")]
    assert command in readme
    assert f"tlbench check own-{kind}" in readme


def test_what_is_written_is_formatted_and_passes_the_linter_with_our_rules(packages):
    ruff = shutil.which("ruff", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if ruff is None:
        pytest.skip("ruff is not installed")
    out, _ = packages
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    for kind in KINDS:
        own = tomllib.loads((out / f"tlbench-own-{kind}" / "pyproject.toml").read_text(encoding="utf-8"))
        assert own["tool"]["ruff"]["lint"]["select"] == ours["lint"]["select"]
        assert own["tool"]["ruff"]["line-length"] == ours["line-length"]
    for arguments in (("check", "--no-cache"), ("format", "--no-cache", "--diff")):
        done = subprocess.run([ruff, *arguments, str(out)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_longest_name_still_gives_formatted_code(tmp_path, cli):
    ruff = shutil.which("ruff", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if ruff is None:
        pytest.skip("ruff is not installed")
    for kind in KINDS:
        assert cli("new", kind, "a" * 32, "--out", tmp_path / kind).exit_code == 0
    for arguments in (("check", "--no-cache"), ("format", "--no-cache", "--diff")):
        done = subprocess.run([ruff, *arguments, str(tmp_path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_installed_packages_are_listed_with_where_they_come_from(site):
    shown = run(site, "-m", "tlbench", "list")
    assert shown.returncode == 0, shown.stderr
    for kind in KINDS:
        [line] = [line for line in shown.stdout.splitlines() if line.strip().startswith(f"own-{kind} ")]
        assert line.endswith(f"[tlbench-own-{kind} 0.1.0]")
    assert "broken" not in shown.stderr


@pytest.mark.slow
def test_the_tests_that_are_written_pass(packages, site):
    folders = sorted(packages[0].iterdir())
    done = run(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", packages[0], *folders, cwd=site)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(folders) == len(KINDS)


def test_a_strategy_makes_a_row_of_a_run_at_once(site, tmp_path):
    done = run(
        site, "-m", "tlbench", "run", "-s", "own-strategy", "-d", "digits[->handwritten]", "--budget", "1-shot",
        "--replicates", "1", "--jobs", "1", "--out", tmp_path / "results",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "own-strategy" in done.stdout


# ---- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("strategi", "x"), "unknown kind 'strategi'. Did you mean 'strategy'?"),
        (("strategy", "MyMethod"), "Did you mean 'my-method'?"),
        (("strategy", "my_method"), "Did you mean 'my-method'?"),
        (("strategy", "tlbench_My Method"), "Did you mean 'my-method'?"),
        (("strategy", "3d"), "a letter first."),
        (("strategy", "x-"), "single hyphens between"),
        (("strategy", "../x"), "cannot be a plugin's name"),
        (("strategy", "a" * 33), "33 letters"),
        (("strategy", "finetune"), "the strategy 'finetune' is there already, from tlbench"),
        (("dataset", "digits"), "the dataset 'digits' is there already"),
        (("backbone", "test-resnet-glyphs"), "the backbone 'test_resnet.glyphs' is there already"),
        (("backbone", "resnet18"), "the backbone 'resnet18' is there already, one of timm"),
        (("backbone", "mobilenetv2-100"), "the backbone 'mobilenetv2_100' is there already"),
        (("metric", "own", "--author", " \t"), "--author must be a name"),
    ],
)
def test_a_name_that_cannot_be_costs_one_line(cli, tmp_path, arguments, message):
    result = cli("new", *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert message in line
    assert not (tmp_path / "out").exists()


def test_a_name_of_another_kind_is_free(cli, tmp_path):
    assert cli("new", "metric", "finetune", "--out", tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("kind", "name", "module", "class_name"),
    [
        ("strategy", "class", "tlbench_class", "Class"),
        ("strategy", "strategy", "tlbench_strategy", "StrategyStrategy"),
        ("strategy", "none", "tlbench_none", "NoneStrategy"),
        ("dataset", "labelled", "tlbench_labelled", "LabelledDataset"),
        ("dataset", "hf", "tlbench_hf_dataset", "Hf"),  # tlbench_hf is a module of ours
        ("strategy", "calendar", "tlbench_calendar", "Calendar"),
    ],
)
def test_names_that_python_has_taken_get_another_module_or_class(cli, tmp_path, kind, name, module, class_name):
    from tlbench.host import Catalog, Host
    from tlbench_scaffold.naming import named

    host = Host()
    catalog = Catalog(host)
    catalog.datasets = {}  # whatever is installed under these names: their modules are the question
    names = named(kind, name, catalog)
    assert (names.module, names.class_name) == (module, class_name)


def test_what_is_there_is_never_overwritten_and_nothing_half_written_stays(cli, tmp_path, monkeypatch):
    (tmp_path / "tlbench-own").mkdir()
    result = cli("new", "metric", "own", "--out", tmp_path)
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert list((tmp_path / "tlbench-own").iterdir()) == []

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    result = cli("new", "metric", "other", "--out", tmp_path)
    assert result.exit_code == 2
    assert "No space left on device" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["tlbench-own"]


def test_a_folder_that_cannot_be_made_costs_one_line(cli, tmp_path):
    (tmp_path / "file").write_text("")
    result = cli("new", "metric", "own", "--out", tmp_path / "file" / "below")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
