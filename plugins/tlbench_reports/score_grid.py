"""Make the tables of scores of the page: comparable rows, with differences, ledger, costs and further metrics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tlbench import plural
from tlbench_reports.grid import Column, Grid, number_column, text_column
from tlbench_reports.measure import in_points, named
from tlbench_reports.row import Row
from tlbench_reports.rows import (
    GROUP,
    SETTINGS,
    Group,
    cost_rows,
    groups,
    is_episodic,
    partition,
    sampling,
    short_names,
    spoken,
    summary_rows,
)
from tlbench_reports.words import NOTHING, chance, interval, known, number, plain, points, quantity, within

if TYPE_CHECKING:
    from tlbench import Results

COSTS = {
    "prepare_seconds": "seconds to prepare",
    "tuning_seconds": "seconds to tune",
    "members_seconds": "seconds of its members",
    "predict_seconds": "seconds to predict",
    "parameters_trained": "parameters trained",
    "parameters_stored": "parameters stored",
    "peak_memory_bytes": "peak memory, bytes",
    "flops_per_example": "FLOPs per example",
}
SECTIONS = {
    "transductive": "transductive",
    "unsupervised": "unsupervised",
    "oracle": "oracle: chosen by the test labels",
}
MANY = 3000  # rows from which on further metrics are shown without intervals
Key = tuple[str, ...]


def score_grids(results: "Results", metric: str, silent: Mapping[Key, str] | None = None) -> list[Grid]:
    """Return a table for each setting, and for episodes: rows in it may be compared within their groups.

    Groups in `silent`, by what their rows share, have no answer, and their rows in the place of a verdict what it says.
    """
    facts = _Facts(results, metric, silent or {})
    parts = partition(summary_rows(results, metric), lambda row: (str(row["setting"]), is_episodic(row)))
    ordered = sorted(parts.items(), key=lambda part: (_order(part[0][0]), part[0][1]))
    return [_grid(facts, metric, setting, episodic, rows) for (setting, episodic), rows in ordered]


def _order(setting: str) -> int:
    return SETTINGS.index(setting) if setting in SETTINGS else len(SETTINGS)


class _Facts:
    """What the tables need beside the summary, looked up by the key of a row."""

    def __init__(self, results: "Results", metric: str, silent: Mapping[Key, str]) -> None:
        from tlbench import ROW

        self.results, self.metric, self.silent = results, metric, silent
        self.places = short_names(_place(row) for row in summary_rows(results, metric))
        self.in_points = in_points(results, metric)
        self.is_of_clusters = results.is_of_clusters(metric)
        self.higher_is_better = results.higher_is_better(metric)
        frame = results.frame()
        self.columns = [column for column in ROW if column in frame]
        alike = frame.groupby(self.columns, sort=False, dropna=False).indices
        self.positions = {tuple(map(_text, key)): at.tolist() for key, at in alike.items()}
        self.costs = {self.key(row): row for row in cost_rows(results)}
        self.others = [
            name for name in results.metrics if results.is_of_clusters(name) == self.is_of_clusters and name != metric
        ]
        self.scores = {name: self._scores(name, frame) for name in self.others}

    def place(self, row: Row) -> float:
        """Return what sorts rows by their means, the best first and what has none last."""
        mean = row.values["mean"]
        return float("inf") if not known(mean) else -mean if self.higher_is_better else mean

    def why_silent(self, group: Group) -> str:
        """Say why no row of a group should be taken, in two words; nothing where one may be."""
        return self.silent.get(tuple(str(group.rows[0].values[column]) for column in GROUP), "")

    def key(self, row: Mapping[Any, Any]) -> Key:
        return tuple(_text(row[column]) for column in self.columns)

    def _scores(self, name: str, frame: Any) -> dict[Key, tuple[str, Any]]:
        """Return the mean of another metric by row, in words and as a number."""
        if len(self.positions) > MANY:
            means = _means(frame[name].to_numpy(dtype=float), list(self.positions.values()))
            return {key: (number(mean), mean) for key, mean in zip(self.positions, means, strict=True)}
        return {self.key(row): _score(row) for row in self.results.summary(name).to_dict("records")}


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return plain(row["transfer"]), plain(row["backbone"])


def _means(values: Any, positions: list[list[int]]) -> list[float | None]:
    """Return the mean of the values at each of these lists of positions, of those that are numbers."""
    import numpy

    rows = numpy.repeat(range(len(positions)), [len(at) for at in positions])
    at = numpy.concatenate(positions)
    scored = values[at] == values[at]
    counts = numpy.bincount(rows[scored], minlength=len(positions))
    sums = numpy.bincount(rows[scored], values[at][scored], minlength=len(positions))
    return [float(total / n) if n else None for total, n in zip(sums, counts, strict=True)]


def _score(row: Mapping[Any, Any]) -> tuple[str, Any]:
    if not known(row["mean"]):
        return NOTHING, None
    return f"{number(row['mean'])} ({interval(row['low'], row['high'], 0)})", row["mean"]


def _text(value: Any) -> str:
    return str(value) if known(value) else ""


def _grid(facts: _Facts, metric: str, setting: str, episodic: bool, values: list[dict[str, Any]]) -> Grid:
    found = groups(values)
    found = [Group(tuple(sorted(group.rows, key=facts.place))) for group in found]
    rows = [row for group in found for row in group.rows]
    keys = [facts.key(row.values) for row in rows]
    section = ", ".join(
        [named(metric, facts.higher_is_better), *(["episodes"] if episodic else []), *_section(setting)]
    )
    columns = [
        *_where(rows), *_verdicts(facts, found), *_scores(facts, found), *_price(facts, keys), *_differences(rows),
        *_ledger(rows), *_costs(facts, keys), *_metrics(facts, keys),
    ]  # fmt: skip
    return Grid(
        key=f"scores-{plain(metric)}-{setting}{'-episodes' if episodic else ''}".replace(" ", "-"),
        title=section,
        caption=f"{section}: {plural(len(rows), 'row')}. Rows under one heading may be compared.",
        columns=tuple(columns),
        group_titles=tuple(spoken(group.rows[0].values) + _silence(facts, group) for group in found),
        group_places=tuple(facts.places[_place(group.rows[0].values)] for group in found)
        if len(facts.places) > 1
        else (),
        groups=[place for place, group in enumerate(found) for _ in group.rows],
        records=[_ranges(facts.positions.get(key, ())) for key in keys],
        is_filtered=True,
        sort=("mean", facts.higher_is_better),
        mark="oracle" if setting == "oracle" else "",
    )


def _silence(facts: _Facts, group: Group) -> str:
    why = facts.why_silent(group)
    return f": {why}" if why else ""


def _section(setting: str) -> list[str]:
    return [] if setting == SETTINGS[0] else [SECTIONS.get(setting, plain(setting))]


def _ranges(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Return positions as ranges (first, after the last)."""
    found: list[tuple[int, int]] = []
    for position in positions:
        if found and found[-1][1] == position:
            found[-1] = (found[-1][0], position + 1)
        else:
            found.append((position, position + 1))
    return found


def _where(rows: list[Row]) -> list[Column]:
    """Return the strategy, then what the headings of groups say: shown where rows stand without these."""
    places = {title: place for place, title in enumerate(dict.fromkeys(row["budget"] for row in rows))}
    budgets = [row["budget"] for row in rows]
    return [
        text_column("strategy", "strategy", [row.name for row in rows]),
        text_column("transfer", "transfer", [row["transfer"] for row in rows], band="where"),
        text_column("backbone", "backbone", [row["backbone"] for row in rows], band="where"),
        Column("budget", "label budget", budgets, [places[budget] for budget in budgets], band="where"),
    ]


def _scores(facts: _Facts, found: list[Group]) -> list[Column]:
    """Return scores with their intervals, and how far they lie from the best and from the baseline."""
    rows = [row for group in found for row in group.rows]
    unit = " (points)" if facts.in_points else ""
    between = number_column(
        "between", f"95% over {found[0].over}", [row.between for row in rows], [row.values["low"] for row in rows],
        band="wide",
    )  # fmt: skip
    columns = [
        number_column("mean", plain(facts.metric), [row.mean for row in rows], [row.values["mean"] for row in rows]),
        replace(between, bars=[bar for group in found for bar in _bars(group)]),
    ]
    if any(group.is_episodic for group in found):
        columns.append(
            number_column(
                "episodes", f"95% over {sampling(rows)}", [row.over_episodes for row in rows],
                [row.values["episode_low"] for row in rows], band="wide",
            )
        )  # fmt: skip
    behind = [row.values["behind"] for row in rows]
    if any(map(known, behind)):
        texts = [_difference(row.values, "behind", "behind", facts.in_points) for row in rows]
        columns.append(number_column("behind", f"to the best{unit}", texts, behind, band="wide"))
    if any(row.baseline for row in rows):
        compared = [row.values if row.baseline else {} for row in rows]
        against = {baseline for group in found for baseline in group.baselines}
        title = f"to {min(against)}" if len(against) == 1 else "to the baseline"
        texts = [_difference(values, "delta", "clear", facts.in_points) for values in compared]
        values = [each.get("delta") for each in compared]
        columns.append(number_column("delta", f"{title}{unit}", texts, values, band="wide"))
    return columns


def _verdicts(facts: _Facts, found: list[Group]) -> list[Column]:
    """Return one verdict on each row; none on a row that stands alone, and no best where there is no answer."""
    words = [
        "" if len(group.rows) == 1 and row.standing else (row.n and facts.why_silent(group)) or row.word
        for group in found for row in group.rows
    ]  # fmt: skip
    marks = [word.partition(" ")[0] for word in words]
    marks = [mark if mark in _MARKED else "" for mark in marks]
    return [Column("verdict", "verdict", words, [_rank(word) for word in words], marks)] if any(words) else []


def _price(facts: _Facts, keys: list[Key]) -> list[Column]:
    """Return what each row took to fit, in seconds."""
    values = [facts.costs.get(key, {}).get("fit_seconds") for key in keys]
    return [number_column("price", "seconds to fit", [_seconds(value) for value in values], values, band="wide")]


def _seconds(value: Any) -> str:
    return "<0.01" if known(value) and value < 0.01 else quantity(value)


def _bars(group: Group) -> list[tuple[int, int, int] | None]:
    """Return where the interval and the mean of each row lie between the least and the greatest of its group."""
    over = "episode_" if group.is_episodic else ""
    ends = [[row.values[key] for key in (f"{over}low", f"{over}high", "mean")] for row in group.rows]
    known_ends = [value for each in ends for value in each if known(value)]
    if not known_ends or max(known_ends) == min(known_ends):
        return [None] * len(ends)
    low, width = min(known_ends), max(known_ends) - min(known_ends)
    shares = [[round(100 * (value - low) / width) if known(value) else None for value in each] for each in ends]
    return [None if None in each else tuple(each) for each in shares]


def _difference(values: Mapping[str, Any], name: str, ends: str, share: bool) -> str:
    """Write a difference with its interval."""
    if not known(values.get(name)):
        return NOTHING
    between = within(values[f"{ends}_low"], values[f"{ends}_high"], share)
    return f"{points(values[name], share, bare=True)} {between or '(no interval)'}"


_MARKED = ("best", "tied", "better", "worse")
_ORDER = ("best", "tied", "better", "baseline", "unclear", "worse")


def _rank(word: str) -> int:
    """Return the place of a verdict among all, by which rows are sorted."""
    first = word.partition(" ")[0]
    return _ORDER.index(first) if first in _ORDER else len(_ORDER)


def _differences(rows: list[Row]) -> list[Column]:
    """Return the statistics behind the verdicts; of baselines only where a row has one."""
    columns = [
        number_column("n", "replicates", [str(row.n) for row in rows], [row.n for row in rows], band="difference")
    ]
    if not any(row.baseline for row in rows):
        return columns
    compared = [row.values if row.baseline else {} for row in rows]

    def numbers(key: str, title: str, texts: list[str], column: str) -> Column:
        return number_column(key, title, texts, [values.get(column) for values in compared], band="difference")

    return [
        *columns,
        text_column("reading", "against the baseline", [row.reading for row in rows], band="difference"),
        numbers("p", "p", [chance(values.get("p")) for values in compared], "p"),
        numbers("p_holm", "p (Holm)", [row.holm for row in rows], "p_holm"),
        numbers("effect", "effect (d)", [row.effect for row in rows], "effect"),
        numbers("needed", "replicates needed", [row.needed for row in rows], "needed"),
        numbers("needed_items", "test items needed", [row.items_needed for row in rows], "needed_items"),
    ]


def _ledger(rows: list[Row]) -> list[Column]:
    """Return what each row was given. A column of nothing but gaps stays away where it tells nothing by that."""

    def words(key: str, title: str, of: Callable[[Row], str]) -> Column:
        return text_column(key, title, [of(row) for row in rows], band="ledger")

    def numbers(key: str, title: str) -> Column:
        return number_column(key, title, [row[key] for row in rows], [row.values[key] for row in rows], band="ledger")

    columns = [
        words("family", "family", lambda row: row["family"]),
        words("setting", "setting", lambda row: row["setting"]),
        numbers("train_labels", "train labels"),
        numbers("val_labels", "validation labels"),
        numbers("unlabelled_target", "unlabelled target"),
        numbers("source_labels", "source labels"),
        words("source", "source", lambda row: row["source"]),
        words("pretrained_on", "pretrained on", lambda row: row["pretrained_on"]),
        number_column(
            "n_sampled",
            f"n {sampling(rows).split(' ', 1)[-1] if is_episodic(rows[0].values) else 'test items'}",
            [f"{row.n_sampled:,}" if row.n else NOTHING for row in rows],
            [row.n_sampled or None for row in rows],
            band="ledger",
        ),
        words("transductive", "transductive", lambda row: row.seen_at_once),
        words("selection", "selection", lambda row: row["selection"]),
    ]
    optional = [
        numbers("further_labels", "labels of further columns"),
        words("tuned", "tuned", lambda row: row["tuned"] if known(row.values["tuned"]) else "no"),
        words("near_duplicates", "test near-duplicates in train / source / upstream", lambda row: row.near_duplicates),
        words("splits", "splits", lambda row: row["splits"]),
        number_column(
            "on_source", "accuracy on the source itself",
            [row.on_source for row in rows], [row.values["source_accuracy"] for row in rows], band="ledger",
        ),
    ]  # fmt: skip
    return columns + [column for column in optional if set(column.texts) - {NOTHING, "no", "given"}]


def _costs(facts: _Facts, keys: list[Key]) -> list[Column]:
    columns = []
    for name, title in COSTS.items():
        values = [facts.costs.get(key, {}).get(name) for key in keys]
        if name not in ("tuning_seconds", "members_seconds") or any(known(value) and value for value in values):
            columns.append(number_column(name, title, [quantity(value) for value in values], values, band="costs"))
    return columns


def _metrics(facts: _Facts, keys: list[Key]) -> list[Column]:
    columns = []
    for name in facts.others:
        cells = [facts.scores[name].get(key, (NOTHING, None)) for key in keys]
        texts, values = [text for text, _ in cells], [value for _, value in cells]
        columns.append(number_column(f"metric:{name}", plain(name), texts, values, band="metrics"))
    return columns
