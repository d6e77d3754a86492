"""Compare candidates across datasets: on how many, with which ranks, and which cannot be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tlbench.names import plural
from tlbench.results import stats
from tlbench.results.across_blocks import (
    beating,
    block_ranks,
    critical_difference,
    friedman_p,
    inseparable,
    iqm_interval,
    profile,
    rank_intervals,
    thresholds,
)
from tlbench.results.comparisons import ALPHA
from tlbench.results.rows import row_labels
from tlbench.results.side_by_side import side_by_side
from tlbench.results.summary import Summary
from tlbench.results.summary_row import partition

CANDIDATE = ("strategy", "backbone", "selection", "tuned")
Row = dict[str, Any]
_FEWEST = 3  # transfers that a mean is taken over: of two an interval says nothing
_MANY = 5_000  # rows that are worth several processes


@dataclass(frozen=True, eq=False)
class Across:
    """Compare all candidates over the blocks of one setting and budget; docs/statistics.md explains each part."""

    setting: str
    budget: str
    metric: str
    candidates: tuple[str, ...]  # that all blocks have, best mean rank first
    blocks: tuple[str, ...]  # that all candidates have
    coverage: Mapping[str, tuple[int, int]]  # of every candidate, those left out too: blocks it has, blocks in all
    noun: str  # what blocks are: `datasets`, or `transfers` where datasets have several
    backbone: str  # where all candidates share one
    dropped: tuple[str, ...]  # blocks left out, since few candidates have them
    ranks: pd.DataFrame  # a row per candidate, best first: mean_rank, rank_low, wins, iqm, delta ...
    friedman_p: float
    critical_difference: float  # Nemenyi's
    groups: tuple[tuple[str, ...], ...]  # candidates within a critical difference
    win_matrix: pd.DataFrame  # the share of blocks in which the row's candidate beats the column's
    profile: pd.DataFrame  # a row per candidate, a column per threshold: the share of runs that score better
    warning: str  # why the blocks are too few, or nothing
    higher_is_better: bool = True
    is_in_points: bool = True  # whether differences are said in points: of a share


def compare_across(summary: Summary) -> list[Across]:
    """Return one comparison for each setting and budget in which two candidates share two blocks.

    A block is a transfer and a candidate a variant on a backbone. A source is part of the candidate where every
    transfer has rows from it, else of the block, as with domains of one dataset: then what has no source stands in
    each block of its transfer.
    """
    rows = [row for row in summary.rows if not row["upper_bound"]]
    parts = partition(rows, ("setting", "budget"))
    least = 1 if len(rows) >= _MANY else len(parts)
    found = side_by_side(lambda some: [_compare(summary, part) for part in some], parts, least)
    return [each for each in found if each is not None]


def mean_over_transfers(summary: Summary) -> pd.DataFrame:
    """Return a row for each candidate of one setting and budget that three transfers or more have a score of.

    `mean` is that of its means, with `low` and `high` of a 95 % t interval over its `n` transfers: what to expect of
    another one like these.
    """
    lines = []
    for rows in partition([row for row in summary.rows if not row["upper_bound"]], ("setting", "budget")):
        table, _, labels = _tabulate(rows)
        for key, label in labels.items():
            scored = [block[key] for block in table.values() if _scored(block.get(key))]
            if len(scored) >= _FEWEST:
                over = stats.t_interval(np.array([row["mean"] for row in scored]))
                lines.append(
                    {column: rows[0][column] for column in ("setting", "budget")}
                    | {"candidate": label, "mean": over.mean, "low": over.low, "high": over.high, "n": over.n}
                )
    return pd.DataFrame(lines, columns=["setting", "budget", "candidate", "mean", "low", "high", "n"])


def _compare(summary: Summary, rows: list[Row]) -> Across | None:
    table, names, labels = _tabulate(rows)
    for block in table.values():
        scored = [row for row in block.values() if np.isfinite(row["mean"])]
        for row, (_, tied) in zip(scored, summary.standings(scored), strict=True):
            row["wins"] = tied
    has = np.array([[_scored(block.get(key)) for block in table.values()] for key in labels])
    kept = common_support(has)
    if kept is None:
        return None
    candidates, blocks = kept
    keys, places = list(labels), list(table)
    chosen = [[table[places[j]][keys[i]] for j in blocks] for i in candidates]
    means = np.array([[row["mean"] for row in line] for line in chosen])
    ranks = block_ranks(means, summary.higher_is_better)
    order = np.argsort(ranks.mean(axis=1), kind="stable")
    chosen, means, ranks = [chosen[i] for i in order], means[order], ranks[order]
    shown = [labels[keys[candidates[i]]] for i in order]
    runs = [[_finite(summary.matrix([row])[0]) for row in line] for line in chosen]
    difference = critical_difference(len(shown), len(blocks))
    at = thresholds(np.concatenate([run for line in runs for run in line]))
    return Across(
        setting=str(rows[0]["setting"]),
        budget=str(rows[0]["budget"]),
        metric=summary.metric,
        candidates=tuple(shown),
        blocks=tuple(names[places[j]] for j in blocks),
        coverage={labels[key]: (int(line.sum()), len(places)) for key, line in zip(keys, has, strict=True)},
        noun="datasets" if len({row["dataset"] for row in chosen[0]}) == len(blocks) else "transfers",
        backbone=str(rows[0]["backbone"]) if len({row["backbone"] for row in rows}) == 1 else "",
        dropped=tuple(names[place] for j, place in enumerate(places) if j not in blocks),
        ranks=_ranks(shown, ranks, chosen, runs),
        friedman_p=friedman_p(means),
        critical_difference=difference,
        groups=tuple(tuple(shown[i] for i in group) for group in inseparable(ranks.mean(axis=1), difference)),
        win_matrix=pd.DataFrame(beating(means, summary.higher_is_better), index=shown, columns=shown),
        profile=pd.DataFrame([profile(line, at, summary.higher_is_better) for line in runs], index=shown, columns=at),
        warning=too_few_blocks(len(shown), len(blocks)),
        higher_is_better=summary.higher_is_better,
        is_in_points=summary.is_in_points,
    )


def _tabulate(rows: list[Row]) -> tuple[dict[Any, dict[Any, Row]], dict[Any, str], dict[Any, str]]:
    """Return the rows by block and candidate, the names of the blocks, and the labels of the candidates."""
    sourced = [row for row in rows if row["source"]]
    sources = {row["source"] for row in sourced}
    pairs = {(row["transfer"], row["source"]) for row in sourced}
    everywhere = len(pairs) == len(sources) * len({transfer for transfer, _ in pairs})
    table: dict[Any, dict[Any, Row]] = {}
    labels: dict[Any, str] = {}
    names: dict[Any, str] = {}
    columns = (*CANDIDATE, "source") if everywhere else CANDIDATE
    members = [members[0] for members in partition(rows, columns)]
    for row, label in zip(members, row_labels(members, tell_sources=None if everywhere else False), strict=True):
        labels[tuple(row[column] for column in columns)] = label
    for row in rows:
        of = sorted(source for transfer, source in pairs if transfer == row["transfer"]) or [""]
        places = [""] if everywhere else [row["source"]] if row["source"] else of
        for source in places:
            place = (row["transfer"], source)
            names[place] = f"{row['transfer']} from {source}" if source else str(row["transfer"])
            table.setdefault(place, {})[tuple(row[column] for column in columns)] = {**row}
    return table, names, labels


def common_support(has: np.ndarray) -> tuple[list[int], list[int]] | None:
    """Return which candidates and blocks are compared, from has, bool (candidates, blocks): all of them have all.

    Of the best covered blocks as many are taken as make candidates times blocks largest; of equals, the more blocks.
    None where no two candidates share two blocks.
    """
    order = np.argsort(-has.sum(axis=0), kind="stable")
    best: tuple[int, list[int], list[int]] | None = None
    for count in range(2, len(order) + 1):
        blocks = sorted(int(j) for j in order[:count])
        candidates = [int(i) for i in np.flatnonzero(has[:, blocks].all(axis=1))]
        if len(candidates) >= 2 and (best is None or len(candidates) * count >= best[0]):
            best = len(candidates) * count, candidates, blocks
    return None if best is None else best[1:]


def _ranks(
    shown: Sequence[str], ranks: np.ndarray, chosen: list[list[Row]], runs: list[list[np.ndarray]]
) -> pd.DataFrame:
    low, high = rank_intervals(ranks)
    lines = []
    for i, (name, line, scores) in enumerate(zip(shown, chosen, runs, strict=True)):
        iqm, iqm_low, iqm_high = iqm_interval(scores)
        deltas = stats.t_interval(_finite(np.array([row["delta"] for row in line])))
        baselines = {row["baseline"] for row in line if row["baseline"]}
        lines.append(
            {
                "candidate": name,
                "family": line[0]["family"],
                "mean_rank": float(ranks[i].mean()),
                "rank_low": float(low[i]),
                "rank_high": float(high[i]),
                "wins": sum(row["wins"] for row in line),
                "iqm": iqm,
                "iqm_low": iqm_low,
                "iqm_high": iqm_high,
                "baseline": baselines.pop() if len(baselines) == 1 else "",
                "delta": deltas.mean,
                "delta_low": deltas.low,
                "delta_high": deltas.high,
                "delta_n": deltas.n,
                "seconds": float(np.mean([row["seconds"] for row in line])),
            }
        )
    return pd.DataFrame(lines)


def too_few_blocks(candidates: int, blocks: int) -> str:
    """Return why so many blocks cannot tell so many candidates apart, or nothing."""
    comparisons = candidates - 1
    if blocks >= stats.fewest_pairs(comparisons) and comparisons > critical_difference(candidates, blocks):
        return ""
    if blocks < stats.fewest_pairs():
        return (
            f"with {plural(blocks, 'block')} no exact paired test across them can reach p < {ALPHA:g}: the smallest "
            f"possible p is {stats.smallest_p(blocks):.2g}. That takes {stats.fewest_pairs()} datasets or more."
        )
    return (
        f"with {plural(blocks, 'block')} no exact paired test across them can reach p < {ALPHA:g} after Holm's "
        f"correction for {plural(comparisons, 'comparison')}. That takes {stats.fewest_pairs(comparisons)} datasets."
    )


def _scored(row: Row | None) -> bool:
    return row is not None and bool(np.isfinite(row["mean"]))


def _finite(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = values[np.isfinite(values)]
    return found
