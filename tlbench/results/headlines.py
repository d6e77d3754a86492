"""Say the results in words, from a summary with intervals: over all datasets first, then one by one."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tlbench.contract import ORACLE, UNSUPERVISED, Budget, Family
from tlbench.names import plural
from tlbench.results import stats
from tlbench.results.across import Across, mean_over_transfers
from tlbench.results.comparisons import holm
from tlbench.results.summary import GROUP, PLACE, Summary, partition

_FEW = 3  # names that are listed, adaptations with a sentence each
_MANY = 12  # groups from which on only what all datasets say is put into words

Row = dict[str, Any]


def headlines(summary: Summary, across: Sequence[Across] = (), weights: pd.DataFrame | None = None) -> list[str]:
    """Return sentences: who is best over all datasets; then, by group, who leads, who ties, and what it costs.

    `weights` is what `weights_gain` returns: what pretrained weights are worth is said last.
    """
    said = [_overall(each) for each in across if each.setting != ORACLE] or _mean_alone(summary)
    covered = {(each.setting, each.budget) for each in across}
    groups = [group for group in summary.groups() if group[0]["setting"] != ORACLE]
    if said and len(groups) > _MANY:
        groups = [group for group in groups if (group[0]["setting"], group[0]["budget"]) not in covered]
    for group in groups:
        first = group[0]
        where = f"{first['transfer']}, {first['backbone']}, {_spell(str(first['budget']), str(first['setting']))}"
        said += [f"{where}: {sentence}" for sentence in _of_group(summary, group)]
    return said + ([] if weights is None else _weights(weights, summary.is_in_points)) + _oracle(summary)


def _mean_alone(summary: Summary) -> list[str]:
    """Say the mean over all transfers of candidates that no other can be ranked against, where they are few."""
    found = mean_over_transfers(summary).to_dict("records")
    return [
        f"{_at(str(row['budget']), str(row['setting']))}, {row['candidate']} has a mean {summary.metric} of "
        f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}] over {row['n']} transfers (t over transfers)."
        for row in found
        if row["setting"] != ORACLE
    ][:_FEW]


def _weights(found: pd.DataFrame, in_points: bool) -> list[str]:
    """Say for each backbone and place whether its weights help, and where they do harm."""
    said = []
    for (transfer, backbone, budget, setting), rows in found.groupby(list(GROUP), sort=False):
        parts = []
        for verdict, words in (
            ("better", "they add"), ("unclear", "no clear difference"), ("worse", "they do harm (negative transfer)"),
            ("", "one pair only, no interval"),
        ):  # fmt: skip
            own = rows[rows["verdict"] == verdict].to_dict("records")
            if own:
                parts.append(f"{words}: {_names(str(row['strategy']) + ' ' + _points(row, in_points) for row in own)}")
        where = f"{transfer}, {backbone}, {_spell(str(budget), str(setting))}"
        said.append(f"{where}: the weights against a random start of the same network: {'; '.join(parts)}.")
    return said


def _overall(across: Across) -> str:
    """Say who is best or tied with the best on most datasets, by how much, and at what cost."""
    ranks = across.ranks
    leaders = ranks[ranks["wins"] == ranks["wins"].max()]
    best = leaders.iloc[0]  # of equals, the one with the best mean rank
    name = str(best["candidate"]) + (f" from {across.backbone}" if across.backbone else "")
    blocks = f"{len(across.blocks)} {across.noun}"
    sentence = f"{_at(across.budget, across.setting)}, {name} is best or tied with best on {best['wins']} of {blocks}"
    if len(leaders) > 1:
        sentence += f", as {'are' if len(leaders) > 2 else 'is'} {_names(leaders['candidate'].iloc[1:])}"
    if best["baseline"] and best["delta_n"]:
        by = _points(best, across.is_in_points)
        sentence += f"; expect {by} over {best['baseline']} (t over {best['delta_n']} {across.noun})"
    cheapest = ranks[(ranks["family"] == str(Family.EXTRACT)) & (ranks["candidate"] != best["candidate"])]
    if not len(cheapest):
        cheapest = ranks[ranks["candidate"] == best["baseline"]]
    if len(cheapest):
        sentence += _cost(best, cheapest.loc[cheapest["seconds"].idxmin()], "candidate")
    if len(across.blocks) < stats.fewest_pairs():
        sentence += f"; {blocks} are too few for a test across them"
    return sentence + "."


def _of_group(summary: Summary, group: list[Row]) -> list[str]:
    rows = [row for row in group if row["n"] and not row["upper_bound"]]
    if not rows:
        return []
    leader = next((row for row in rows if row["best"]), None)
    said = [] if leader is None else [_leader(leader, rows, summary)]
    said += _undefined(rows, summary.metric) + _without_learning(rows) + _collapses(rows)
    adaptations = [
        row for row in rows if row["family"] == str(Family.ADAPT) and row["baseline"] and np.isfinite(row["delta"])
    ]
    if len(adaptations) > _FEW:
        said += [_adaptations(part) for part in partition(adaptations, ("source", "baseline"))]
    else:
        said += [_against_baseline(row, summary) for row in adaptations if row is not leader]
    return said + _tuned(summary, rows)


def _undefined(rows: list[Row], metric: str) -> list[str]:
    """Say which rows have no mean, since the metric is undefined on some of their replicates."""
    without = [row for row in rows if row["undefined"]]
    if not without:
        return []
    who = "every row" if len(without) == len(rows) else _names([row["label"] for row in without])
    some = "" if all(row["undefined"] == row["n"] for row in without) else " in some replicates"
    return [f"{metric} is undefined for {who}{some}; tables say why."]


def _without_learning(rows: list[Row]) -> list[str]:
    """Say which rows hold fits that learnt nothing, and what to try instead."""
    lost = [row for row in rows if row["did_not_learn"]]
    said = [
        f"{row['label']} did not learn in {row['did_not_learn']} of {plural(row['n'], 'replicate')}: {row['why_not']}."
        for row in lost[:_FEW]
    ]
    rest = lost[_FEW:]
    return said + ([f"nor did {_names([row['label'] for row in rest])} in some or all."] if rest else [])


def _collapses(rows: list[Row]) -> list[str]:
    """Say which rows hold replicates far below the others: a mean says little of them."""
    return [
        f"{row['label']} collapsed in {row['collapsed']} of {plural(row['n'], 'replicate')}; the middle half of them "
        f"has {row['iqm']:.3f}."
        for row in rows
        if row["collapsed"] and not row["did_not_learn"]
    ][:_FEW]


def _leader(best: Row, rows: list[Row], summary: Summary) -> str:
    metric, least = summary.metric, "" if summary.higher_is_better else " (lower is better)"
    equals = [row for row in rows if row["best"]]
    below = best["baseline"] if best["verdict"] == "worse" else ""  # which cannot be best: it did not always learn
    ties = [
        row for row in rows if row["tied"] and not row["best"] and not (below and row["position"] == best["reference"])
    ]
    if len(equals) > 1:
        named = [f"{row['label']}{_interval(row)}" for row in equals]
        sentence = f"{_names(named)} tie at {metric} {best['mean']:.3f}{least}"
    else:
        sentence = f"{best['label']} leads with {metric} {best['mean']:.3f}{_interval(best)}{least}"
    if below:
        sentence += f", but is worse than {below} ({_points(best, summary.is_in_points)})"
    elif best["baseline"] and np.isfinite(best["delta"]):
        sentence += f", {_points(best, summary.is_in_points)} over {best['baseline']}"
        sentence += f", not clearly{_among(best, summary)}" if best["verdict"] == "unclear" else ""
    if best["copies"]:
        sentence += "; nothing was drawn, so that its replicates are one result"
    if best["n"] + best["copies"] < 2:
        sentence += "; one replicate tells nothing apart" if len(rows) > 1 else ""
    elif ties:
        it = "them" if len(equals) > 1 else "it"
        sentence += f"; not separable from {it} among {len(rows)} rows: {_names([row['label'] for row in ties])}"
    hurt = [row["label"] for row in rows if row["negative_transfer"] and row["family"] != str(Family.ADAPT)]
    if hurt := [label for label in hurt if not (below and label == best["label"])]:
        sentence += f"; negative transfer: {', '.join(hurt)}"
    cheap = [row for row in rows if row["family"] == str(Family.EXTRACT) and row is not best]
    cheap = cheap or [row for row in rows if row["is_baseline"] and row["strategy"] == best["baseline"]]
    if cheap:
        sentence += _cost(best, min(cheap, key=lambda row: row["seconds"]), "label")
    return sentence + "."


def _interval(row: Row) -> str:
    """Return what a mean may be, where there is an interval: over its episodes, or over replicates and test items."""
    if row["n_episodes"]:
        return f" [{row['episode_low']:.3f}, {row['episode_high']:.3f}] over {row['n_episodes']:,} episodes"
    return f" [{row['low']:.3f}, {row['high']:.3f}]" if np.isfinite(row["low"]) else ""


def _among(row: Row, summary: Summary) -> str:
    """Say of how many comparisons one is that would be clear if it were the only one."""
    alone = np.isfinite(row["delta_low"]) and row["delta_low"] * row["delta_high"] > 0
    return f" among {summary.comparisons} comparisons" if alone and summary.comparisons > 1 else ""


def _against_baseline(row: Row, summary: Summary) -> str:
    words = {
        "better": "beats",
        "worse": "is worse than",
        "unclear": "does not clearly beat",
        "": "has one pair only, no interval, against",
    }
    origin = f", from {row['source']}" if row["source"] and f"from {row['source']}" not in row["label"] else ""
    among = _among(row, summary) if row["verdict"] == "unclear" else ""
    points = _points(row, summary.is_in_points)
    return f"{row['label']} {words[row['verdict']]} {row['baseline']}{among} ({points}{origin})."


def _adaptations(rows: list[Row]) -> str:
    """Say how each of many adaptations from one source stands to their baseline."""
    parts = []
    for verdict, words in (
        ("better", "beating it"),
        ("unclear", "not clearly different"),
        ("worse", "negative transfer"),
        ("", "one pair only, no interval"),
    ):
        if names := [row["label"] for row in rows if row["verdict"] == verdict]:
            parts.append(f"{words}: {', '.join(names)}")
    origin = f" from {rows[0]['source']}" if rows[0]["source"] else ""
    return f"of {len(rows)} adaptations{origin} against {rows[0]['baseline']}, {'; '.join(parts)}."


def _tuned(summary: Summary, rows: list[Row]) -> list[str]:
    """Say whether tuned rows differ from those of the same strategy as it comes."""
    by_default = {_variant(row): row for row in rows if not row["tuned"]}
    pairs = [(row, by_default[_variant(row)]) for row in rows if row["tuned"] and _variant(row) in by_default]
    found: dict[str, list[str]] = {}
    paired = [summary.compared([row, default], np.array([0]), np.array([1])) for row, default in pairs]
    alone = np.array([float(each.p[0]) for each in paired])
    others = sum(np.isfinite(row["mean"]) for row in rows) - 1  # by which ties are corrected: no row ties and gains
    for (row, _), each, p in zip(pairs, paired, np.maximum(holm(alone), alone * others), strict=True):
        if each.n[0]:
            verdict = stats.verdict(float(each.delta[0]), float(p), summary.higher_is_better)
            words = {"better": "gains", "worse": "loses"}.get(verdict, "does not clearly differ")
            points = {"delta": each.delta[0], "delta_low": each.low[0], "delta_high": each.high[0]}
            found.setdefault(words, []).append(f"{row['label']} ({_points(points, summary.is_in_points)})")
    parts = [
        f"{words}: {', '.join(found[words])}"
        for words in ("gains", "does not clearly differ", "loses")
        if words in found
    ]
    return [f"tuning against the defaults: {'; '.join(parts)}."] if parts else []


def _variant(row: Row) -> tuple[str, ...]:
    return str(row["strategy"]), str(row["source"]), str(row["selection"])


def _oracle(summary: Summary) -> list[str]:
    """Say in one sentence what choosing with test labels would add, which nobody can."""
    gaps, count = [], 0
    for place in partition(summary.rows, PLACE):
        chosen = [row for row in place if row["setting"] == ORACLE and np.isfinite(row["mean"])]
        count += len(chosen)
        for row in chosen:
            alike = (*_variant(row)[:2], row["tuned"])
            others = [
                other["mean"]
                for other in place
                if other["setting"] != ORACLE and (*_variant(other)[:2], other["tuned"]) == alike and other["n"]
            ]
            if others:
                gaps.append(row["mean"] - (max(others) if summary.higher_is_better else min(others)))
    if not count:
        return []
    sentence = (
        f"Upper bound, no fair comparison: {count} {'row' if count == 1 else 'rows'} chosen with test labels (oracle)"
    )
    if gaps:
        gap = float(np.mean(gaps))
        by = f"{100 * gap:+.1f} points" if summary.is_in_points else f"{gap:+.3f}"
        sentence += f", {by} on average against the best rule without"
    return [sentence + "."]


def _cost(row: Any, reference: Any, column: str) -> str:
    """Return what a row costs in seconds of fitting, source-side training and tuning, in those of another."""
    if not (row["seconds"] > 0 and reference["seconds"] > 0):
        return ""
    ratio = float(row["seconds"] / reference["seconds"])
    times = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}".removesuffix(".0") if ratio >= 0.1 else f"{ratio:.1g}"
    return f"; it costs {times}x {reference[column]}"


def _points(row: Any, in_points: bool) -> str:
    """Return a difference with its interval, in points where the metric is a share, else as it is."""
    scale, digits = (100, 1) if in_points else (1, 3)
    text = f"{scale * row['delta']:+.{digits}f}{' points' if in_points else ''}"
    if np.isfinite(row["delta_low"]):
        text += f" [{scale * row['delta_low']:+.{digits}f}, {scale * row['delta_high']:+.{digits}f}]"
    return text


def _names(names: Iterable[str]) -> str:
    shown = [str(name) for name in names]
    if len(shown) > _FEW + 1:
        return f"{', '.join(shown[:_FEW])} and {len(shown) - _FEW} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]


def _at(budget: str, setting: str) -> str:
    words = _spell(budget, setting)
    return f"{'At' if words[0].isdigit() else 'In' if words.startswith('episodes') else 'With'} {words}"


def _spell(budget: str, setting: str) -> str:
    if setting == UNSUPERVISED:
        return "no label at all"
    return _labels(budget) + (", transductive" if setting == "transductive" else "")


def _labels(budget: str) -> str:
    if Budget.parse(budget).is_zero:
        return "no target labels"
    if "-way " in budget:
        return f"episodes of {budget}"
    if budget.endswith("-shot"):
        shots = int(budget.removesuffix("-shot"))
        return f"{shots} label{'s' if shots > 1 else ''} per class"
    return "all labels" if budget == "full" else f"{budget} labels"
