"""Say the results in words, from a summary with intervals: over all datasets first, then one by one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tlbench.contract import ORACLE, Family
from tlbench.names import plural
from tlbench.results import stats
from tlbench.results.across import Across, mean_over_transfers
from tlbench.results.card import Card
from tlbench.results.comparisons import holm
from tlbench.results.origins import Facts, is_asked
from tlbench.results.summary import Summary
from tlbench.results.summary_row import GROUP, PLACE, Row, best_of, partition
from tlbench.results.wording import at, budget_in_words, costs, names, points

_FEW = 3  # names that are listed, adaptations with a sentence each
_MANY = 12  # groups from which on only what all datasets say is put into words


def headlines(
    summary: Summary,
    cards: Sequence[Card],
    facts: Facts,
    across: Sequence[Across] = (),
    weights: pd.DataFrame | None = None,
) -> list[str]:
    """Return sentences: who is best over all datasets; then, by group, who leads, who ties, and what it costs.

    `weights` is what `weights_gain` returns: what pretrained weights are worth is said last.
    """
    said = over_all(summary, across)
    covered = {(each.setting, each.budget) for each in across}
    found = _by_group(summary, cards, facts)
    if said and len(found) > _MANY:
        found = [each for each in found if (each[0]["setting"], each[0]["budget"]) not in covered]
    for first, card, beside in found:
        where = (
            f"{first['transfer']}, {first['backbone']}, {budget_in_words(str(first['budget']), str(first['setting']))}"
        )
        own = ([card.sentence] if card is not None else []) + beside
        said += [f"{where}: {sentence}" for sentence in own]
    return said + closing(summary, weights)


def remarks(summary: Summary, cards: Sequence[Card], facts: Facts) -> list[str]:
    """Return, group by group, what its card does not say."""
    several = len({(card.transfer, card.backbone) for card in cards}) > 1
    said = []
    for first, _, beside in _by_group(summary, cards, facts):
        labels = budget_in_words(str(first["budget"]), str(first["setting"]))
        where = f"{first['transfer']}, {first['backbone']}, {labels}" if several else labels
        said += [f"{where}: {sentence}" for sentence in beside]
    return said


def _by_group(summary: Summary, cards: Sequence[Card], facts: Facts) -> list[tuple[Row, Card | None, list[str]]]:
    """Return for each group that an answer is about its first row, its card, and what there is to say beside that."""
    of = {card.group: card for card in cards}
    found = []
    for group in summary.groups():
        if is_asked(group[0], facts):
            card = of.get(tuple(str(group[0][column]) for column in GROUP))
            found.append((group[0], card, _of_group(summary, group, facts, card)))
    return found


def over_all(summary: Summary, across: Sequence[Across]) -> list[str]:
    """Return what all datasets say together, where there are several."""
    return [_overall(each) for each in across if each.setting != ORACLE] or _mean_alone(summary)


def closing(summary: Summary, weights: pd.DataFrame | None) -> list[str]:
    """Return what weights are worth, and what choosing with test labels would add."""
    return ([] if weights is None else _weights(weights, summary.is_in_points)) + _oracle(summary)


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
                if verdict == "unclear":  # the interval of one comparison may leave 0 out, where that of many does not
                    own = [{**row, "delta_low": np.nan} for row in own]
                parts.append(f"{words}: {names(str(row['strategy']) + ' ' + points(row, in_points) for row in own)}")
        where = f"{transfer}, {backbone}, {budget_in_words(str(budget), str(setting))}"
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
    if _is_expected(best):  # one by one they may tie, together they do not
        leaders = leaders[(leaders["candidate"] != best["baseline"]) | (leaders["candidate"] == best["candidate"])]
    if len(leaders) > 1:
        sentence += f", as {'are' if len(leaders) > 2 else 'is'} {names(leaders['candidate'].iloc[1:])}"
    if best["baseline"] and best["delta_n"]:
        sentence += f"; {_expected(best, across)}"
    cheapest = ranks[(ranks["family"] == str(Family.EXTRACT)) & (ranks["candidate"] != best["candidate"])]
    if not len(cheapest):
        cheapest = ranks[ranks["candidate"] == best["baseline"]]
    if len(cheapest):
        reference = cheapest.loc[cheapest["seconds"].idxmin()]
        if best["seconds"] > 0 and reference["seconds"] > 0:
            sentence += costs(float(best["seconds"] / reference["seconds"]), str(reference["candidate"]))
    return sentence + "."


def _expected(best: Any, across: Across) -> str:
    """Say what to expect on another dataset, where these tell; else what it was on these."""
    if _is_expected(best):
        by = points(best, across.is_in_points)
        return f"expect {by} over {best['baseline']} (t over {best['delta_n']} {across.noun})"
    by = points({**best, "delta_low": np.nan}, across.is_in_points)
    return f"{by} over {best['baseline']} on average of these {best['delta_n']}, which says little of others"


def _is_expected(best: Any) -> bool:
    """Tell whether some datasets tell what to expect on another."""
    known = best["baseline"] and np.isfinite(best["delta_low"]) and best["delta_low"] * best["delta_high"] > 0
    return bool(known and best["delta_n"] > 2)


def _at(budget: str, setting: str) -> str:
    words = at(budget_in_words(budget, setting))
    return words[0].upper() + words[1:]


def _of_group(summary: Summary, group: list[Row], facts: Facts, card: Card | None) -> list[str]:
    """Return what there is to say of a group beside its card."""
    rows = [row for row in group if row["n"] and not row["upper_bound"]]
    if not rows:
        return []
    winner = card.winner if card is not None else ""
    said = _undefined(rows, summary.metric) + _without_learning(rows) + _collapses(rows) + _odd_ties(rows, summary)
    adaptations = [
        row for row in rows if row["family"] == str(Family.ADAPT) and row["baseline"] and np.isfinite(row["delta"])
    ]
    if len(adaptations) > _FEW:
        said += [_adaptations(part) for part in partition(adaptations, ("source", "baseline"))]
    else:
        said += [_against_baseline(row, summary) for row in adaptations if row["label"] != winner]
    return said + _of_others(summary, rows, facts, winner) + _tuned(summary, rows)


def _of_others(summary: Summary, rows: list[Row], facts: Facts, winner: str) -> list[str]:
    """Say how methods that do not come with tlbench stand to the best of those that do."""
    scored = [row for row in rows if np.isfinite(row["mean"])]
    known = [row for row in scored if row["strategy"] not in facts.foreign]
    if not known:
        return []
    best = best_of(known, summary.higher_is_better)
    own = [row for row in scored if row["strategy"] in facts.foreign and row["label"] != winner]
    pairs = np.arange(1, len(own) + 1)
    found = summary.compared([best, *own], pairs, np.zeros(len(own), dtype=int)) if own else None
    said = []
    for k, row in enumerate(own[:_FEW]):
        assert found is not None
        p = float(np.minimum(1.0, found.p[k] * (len(scored) - 1)))
        verdict = stats.verdict(float(found.delta[k]), p, summary.higher_is_better)
        by = {"delta": found.delta[k], "delta_low": np.nan, "delta_high": np.nan}
        words = {"better": "gains", "worse": "is behind", "unclear": "is not clearly different"}.get(verdict)
        if words:
            said.append(
                f"{row['label']} {words}: {points(by, summary.is_in_points)} against {best['label']}, the best known."
            )
    return said


def _undefined(rows: list[Row], metric: str) -> list[str]:
    """Say which rows have no mean, since the metric is undefined on some of their replicates."""
    without = [row for row in rows if row["undefined"]]
    if not without:
        return []
    who = "every row" if len(without) == len(rows) else names([row["label"] for row in without])
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
    return said + ([f"{names([row['label'] for row in rest])} did not learn in some or all either."] if rest else [])


def _collapses(rows: list[Row]) -> list[str]:
    """Say which rows hold replicates far below the others: a mean says little of them."""
    return [
        f"{row['label']} collapsed in {row['collapsed']} of {plural(row['n'], 'replicate')}; the middle half of them "
        f"has {row['iqm']:.3f}."
        for row in rows
        if row["collapsed"] and not row["did_not_learn"]
    ][:_FEW]


def _against_baseline(row: Row, summary: Summary) -> str:
    words = {
        "better": "beats",
        "worse": "is worse than",
        "unclear": "does not clearly beat",
        "": "has one pair only, no interval, against",
    }
    origin = f", from {row['source']}" if row["source"] and f"from {row['source']}" not in row["label"] else ""
    by = points({**row, "delta_low": row["clear_low"], "delta_high": row["clear_high"]}, summary.is_in_points)
    return f"{row['label']} {words[row['verdict']]} {row['baseline']} ({by}{origin})."


def _odd_ties(rows: list[Row], summary: Summary) -> list[str]:
    """Say why a row ties with the best where one of a better mean does not."""
    best = next((row for row in rows if row["best"]), None)
    sign = 1 if summary.higher_is_better else -1
    tied = [row for row in rows if row["tied"] and row is not best and np.isfinite(row["mean"])]
    if best is None or not tied or best["n"] + best["copies"] < 2:
        return []
    last = min(tied, key=lambda row: sign * row["mean"])
    passed = [row for row in rows if not row["tied"] and np.isfinite(row["behind"]) and not row["did_not_learn"]
              and sign * row["mean"] > sign * last["mean"]]  # fmt: skip
    if not passed:
        return []
    first = best_of(passed, summary.higher_is_better)
    two = [f"{row['label']} ({row['mean']:.3f})" for row in (last, first)]
    return [
        f"{two[0]} ties with {best['label']} and {two[1]} does not: the difference to {best['label']} varies less from "
        f"draw to draw with {first['label']}."
    ]


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
            (low,), (high,) = each.clear_ends(np.array([p]), max(len(alone), others))
            by = {"delta": each.delta[0], "delta_low": low, "delta_high": high}
            found.setdefault(words, []).append(f"{row['label']} ({points(by, summary.is_in_points)})")
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
