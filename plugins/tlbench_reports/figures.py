"""Choose the charts that the page shows: by kind, and not more than a reader would look at."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from tlbench import MANY_RECORDS, side_by_side
from tlbench_reports.charts import charts
from tlbench_reports.drawing import Chart, render
from tlbench_reports.rows import partition, summary_rows
from tlbench_reports.svg import themed
from tlbench_reports.words import file_name, plain

if TYPE_CHECKING:
    from tlbench import Results

MOST = 36  # charts on a page; to draw one takes about half a second
FEW = 12  # charts on the page of so many records: about one of each kind
_ON_TOP = ("budget-", "scores-")  # what charts on top of the page are named, the best first
OPEN = 4  # charts of one kind that are open; the others are under a line to press

# What the names of charts begin with, and the heading that they stand under.
_KINDS = {
    "budget": "Scores by label budget",
    "critical-difference": "Ranks across datasets",
    "ranks": "Ranks across datasets",
    "profile": "Performance profiles",
    "heat-map": "Heat maps",
    "scores": "Scores",
    "differences": "Differences to the baseline",
    "cost": "Scores against cost",
    "tuning": "Scores against tuning budget",
    "selection": "Choosing without labels",
    "calibration": "Calibration",
    "confusion": "Confusions",
    "embedding": "Features before and after",
}


@dataclass(frozen=True)
class Picture:
    """Hold one drawing of a chart, light or dark as the screen is."""

    width: int  # pixels
    height: int
    source: str  # a data URI


@dataclass(frozen=True)
class Figure:
    """Hold a chart as the page shows it."""

    title: str
    lead: str  # what it says in one sentence, or nothing
    caption: str
    wide: Picture
    narrow: Picture | None  # for a phone, where the other would be too small


@dataclass(frozen=True)
class Kind:
    """Hold charts that show the same of different things."""

    key: str  # an id in the page
    title: str
    figures: tuple[Figure, ...]

    @property
    def open(self) -> tuple[Figure, ...]:
        """Return the figures that are shown at once."""
        return self.figures if len(self.figures) <= OPEN + 1 else self.figures[:OPEN]

    @property
    def folded(self) -> tuple[Figure, ...]:
        """Return the figures that are shown when asked for."""
        return self.figures[len(self.open) :]


@dataclass(frozen=True)
class Gallery:
    """Hold all charts of the page."""

    kinds: tuple[Kind, ...]
    left_out: int  # charts that there would be besides
    first: Mapping[tuple[str, str], Figure] = field(default_factory=dict)  # of each transfer and backbone, on top

    def __len__(self) -> int:
        return sum(len(kind.figures) for kind in self.kinds)


def gallery(results: "Results") -> Gallery:
    """Draw the charts, of each kind as many as there is room for."""
    every = charts(results)
    by_kind = partition(every, _kind)
    first = _first(results, every)
    on_top = {id(chart) for chart in first.values()}
    turns = [chart for turn in zip_longest(*by_kind.values()) for chart in turn if chart and id(chart) not in on_top]
    room = MOST if len(results.records) < MANY_RECORDS else FEW
    below = {id(chart) for chart in turns[: max(room - len(on_top), 0)]}
    wanted = on_top | below
    chosen = [chart for chart in every if id(chart) in wanted]  # the order in which their files are drawn
    drawn = side_by_side(lambda part: list(map(_figure, part)), chosen)
    figures = {id(chart): figure for chart, figure in zip(chosen, drawn, strict=True)}
    kinds = tuple(
        Kind(f"charts-{place}", title, tuple(figures[id(chart)] for chart in own if id(chart) in below))
        for place, (title, own) in enumerate(by_kind.items(), start=1)
    )
    shown = {place: figures[id(chart)] for place, chart in first.items()}
    return Gallery(tuple(kind for kind in kinds if kind.figures), len(every) - len(chosen), shown)


def _first(results: "Results", every: list[Chart]) -> dict[tuple[str, str], Chart]:
    """Return the chart that stands on top of each transfer and backbone: scores by label budget, else scores."""
    places = dict.fromkeys((str(row["transfer"]), str(row["backbone"])) for row in summary_rows(results))
    found = {}
    for place in places:
        names = "-".join(map(file_name, place))
        own = [chart for chart in every if chart.name.startswith(_ON_TOP) and f"-{names}-" in f"{chart.name}-"]
        if own:
            found[plain(place[0]), plain(place[1])] = min(own, key=_preference)
    return found


def _preference(chart: Chart) -> int:
    return next(i for i, beginning in enumerate(_ON_TOP) if chart.name.startswith(beginning))


def _kind(chart: Chart) -> str:
    fitting = [beginning for beginning in _KINDS if chart.name.startswith(beginning)]
    return _KINDS[max(fitting, key=len)] if fitting else "Further charts"


def _figure(chart: Chart) -> Figure:
    narrow = _picture(chart.narrow) if chart.narrow else None
    return Figure(chart.title, chart.lead, chart.caption, _picture(chart), narrow)


def _picture(chart: Chart) -> Picture:
    [picture] = render(chart, "svg", standalone=False)
    width, height = _pixels(picture, chart)
    return Picture(width, height, f"data:image/svg+xml;base64,{base64.b64encode(themed(picture)).decode()}")


def _pixels(picture: bytes, chart: Chart) -> tuple[int, int]:
    """Return the size that the picture itself names in points, which is less than the chart's where it was cut."""
    head = picture[:2000].decode("utf-8", errors="replace")
    found = [head.partition(f' {side}="')[2].partition('pt"')[0] for side in ("width", "height")]
    try:
        width, height = (round(float(points) * 96 / 72) for points in found)
    except ValueError:
        width, height = (round(inches * 96) for inches in chart.size)
    return width, height
