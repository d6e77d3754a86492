"""Imports point one way, and the core knows no plugin by name."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tlbench

ROOT = Path(tlbench.__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_contracts_of_the_import_linter_hold():
    pytest.importorskip("importlinter")
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if command is None or not (ROOT / "pyproject.toml").is_file():
        pytest.skip("the import linter's command or its contracts are not here")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout


def test_no_plugin_is_named_in_the_core():
    from tlbench.host import hookspecs

    hooks = {name for name in vars(hookspecs) if name.startswith("tlbench_")}
    for path in sorted((ROOT / "tlbench").rglob("*.py")):
        words = set(re.findall(r"\btlbench_[a-z_]+\b", path.read_text(encoding="utf-8")))
        assert words <= hooks | {"tlbench_requires", "tlbench_file_"}, path


def test_plugins_import_public_names_of_the_core_first():
    # Where a plugin needs more than `from tlbench import ...`, it is a named module and never a private name.
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"from tlbench(?:\.\w+)? import .*\b_[a-z]\w*", text), path
