"""Collect what libraries warn of: it belongs into records and a file, not between the lines of a terminal."""

import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tlbench.names import one_line

_LONGEST = 300  # letters of a warning that are kept
_TOLD = (UserWarning, RuntimeWarning, FutureWarning)  # each time; of the others what Python's own filters let through


class _Handler(logging.Handler):
    def __init__(self, heard: "Counter[str]") -> None:
        super().__init__(logging.WARNING)
        self.heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self.heard[_first_line(record.name, record.getMessage())] += 1


@contextmanager
def hearing() -> Iterator["Counter[str]"]:
    """Collect what is warned of in a block, through `warnings` and `logging`: first lines, and how often each came.

    Where somebody asked for errors in the place of warnings, they are raised as ever.
    """
    heard: Counter[str] = Counter()
    handler, root = _Handler(heard), logging.getLogger()
    around = [each for each in root.handlers if isinstance(each, _Handler)]  # of blocks around this one
    with warnings.catch_warnings(record=True) as caught:
        if not any(action == "error" for action, *_ in warnings.filters):
            for category in _TOLD:
                warnings.simplefilter("always", category)
        for each in around:
            root.removeHandler(each)
        root.addHandler(handler)
        try:
            yield heard
        finally:
            root.removeHandler(handler)
            for each in around:
                root.addHandler(each)
            heard.update(_first_line(each.category.__name__, str(each.message)) for each in caught or ())


def _first_line(kind: str, text: str) -> str:
    first = next(iter(text.strip().splitlines()), "")
    return f"{kind}: {one_line(first)}"[:_LONGEST]
