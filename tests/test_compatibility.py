"""Plugins written for earlier releases go on working: copies of the example plugin as each release had it."""

import importlib.util
import sys
import tomllib
from pathlib import Path

import pytest

from tlbench.host import Catalog, Host
from tlbench.testing import STRATEGY_CHECKS, Toy

RELEASES = sorted((Path(__file__).parent / "releases").glob("example-plugin-*"))


def test_there_is_a_copy_of_the_last_release():
    assert [folder.name for folder in RELEASES] == ["example-plugin-0.1.0"]


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_a_released_plugin_loads_and_keeps_every_rule(release):
    [file] = release.glob("*.py")
    strategy, origin = Catalog(Host([file])).strategy("l1-sp")
    assert origin.source == str(file)
    for check in STRATEGY_CHECKS:
        check.run(strategy, Toy())


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_its_own_tests_import_only_what_is_still_there(release):
    [path] = (release / "tests").glob("test_*.py")
    [module] = release.glob("*.py")
    spec = importlib.util.spec_from_file_location(module.stem, module)
    plugin = importlib.util.module_from_spec(spec)
    sys.modules[module.stem] = plugin
    try:
        spec.loader.exec_module(plugin)
        names = {"__name__": "released_tests"}
        exec(compile(path.read_text(), str(path), "exec"), names)
    finally:
        del sys.modules[module.stem]
    assert any(name.startswith(("test_", "Test")) for name in names)


@pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
def test_it_asks_for_no_more_than_its_own_release(release):
    project = tomllib.loads((release / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["tlbench>=0.1"]
