"""Draw scores by label budget, all strategies on the same axes: who leads, where one overtakes another, how surely."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from tlbench import BudgetRanking, budget_rankings
from tlbench_reports.drawing import Chart, Look, broken, cut, figure_of, looks, place_name, score_limits
from tlbench_reports.leading import relabelled
from tlbench_reports.line_ends import End, end_beside_chart, end_beside_point, settle
from tlbench_reports.measure import named
from tlbench_reports.palette import BLACK, GREY, NOTE, PALE, PAPER
from tlbench_reports.row import truth, worth
from tlbench_reports.rows import SETTINGS, is_episodic, partition, summary_rows
from tlbench_reports.svg import point
from tlbench_reports.words import file_name, known, listing, number, plain

if TYPE_CHECKING:
    from tlbench import Results

_BRIGHT = 8  # strategies with a colour and a name, beside baselines and upper bounds
NAMED = _BRIGHT + 2  # with these
_GAP = 0.14  # between no labels and the fewest, as a share of the axis; where names stand in it:
_NAMED_GAP = 0.34
_DODGE = 0.011  # by how much of the axis bars of one budget stand apart, if there is room
_APART = ("oracle", "unsupervised")  # settings in which nobody leads
_PLACE = ("transfer", "backbone", "setting")


@dataclass(frozen=True)
class Screen:
    """Describe what a chart is drawn for."""

    size: tuple[float, float]  # inches
    letters: int  # of a line of a name
    font: float  # points
    says_best: bool  # over the axes, budget by budget


WIDE = Screen((8.4, 4.9), 26, 9.0, True)
NARROW = Screen((4.0, 3.2), 15, 8.5, False)


def budget_charts(
    results: "Results", metric: str | None = None, style: dict[str, Look] | None = None, most: int | None = None
) -> list[Chart]:
    """Return a chart for each transfer, backbone and setting with scores at two label budgets or more, or for `most`.

    First those of the leading backbone of each transfer, which has the highest best scores, then the others. `lead` of
    each says who leads where.
    """
    return [chart for _, chart in _charts(results, metric, style, most)]


def budget_figure(
    results: "Results",
    transfer: str | None = None,
    backbone: str | None = None,
    metric: str | None = None,
    *,
    narrow: bool = False,
) -> Figure:
    """Return the chart of a transfer and a backbone as a figure of matplotlib, by default of those that stand first.

    Raises TlbenchError where no such place has scores at two label budgets.
    """
    from tlbench import TlbenchError

    every = _charts(results, metric, None, None)
    wanted = (transfer, backbone)
    for ranking, chart in every:
        if all(name in (None, own) for name, own in zip(wanted, (ranking.transfer, ranking.backbone), strict=True)):
            return figure_of(chart.narrow if narrow and chart.narrow else chart)
    where = " on ".join(filter(None, wanted)) or "nothing here"
    there = listing(f"{ranking.transfer} on {ranking.backbone}" for ranking, _ in every)
    has = "has no scores" if any(wanted) else "has scores"
    raise TlbenchError(f"{where} {has} at two label budgets." + (f" There are: {there}." if there else ""))


def _charts(
    results: "Results", metric: str | None, style: dict[str, Look] | None, most: int | None
) -> list[tuple[BudgetRanking, Chart]]:
    metric = metric or results.metric
    places = _leading_first([row for row in summary_rows(results, metric) if not is_episodic(row)])
    chosen = {key: relabelled(places[key]) for key in list(places)[:most]}
    rankings = {_place(ranking): ranking for ranking in budget_rankings(results, metric, chosen)}
    shown = named(metric, results.higher_is_better(metric))
    style = style or {}
    style = looks([row for own in chosen.values() for row in own if row["label"] not in style]) | style
    ordered = [(rankings[key], own) for key, own in chosen.items() if key in rankings]
    return [
        (ranking, _chart(shown, f"budget-{place}-{_name(ranking)}", own, ranking, style))
        for place, (ranking, own) in enumerate(ordered, start=1)
    ]


def has_budget_chart(rows: list[Any]) -> bool:
    """Tell whether rows of one transfer, backbone and setting have a chart by label budget."""
    return bool(_leading_first([row for row in rows if not is_episodic(row)]))


def _place(ranking: BudgetRanking) -> tuple[str, ...]:
    return ranking.transfer, ranking.backbone, ranking.setting


def _name(ranking: BudgetRanking) -> str:
    parts = [file_name(ranking.transfer), file_name(ranking.backbone)]
    return "-".join(parts if ranking.setting == SETTINGS[0] else [*parts, ranking.setting])


def _leading_first(rows: list[Any]) -> dict[tuple[str, ...], list[Any]]:
    """Return the rows of places with scores at several budgets, that of the best backbone of a transfer first."""
    may = [row for row in rows if row["setting"] not in _APART and not row["upper_bound"]]
    places = partition(may, lambda row: tuple(str(row[column]) for column in _PLACE))
    every = partition(rows, lambda row: tuple(str(row[column]) for column in _PLACE))
    several = {
        place: every[place]
        for place, own in places.items()
        if len({row["budget"] for row in own if known(row["mean"])}) > 1
    }

    def height(place: tuple[str, ...]) -> float:
        best = [worth(row) for row in several[place] if truth(row["best"])]
        return float(np.mean(best)) if best else -np.inf

    alike = partition(several, lambda place: (place[0], place[2]))
    ordered = [sorted(own, key=height, reverse=True) for own in alike.values()]
    first, others = [own[0] for own in ordered], [place for own in ordered for place in own[1:]]
    return {place: several[place] for place in [*first, *others]}


def _chart(metric: str, name: str, rows: list[Any], ranking: BudgetRanking, style: dict[str, Look]) -> Chart:
    drawing = _Drawing(metric, [row for row in rows if str(row["budget"]) in ranking.budgets], ranking, style)
    setting = "" if ranking.setting == SETTINGS[0] else f", {ranking.setting}"
    counts = sorted({int(row["n"]) for row in rows if row["n"]})
    over = listing(row["over"] for row in rows if row["over"])
    crossing = any(each.is_certain for each in ranking.crossings)
    chart = Chart(
        name=name,
        title=f"{plain(metric)} by label budget{setting}: {place_name(rows[0])}",
        lead=plain(ranking.sentence),
        caption="Ringed: the best of a label budget; filled: tied with it; hollow: clearly below it. Points: means "
        f"over replicates, n = {listing(counts) or 0}. Bars: 95% intervals over {over or 'replicates'}, cut where they "
        "leave the chart; side by side at each budget."
        + (" Grey band: the 95% interval of where the best two cross." if crossing else "")
        + (f" Pale, without names: all but the {_BRIGHT} best." if drawing.has_pale else ""),
        size=WIDE.size,
        draw=lambda figure: drawing.draw(figure, WIDE),
    )
    return chart.with_narrow(NARROW.size, lambda figure: drawing.draw(figure, NARROW))


@dataclass(frozen=True, eq=False)
class _Drawing:
    """Draw the rows of one place, whose budgets its ranking puts in order."""

    metric: str
    rows: list[Any]
    ranking: BudgetRanking
    style: dict[str, Look]

    @cached_property
    def by_label(self) -> dict[str, list[Any]]:
        return partition(self.rows, lambda row: str(row["label"]))

    @cached_property
    def bright(self) -> list[str]:
        """Return the strategies that have a colour and a name, best first."""
        competing = {
            label: [row for row in own if known(row["mean"])]
            for label, own in self.by_label.items()
            if not (own[0]["is_baseline"] or own[0]["upper_bound"])
        }

        def rank(label: str) -> tuple[int, int, float]:
            own = competing[label]
            means = [worth(row) for row in own]
            return sum(truth(row["best"]) for row in own), len(means), float(np.mean(means)) if means else 0.0

        best = sorted(competing, key=rank, reverse=True)[:_BRIGHT]
        return [label for label in self.by_label if label in best or label not in competing]

    @property
    def has_pale(self) -> bool:
        return len(self.bright) < len(self.by_label)

    @property
    def passes_gap(self) -> bool:
        """Tell whether a line leads on from the first budget, where a name would stand in its way."""
        first = self.ranking.budgets[0]
        return any(len(own) > 1 and any(str(row["budget"]) == first for row in own) for own in self.by_label.values())

    def places(self, screen: Screen) -> dict[str, float]:
        """Return where each budget stands on the axis, which is logarithmic, but for no labels at all."""
        positive = [labels for labels in self.ranking.labels if labels > 0]
        if not positive:
            return dict(zip(self.ranking.budgets, range(len(self.ranking.budgets)), strict=True))
        low, high = np.log(min(positive)), np.log(max(positive))
        span = max(high - low, 0.7)
        ends = not self.passes_gap and any(
            str(own[-1]["budget"]) == self.ranking.budgets[0] for own in self.by_label.values()
        )
        gap = (_NAMED_GAP if ends else _GAP) * (2.2 if screen is NARROW else 1.0)
        zero = low - span * (gap if len(positive) > 1 else 1.0)
        found: dict[str, float] = {}
        for budget, labels in zip(self.ranking.budgets, self.ranking.labels, strict=True):
            place = float(np.log(labels)) if labels > 0 else zero
            found[budget] = max([place, *(other + span * 0.06 for other in found.values())])  # 20-shot may be full
        return found

    def draw(self, figure: Figure, screen: Screen) -> Callable[[], None]:
        """Draw all; return what moves names apart once everything has its place."""
        axes = figure.subplots()
        places = self.places(screen)
        first, last = min(places.values()), max(places.values())
        span = max(last - first, 0.7)
        axes.set(xlim=(first - 0.06 * span, last + 0.06 * span), ylim=score_limits(self.rows))
        self._mark_crossings(axes)
        gaps = np.diff(sorted(places.values()))
        step = min(_DODGE * span, 0.6 * float(min(gaps)) / max(1, len(self.bright)))
        for label, own in self.by_label.items():
            if label not in self.bright:
                self._draw_pale(axes, own, places)
        ends = []
        for label in self.bright:
            ends += self._draw(axes, label, places, step, screen)
        names = self._name_best(axes, places) if screen.says_best else []
        axes.set_xticks(list(places.values()), [self._tick(budget) for budget in places])
        axes.set_xlabel(f"{self.ranking.unit} (log scale)")
        axes.set_ylabel(plain(self.metric))
        axes.grid(axis="x", visible=False)
        if 0.0 in self.ranking.labels and len(places) > 1:
            _break_axis(axes, sorted(places.values()))
        return lambda: settle(axes, ends, names)

    def _draw(self, axes: Axes, label: str, places: dict[str, float], step: float, screen: Screen) -> "list[End]":
        look = self.style[label]
        own = [row for row in self.by_label[label] if known(row["mean"])]
        x = [places[str(row["budget"])] + self._shift(row) * step for row in own]
        axes.plot(x, [row["mean"] for row in own], color=look.colour, linestyle=look.line, linewidth=1.5, zorder=2)
        for place, row in zip(x, own, strict=True):
            over = "episode_" if row["n_episodes"] else ""
            low, high = row[f"{over}low"], row[f"{over}high"]
            if known(low) and known(high):
                axes.plot([place] * 2, [low, high], color=look.colour, linewidth=1.0, alpha=0.55, zorder=2)
            filled = truth(row["tied"]) or truth(row["best"]) or row["upper_bound"]
            [mark] = axes.plot(
                place, row["mean"], marker=look.marker, markersize=6.5, linestyle="none", color=look.colour,
                markerfacecolor=look.colour if filled else PAPER, zorder=3,
            )  # fmt: skip
            mark.set_gid(point(self._said(row, low, high)))
            if truth(row["best"]):
                axes.plot(place, row["mean"], "o", markersize=12.5, markerfacecolor="none", markeredgecolor=BLACK,
                          markeredgewidth=1.3, zorder=4)  # fmt: skip
        name = broken(cut(label, 3 * screen.letters), screen.letters)
        if not own:
            return []  # the tables say why
        budget, end = str(own[-1]["budget"]), (x[-1], own[-1]["mean"])
        if budget == self.ranking.budgets[-1]:
            return [end_beside_chart(axes, name, look, end, screen.font)]
        if budget == self.ranking.budgets[0] and not self.passes_gap:
            return [end_beside_point(axes, name, end, screen.font)]
        until = self._tick(budget).partition("\n")[0]
        name = f"{name} ({'to' if len(own) > 1 else 'at'} {until})"
        return [end_beside_chart(axes, name, look, end, screen.font, is_linked=False)]

    def _shift(self, row: Any) -> float:
        """Return the place of a row among the bright ones of its budget, 0 in the middle."""
        there = [
            label for label in self.bright
            if any(own["budget"] == row["budget"] and known(own["mean"]) for own in self.by_label[label])
        ]  # fmt: skip
        return there.index(str(row["label"])) - (len(there) - 1) / 2

    def _draw_pale(self, axes: Axes, rows: list[Any], places: dict[str, float]) -> None:
        own = [row for row in rows if known(row["mean"])]
        x = [places[str(row["budget"])] for row in own]
        axes.plot(x, [row["mean"] for row in own], color=PALE, linewidth=0.8, alpha=0.7, zorder=1)
        for place, row in zip(x, own, strict=True):
            [mark] = axes.plot(place, row["mean"], marker=".", markersize=4, color=PALE, alpha=0.7, zorder=1)
            mark.set_gid(point(self._said(row, row["low"], row["high"])))

    def _said(self, row: Any, low: Any, high: Any) -> str:
        between = f" [{number(low)}, {number(high)}]" if known(low) and known(high) else ""
        return f"{plain(row['label'])}, {self._labels(str(row['budget']))}: {number(row['mean'])}{between}"

    def _labels(self, budget: str) -> str:
        count = self.ranking.labels[self.ranking.budgets.index(budget)]
        unit = self.ranking.unit.replace("labels", "label", 1) if count == 1 else self.ranking.unit
        return f"{count:,.4g} {unit}" + (f" ({budget})" if _is_relative(budget) else "")

    def _tick(self, budget: str) -> str:
        count = self.ranking.labels[self.ranking.budgets.index(budget)]
        return f"{budget}\n({count:,.3g})" if _is_relative(budget) else f"{count:,.4g}"

    def _mark_crossings(self, axes: Axes) -> None:
        for crossing in self.ranking.crossings:
            if crossing.is_certain:
                axes.axvspan(np.log(crossing.low), np.log(crossing.high), color=GREY, alpha=0.13, linewidth=0, zorder=0)
                axes.axvline(np.log(crossing.at), color=GREY, linestyle=(0, (4, 2)), linewidth=1.1, zorder=1)

    def _name_best(self, axes: Axes, places: dict[str, float]) -> list[Text]:
        return [
            axes.text(
                places[budget], 1.02, broken(cut(label, 32), 14), transform=axes.get_xaxis_transform(), ha="center",
                va="bottom", fontsize=8, color=NOTE,
            )
            for budget, label in zip(self.ranking.budgets, self.ranking.best, strict=True)
            if label
        ]  # fmt: skip


def _break_axis(axes: Axes, places: list[float]) -> None:
    """Show that no labels at all have no place on a logarithmic axis."""
    axes.plot(
        (places[0] + places[1]) / 2, 0, marker=[(-1, -2), (1, 2)], markersize=9, color=BLACK, linestyle="none",
        clip_on=False, transform=axes.get_xaxis_transform(), zorder=5,
    )  # fmt: skip


def _is_relative(budget: str) -> bool:
    return budget == "full" or budget.endswith("%")
