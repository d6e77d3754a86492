"""Arrange a board for reading: a view of each transfer and one of all together, with a tab for each label budget."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from markupsafe import Markup

from tlbench import one_line
from tlbench.results import plain_data
from tlbench_leaderboard.board import Board, BoardGroup, BoardRow, name_of
from tlbench_leaderboard.contribution import slug
from tlbench_leaderboard.curve import Series, curve
from tlbench_leaderboard.over_all import over_all
from tlbench_leaderboard.status import VERIFIED
from tlbench_leaderboard.view import KINDS, Line, PathOf, Section, Tab, Table, View


def views_of(board: Board, path_of: PathOf) -> list[View]:
    """Return the views of a board, that of all transfers together first; the first one is the board's own page."""
    first, *others = [*over_all(board, path_of), *_of_transfers(board, path_of)]
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
    tables = []
    for kind, title, note in KINDS:
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
        rank=row.rank,
        name=row.name,
        path=path_of("strategy", name_of(row, "strategy")),
        score=row.mean,
        to_best=row.to_best,
        seconds=row.seconds,
        who=", ".join(row.submitters),
        date=row.date,
        status=row.standing.status,
        is_best=bool(row.place and row.place.is_best),
        records=f"boards/{board.folder}/rows/{row.file}",
        note=row.given,
        between=row.between,
        to_baseline=row.difference,
        said=row.said,
    )


def _curves(board: Board, budgets: Sequence[Sequence[BoardGroup]]) -> Iterator[tuple[str, str, Markup]]:
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
        transfer = str(budgets[0][0].rows[0].values["transfer"])
        yield title, board.crossings.get((transfer, backbone, setting), ""), curve(order, series, one_line(metric))
