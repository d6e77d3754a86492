"""Hold the report as a list of headings, paragraphs, bullets and tables, which each text format writes its own way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench_reports import gaps
from tlbench_reports.measure import measures, named
from tlbench_reports.row import Row
from tlbench_reports.rows import GROUP, Group, groups, summary_rows
from tlbench_reports.words import NOTHING, chance, difference, interval, known, listing, notes, number, plain

if TYPE_CHECKING:
    from tlbench import Across, Results

BEST, TIED = "best", "tied with best"
NEGATIVE = "negative transfer"


@dataclass(frozen=True)
class Heading:
    """Hold a heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Hold a paragraph of prose."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """Hold a list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Hold a table whose first column is text, the others numbers; a row of one cell is a sub-heading.

    `marks` says of some rows, by their place, that they are `best` or `tied with best`; that is a mark of the second
    column, and each format's own.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: Mapping[int, str]

    def mark(self, place: int) -> str:
        """Return the mark of a row, or nothing."""
        return self.marks.get(place, "")


@dataclass(frozen=True)
class Answer:
    """Hold the answer in sentences, which the terminal shows last."""

    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Legend:
    """Hold a note on the marks of tables: each format has its own."""


Block = Heading | Paragraph | Bullets | Table | Answer | Legend


def document(results: "Results") -> list[Block]:
    """Return the report on these results, without anything that changes from run to run."""
    blocks: list[Block] = [Heading(f"tlbench: {plain(results.suite)}", 1)]
    blocks.append(Answer(tuple(plain(sentence) for sentence in results.headlines())))
    blocks += _bullets("Beware", [*results.warnings, *results.findings])
    for metric in results.primaries:
        blocks.append(Heading(f"Scores: {named(metric, results.higher_is_better(metric))}"))
        if metric == results.metric:
            blocks.append(Paragraph(gaps.tally(results)))
        if metric == results.chosen and (said := measures(results)):
            blocks.append(Paragraph(" ".join(said)))
        tables = score_tables(results, metric)
        if any(table.marks for _, table in tables):
            blocks.append(Legend())
        for group, table in tables:
            blocks.append(table)
            if group.remarks:
                blocks.append(Bullets(tuple(group.remarks)))
            if any(known(row.values["p_holm"]) for row in group.rows):
                blocks.append(_comparisons(group))
        blocks += _means(results, metric)
        for across in results.across(metric):
            blocks += _across(across)
    blocks += _weights(results)
    blocks += _validators(results)
    blocks += _bullets("Failed cells", [str(gap) for gap in gaps.failed(results)])
    blocks += _bullets("Skipped cells", [str(gap) for gap in gaps.skipped(results)])
    blocks += _bullets("How to read this", notes(results))
    return blocks


def score_tables(results: "Results", metric: str) -> list[tuple[Group, Table]]:
    """Return the groups of comparable rows, each with the table of its scores."""
    found = groups(summary_rows(results, metric))
    if not results.is_of_clusters(metric):
        return [(group, _table(group)) for group in found]
    others = [name for name in results.metrics if results.is_of_clusters(name) and name != metric]
    means = {name: {_which(row): row["mean"] for row in summary_rows(results, name)} for name in others}
    return [(group, _clusters(metric, group, means)) for group in found]


def _bullets(heading: str, sentences: "list[str] | tuple[str, ...]") -> list[Block]:
    items = tuple(plain(sentence) for sentence in sentences)
    return [Heading(heading), Bullets(items)] if items else []


def _table(group: Group) -> Table:
    episodic = group.is_episodic

    def cells(row: Row) -> tuple[str, ...]:
        episodes = [row.over_episodes] if episodic else []
        return (row.name, row.mean, str(row.n), row.between, *episodes, row.difference)

    over = [f"95% {group.sampling}"] if episodic else []
    columns = ("strategy", "mean", "n", "95% interval", *over, f"95% {group.comparison}")
    return _of_rows(group.title, columns, group, cells)


def _clusters(metric: str, group: Group, means: Mapping[str, Mapping[tuple[Any, ...], Any]]) -> Table:
    """Return a table whose columns are headed by their metrics: no cluster score stands under another name."""

    def cells(row: Row) -> tuple[str, ...]:
        scores = (number(own[_which(row.values)]) for own in means.values())
        return (row.name, row.mean, str(row.n), row.between, *scores)

    columns = ("strategy", plain(metric), "n", "95% interval", *map(plain, means))
    return _of_rows(group.title, columns, group, cells)


def _which(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["label"], *(row[column] for column in GROUP))


def _comparisons(group: Group) -> Table:
    """Return what the paired differences of a group amount to."""
    first = group.rows[0].values
    setting = "" if first["setting"] == "inductive" else f", {plain(first['setting'])}"
    compared = [row for row in group.rows if row.baseline]
    lines = [(row.name, chance(row.values["p"]), row.holm, row.effect, row.needed, _reading(row)) for row in compared]
    against = group.baselines[0] if len(group.baselines) == 1 else "the baseline"
    return Table(
        f"Against {against}: {plain(first['transfer'])}, {plain(first['backbone'])}, {plain(first['budget'])}{setting}",
        ("compared", "p", "p (Holm)", "effect", "needed", "reading"),
        tuple(lines),
        {},
    )


def _reading(row: Row) -> str:
    if row.is_upper_bound:
        return "upper bound"
    if row.is_negative_transfer:
        return NEGATIVE
    return {"better": "better", "worse": "worse", "unclear": "unclear"}.get(row.verdict, NOTHING)


def _means(results: "Results", metric: str) -> list[Block]:
    """Return the mean of each candidate over all transfers of one setting and label budget."""
    blocks: list[Block] = []
    for (setting, budget), own in results.mean_over_transfers(metric).groupby(["setting", "budget"], sort=False):
        rows = tuple(
            (plain(row["candidate"]), number(row["mean"]), interval(row["low"], row["high"], row["n"]), str(row["n"]))
            for row in own.to_dict("records")
        )
        where = plain(budget) + ("" if setting == "inductive" else f", {plain(setting)}")
        title = f"Mean {named(metric, results.higher_is_better(metric))} over transfers: label budget {where}"
        blocks.append(Table(title, ("candidate", "mean", "95% transfers", "n"), rows, {}))
    return blocks


def _across(across: "Across") -> list[Block]:
    """Return the ranks over all datasets of one label budget, and what they can tell apart."""
    setting = "" if across.setting == "inductive" else f", {plain(across.setting)}"
    metric = named(across.metric, across.higher_is_better)
    title = f"Over {len(across.blocks)} datasets: {metric}, {plain(across.budget)}{setting}"
    rows = [
        (
            plain(row["candidate"]),
            f"{row['mean_rank']:.2f}",
            _between(row["rank_low"], row["rank_high"], 2),
            f"{row['wins']:g}",
            number(row["iqm"]),
            interval(row["iqm_low"], row["iqm_high"], 0),
        )
        for row in across.ranks.to_dict("records")
    ]
    said = [f"Datasets: {listing(across.blocks)}."]
    if known(across.friedman_p):
        said.append(f"Friedman's test that all rank alike: p = {chance(across.friedman_p)}.")
    if known(across.critical_difference):
        joined = [f"({listing(group)})" for group in across.groups if len(group) > 1]
        said.append(
            f"Critical difference of mean ranks (Nemenyi, 5%): {across.critical_difference:.2f}. Not told apart: "
            f"{', '.join(joined) or 'none'}."
        )
    left_out = [f"{plain(name)} ({has} of {of})" for name, (has, of) in across.coverage.items()
                if name not in across.candidates]  # fmt: skip
    if left_out:
        said.append(f"Not ranked, since a dataset lacks them: {', '.join(left_out)}.")
    if across.warning:
        said.append(f"Beware: {plain(across.warning)}")
    columns = ("candidate", "mean rank", "95% datasets", "best or tied", "IQM", "95% IQM")
    return [Table(title, columns, tuple(rows), {}), Bullets(tuple(said))]


def _between(low: Any, high: Any, digits: int) -> str:
    return f"{low:.{digits}f}\N{EN DASH}{high:.{digits}f}" if known(low) and known(high) else NOTHING


def _weights(results: "Results") -> list[Block]:
    """Return what pretrained weights add to the same strategy on a random start of the same network."""
    found = results.weights_gain()
    if not len(found):
        return []
    blocks: list[Block] = [Heading("What the weights are worth")]
    for (transfer, backbone, budget, setting), own in found.groupby(list(GROUP), sort=False):
        rows = tuple(
            (plain(row["strategy"]), number(row["mean"]), number(row["mean_random"]), difference(row), str(row["n"]),
             NEGATIVE if row["negative_transfer"] else str(row["verdict"]) or NOTHING)
            for row in own.to_dict("records")
        )  # fmt: skip
        where = f"{plain(transfer)}, {plain(backbone)}, label budget {plain(budget)}"
        where += "" if setting == "inductive" else f", {plain(setting)}"
        title = f"Against a random start of the same network: {where}"
        columns = ("strategy", "with weights", "random start", "95% difference", "n", "reading")
        blocks.append(Table(title, columns, rows, {}))
    return blocks


def _validators(results: "Results") -> list[Block]:
    """Return how well rules that need no target label order checkpoints, beside the oracle."""
    found = results.validators()
    if not len(found):
        return []
    blocks: list[Block] = [Heading("Choosing without target labels")]
    for (transfer, backbone, budget), own in found.groupby(["transfer", "backbone", "budget"], sort=False):
        rows = tuple(
            (plain(row["rule"]), f"{row['correlation']:+.2f}" if known(row["correlation"]) else NOTHING,
             _signed(row["low"], row["high"]), str(int(row["n"])))
            for row in own.to_dict("records")
        )  # fmt: skip
        title = f"Rank correlation with the oracle: {plain(transfer)}, {plain(backbone)}, label budget {plain(budget)}"
        blocks.append(Table(title, ("rule", "Spearman", "95% replicates", "n"), rows, {}))
    return blocks


def _signed(low: Any, high: Any) -> str:
    return f"{low:+.2f} to {high:+.2f}" if known(low) and known(high) else NOTHING


def _of_rows(title: str, columns: tuple[str, ...], group: Group, cells: Callable[[Row], tuple[str, ...]]) -> Table:
    rows: list[tuple[str, ...]] = []
    marks = {}
    standings = _standings(group.rows)
    for family, members in group.families.items():
        rows += [(family,)] if family else []
        for member in members:
            if member.name in standings:
                marks[len(rows)] = standings[member.name]
            rows.append(cells(member))
    return Table(title, columns, tuple(rows), marks)


def _standings(rows: tuple[Row, ...]) -> dict[str, str]:
    """Return which rows are best or tied with it; a row that stands alone is not compared."""
    return {row.name: row.standing for row in rows if row.standing} if len(rows) > 1 else {}
