"""Draw what choosing a checkpoint without target labels is worth: selection rules beside the oracle."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlbench import Interval, t_interval
from tlbench_reports.drawing import Chart, class_look, place_name
from tlbench_reports.palette import BLACK, GREY
from tlbench_reports.words import known, listing, plain

if TYPE_CHECKING:
    from tlbench import Record, Results

ORACLE, LAST = "oracle", "last checkpoint"
_BUDGETS = 3


@dataclass(frozen=True)
class Choice:
    """Hold how far a rule's choices agree with the oracle's, and what they score."""

    rule: str
    correlation: Interval | None
    accuracy: Interval


def selection_plot(results: "Results", name: str, place: Any) -> Chart | None:
    """Return the chart of the place (transfer, backbone) of a row, or None where no checkpoints were looked at."""
    by_budget: dict[str, list[Record]] = {}
    for record in results.records:
        here = record.labels.get("transfer") == place["transfer"] and record.labels.get("backbone") == place["backbone"]
        if here and record.ok and any(known(look.get("accuracy")) for look in record.looks):
            by_budget.setdefault(str(record.labels.get("budget")), []).append(record)
    if not by_budget:
        return None
    validators = results.validators().to_dict("records")
    panels = [
        (budget, choices(records, [row for row in validators if _is_of(row, place, budget)]))
        for budget, records in list(by_budget.items())[:_BUDGETS]
    ]
    heights = [len(found) + 1.5 for _, found in panels]
    counts = sorted({choice.accuracy.n for _, found in panels for choice in found})

    def draw(figure: Figure) -> None:
        grid = figure.subplots(len(panels), 2, squeeze=False, height_ratios=heights, sharex="col", sharey="row")
        for (left, right), (budget, found) in zip(grid, panels, strict=True):
            _panel(left, right, found)
            left.set_title(f"label budget {plain(budget)}", fontsize=9.5)
        grid[-1, 0].set_xlabel("rank correlation with test accuracy")
        grid[-1, 1].set_xlabel("accuracy of the chosen checkpoint")

    chart = Chart(
        name=f"selection-{name}",
        title=f"Choosing checkpoints without target labels: {place_name(place)}",
        caption="Left: Spearman's correlation of what a rule says of the checkpoints with their test accuracy. Right: "
        "test accuracy of the checkpoint or trial that each rule would have chosen; the oracle chooses by the test "
        "labels, which nobody has, and bounds the others. Points: means over replicates, of all strategies of a "
        f"replicate together, n = {listing(counts)}; bars: 95% t intervals, none where n = 1."
        + (f" The first {_BUDGETS} of {len(by_budget)} label budgets." if len(by_budget) > _BUDGETS else ""),
        size=(8.6, 1.9 + 0.3 * sum(heights)),
        draw=draw,
    )
    return chart.with_narrow((5.2, 0.6 + 0.3 * sum(heights)), draw)


def choices(records: "list[Record]", validators: list[dict[Any, Any]]) -> list[Choice]:
    """Return what each rule of these records' looks comes to, best correlation first, the oracle last."""
    picked: dict[str, dict[tuple[Any, Any], list[float]]] = {}
    for record in records:
        replicate = (record.labels.get("seed"), record.labels.get("replicate"))
        for rule, accuracy in chosen(record.looks).items():
            picked.setdefault(rule, {}).setdefault(replicate, []).append(accuracy)
    correlations = {str(row["rule"]): row for row in validators}
    found = []
    for rule, by_replicate in picked.items():
        accuracy = t_interval(np.array([np.mean(own) for own in by_replicate.values()]))
        row = correlations.get(rule)
        agrees = row is not None and known(row["correlation"])
        correlation = Interval(row["correlation"], row["low"], row["high"], int(row["n"])) if agrees and row else None
        found.append(Choice(rule, correlation, accuracy))

    def order(choice: Choice) -> tuple[bool, float, str]:
        agreement = choice.correlation.mean if choice.correlation else -2.0
        return choice.rule == ORACLE, -agreement, choice.rule

    return sorted(found, key=order)


def chosen(looks: list[dict[str, Any]]) -> dict[str, float]:
    """Return the test accuracy of the checkpoint that each rule ranks first; of equals, of the earliest."""
    known_looks = [look for look in looks if known(look.get("accuracy"))]
    if not known_looks:
        return {}
    found = {}
    for rule in dict.fromkeys(rule for look in known_looks for rule in look["scores"]):
        scored = [look for look in known_looks if known(look["scores"].get(rule))]
        if scored and rule != ORACLE:
            found[rule] = float(max(scored, key=lambda look: look["scores"][rule])["accuracy"])
    found[LAST] = float(known_looks[-1]["accuracy"])
    found[ORACLE] = max(float(look["accuracy"]) for look in known_looks)
    return found


def _is_of(row: dict[Any, Any], place: Any, budget: str) -> bool:
    return (row["transfer"], row["backbone"], str(row["budget"])) == (place["transfer"], place["backbone"], budget)


def _panel(left: Axes, right: Axes, found: list[Choice]) -> None:
    for y, choice in enumerate(found):
        colour, marker = (BLACK, "*") if choice.rule == ORACLE else class_look(y)
        for axes, spread in ((left, choice.correlation), (right, choice.accuracy)):
            if spread is None:
                continue
            if known(spread.low):
                axes.plot([spread.low, spread.high], [y, y], color=colour, linewidth=1.6)
            axes.plot(spread.mean, y, color=colour, marker=marker, markersize=7)
    oracle = next(choice for choice in found if choice.rule == ORACLE)
    right.axvline(oracle.accuracy.mean, color=GREY, linestyle=":", linewidth=1, zorder=0)
    left.axvline(0, color=GREY, linestyle="--", linewidth=1, zorder=0)
    left.set_xlim(-1.05, 1.05)
    left.set_yticks(range(len(found)), [plain(choice.rule) for choice in found])
    left.set_ylim(len(found) - 0.5, -0.5)
    for axes in (left, right):
        axes.grid(axis="y", visible=False)
