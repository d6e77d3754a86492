"""Count where a strategy wins and where it loses."""

from collections import Counter
from collections.abc import Sequence

from tlbench import plural
from tlbench_leaderboard.board import Board, BoardRow
from tlbench_leaderboard.status import VERIFIED


def tally_of(rows: Sequence[tuple[Board, BoardRow]]) -> str:
    """Say in how many comparisons a strategy leads, ties with the best, is behind, and is worse than its baseline."""
    ranked = [row for _, row in rows if row.place is not None and not row.is_apart]
    apart = sum(row.is_apart and row.place is not None for _, row in rows)
    beside = f" Not counted: {plural(apart, 'row')} that nobody verified." if apart else ""
    if not ranked:
        return f"None of its rows ranks.{beside}"
    best = sum(bool(row.values["best"]) for row in ranked)
    tied = sum(bool(row.values["tied"]) and not row.values["best"] for row in ranked)
    verdicts = Counter(str(row.values["verdict"]) for row in ranked if row.values.get("verdict"))
    against = (
        f" Against its baseline: better in {verdicts['better']}, worse in {verdicts['worse']}, of {verdicts.total()}."
    )
    verified = sum(row.standing.status == VERIFIED for row in ranked)
    told = "" if verified == len(ranked) else f" Verified: {verified or 'none'} of {plural(len(ranked), 'row')}."
    return (
        f"{plural(len(ranked), 'comparison')}: best in {best}, tied with the best in {tied}, behind in "
        f"{len(ranked) - best - tied}.{against if verdicts else ''}{told}{beside}"
    )
