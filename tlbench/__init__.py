"""Compare ways of transfer learning on your own data.

Plugin authors find here what their classes are made of; `run` executes a suite from Python.
"""

import importlib
import sys
from typing import Any

import lazy_loader

__version__ = "0.2.0.dev0"

# Names are imported when asked for: `tlbench --help` must not wait for pandas, nor a suite file for torch.
_find, _, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = [*_names, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _names:
        return _find(name)
    from tlbench.names import near_miss

    raise AttributeError(f"module 'tlbench' has no attribute {name!r}.{near_miss(name, __all__)}")


def __dir__() -> list[str]:
    return __all__


# A path of release 0.1.0 that plugins of that time import.
sys.modules["tlbench.catalog"] = importlib.import_module("tlbench.host")
