"""Arrange what several transfers of a board say together, with a tab for each label budget."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tlbench import ROW, one_line, plural
from tlbench.results import plain_data
from tlbench_leaderboard.board import Board, BoardRow, plain_strategy, records_of_rows
from tlbench_leaderboard.curve import Series, curve
from tlbench_leaderboard.ranked import Candidate, Ranked, key_of
from tlbench_leaderboard.status import NOT_VERIFIED, VERIFIED
from tlbench_leaderboard.view import ALL, KINDS, Line, PathOf, Section, Tab, Table, View
from tlbench_leaderboard.words import NOTHING, quantity, ranks, score, signed

if TYPE_CHECKING:
    from tlbench.results import Across

_Rows = Mapping[tuple[str, ...], BoardRow]  # by what names them among those that they rank with
_Found = tuple[Ranked, "Across", list[Candidate], _Rows]


def over_all(board: Board, path_of: PathOf) -> Iterator[View]:
    """Yield a view of all transfers together, where any two share candidates."""
    tabs: dict[str, dict[str, list[_Found]]] = {}
    by_cell = {record.cell: row for row in board.rows for record in row.records}
    for ranked in board.lists:
        rows = {key: by_cell[own[0].cell] for key, own in records_of_rows(ranked.results).items()}
        for metric in ranked.rows:
            for across, candidates in ranked.across(metric):
                found = (ranked, across, candidates, rows)
                tabs.setdefault(across.budget, {}).setdefault(across.setting, []).append(found)
    if not tabs:
        return
    made = [
        Tab(name, tuple(_section(setting, found, path_of) for setting, found in settings.items()))
        for name, settings in tabs.items()
    ]
    first = {name: next(iter(settings.values()))[0] for name, settings in tabs.items()}
    series = list(_series({name: candidates for name, (_, _, candidates, _) in first.items()}))
    metric = one_line(next(iter(first.values()))[1].metric)
    curves = (
        ((f"the mean over datasets of {metric}", "", curve(list(first), series, metric)),) if len(first) > 1 else ()
    )
    yield View(ALL, "", tuple(made), curves)


def _section(setting: str, found: Sequence[_Found], path_of: PathOf) -> Section:
    across = found[0][1]
    title = f"{plural(len(across.blocks), across.noun.removesuffix('s'))} together"
    if setting != "inductive":
        title += f", {one_line(setting)}"
    tables = tuple(_table(each, path_of) for each in found)
    return Section(title, "", "", one_line(across.warning), one_line(across.metric), tables)


def _table(found: _Found, path_of: PathOf) -> Table:
    ranked, across, candidates, rows = found
    kind, title, note = KINDS[0 if ranked.is_verified else 1]
    where = ", ".join(one_line(plain_data(block)) for block in across.blocks)
    note += f" Ranks and scores are means over {where}; tied are those within Nemenyi's critical difference of "
    note += f"{quantity(round(across.critical_difference, 1))} ranks."
    lines = [_line(each, rows, ranked.is_verified, path_of) for each in candidates]
    tied = tuple(line for line, each in zip(lines, candidates, strict=True) if each.place.is_tied)
    return Table(kind, title, note, tied, tuple(line for line in lines if line not in tied))


def _line(candidate: Candidate, rows: _Rows, is_verified: bool, path_of: PathOf) -> Line:
    own = [rows[key_of(values, ROW)] for values in candidate.rows]
    between = ranks(candidate.place.first, candidate.place.last)
    return Line(
        rank=f"{candidate.rank:.1f}",
        ranks="" if between == NOTHING else between,
        name=one_line(candidate.name),
        path=path_of("strategy", plain_strategy(candidate.rows[0]["strategy"])),
        score=score(candidate.score),
        to_best=signed(candidate.behind),
        seconds=quantity(candidate.seconds),
        who=", ".join(dict.fromkeys(name for row in own for name in row.submitters)),
        date=max((row.date for row in own), default=""),
        status=VERIFIED if is_verified else NOT_VERIFIED,
        is_best=candidate.place.is_best,
    )


def _series(budgets: Mapping[str, Sequence[Candidate]]) -> Iterator[Series]:
    scores: dict[str, dict[str, float]] = {}
    best: set[str] = set()
    for name, candidates in budgets.items():
        for each in candidates:
            scores.setdefault(one_line(each.name), {})[name] = each.score
        best |= {one_line(each.name) for each in candidates if each.place.is_best}
    for name, points in scores.items():
        yield Series(name, points, name in best)
