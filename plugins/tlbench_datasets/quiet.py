"""Silence for the warnings of Pillow, tifffile and numpy while they decode, in any number of threads at once."""

import threading
import warnings
from types import TracebackType


class _Quiet:
    """A context in which warnings from within these libraries are dropped.

    `warnings.catch_warnings` alone is not enough: of two threads that overlap, the one that leaves last would
    restore filters that the other had changed. So the first to enter changes them, the last to leave restores.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"(PIL|tifffile|numpy)(\.|$)")
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.__exit__(kind, error, trace)


quiet_pillow = _Quiet()
