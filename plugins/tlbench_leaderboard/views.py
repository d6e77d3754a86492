"""Arrange a board for reading: a view of each transfer and one of all together, with a tab for each label budget."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup

from tlbench import one_line, plural
from tlbench.results import plain_data
from tlbench_leaderboard.board import Board, BoardGroup, BoardRow, name_of, plain_strategy
from tlbench_leaderboard.contribution import slug
from tlbench_leaderboard.curve import Series, curve
from tlbench_leaderboard.ranked import Candidate, Ranked
from tlbench_leaderboard.status import NOT_VERIFIED, VERIFIED
from tlbench_leaderboard.words import NOTHING, budget, quantity, ranks, score, signed

ALL = "all datasets"
UNVERIFIED_NOTE = "Nobody has confirmed these scores: they are as they were handed in, and rank among themselves."

PathOf = Callable[[str, str], str]  # a kind and a name to the page of it


@dataclass(frozen=True)
class Line:
    """Hold a line of a ranking as it is written."""

    rank: str
    name: str
    path: str  # of the page of the strategy, from the site's root
    records: str  # of the page of its records; empty where there is none of them all
    note: str
    score: str
    between: str  # the interval of the score
    to_best: str
    to_baseline: str
    seconds: str
    who: str
    date: str
    said: str  # what else is to be known: upper bound, negative transfer, why it does not rank
    status: str
    is_best: bool = False


@dataclass(frozen=True)
class Table:
    """Hold lines that rank together: those tied with the best, then the others."""

    kind: str  # verified, unverified, or out: of rows that do not rank
    title: str
    note: str
    tied: tuple[Line, ...]
    others: tuple[Line, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """Return all lines."""
        return self.tied + self.others

    def head(self, most: int) -> "Table":
        """Return the first lines alone."""
        return Table(self.kind, self.title, self.note, self.tied[:most], self.others[: max(0, most - len(self.tied))])


@dataclass(frozen=True)
class Section:
    """Hold the tables of what competes: one backbone and setting of a transfer, or one setting over all transfers."""

    title: str
    path: str  # of the page of the backbone; empty where there are several
    note: str
    warning: str
    score: str  # what the score is
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Tab:
    """Hold a label budget."""

    budget: str
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """Return it in words."""
        return budget(self.budget)


@dataclass(frozen=True)
class View:
    """Hold a page of a board."""

    title: str
    path: str
    tabs: tuple[Tab, ...]
    curves: tuple[tuple[str, Markup], ...] = field(default=())  # a title and a picture
    about: str = ""  # the path of the page of the dataset

    @property
    def chosen(self) -> int:
        """Return the position of the tab that is open at first: of the budgets with labels the middle one."""
        labelled = [place for place, tab in enumerate(self.tabs) if tab.budget != "0"]
        return labelled[(len(labelled) - 1) // 2] if labelled else 0

    @property
    def is_of_all(self) -> bool:
        """Tell whether it is of several transfers together."""
        return self.title == ALL


def views_of(board: Board, path_of: PathOf) -> list[View]:
    """Return the views of a board, the first of which stands on its own page: all transfers together, if they can be."""
    first, *others = [*_over_all(board, path_of), *_of_transfers(board, path_of)]
    return [replace(first, path=f"boards/{board.folder}/index.html"), *others]


def _of_transfers(board: Board, path_of: PathOf) -> Iterator[View]:
    taken: set[str] = set()
    transfers: dict[str, dict[str, list[BoardGroup]]] = {}
    for group in board.groups:
        values = group.rows[0].values
        transfers.setdefault(values["transfer"], {}).setdefault(values["budget"], []).append(group)
    for transfer, budgets in transfers.items():
        tabs = [Tab(name, tuple(_section(board, group, path_of) for group in own)) for name, own in budgets.items()]
        path = f"boards/{board.folder}/on/{slug(str(transfer), taken)}.html"
        about = path_of("dataset", name_of(next(iter(budgets.values()))[0].rows[0], "dataset"))
        curves = tuple(_curves(board, list(budgets.values())))
        yield View(one_line(plain_data(str(transfer))), path, tuple(tabs), curves, about)


def _section(board: Board, group: BoardGroup, path_of: PathOf) -> Section:
    values = group.rows[0].values
    setting = "" if values["setting"] == "inductive" else f", {one_line(values['setting'])}"
    kinds = (
        ("verified", "Verified", "A sample of the records of each of these rows was run again, and stands."),
        ("unverified", "Not verified", UNVERIFIED_NOTE),
        ("out", "Not ranked", "Nothing is said of these rows by ranks and ties."),
    )
    tables = []
    for kind, title, note in kinds:
        rows = [row for row in group.rows if _kind(row) == kind]
        lines = [(row, _line(board, row, path_of)) for row in rows]
        tied = tuple(line for row, line in lines if row.place is not None and row.place.is_tied)
        if rows:
            tables.append(Table(kind, title, note, tied, tuple(line for _, line in lines if line not in tied)))
    path = path_of("backbone", name_of(group.rows[0], "backbone"))
    return Section(f"{one_line(values['backbone'])}{setting}", path, "", "", group.metric, tuple(tables))


def _kind(row: BoardRow) -> str:
    return "out" if row.standing.why_not else "verified" if row.standing.status == VERIFIED else "unverified"


def _line(board: Board, row: BoardRow, path_of: PathOf) -> Line:
    return Line(
        row.rank, row.name, path_of("strategy", name_of(row, "strategy")), f"boards/{board.folder}/rows/{row.file}",
        row.given, row.mean, row.between, row.to_best, row.difference, row.seconds, ", ".join(row.submitters),
        row.date, row.said, row.standing.status, bool(row.place and row.place.is_best),
    )  # fmt: skip


def _over_all(board: Board, path_of: PathOf) -> Iterator[View]:
    """Yield a view of all transfers together, where any two are compared."""
    tabs: dict[str, dict[str, list[tuple[Ranked, Any, list[Candidate]]]]] = {}
    for ranked in board.lists:
        for metric in ranked.rows:
            for across, candidates in ranked.across(metric):
                tabs.setdefault(across.budget, {}).setdefault(across.setting, []).append((ranked, across, candidates))
    if not tabs:
        return
    owners = {id_of(row.values): row for row in board.rows}
    made = []
    for name, settings in tabs.items():
        sections = []
        for setting, found in settings.items():
            several = "" if setting == "inductive" else f", {one_line(setting)}"
            across = found[0][1]
            tables = tuple(_across_table(owners, each, path_of) for each in found)
            where = ", ".join(one_line(plain_data(block)) for block in across.blocks)
            sections.append(
                Section(
                    f"{plural(len(across.blocks), across.noun.removesuffix('s'))} together{several}",
                    "",
                    f"Ranks and scores are means over {where}. Tied with the best: within Nemenyi's critical "
                    f"difference of {across.critical_difference:.2g} ranks.",
                    one_line(across.warning),
                    one_line(across.metric),
                    tables,
                )  # fmt: skip
            )
        made.append(Tab(name, tuple(sections)))
    first = {name: next(iter(settings.values()))[0] for name, settings in tabs.items()}
    series = _series_of_candidates({name: candidates for name, (_, _, candidates) in first.items()})
    metric = next(iter(first.values()))[1].metric
    curves = [("all datasets together", curve(list(first), series, one_line(metric)))] if len(first) > 1 else []
    yield View(ALL, "", tuple(made), tuple(curves))


def id_of(values: Any) -> tuple[str, ...]:
    """Return what names a row of a summary."""
    from tlbench import ROW
    from tlbench_leaderboard.ranked import key_of

    return key_of(values, ROW)


def _across_table(owners: dict[tuple[str, ...], BoardRow], found: tuple[Ranked, Any, list[Candidate]], path_of: PathOf) -> Table:  # fmt: skip
    ranked, across, candidates = found
    kind, title, note = (
        ("verified", "Verified", "") if ranked.is_verified else ("unverified", "Not verified", UNVERIFIED_NOTE)
    )
    lines = []
    for each in candidates:
        rows = [owners[id_of(row)] for row in each.rows if id_of(row) in owners]
        who = dict.fromkeys(name for row in rows for name in row.submitters)
        strategy = plain_strategy(each.rows[0]["strategy"])
        place = each.place
        between = ranks(place.first, place.last)
        lines.append(
            Line(
                f"{each.rank:.1f}" + (f" ({between})" if between != NOTHING else ""),
                one_line(each.name),
                path_of("strategy", strategy),
                "",
                "",
                score(each.score),
                "",
                signed(each.behind),
                NOTHING,
                quantity(each.seconds),
                ", ".join(who),
                max((row.date for row in rows), default=""),
                "",
                VERIFIED if ranked.is_verified else NOT_VERIFIED,
                place.is_best,
            )  # fmt: skip
        )
    tied = [line for line, each in zip(lines, candidates, strict=True) if each.place.is_tied]
    return Table(kind, title, note, tuple(tied), tuple(line for line in lines if line not in tied))


def _curves(board: Board, budgets: Sequence[Sequence[BoardGroup]]) -> Iterator[tuple[str, Markup]]:
    """Yield a picture of scores by label budget for each backbone and setting that has several budgets."""
    lines: dict[tuple[str, str], dict[str, dict[str, BoardRow]]] = {}
    for row in (row for groups in budgets for group in groups for row in group.rows if row.place is not None):
        place = (one_line(row.values["backbone"]), one_line(row.values["setting"]))
        lines.setdefault(place, {}).setdefault(row.name, {})[row.values["budget"]] = row
    for (backbone, setting), names in lines.items():
        several = {name: own for name, own in names.items() if len(own) > 1}
        if not several:
            continue
        order = list(dict.fromkeys(name for own in several.values() for name in own))
        series = [
            Series(
                name, {budget: float(row.values["mean"]) for budget, row in own.items()},
                any(row.place is not None and row.place.is_best for row in own.values()),
                all(row.standing.status == VERIFIED for row in own.values()) or not board.is_verified,
                any(bool(row.values.get("is_baseline")) for row in own.values()),
            )
            for name, own in several.items()
        ]  # fmt: skip
        metric = next(iter(next(iter(several.values())).values())).metric
        title = backbone if setting == "inductive" else f"{backbone}, {setting}"
        yield title, curve(order, series, one_line(metric))


def _series_of_candidates(budgets: dict[str, list[Candidate]]) -> list[Series]:
    found: dict[str, dict[str, float]] = {}
    best: set[str] = set()
    for budget, candidates in budgets.items():
        for each in candidates:
            found.setdefault(one_line(each.name), {})[budget] = each.score
            best |= {one_line(each.name)} if each.place.is_best else set()
    return [Series(name, points, name in best, True) for name, points in found.items()]


def tally_of(rows: Sequence[tuple[Board, BoardRow]]) -> str:
    """Say in how many comparisons a strategy leads, ties with the best, is behind, and is worse than its baseline."""
    ranked = [row for _, row in rows if row.place is not None and not row.is_apart]
    apart = sum(row.is_apart and row.place is not None for _, row in rows)
    beside = (
        f" {plural(apart, 'further row')} {'is' if apart == 1 else 'are'} not verified and not counted."
        if apart
        else ""
    )
    if not ranked:
        return f"None of its rows ranks.{beside}"
    best = sum(bool(row.values["best"]) for row in ranked)
    tied = sum(bool(row.values["tied"]) and not row.values["best"] for row in ranked)
    verdicts = Counter(str(row.values["verdict"]) for row in ranked if row.values.get("verdict"))
    against = (
        f" Against its baseline: better in {verdicts['better']}, worse in {verdicts['worse']}, of {verdicts.total()}."
    )
    verified = "" if all(row.standing.status == VERIFIED for row in ranked) else " None of these rows is verified."
    return (
        f"{plural(len(ranked), 'comparison')}: best in {best}, tied with the best in {tied}, behind in "
        f"{len(ranked) - best - tied}.{against if verdicts else ''}{verified}{beside}"
    )
