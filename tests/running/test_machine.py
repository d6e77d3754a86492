"""A record says which kernels its machine chose, and names no path by it."""

import os
import subprocess
import sys
import time

import pytest
import torch

from tlbench.running.machine import machine, variables


def facts_under(**given):
    """Return the facts of a fresh process under variables."""
    code = "from tlbench.running.machine import machine; print(machine())"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENBLAS_", "ATEN_"))}
    done = subprocess.run([sys.executable, "-c", code], env=kept | given, capture_output=True, text=True, check=True)
    return eval(done.stdout)


def test_the_machine_names_kernels_libraries_and_threads():
    facts = machine()
    assert facts["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert set(facts) == {"cpu_capability", "numpy_blas", "torch_blas", "onednn", "variables", "interop_threads"}
    assert all(isinstance(value, str) for value in facts.values())


def test_another_core_or_capability_is_another_machine():
    if "openblas" not in machine()["numpy_blas"]:
        pytest.skip("NumPy's BLAS here has no cores to choose from")
    one, other = facts_under(OPENBLAS_CORETYPE="Haswell"), facts_under(OPENBLAS_CORETYPE="Nehalem")
    assert one["numpy_blas"].endswith("Haswell")
    assert other["numpy_blas"].endswith("Nehalem")
    assert (one["variables"], other["variables"]) == ("OPENBLAS_CORETYPE=Haswell", "OPENBLAS_CORETYPE=Nehalem")
    assert facts_under(ATEN_CPU_CAPABILITY="default")["cpu_capability"] == "DEFAULT"


def test_variables_are_short_in_order_and_hold_no_path():
    given = {
        "TORCH_HOME": "/home/me/torch", "OMP_PROC_BIND": "close", "MKL_CBWR": "AVX2", "OMP_NUM_THREADS": "2",
        "HOME": "/home/me", "OPENBLAS_CORETYPE": "x" * 99, "ONEDNN_VERBOSE": "", "AWS_TORCH_KEY": "secret",
    }  # fmt: skip
    assert variables(given) == f"MKL_CBWR=AVX2 OMP_PROC_BIND=close OPENBLAS_CORETYPE={'x' * 40} TORCH_HOME"


def test_the_machine_is_looked_up_once():
    assert machine() is machine()
    machine.cache_clear()
    start = time.process_time()
    machine()
    assert time.process_time() - start < 1, "a record must not wait for it"
