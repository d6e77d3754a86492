"""Write the names of lines at their ends, so far apart that none stands on another."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox, ScaledTranslation

from tlbench_reports.drawing import Look
from tlbench_reports.rows import partition


@dataclass(frozen=True, eq=False)
class End:
    """Hold the name at the end of a strategy's line, and the mark beside it."""

    name: Annotation
    mark: Line2D | None  # of names that stand beside the chart


def end_beside_chart(
    axes: Axes, name: str, look: Look, end: tuple[float, float], font: float, *, is_linked: bool = True
) -> End:
    """Write a strategy's name beside the chart with its mark, linked to the end of its line where that is near."""
    link = {"arrowstyle": "-", "color": look.colour, "linewidth": 0.7, "relpos": (0, 0.5), "shrinkA": 13, "shrinkB": 5}
    text = axes.annotate(
        name, end, (1, end[1]), textcoords=_beside(axes, 26), va="center", fontsize=font,
        arrowprops=link if is_linked else None, annotation_clip=False,
    )  # fmt: skip
    [mark] = axes.plot(
        1, end[1], marker=look.marker, markersize=6, color=look.colour, linestyle="none", transform=_beside(axes, 19),
        clip_on=False,
    )  # fmt: skip
    return End(text, mark)


def end_beside_point(axes: Axes, name: str, end: tuple[float, float], font: float) -> End:
    """Write a strategy's name beside its only point."""
    text = axes.annotate(
        name, end, (9, 0), textcoords="offset points", va="center", fontsize=font, annotation_clip=False
    )
    return End(text, None)


def _beside(axes: Axes, points: float) -> Any:
    """Return the coordinates of what stands so far to the right of the axes: 1, and a score."""
    shift = ScaledTranslation(points / 72, 0, axes.figure.dpi_scale_trans)
    return axes.get_yaxis_transform() + shift


def settle(axes: Axes, ends: list[End], best: list[Text]) -> None:
    """Move names that would stand on each other apart, and leave the names of the best out where they have no room."""
    area = axes.get_window_extent()
    for own in partition(ends, lambda end: end.mark is None).values():
        boxes = {id(end): Text.get_window_extent(end.name) for end in own}  # without what links it
        own.sort(key=lambda end: _middle(boxes[id(end)]), reverse=True)
        sizes = [boxes[id(end)].height * 1.08 for end in own]
        heights = spread([_middle(boxes[id(end)]) for end in own], sizes, area.y0 - area.height * 0.1, area.y1)
        for end, height in zip(own, heights, strict=True):
            if end.mark is None:
                end.name.set_position((9, (height - _middle(boxes[id(end)])) * 72 / axes.figure.dpi))
                continue
            score = float(axes.transData.inverted().transform((0, height))[1])
            end.name.set_position((1, score))
            end.mark.set_ydata([score])
    extents = sorted((text.get_window_extent() for text in best), key=lambda box: box.x0)
    if any(one.x1 + 4 > other.x0 for one, other in pairwise(extents)):
        for text in best:
            text.set_visible(False)


def _middle(box: Bbox) -> float:
    return float(box.y0 + box.y1) / 2


def spread(wanted: list[float], sizes: list[float], low: float, high: float) -> list[float]:
    """Return heights near the wanted ones, which fall, so far apart that things of these sizes do not overlap."""
    places: list[float] = []
    top = high
    for centre, size in zip(wanted, sizes, strict=True):
        places.append(min(centre, top - size / 2))
        top = places[-1] - size / 2
    bottom = low
    for i in reversed(range(len(places))):  # what was pushed out below moves up again
        places[i] = max(places[i], bottom + sizes[i] / 2)
        bottom = places[i] + sizes[i] / 2
    return places
