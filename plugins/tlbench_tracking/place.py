"""Prepare the folder that a tracker writes to, and the library that it needs."""

import os
from importlib.util import find_spec
from pathlib import Path

from tlbench import PluginError, TlbenchError


def require(tracker: str, module: str) -> None:
    """Raise PluginError where a tracker's library is not installed."""
    if find_spec(module) is None:
        raise PluginError(f"tracker {tracker!r} needs the library {module}: pip install 'tlbench[{tracker}]'.")


def writable_folder(tracker: str, place: str) -> Path:
    """Return the folder that a place names, made if need be; raise TlbenchError where nobody can write to it."""
    folder = Path(place).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".tlbench-{os.getpid()}.tmp"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise TlbenchError(f"tracker {tracker!r} cannot write to {folder}: {reason}. Give it another folder.") from None
    return folder
