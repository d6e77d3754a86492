"""Start-up: what a user waits for before anything happens."""

import subprocess
import sys

import pytest

STARTS = {
    "empty Python": [sys.executable, "-c", "pass"],
    "tlbench --version": [sys.executable, "-m", "tlbench", "--version"],
    "tlbench --help": [sys.executable, "-m", "tlbench", "--help"],
    "import torch": [sys.executable, "-c", "import torch"],
    "tlbench list strategies": [sys.executable, "-m", "tlbench", "list", "strategies"],
}


@pytest.mark.benchmark(group="start-up")
@pytest.mark.parametrize("what", STARTS)
def test_start_up(benchmark, what):
    done = benchmark.pedantic(
        lambda: subprocess.run(STARTS[what], capture_output=True, check=True), rounds=5, warmup_rounds=1
    )
    assert done.returncode == 0


def test_help_does_not_import_torch_nor_pandas():
    code = (
        "import sys; from tlbench.cli import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    modules = done.stdout.rsplit("[", 1)[1]
    assert not [name for name in ("'torch'", "'pandas'", "'timm'", "'numpy'") if name in modules]
