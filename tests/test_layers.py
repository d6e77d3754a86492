"""Imports point one way, wings show what others may use, and the core knows no plugin by name."""

import graphlib
import importlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from imports import FLOORS, ROOT, everything, graph, imports, modules, shown, wing

import tlbench

WINGS = ("contract", "host", "data", "results", "planning", "learning", "running", "cli")
ON_THE_GROUND = {"__init__", "__main__", "errors", "names", "seeds", "progress", "files"}

# Upward imports for types alone: what a plugin is handed is described where it is made.
FOR_TYPES = {
    ("tlbench.contract.strategy", "tlbench.learning.workbench"): "`fit` is given a workbench",
    ("tlbench.contract.reporter", "tlbench.results.results"): "`write` is given results",
}

# Plugins that offer commands stand on more of the core than a strategy does: they are tools.
TOOLS = {
    "tlbench_advice",
    "tlbench_data",
    "tlbench_export",
    "tlbench_golden",
    "tlbench_leaderboard",
    "tlbench_scaffold",
}
DATASETS = {"embedded", "folders", "arrays", "tables", "shards"}  # the folders of `tlbench_datasets`
SHARED_BY_DATASETS = {
    *("array_image", "card", "damage", "files", "images", "listing", "place", "reading", "remarks"),
    *("tarred", "tiff_bands", "values", "zipped"),
}
COMMANDS = "tlbench_reports.report_command"  # the one tool inside a plugin of another kind


@pytest.mark.slow
def test_the_contracts_of_the_import_linter_hold():
    pytest.importorskip("importlinter")
    command = shutil.which("lint-imports", path=str(sys.executable).rpartition("/")[0])
    if command is None or not (ROOT / "pyproject.toml").is_file():
        pytest.skip("the import linter's command or its contracts are not here")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout


def test_the_core_shows_eight_wings_beside_testing_and_six_files():
    folders = {path.name for path in (ROOT / "tlbench").iterdir() if path.is_dir() and path.name != "__pycache__"}
    files = {path.stem for path in (ROOT / "tlbench").glob("*.py")}
    assert folders == {*WINGS, "testing"}
    assert files == ON_THE_GROUND
    assert all(
        not path.is_dir() or path.name == "__pycache__"
        for name in WINGS
        for path in (ROOT / "tlbench" / name).iterdir()
    )


def test_the_list_of_layers_is_the_one_that_these_tests_use():
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("no pyproject.toml beside the package")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    assert [tuple(part.removeprefix("tlbench.") for part in line.split(" | ")) for line in layers] == list(FLOORS)
    assert len(layers) <= 10


def test_no_circle_is_left_among_modules_even_by_lazy_imports_or_for_types():
    drawn = graph()
    ordered = list(graphlib.TopologicalSorter(drawn).static_order())  # a circle raises CycleError, naming its modules
    assert len(drawn) > 400
    assert set(ordered) == set(drawn)


def test_no_import_points_up_but_for_types_with_a_reason():
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    upward = {
        (each.importer, each.home): each
        for module in modules("tlbench")
        for each in imports(module)
        if wing(module) and wing(each.home) and wing(module) != wing(each.home)
        if floor.get(wing(module), -1) >= floor.get(wing(each.home), -1)  # the entry points stand above all
    }
    assert upward.keys() == FOR_TYPES.keys()
    assert all(each.for_types for each in upward.values())


def test_wings_import_from_each_other_what_these_show():
    for module in modules("tlbench"):
        for each in imports(module):
            parts = each.module.split(".")
            if len(parts) > 1 and parts[1] in (*WINGS, "testing") and parts[1] != wing(module):
                assert len(parts) == 2, f"{module}, line {each.line}: {each.module} is private to its wing"
                assert each.name in importlib.import_module(each.module).__all__, f"{module}, line {each.line}"


@pytest.mark.parametrize("name", ["tlbench", *(f"tlbench.{name}" for name in WINGS)])
def test_what_a_wing_shows_can_be_imported_is_documented_and_belongs_to_it(name):
    module = importlib.import_module(name)
    assert module.__doc__
    assert sorted(shown(name)) == [each for each in module.__all__ if each != "__version__"]
    assert dir(module) == sorted(module.__all__)
    for each, place in shown(name).items():
        assert place in everything(), each
        getattr(module, each)
    used = {
        (each.name, each.module)
        for user in everything()
        for each in imports(user)
        if wing(user) != name.removeprefix("tlbench.")
    }
    spare = {each for each in module.__all__ if (each, name) not in used and each not in tlbench.__all__}
    assert not spare - documented(), f"nobody outside {name} uses {sorted(spare)}"


def documented():
    """Return all words of the documents: a name that these show is used, too."""
    return set(re.findall(r"\w+", " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))))


def test_no_plugin_is_named_in_the_core():
    from tlbench.host import hookspecs

    hooks = {name for name in vars(hookspecs) if name.startswith("tlbench_")}
    for path in modules("tlbench").values():
        words = set(re.findall(r"\btlbench_[a-z_]+\b", path.read_text(encoding="utf-8")))
        assert words <= hooks | {"tlbench_requires", "tlbench_file_"}, path


def test_plugins_import_tlbench_alone_and_tools_the_names_that_wings_show():
    grounds = {f"tlbench.{name}" for name in ON_THE_GROUND - {"__init__", "__main__"}}
    for module in modules("plugins"):
        plugin = module.partition(".")[0]
        is_tool = plugin in TOOLS or module.startswith(COMMANDS)
        for each in imports(module):
            place = f"{module}, line {each.line}: {each.module}"
            if each.module.partition(".")[0] != "tlbench":
                continue
            if each.module == "tlbench" and each.name:
                assert each.name in tlbench.__all__, place
            elif not is_tool:
                pytest.fail(f"{place}: a plugin that is no tool imports `tlbench` alone")
            elif each.module in grounds:
                assert not each.name.startswith("_"), place
            else:
                assert each.module.count(".") == 1, f"{place} is private to its wing"
                assert each.name in importlib.import_module(each.module).__all__, f"{place}.{each.name}"


def test_the_api_reference_lists_the_faces_and_nothing_else():
    page = ROOT / "docs" / "api.rst"
    if not page.is_file():
        pytest.skip("no documents beside the package")
    listed = re.findall(r"^\.\. automodule:: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    grounds = [f"tlbench.{name}" for name in ("errors", "names", "seeds", "progress", "files")]
    assert listed == ["tlbench", "tlbench.testing", *(f"tlbench.{name}" for name in WINGS), *grounds]


def test_the_picture_of_the_house_is_drawn_from_its_imports():
    script = ROOT / "docs" / "architecture.py"
    if not script.is_file():
        pytest.skip("no documents beside the package")
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def reached(module, among):
    """Return the modules that a module imports, and all that these import, of the given ones."""
    found, left = set(), [module]
    while left:
        new = {home for home in graph()[left.pop()] if home in among} - found
        found |= new
        left += new
    return found


def test_the_datasets_plugin_has_five_folders_and_its_ground_holds_what_several_of_them_share():
    own = {name: name.split(".")[1:] for name in modules("plugins") if name.partition(".")[0] == "tlbench_datasets"}
    folder_of = {name: parts[0] for name, parts in own.items() if parts and parts[0] in DATASETS}
    ground = {name for name in own if name not in folder_of and name != "tlbench_datasets"}
    assert set(folder_of.values()) == DATASETS
    assert ground == {f"tlbench_datasets.{name}" for name in SHARED_BY_DATASETS}
    users = {name: {folder for each, folder in folder_of.items() if name in reached(each, own)} for name in ground}
    assert {name for name, folders in users.items() if len(folders) < 2} == set()
    for name in own.keys() - {"tlbench_datasets"}:
        others = {folder_of[home] for home in graph()[name] if home in folder_of} - {folder_of.get(name)}
        assert not others, f"{name} imports from {sorted(others)}: share it on the ground"


def test_no_module_of_the_datasets_plugin_is_left_unused():
    own = {name for name in modules("plugins") if name.partition(".")[0] == "tlbench_datasets"}
    packages = {f"tlbench_datasets.{folder}" for folder in DATASETS}
    assert own - packages - {"tlbench_datasets"} == reached("tlbench_datasets", own)
