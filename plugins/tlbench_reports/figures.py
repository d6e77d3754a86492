"""Choose the charts that the page shows: by kind, and not more than a reader would look at."""

import base64
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from markupsafe import Markup

from tlbench import MANY_RECORDS, side_by_side
from tlbench_reports.charts import charts
from tlbench_reports.drawing import Chart, render
from tlbench_reports.rows import partition
from tlbench_reports.svg import embedded, has_values, themed

if TYPE_CHECKING:
    from tlbench import Results

MOST = 36  # charts on a page; to draw one takes about half a second
FEW = 12  # charts on the page of so many records: about one of each kind
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
    """Hold one drawing of a chart: inline where its marks tell values, and else as an image."""

    width: int  # pixels
    height: int
    svg: Markup | None  # an <svg class="chart">, with marks of the class `point`
    source: str  # a data URI where there is no `svg`, light or dark as the screen is


@dataclass(frozen=True)
class Figure:
    """Hold a chart as the page shows it."""

    title: str
    lead: str  # what it says in one sentence, or nothing
    caption: str
    wide: Picture
    narrow: Picture | None  # for a phone, where the other would be too small

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Return its drawings, of which a page shows one."""
        return (self.wide, self.narrow) if self.narrow else (self.wide,)


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

    def __len__(self) -> int:
        return sum(len(kind.figures) for kind in self.kinds)


def gallery(results: "Results") -> Gallery:
    """Draw the charts, of each kind as many as there is room for."""
    every = charts(results)
    by_kind = partition(every, _kind)
    turns = [chart for turn in zip_longest(*by_kind.values()) for chart in turn if chart is not None]
    room = MOST if len(results.records) < MANY_RECORDS else FEW
    wanted = {id(chart) for chart in turns[:room]}
    chosen = [chart for chart in every if id(chart) in wanted]  # the order in which their files are drawn
    drawn = side_by_side(lambda part: list(map(_figure, part)), chosen)
    figures = {id(chart): figure for chart, figure in zip(chosen, drawn, strict=True)}
    kinds = tuple(
        Kind(f"charts-{place}", title, tuple(figures[id(chart)] for chart in own if id(chart) in wanted))
        for place, (title, own) in enumerate(by_kind.items(), start=1)
    )
    return Gallery(tuple(kind for kind in kinds if kind.figures), len(every) - len(chosen))


def _kind(chart: Chart) -> str:
    fitting = [beginning for beginning in _KINDS if chart.name.startswith(beginning)]
    return _KINDS[max(fitting, key=len)] if fitting else "Further charts"


def _figure(chart: Chart) -> Figure:
    narrow = _picture(chart.narrow, f"narrow-{chart.name}") if chart.narrow else None
    return Figure(chart.title, chart.lead, chart.caption, _picture(chart, chart.name), narrow)


def _picture(chart: Chart, name: str) -> Picture:
    [picture] = render(chart, "svg", standalone=False)
    width, height = _pixels(picture, chart)
    if has_values(picture):
        return Picture(width, height, Markup(embedded(picture, name, chart.lead or chart.title)), "")
    return Picture(width, height, None, f"data:image/svg+xml;base64,{base64.b64encode(themed(picture)).decode()}")


def _pixels(picture: bytes, chart: Chart) -> tuple[int, int]:
    """Return the size that the picture itself names in points, which is less than the chart's where it was cut."""
    head = picture[:2000].decode("utf-8", errors="replace")
    found = [head.partition(f' {side}="')[2].partition('pt"')[0] for side in ("width", "height")]
    try:
        width, height = (round(float(points) * 96 / 72) for points in found)
    except ValueError:
        width, height = (round(inches * 96) for inches in chart.size)
    return width, height
