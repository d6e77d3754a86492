"""Draw charts alike: one style, colours that colour-blind readers can tell apart, and the same bytes each time."""

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from textwrap import fill
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from tlbench_reports import svg
from tlbench_reports.palette import BLACK, COLOURS, GRID, NOTE
from tlbench_reports.rows import CROWDED
from tlbench_reports.words import known, plain

Line = str | tuple[int, tuple[float, ...]]  # as matplotlib takes it
MARKERS: tuple[str | tuple[int, int, int], ...] = ("o", "s", "^", "D", "v", "P", "X", "<", ">", (4, 1, 0), "p", "h")
_CLASS_MARKERS = ("o", "s", "^", "D", "v", "+", "x", "<", ">", "*", "1", "|")
_LINES: tuple[Line, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_ROOM = 0.06  # inches around a picture without words
INEXACT = "Its last digits are those of the processor that drew it."
_STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "figure.dpi": 160,
    "font.size": 10,
    "grid.color": GRID,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.4,
    "lines.markersize": 5.5,
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and copied
    "svg.hashsalt": "tlbench",  # else the names inside the file are random
    "text.parse_math": False,  # a dollar sign in a folder's name is no formula
}


@dataclass(frozen=True)
class Look:
    """Describe how a strategy is drawn, the same in every chart."""

    colour: str
    marker: str | tuple[int, int, int]
    line: Line


UPPER_BOUND = Look(BLACK, "*", ":")


@dataclass(frozen=True, eq=False)
class Chart:
    """Hold a picture with what it shows in words."""

    name: str  # of its files
    title: str
    caption: str  # without one a chart has no title on it either
    size: tuple[float, float]  # inches
    draw: Callable[[Figure], Callable[[], None] | None]  # what it returns is done once all has its place
    exact: bool = True  # whether every processor draws the same
    lead: str = ""  # what it says, in one sentence, where that can be said
    narrow: "Chart | None" = None  # the same for a phone

    def with_narrow(self, size: tuple[float, float], draw: Callable[[Figure], Callable[[], None] | None]) -> "Chart":
        """Return this chart with another of it for a phone."""
        return replace(self, narrow=replace(self, caption="", size=size, draw=draw))

    @cached_property
    def figure(self) -> Figure:
        """Return the chart with title and caption, drawn and laid out once for all formats; to be used in the style."""
        figure = Figure(figsize=self.size, layout="constrained")
        settle = self.draw(figure)
        if self.caption:
            letters = int(self.size[0] * 15)
            figure.suptitle(fill(self.lead or self.title, int(letters * 0.7)), x=0.01, ha="left", fontsize=12)
            caption = f"{self.title}. {self.caption}" if self.lead else self.caption
            figure.supxlabel(fill(caption, letters), x=0.01, ha="left", fontsize=8.5, color=NOTE)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # the places found are kept: to find them takes as long as to draw
        for axes in figure.axes:  # the solver's last digits differ from time to time
            axes.set_position([round(value, 4) for value in axes.get_position().bounds])
        if settle is not None:
            settle()
        return figure


def looks(rows: Sequence[Mapping[str, Any]]) -> dict[str, Look]:
    """Give each strategy among rows of the summary its colour, mark and line, the same in all charts of a report.

    Baselines are black. Each of the others has a colour of its own where there are enough; else that of its family.
    """
    found = {str(row["label"]): str(row["family"]) for row in rows}
    compared = {str(row["label"]) for row in rows if row["is_baseline"]}
    others = [label for label in found if label not in compared]
    groups = others if len(others) <= len(COLOURS) else list(dict.fromkeys(found[label] for label in others))
    given: dict[str, Look] = {}
    for place, label in enumerate(label for label in found if label in compared):
        given[label] = Look(BLACK, MARKERS[place % len(MARKERS)], (0, (5, 1.5)))
    used = Counter[tuple[str, int]]()  # how often a group has a mark
    for place, label in enumerate(others, start=len(given)):
        group = label if groups is others else found[label]
        turns = ((place + turn) % len(MARKERS) for turn in range(len(MARKERS)))
        mark = min(turns, key=lambda mark: used[group, mark])
        line = _LINES[used[group, mark] % len(_LINES)]
        used[group, mark] += 1
        given[label] = Look(COLOURS[groups.index(group) % len(COLOURS)], MARKERS[mark], line)
    bounds = {str(row["label"]): UPPER_BOUND for row in rows if row["upper_bound"]}
    return {**given, **bounds}


def class_look(place: int) -> tuple[str, str]:
    """Return the colour and the marker of the class at this place of a legend; ten can be told apart when small."""
    return COLOURS[place % len(COLOURS)], _CLASS_MARKERS[place % len(_CLASS_MARKERS)]


def ink(colour: Sequence[float]) -> str:
    """Return black or white, as good as, whichever is read better upon a colour of red, green and blue from 0 to 1."""
    red, green, blue = (channel**2.2 for channel in colour[:3])
    bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179  # where both contrast alike (WCAG 2)
    return "#010101" if bright else "#fefefe"  # not quite, since a dark page exchanges what is


def families(rows: Iterable[Any]) -> list[str]:
    """Return the families of rows, where these are so many that headings or colours by family help."""
    shown = list(rows)
    found = list(dict.fromkeys(plain(row["family"]) for row in shown))
    return found if len(found) > 1 and len({row["label"] for row in shown}) > CROWDED else []


def lines_by_family(rows: Iterable[Any]) -> list[tuple[str, str]]:
    """Return (family, label) for each line of a chart; a line without a label is the heading of a family."""
    shown = list(rows)
    crowded = families(shown)
    lines: list[tuple[str, str]] = []
    for family in crowded or [""]:
        own = [row for row in shown if not crowded or plain(row["family"]) == family]
        lines += [(family, "")] if crowded else []
        lines += dict.fromkeys((family, row["label"]) for row in own)
    return lines


def name_lines(axes: Axes, lines: list[tuple[str, str]]) -> None:
    """Write the names of lines, the first at 0, beside the vertical axis; families in italics."""
    axes.set_yticks(range(len(lines)), [broken(cut(label, 64), 34) if label else family for family, label in lines])
    for text, (_, label) in zip(axes.get_yticklabels(), lines, strict=True):
        if not label:
            text.set(style="italic", color=NOTE)


def score_limits(rows: Iterable[Any]) -> tuple[float, float]:
    """Return an axis that shows every mean, and intervals as far as they do not dwarf the means."""
    known_rows = [row for row in rows if known(row["mean"])]
    means = [row["mean"] for row in known_rows] or [0.0, 1.0]
    room = max(max(means) - min(means), 0.1)
    bars = [(row, "episode_" if row["n_episodes"] else "") for row in known_rows]
    lows, highs = ([row[f"{over}{end}"] for row, over in bars] for end in ("low", "high"))
    low, high = min([*filter(known, lows), *means]), max([*filter(known, highs), *means])
    margin = room / 20
    return max(low, min(means) - room / 2) - margin, min(high, max(means) + room / 2) + margin


def place_name(row: Mapping[str, Any]) -> str:
    """Name the transfer and backbone of a row."""
    return f"{cut(plain(row['transfer']))}, {cut(plain(row['backbone']))}"


def cut(name: str, most: int = 44) -> str:
    """Return a name of at most so many letters, its middle left out where it is longer."""
    head = (most - 1) // 2
    return name if len(name) <= most else f"{name[:head]}…{name[head + 1 - most :]}"


def broken(name: str, width: int = 24) -> str:
    """Return a strategy's name on lines of about this many letters, broken between its parameters."""
    if len(name) <= width + 6:
        return plain(name)
    lines = [""]
    for part in re.findall(r"[^,(]+[,(]?|[,(]", plain(name)):
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("  ")
        lines[-1] += part
    return "\n".join(lines)


def figure_of(chart: Chart) -> Figure:
    """Return a chart as a figure of matplotlib, with its title and caption."""
    with _style():
        return chart.figure


def render(chart: Chart, *file_formats: str, standalone: bool = True) -> list[bytes]:
    """Return a chart in each of these formats, `svg` or `png`; a standalone one carries its title and caption.

    One that does not is an SVG cut to what is left; with it the drawing is done with, and forgotten.
    """
    with _style():
        for text in filter(None, (chart.figure._suptitle, chart.figure._supxlabel)):
            text.set_visible(standalone)
        pictures = [_saved(chart, file_format) for file_format in file_formats]
        if not standalone:
            box = chart.figure.get_tightbbox()
            height = chart.size[1]
            pictures = [_cut(picture, max(height - box.y1, 0), max(box.y0, 0), chart.size) for picture in pictures]
            vars(chart).pop("figure")
        return pictures


@contextmanager
def _style() -> Iterator[None]:
    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def _saved(chart: Chart, file_format: str) -> bytes:
    stream = BytesIO()
    # Not by savefig, which draws twice, since it cannot know that the places have been found.
    if file_format == "svg":
        described = {} if chart.exact else {"Description": INEXACT}
        FigureCanvasSVG(chart.figure).print_svg(stream, metadata={"Date": None, **described})
        chart.figure.dpi = _STYLE["figure.dpi"]
        return svg.with_values(stream.getvalue())
    FigureCanvasAgg(chart.figure).print_png(stream, metadata={"Software": None})
    return stream.getvalue()


def _cut(picture: bytes, above: float, below: float, size: tuple[float, float]) -> bytes:
    """Return an SVG without what is above and below, in inches."""
    above, below = max(above - _ROOM, 0), max(below - _ROOM, 0)
    width, height = 72 * size[0], 72 * (size[1] - above - below)
    head = f'width="{width:g}pt" height="{height:g}pt" viewBox="0 {72 * above:g} {width:g} {height:g}"'
    return re.sub(rb'width="[^"]*" height="[^"]*" viewBox="[^"]*"', head.encode(), picture, count=1)
