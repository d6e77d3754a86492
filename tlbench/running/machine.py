"""Describe what of a machine may change the last bits of a sum: the kernels that libraries choose on it."""

import os
import re
from functools import lru_cache

import torch

# Names whose values libraries choose kernels by. Not numbers of threads: `threads` says what is in effect.
_RELEVANT = re.compile(r"(OPENBLAS|MKL|OMP|ONEDNN|DNNL|TORCH)_(?!NUM_THREADS$)\w+|ATEN_CPU_CAPABILITY")
_LONGEST = 40  # characters of a value that are kept


@lru_cache(maxsize=1)
def machine() -> dict[str, str]:
    """Return instruction set, BLAS libraries with their cores, oneDNN, variables, and threads between operations.

    Looked up once: none of it changes while a process lives.
    """
    built = torch.__config__.show()
    return {
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "numpy_blas": _numpy_blas(),
        "torch_blas": _torch_blas(built),
        "onednn": _onednn(built),
        "variables": variables(os.environ),
        "interop_threads": str(torch.get_num_interop_threads()),
    }


def variables(environment: "os._Environ[str] | dict[str, str]") -> str:
    """Return the relevant variables as `NAME=VALUE`, in order; of a value that may be a path its name alone."""
    found = []
    for name in sorted(environment):
        value = environment[name].strip()
        if value and _RELEVANT.fullmatch(name):
            is_plain = re.fullmatch(r"[\w.,:;+-]+", value) is not None
            found.append(f"{name}={value[:_LONGEST]}" if is_plain else name)
    return " ".join(found)


def _numpy_blas() -> str:
    """Return library, version and core of NumPy's own BLAS, not of those that other packages bring along."""
    from threadpoolctl import threadpool_info

    known = [library for library in threadpool_info() if library.get("user_api") == "blas"]
    own = [library for library in known if "numpy" in str(library.get("filepath", ""))] or known
    names = {
        " ".join(str(library[key]) for key in ("internal_api", "version", "architecture") if library.get(key))
        for library in own
    }
    return ", ".join(sorted(names)) or "unknown"


def _torch_blas(built: str) -> str:
    name = re.search(r"BLAS_INFO=(\w+)", built)
    version = re.search(r"Math Kernel Library Version (\S+)", built)
    if name is None:
        return "unknown"
    return f"mkl {version[1]}" if name[1] == "mkl" and version else name[1]


def _onednn(built: str) -> str:
    version = re.search(r"MKL-DNN v(\S+)", built)
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return "not available"
    return version[1] if version else "unknown"
