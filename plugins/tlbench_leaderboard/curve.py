"""Draw scores against label budgets as a small SVG, whose colours are those of the page's light or dark style."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from tlbench_leaderboard.words import budget, score

WIDTH, HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 178, 14, 34
_BRIGHT = 7  # lines with a colour and a name; the others are pale
_LINE = 15  # units that a name takes
_LONGEST = 25  # letters of a name


@dataclass(frozen=True)
class Series:
    """Hold the scores of a strategy by label budget."""

    name: str
    points: Mapping[str, float]
    leads: bool  # at any budget
    is_verified: bool = True
    is_baseline: bool = False


def curve(budgets: Sequence[str], series: Sequence[Series], metric: str) -> Markup:
    """Return the picture: those that lead anywhere and the next best have a colour and a name, the best on top."""
    known = [each for each in series if each.points]
    values = [value for each in known for value in each.points.values()]
    low, high = min(values), max(values)
    room = max(high - low, 1e-3)
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(budgets) - 1)
    across = {name: _LEFT + place * step for place, name in enumerate(budgets)}

    def up(value: float) -> float:
        return HEIGHT - _BOTTOM - (value - low) / room * (HEIGHT - _TOP - _BOTTOM)

    order = sorted(known, key=lambda each: (not each.leads, -_mean(each), each.name))
    bright = [each for each in order if not each.is_baseline][:_BRIGHT]
    marks = {each.name: str(number) for number, each in enumerate(bright)}
    marks |= {each.name: "b" for each in order if each.is_baseline}
    parts = [f"<line class=a x1={x:.0f} x2={x:.0f} y1={_TOP} y2={HEIGHT - _BOTTOM} />" for x in across.values()]
    parts += [
        f"<text x={x:.0f} y={HEIGHT - 16} text-anchor=middle>{escape(budget(name))}</text>"
        for name, x in across.items()
    ]
    for value in (low, (low + high) / 2, high):
        parts.append(f"<text x={_LEFT - 6} y={up(value) + 4:.0f} text-anchor=end>{value:.2f}</text>")
    parts += [_line(each, "p", across, up) for each in order if each.name not in marks]
    parts += [_line(each, marks[each.name], across, up) for each in reversed(order) if each.name in marks]
    parts += _names([each for each in order if each.name in marks], marks, up)
    label = f"{metric} by label budget; the table has the numbers"
    return Markup(f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role=img aria-label="{escape(label)}">{"".join(parts)}</svg>')


def _mean(series: Series) -> float:
    return sum(series.points.values()) / len(series.points)


def _line(series: Series, mark: str, across: Mapping[str, float], up: Callable[[float], float]) -> str:
    points = [(across[name], up(value), name, value) for name, value in series.points.items()]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in points)
    dashed = "" if series.is_verified else " u"
    dots = "".join(
        f"<circle cx={x:.1f} cy={y:.1f} r=3.5>"
        f"<title>{escape(series.name)}, {escape(budget(name))}: {score(value)}</title></circle>"
        for x, y, name, value in points
        if mark != "p"
    )
    title = "" if dots else f"<title>{escape(series.name)}</title>"
    return f'<g class="c{mark}{dashed}"><polyline points="{path}">{title}</polyline>{dots}</g>'


def _names(named: Sequence[Series], marks: Mapping[str, str], up: Callable[[float], float]) -> list[str]:
    """Return the names at the ends of lines, moved apart where they would collide."""
    placed: list[tuple[float, str]] = []
    for y, name in sorted((up(list(each.points.values())[-1]) + 4, each.name) for each in named):
        placed.append((max(y, placed[-1][0] + _LINE) if placed else y, name))
    found, limit = [], HEIGHT - _BOTTOM + 6.0
    for y, name in reversed(placed):  # what stands below the picture is pushed up again
        found.append((min(y, limit), name))
        limit = found[-1][0] - _LINE
    x = WIDTH - _RIGHT + 8
    return [
        f'<text class="c{marks[name]} n" x={x} y={y:.0f}>{escape(_short(name))}<title>{escape(name)}</title></text>'
        for y, name in found
    ]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
