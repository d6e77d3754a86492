"""Compare every two strategies with each other: what the page shows when somebody asks."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench_reports.grid import Grid, number_column, text_column
from tlbench_reports.rows import GROUP, cost_rows, groups, summary_rows
from tlbench_reports.words import NOTHING, known, number, plain, signed

if TYPE_CHECKING:
    from tlbench import Results

MOST = 20_000  # pairs on a page

Place = tuple[str, ...]


@dataclass(frozen=True)
class Pairs:
    """Hold the pairs of one metric, place by place, in the form that the script of the page reads."""

    places: tuple[dict[str, Any], ...]
    too_many: int  # pairs there would be, where these are not in the page

    def __len__(self) -> int:
        return sum(len(place["pairs"]) for place in self.places)


def pairs(results: "Results", metric: str) -> Pairs:
    """Return all comparisons, unless they are more than a page should carry."""
    wanted = count_pairs(results, metric)
    if wanted > MOST:
        return Pairs((), wanted)
    titles = {_place(group.rows[0].values): group.title for group in groups(summary_rows(results, metric))}
    found: dict[Place, dict[str, Any]] = {}
    for row in results.pairwise(metric).to_dict("records"):
        place = found.setdefault(_place(row), {"title": titles.get(_place(row), ""), "names": [], "pairs": []})
        places = [_position(place["names"], plain(row[side])) for side in ("a", "b")]
        columns = ("delta", "low", "high", "n", "p_holm", "effect", "needed")
        place["pairs"].append([*places, *(_finite(row[column]) for column in columns)])
    return Pairs(tuple(found.values()), 0)


def count_pairs(results: "Results", metric: str) -> int:
    """Return how many pairs of rows may be compared."""
    sizes = Counter(_place(row) for row in summary_rows(results, metric) if row["n"])
    return sum(size * (size - 1) // 2 for size in sizes.values())


def tunings(results: "Results", metric: str) -> Grid | None:
    """Return each tuned row beside the default of the same strategy; None where nothing was tuned."""
    rows = summary_rows(results, metric)
    tuned = [row for row in rows if known(row["tuned"]) and row["n"]]
    if not tuned:
        return None
    defaults = {_row(row)[:-1]: row for row in rows if not known(row["tuned"])}
    costs = {_row(row): row for row in cost_rows(results)}
    both = [(row, defaults.get(_row(row)[:-1], {})) for row in tuned]
    gains = [row["mean"] - other["mean"] if known(other.get("mean")) else None for row, other in both]
    seconds = [costs.get(_row(row), {}).get("tuning_seconds") for row in tuned]
    fits = [costs.get(_row(row), {}).get("fit_seconds") for row in tuned]
    places = {id(row.values): group.title for group in groups(rows) for row in group.rows}
    return Grid(
        "tuning",
        "Default and tuned",
        "Default and tuned, side by side. Trials are scored on validation labels, never on the test set",
        (
            text_column("strategy", "strategy", [plain(row["strategy"]) for row in tuned]),
            text_column("place", "where", [places[id(row)] for row in tuned], is_prose=True),
            text_column("tuned", "tuning budget", [plain(row["tuned"]) for row in tuned]),
            number_column("default", "default", [number(other.get("mean")) for _, other in both],
                          [other.get("mean") for _, other in both]),
            number_column("mean", "tuned", [number(row["mean"]) for row in tuned], [row["mean"] for row in tuned]),
            number_column("gain", "difference of means", [signed(gain) for gain in gains], gains),
            number_column("seconds", "seconds to tune", [_seconds(value) for value in seconds], seconds),
            number_column("fit", "seconds to fit", [_seconds(value) for value in fits], fits),
        ),
    )  # fmt: skip


def _seconds(value: Any) -> str:
    return f"{value:,.1f}" if known(value) else NOTHING


def _row(row: Any) -> tuple[str, ...]:
    """Name a row of the summary; whether it is tuned comes last."""
    return tuple(str(row.get(column)) for column in (*GROUP, "source", "strategy", "selection", "tuned"))


def _place(row: Any) -> Place:
    return tuple(str(row[column]) for column in GROUP)


def _position(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


def _finite(value: Any) -> float | None:
    if not known(value) or abs(value) == float("inf"):
        return None
    return int(value) if float(value).is_integer() else float(f"{value:.6g}")
