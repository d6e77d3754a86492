"""Make tables of the page: what all datasets say together, and how well rules choose without labels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench import plural
from tlbench_reports.grid import Column, Grid, number_column, text_column
from tlbench_reports.measure import named
from tlbench_reports.words import NOTHING, chance, difference, interval, known, number, plain

if TYPE_CHECKING:
    from tlbench import Results

_ALIKE = " \N{ALMOST EQUAL TO} "
MOST_NAMES = 60  # in sentences on who is not told apart
MOST_WINS = 40  # candidates up to which each is set against each


@dataclass(frozen=True)
class Together:
    """Hold the ranks over all datasets of one setting and label budget."""

    title: str
    sentences: tuple[str, ...]
    warning: str
    ranks: Grid
    wins: Grid | None
    left_out: Grid | None


def across(results: "Results", metric: str) -> list[Together]:
    """Return a part for each setting and label budget that several datasets have."""
    return [_together(each, f"{metric}-{place}") for place, each in enumerate(results.across(metric), start=1)]


def _together(across: Any, key: str) -> Together:
    title = f"{named(across.metric, across.higher_is_better)}, label budget {plain(across.budget)}"
    title += f", {plain(across.setting)}" if across.setting != "inductive" else ""
    ranked = across.ranks.to_dict("records")
    names = [plain(row["candidate"]) for row in ranked]
    return Together(
        title,
        tuple(_sentences(across)),
        plain(across.warning or ""),
        _ranks(title, f"ranks-{key}", names, ranked, len(across.blocks)),
        _wins(title, f"wins-{key}", across) if 1 < len(names) <= MOST_WINS else None,
        _left_out(title, f"left-out-{key}", across),
    )


def _sentences(across: Any) -> list[str]:
    said = [
        f"{plural(len(across.candidates), 'candidate')} on {plural(len(across.blocks), 'dataset')}: "
        "only datasets that every ranked candidate has a score on."
    ]
    if known(across.friedman_p):
        said.append(f"Friedman test that all are alike: p = {chance(across.friedman_p)}.")
    if known(across.critical_difference):
        said.append(f"Two mean ranks that are {across.critical_difference:.2f} or more apart differ (Nemenyi, 5%).")
    alike = [_ALIKE.join(map(plain, group)) for group in across.groups if len(group) > 1]
    if sum(map(len, across.groups)) > MOST_NAMES:
        most = max(map(len, across.groups))
        return [*said, f"Not told apart: {plural(len(alike), 'group')} of strategies, the largest of {most}."]
    return said + [f"Not told apart: {names}." for names in alike]


def _ranks(title: str, key: str, names: list[str], rows: list[Any], blocks: int) -> Grid:
    def numbers(key: str, heading: str, texts: list[str], column: str) -> Any:
        return number_column(key, heading, texts, [row[column] for row in rows])

    return Grid(
        key,
        title,
        f"Mean ranks over {plural(blocks, 'dataset')}, 1 is best: {title}",
        (
            text_column("candidate", "strategy", names),
            numbers("mean_rank", "mean rank", [_decimals(row["mean_rank"]) for row in rows], "mean_rank"),
            numbers("rank_low", "95% (bootstrap)", [_between(row, "rank", _decimals) for row in rows], "rank_low"),
            numbers("wins", "best or tied on", [f"{row['wins']:.0f} of {blocks}" for row in rows], "wins"),
            numbers("iqm", "interquartile mean", [number(row["iqm"]) for row in rows], "iqm"),
            numbers("iqm_low", "95% (bootstrap)", [_between(row, "iqm", number) for row in rows], "iqm_low"),
        ),
    )


def _decimals(value: Any) -> str:
    return f"{value:.2f}" if known(value) else NOTHING


def _between(row: Any, name: str, write: Any) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{write(low)}\N{EN DASH}{write(high)}" if known(low) and known(high) else NOTHING


def _wins(title: str, key: str, across: Any) -> Grid:
    matrix = across.win_matrix
    names = [plain(name) for name in matrix.index]
    columns = [
        number_column(
            f"against-{place}",
            names[place],
            [NOTHING if row == place else _percent(value) for row, value in enumerate(matrix.iloc[:, place])],
            [None if row == place else value for row, value in enumerate(matrix.iloc[:, place])],
        )
        for place in range(len(names))
    ]
    caption = f"Share of datasets on which the row's strategy beats the column's: {title}"
    return Grid(key, title, caption, (text_column("candidate", "strategy", names), *columns))


def _percent(share: Any) -> str:
    return f"{100 * share:.0f}%" if known(share) else NOTHING


def _left_out(title: str, key: str, across: Any) -> Grid | None:
    """Return who is not ranked, as scores on too few datasets."""
    rows = [(plain(name), has, of) for name, (has, of) in across.coverage.items() if name not in across.candidates]
    if not rows:
        return None
    return Grid(
        key,
        title,
        f"Not ranked, for want of a score on every dataset: {title}",
        (
            text_column("candidate", "strategy", [name for name, _, _ in rows]),
            number_column("has", "datasets with a score", [f"{has} of {of}" for _, has, of in rows],
                          [has for _, has, _ in rows]),
        ),
    )  # fmt: skip


def validators(results: "Results") -> Grid | None:
    """Return how the choices of each unsupervised rule go with those that test labels would make."""
    rows = results.validators().to_dict("records")
    if not rows:
        return None
    return Grid(
        "validators",
        "Choosing without labels",
        "Spearman's rank correlation of each rule's scores with test accuracy, over the checkpoints it chooses from; "
        "mean over replicates (95% t)",
        (
            text_column("rule", "selection rule", [plain(row["rule"]) for row in rows]),
            text_column("transfer", "transfer", [plain(row["transfer"]) for row in rows]),
            text_column("backbone", "backbone", [plain(row["backbone"]) for row in rows]),
            text_column("budget", "label budget", [plain(row["budget"]) for row in rows]),
            number_column("correlation", "correlation", [_signed(row["correlation"]) for row in rows],
                          [row["correlation"] for row in rows]),
            number_column("low", "95% (t)", [_to(row["low"], row["high"]) for row in rows],
                          [row["low"] for row in rows]),
            number_column("n", "n replicates", [f"{row['n']:.0f}" for row in rows], [row["n"] for row in rows]),
            number_column("candidates", "candidates", [f"{row['candidates']:.0f}" for row in rows],
                          [row["candidates"] for row in rows]),
        ),
    )  # fmt: skip


def means(results: "Results", metric: str) -> Grid | None:
    """Return the mean of each candidate over all transfers of one setting and label budget."""
    rows = results.mean_over_transfers(metric).to_dict("records")
    if not rows:
        return None
    return Grid(
        "means",
        "Means over transfers",
        "The mean of each row over the transfers that have it, and what to expect of another one like these (95% t)",
        (
            text_column("candidate", "strategy", [plain(row["candidate"]) for row in rows]),
            text_column("budget", "label budget", [plain(row["budget"]) for row in rows]),
            text_column("setting", "setting", [plain(row["setting"]) for row in rows]),
            number_column("mean", plain(metric), [number(row["mean"]) for row in rows], [row["mean"] for row in rows]),
            number_column("low", "95% over transfers (t)",
                          [interval(row["low"], row["high"], row["n"]) for row in rows], [row["low"] for row in rows]),
            number_column("n", "transfers", [str(row["n"]) for row in rows], [row["n"] for row in rows]),
        ),
    )  # fmt: skip


def weights(results: "Results") -> Grid | None:
    """Return what pretrained weights add to the same strategy on a random start of the same network."""
    rows = results.weights_gain().to_dict("records")
    if not rows:
        return None
    sign = {
        "better": "\N{BLACK UP-POINTING TRIANGLE} better",
        "worse": "\N{BLACK DOWN-POINTING TRIANGLE} negative transfer",
    }
    verdicts = [str(row["verdict"]) for row in rows]
    readings = [sign.get(verdict, verdict or NOTHING) for verdict in verdicts]

    def numbers(key: str, title: str, texts: list[str]) -> Column:
        return number_column(key, title, texts, [row[key] for row in rows])

    return Grid(
        "weights",
        "What the weights are worth",
        "The same strategy with the weights and from a random start of the same network; paired by replicate (95% t)",
        (
            text_column("strategy", "strategy", [plain(row["strategy"]) for row in rows]),
            text_column("transfer", "transfer", [plain(row["transfer"]) for row in rows]),
            text_column("backbone", "backbone", [plain(row["backbone"]) for row in rows]),
            text_column("budget", "label budget", [plain(row["budget"]) for row in rows]),
            numbers("mean", "with weights", [number(row["mean"]) for row in rows]),
            numbers("mean_random", "random start", [number(row["mean_random"]) for row in rows]),
            numbers("delta", "difference (95% paired t)", [difference(row) for row in rows]),
            Column("reading", "reading", readings, marks=[v if v in sign else "" for v in verdicts]),
            numbers("n", "n replicates", [str(row["n"]) for row in rows]),
        ),
    )


def _signed(value: Any) -> str:
    return f"{value:+.2f}" if known(value) else NOTHING


def _to(low: Any, high: Any) -> str:
    return f"{_signed(low)} to {_signed(high)}" if known(low) and known(high) else NOTHING
