"""Send things to worker processes and compare: what is pickled and read again is the same, here and elsewhere.

Every pickle is made here, of the plugin under examination, and read at once: none comes from elsewhere.
"""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from tlbench.contract import Dataset

SECONDS = 120  # for another process to load a dataset
Thing = TypeVar("Thing")


def sent(thing: Thing) -> Thing:
    """Return what a worker process would be given; raises whatever pickling raises."""
    copy: Thing = pickle.loads(pickle.dumps(thing))
    return copy


def digest_here(dataset: Dataset, parts: Sequence[tuple[str, str]]) -> str:
    """Return one text for what a dataset gives in this process."""
    script = dict[str, Any](dataset=dataset, parts=parts)
    exec(_DIGEST, script)
    return str(script["digest"].hexdigest())


def digest_elsewhere(dataset: Dataset, parts: Sequence[tuple[str, str]]) -> str | None:
    """Return the text of `digest_here` from a process that hashes otherwise; None where the dataset cannot be sent."""
    module = sys.modules[type(dataset).__module__]
    if "<locals>" in type(dataset).__qualname__ or not getattr(module, "__file__", None):
        return None
    try:
        pickled = pickle.dumps((dataset, parts))
    except Exception:  # a rule of its own tells of it
        return None
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dataset.pickle"
        path.write_bytes(pickled)
        done = subprocess.run(
            [sys.executable, "-c", _ELSEWHERE, module.__name__, str(module.__file__), str(path)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    return done.stdout.split()[-1] if done.returncode == 0 else None


_DIGEST = """
import hashlib
import numpy as np
digest = hashlib.sha256(repr(tuple(dataset.classes)).encode())
for part in parts:
    loaded = dataset.load(*part)
    digest.update(np.asarray(loaded.labels).tobytes())
    for row in range(0, len(loaded), max(1, len(loaded) // 48)):
        digest.update(np.asarray(loaded.inputs[row]).tobytes())
"""
# Prints the digest in a process of its own, where a plugin file is imported under the name that it has here.
_ELSEWHERE = f"""
import importlib.util, pickle, sys
name, file, path = sys.argv[1:]
try:
    found = importlib.util.find_spec(name)
except (ImportError, ValueError):
    found = None
if found is None:
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
dataset, parts = pickle.loads(open(path, "rb").read())
{_DIGEST}
print(digest.hexdigest())
"""
