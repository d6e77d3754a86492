"""Find the figures that reporters offer by name, for `results.plot`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import entry_points
from io import BytesIO
from typing import Any, Protocol

from tlbench.names import near_miss


class Draws(Protocol):
    """Offer figures by name, as a `tlbench.Reporter` does."""

    figures: Mapping[str, Callable[..., Any]]


class Plots:
    """Draw what reporters can draw of some results: `results.plot.budget()` returns a figure of matplotlib.

    The names are those of `Reporter.figures`, of every plugin; `dir(results.plot)` lists them.
    """

    def __init__(self, results: Any, reporters: Callable[[], Iterable[Draws]] | None) -> None:
        self._results, self._reporters = results, reporters or _installed

    @cached_property
    def _offered(self) -> Mapping[str, Callable[..., Any]]:
        return {name: draw for reporter in self._reporters() for name, draw in reporter.figures.items()}

    def __dir__(self) -> list[str]:
        return sorted(self._offered)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._offered:
            there = ", ".join(sorted(self._offered)) or "none"
            raise AttributeError(f"there is no figure {name!r}.{near_miss(name, self._offered)} There are: {there}.")

        def draw(*arguments: Any, **named: Any) -> Any:
            return _shown_in_notebooks(self._offered[name](self._results, *arguments, **named))

        draw.__doc__ = self._offered[name].__doc__
        return draw


def _installed() -> Iterator[Draws]:
    """Yield the reporters of all installed plugins that load."""
    for point in entry_points(group="tlbench"):
        try:
            offer = getattr(point.load(), "tlbench_reporters", None)
            found = [each for each in (offer() if offer else ()) if hasattr(each, "figures")]
        except Exception:  # `tlbench doctor` says what is broken: it is not what was asked for here
            continue
        yield from found


def _shown_in_notebooks(figure: Any) -> Any:
    """Let a figure that pyplot does not know be shown by a notebook."""

    def as_png() -> bytes:
        stream = BytesIO()
        figure.savefig(stream, format="png", bbox_inches="tight", metadata={"Software": None})
        return stream.getvalue()

    figure._repr_png_ = as_png
    return figure
