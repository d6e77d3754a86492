"""Draw charts alike: one style, colours that colour-blind readers can tell apart, and the same bytes each time."""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from textwrap import fill
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from tlbench_reports.rows import CROWDED
from tlbench_reports.words import known, plain

BLACK, GREY = "#000000", "#767676"
# Okabe and Ito, Color Universal Design, 2008, without black, kept for baselines, and yellow, too pale on white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
# As many as share no divisor with the colours, so that the first 66 pairs differ.
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")
_ROOM = 0.06  # inches around a picture without words
INEXACT = "Its last digits are those of the processor that drew it."
_STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "figure.dpi": 160,
    "font.size": 10,
    "grid.color": "#e4e4e4",
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
    marker: str
    line: str


UPPER_BOUND = Look(BLACK, "*", ":")


@dataclass(frozen=True, eq=False)
class Chart:
    """Hold a picture with what it shows in words."""

    name: str  # of its files
    title: str
    caption: str
    size: tuple[float, float]  # inches
    draw: Callable[[Figure], None]
    exact: bool = True  # whether every processor draws the same

    @cached_property
    def figure(self) -> Figure:
        """Return the chart with title and caption, drawn and laid out once for all formats; to be used in the style."""
        figure = Figure(figsize=self.size, layout="constrained")
        self.draw(figure)
        letters = int(self.size[0] * 15)
        figure.suptitle(fill(self.title, int(letters * 0.7)), x=0.01, ha="left", fontsize=12)
        figure.supxlabel(fill(self.caption, letters), x=0.01, ha="left", fontsize=8.5, color="#444444")
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # the places found are kept: to find them takes as long as to draw
        for axes in figure.axes:  # the solver's last digits differ from time to time
            axes.set_position([round(value, 4) for value in axes.get_position().bounds])
        return figure


def looks(strategies: Iterable[str], baselines: Iterable[str]) -> dict[str, Look]:
    """Give each strategy its colour and marker; baselines are black."""
    names, compared = list(dict.fromkeys(strategies)), set(baselines)
    chosen = [name for name in names if name in compared]
    given = {name: Look(BLACK, _MARKERS[i % len(_MARKERS)], "--") for i, name in enumerate(chosen)}
    others = [name for name in names if name not in given]
    for i, name in enumerate(others):
        given[name] = Look(_COLOURS[i % len(_COLOURS)], _MARKERS[i % len(_MARKERS)], "-")
    return given


def class_look(place: int) -> tuple[str, str]:
    """Return the colour and the marker of the class at this place of a legend."""
    return _COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)]


def ink(colour: Sequence[float]) -> str:
    """Return black or white, whichever is read better upon a colour of red, green and blue from 0 to 1."""
    red, green, blue = (channel**2.2 for channel in colour[:3])
    bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179  # where both contrast alike (WCAG 2)
    return "black" if bright else "white"


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
    axes.set_yticks(range(len(lines)), [broken(label, 34) if label else family for family, label in lines])
    for text, (_, label) in zip(axes.get_yticklabels(), lines, strict=True):
        if not label:
            text.set(style="italic", color="#444444")


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
    return f"{plain(row['transfer'])}, {plain(row['backbone'])}"


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
        words = (chart.figure._suptitle, chart.figure._supxlabel)
        for text in words:
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
    else:
        FigureCanvasAgg(chart.figure).print_png(stream, metadata={"Software": None})
    return stream.getvalue()


def _cut(picture: bytes, above: float, below: float, size: tuple[float, float]) -> bytes:
    """Return an SVG without what is above and below, in inches."""
    above, below = max(above - _ROOM, 0), max(below - _ROOM, 0)
    width, height = 72 * size[0], 72 * (size[1] - above - below)
    head = f'width="{width:g}pt" height="{height:g}pt" viewBox="0 {72 * above:g} {width:g} {height:g}"'
    return re.sub(rb'width="[^"]*" height="[^"]*" viewBox="[^"]*"', head.encode(), picture, count=1)
