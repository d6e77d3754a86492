"""Say how messages name files: always one printable line, never a list of thousands."""

import difflib
from collections.abc import Iterable, Sequence

_MOST_SHOWN = 3


def shown(name: str) -> str:
    """Return a file's name so that it fits on one line of any terminal."""
    return name if name.isprintable() else ascii(name)[1:-1]


def some(names: Sequence[str]) -> str:
    """Return up to three names and how many more there are."""
    listed = ", ".join(shown(name) for name in names[:_MOST_SHOWN])
    return listed + (f" and {len(names) - _MOST_SHOWN:,} more" if len(names) > _MOST_SHOWN else "")


def near(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?`, or nothing where no known name is close."""
    by_lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean '{shown(by_lower[close[0]])}'?" if close else ""
