"""Switches are set for every process, and cost nothing that a plan would wait for."""

import subprocess
import sys

_ASKED = """
import sys, torch
from tlbench.learning import configure
before = set(sys.modules)
configure(1)
print(torch.are_deterministic_algorithms_enabled(), "torch._inductor" in set(sys.modules) - before)
"""


def test_kernels_are_made_deterministic_without_importing_the_compiler_of_torch():
    done = subprocess.run([sys.executable, "-c", _ASKED], capture_output=True, text=True, check=True, timeout=200)
    assert done.stdout.split() == ["True", "False"]
