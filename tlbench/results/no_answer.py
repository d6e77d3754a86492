"""Say where no answer is given: where nothing shows that the weights of a backbone help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlbench.contract import Family
from tlbench.results.comparisons import ALPHA
from tlbench.results.origins import Facts, uses_weights
from tlbench.results.summary import Summary
from tlbench.results.summary_row import GROUP, Row, best_of, is_candidate, partition
from tlbench.results.wording import budget_in_words, plain_data, points

_PAIRS = 2  # replicates of which no test of a usual difference is clear


@dataclass(frozen=True)
class Unhelpful:
    """Hold by (transfer, backbone) why the weights of a backbone do not help, and what its authors say of the data."""

    reasons: Mapping[tuple[str, str], str]
    notes: Mapping[tuple[str, str], str]


def unhelpful_places(summary: Summary, weights: pd.DataFrame | None, facts: Facts) -> dict[tuple[str, str], str]:
    """Return why the weights of a backbone do not help on a transfer, where tests say so at no label budget.

    They help where the same strategy does better with them than from a random start of the network, and where what
    learns on frozen features does better than what learns on the inputs themselves.
    """
    found = {}
    for rows in partition(summary.rows, ("transfer", "backbone")):
        place = (str(rows[0]["transfer"]), str(rows[0]["backbone"]))
        if place[1] in facts.weighted:
            reason = _against_random_start(place, weights, summary) or _against_inputs(summary, rows)
            if reason:
                found[place] = f"on {plain_data(place[0])} the weights of {place[1]} {reason}"
    return found


def _against_random_start(place: tuple[str, str], weights: pd.DataFrame | None, summary: Summary) -> str:
    if weights is None or weights.empty:
        return ""
    lines = [{str(key): value for key, value in line.items()} for line in weights.to_dict("records")]
    own = [line for line in lines if (line["transfer"], line["backbone"]) == place and np.isfinite(line["delta"])]
    ahead = [_ahead(line["delta"], summary) for line in own]
    told = [_is_told(line["n"], each) for line, each in zip(own, ahead, strict=True)]
    if not own or not all(told) or any(line["verdict"] == "better" for line in own):
        return ""
    most = max(own, key=lambda line: line["delta"] if summary.higher_is_better else -line["delta"])
    by = points({**most, "delta_low": np.nan}, summary.is_in_points)
    words = "not clearly better" if any(ahead) else "no better"
    return f"are {words} than a random start of the same network ({most['strategy']}: {by})"


def _ahead(delta: float, summary: Summary) -> bool:
    return bool((delta > 0) == summary.higher_is_better and delta != 0)


def _is_told(pairs: int, ahead: bool) -> bool:
    """Tell whether a difference that is not clear says that there is none: with two pairs even a large one is not."""
    return not ahead or pairs > _PAIRS


def _against_inputs(summary: Summary, rows: Sequence[Row]) -> str:
    """Say that the best row on frozen features is at no budget better than what learns on the inputs themselves.

    Where it is ahead at every budget, though not clearly, that is no reason.
    """
    behind = []
    for group in partition(rows, GROUP):
        known = [row for row in group if is_candidate(row)]
        inputs = [row for row in known if row["family"] == str(Family.SCRATCH) and not row["marked"]]
        frozen = [row for row in known if row["family"] == str(Family.EXTRACT)]
        if not inputs or not frozen:
            continue
        pair = [best_of(frozen, summary.higher_is_better), best_of(inputs, summary.higher_is_better)]
        found = summary.compared(pair, np.array([0]), np.array([1]))
        if not np.isfinite(found.delta[0]):
            continue
        ahead = _ahead(found.delta[0], summary)
        if ahead and (found.p[0] * len(frozen) <= ALPHA or not _is_told(int(found.n[0]), ahead)):
            return ""
        if not ahead:
            behind.append((pair, abs(found.delta[0]), str(group[0]["budget"]), str(group[0]["setting"])))
    if not behind:
        return ""
    (frozen_row, inputs_row), _, budget, setting = max(behind, key=lambda each: float(each[1]))
    return (
        f"are no better than the inputs as they are ({budget_in_words(budget, setting)}: {frozen_row['label']} "
        f"{frozen_row['mean']:.3f}, {inputs_row['label']} {inputs_row['mean']:.3f})"
    )


def why_none(leader: Row, rows: Sequence[Row], facts: Facts, unhelpful: Unhelpful) -> str:
    """Return why a group has no answer, and what to get; nothing where it has one."""
    place = (str(leader["transfer"]), str(leader["backbone"]))
    note = unhelpful.notes.get(place, "")
    on_inputs = any(row["family"] in (str(Family.SCRATCH), str(Family.EXTRACT)) for row in rows)
    reason = unhelpful.reasons.get(place, "") if on_inputs else ""  # adaptation has baselines of its own
    if not reason and _transfers_nothing(rows, facts):
        reason = f"{place[1]} starts from random weights, so that nothing is transferred"
    with_weights = [row for row in rows if uses_weights(row, facts)]
    without = [row for row in rows if row["family"] == str(Family.SCRATCH) and is_candidate(row)]
    if not reason and with_weights and note and not _helps(with_weights, without):
        reason = _nothing_better(place[1], without)
    if not reason and with_weights and leader in without and not any(row["tied"] for row in with_weights):
        reason = f"nothing that uses the weights of {place[1]} comes near {leader['label']} ({leader['mean']:.3f})"
    if not reason:
        return ""
    get = note or (
        "Get a backbone with weights of data like these (`tlbench list backbones --all`) and give it with -b NAME, or "
        "-b ARCHITECTURE@FILE."
    )
    return f"{reason}. {get}"


def _transfers_nothing(rows: Sequence[Row], facts: Facts) -> bool:
    """Tell whether rows would transfer from a network that has learnt nothing, neither before nor from a source."""
    asked = [row for row in rows if row["family"] not in (str(Family.SCRATCH), str(Family.UNSUPERVISED))]
    return bool(asked) and all(row["backbone"] in facts.untrained and not row["source"] for row in asked)


def _helps(with_weights: Sequence[Row], without: Sequence[Row]) -> bool:
    """Tell whether a row that uses weights is clearly better than one that goes without."""
    known = {row["position"] for row in without}
    return any(row["verdict"] == "better" and row["reference"] in known for row in with_weights)


def _nothing_better(backbone: str, without: Sequence[Row]) -> str:
    if not without:
        return f"nothing was run that shows whether the weights of {backbone} help"
    least = max(without, key=lambda row: row["tied"])
    return f"nothing that uses the weights of {backbone} is clearly better than {least['label']} ({least['mean']:.3f})"
