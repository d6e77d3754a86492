"""Say for each group of rows what is best, by how much, what ties with it, and what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from tlbench.contract import Family
from tlbench.results.card import NO_ANSWER, Card
from tlbench.results.no_answer import Unhelpful, unhelpful_places, why_none
from tlbench.results.origins import Facts, is_asked
from tlbench.results.summary import Summary
from tlbench.results.summary_row import GROUP, Row, best_of, is_candidate
from tlbench.results.wording import budget_in_words, costs, names, points


def make_cards(
    summary: Summary, weights: pd.DataFrame | None, facts: Facts, unfit: Mapping[tuple[str, str], str]
) -> list[Card]:
    """Return a card for each group of rows; rows that test labels chose have none, nor have random starts.

    A random start of a network that was run with weights too shows what these are worth, and is not to be taken.

    `weights` is what `weights_gain` returns, `unfit` what backbones say of data that do not suit them.
    """
    unhelpful = Unhelpful(unhelpful_places(summary, weights, facts), unfit)
    groups = [group for group in summary.groups() if is_asked(group[0], facts)]
    return [card for group in groups if (card := _card(summary, group, facts, unhelpful)) is not None]


def _card(summary: Summary, group: Sequence[Row], facts: Facts, unhelpful: Unhelpful) -> Card | None:
    """Return the card of a group; None where no row has a score."""
    rows = [row for row in group if row["n"] and not row["upper_bound"]]
    leader = next((row for row in rows if row["best"]), None)
    if leader is None:
        return None
    first = group[0]
    equals = [row for row in rows if row["best"] and row is not leader]
    tied = [row for row in rows if row["tied"] and row is not leader and not _is_above(row, leader)]
    transfer, backbone, budget, setting = (str(first[column]) for column in GROUP)
    low, high = _interval(leader)
    card = Card(
        transfer,
        backbone,
        budget,
        setting,
        labels=budget_in_words(str(first["budget"]), str(first["setting"])),
        winner=str(leader["label"]),
        strategy=str(leader["strategy"]),
        score=float(leader["mean"]),
        low=low,
        high=high,
        equals=tuple(str(row["label"]) for row in equals),
        tied=tuple(str(row["label"]) for row in tied),
        among=len(rows),
        harmed=tuple(str(row["label"]) for row in rows if row["negative_transfer"] and row is not leader),
    )
    card = _with_price(_with_known(_with_gain(card, leader), rows, summary), leader, rows)
    none = why_none(leader, rows, facts, unhelpful)
    if none:
        return replace(
            card, winner="", strategy="", tied=(), equals=(), no_answer=none, sentence=f"{NO_ANSWER}: {none}"
        )
    note = unhelpful.notes.get((transfer, backbone), "")
    return replace(card, sentence=_leads(card, leader, summary, facts) + (f" {note}" if note else ""))


def _is_above(row: Row, leader: Row) -> bool:
    """Tell whether a row is above the leader: it cannot be best, since it did not always learn."""
    return bool(leader["verdict"] == "worse" and row["position"] == leader["reference"])


def _interval(row: Row) -> tuple[float, float]:
    """Return what a mean may be: over its episodes, or over replicates and test items."""
    kind = "episode_" if row["n_episodes"] else ""
    return float(row[f"{kind}low"]), float(row[f"{kind}high"])


def _with_gain(card: Card, leader: Row) -> Card:
    if not leader["baseline"] or not np.isfinite(leader["delta"]):
        return card
    return replace(
        card,
        reference=str(leader["baseline"]),
        gain=float(leader["delta"]),
        gain_low=float(leader["clear_low"]),
        gain_high=float(leader["clear_high"]),
        verdict=str(leader["verdict"]),
    )


def _with_known(card: Card, rows: Sequence[Row], summary: Summary) -> Card:
    """Add the difference to the best of the other rows, of those that tie where any does.

    It stands for the reference where there is none.
    """
    others = [row for row in rows if is_candidate(row) and np.isfinite(row["behind"]) and not row["did_not_learn"]]
    if not others:
        return card
    other = best_of([row for row in others if row["tied"]] or others, summary.higher_is_better)
    tested = np.isfinite(other["behind_low"])
    verdict = "" if not tested else "unclear" if other["tied"] else "better"
    card = replace(
        card,
        known=str(other["label"]),
        known_gain=-float(other["behind"]),
        known_low=-float(other["behind_high"]),
        known_high=-float(other["behind_low"]),
        known_verdict=verdict,
    )
    if card.reference:
        return card
    return replace(
        card, reference=card.known, gain=card.known_gain, gain_low=card.known_low, gain_high=card.known_high,
        verdict=verdict,
    )  # fmt: skip


def _with_price(card: Card, leader: Row, rows: Sequence[Row]) -> Card:
    """Add what the winner costs in seconds of fitting, source-side training and tuning, in those of a cheap row.

    The cheapest of those that are not clearly behind it, where one is cheaper; or of frozen features; or the baseline.
    """
    others = [row for row in rows if row is not leader and row["seconds"] > 0]
    alone = [row for row in others if row["family"] != str(Family.ENSEMBLE)]  # members may be stored results of others
    cheap = [row for row in alone if row["tied"] and row["seconds"] < leader["seconds"]]
    cheap = cheap or [row for row in others if row["family"] == str(Family.EXTRACT)]
    cheap = cheap or [row for row in others if row["is_baseline"] and row["strategy"] == leader["baseline"]]
    if not cheap or not leader["seconds"] > 0:
        return card
    cheapest = min(cheap, key=lambda row: row["seconds"])
    return replace(card, price=float(leader["seconds"] / cheapest["seconds"]), price_of=str(cheapest["label"]))


def _leads(card: Card, leader: Row, summary: Summary, facts: Facts) -> str:
    """Say who leads, by how much where that is clear, who is not clearly behind, and what it costs."""
    in_points, metric = summary.is_in_points, summary.metric
    least = "" if summary.higher_is_better else " (lower is better)"
    one = leader["n"] + leader["copies"] < 2
    if card.among == 1 and not card.reference:
        scored = f"{metric} {card.score:.3f}{_spelt_interval(leader)}{least}"
        return f"{card.winner} has {scored}; no other row was run to compare it with."
    if card.equals:
        named = names((card.winner, *card.equals))
        sentence = f"{named} tie at {metric} {card.score:.3f}{least}"
    else:
        sentence = f"{card.winner} leads with {metric} {card.score:.3f}{_spelt_interval(leader)}{least}"
    gain = {"delta": card.gain, "delta_low": card.gain_low, "delta_high": card.gain_high}
    if card.verdict == "worse":
        sentence += f", but is worse than {card.reference} ({points(gain, in_points)})"
    elif card.reference and (card.verdict == "better" or (one and np.isfinite(card.gain))):
        sentence += f", {points(gain, in_points)} over {card.reference}"
        sentence += ", the next best" if not leader["baseline"] else ""
    if card.known_verdict == "better" and card.known != card.reference and leader["strategy"] in facts.foreign:
        known = {"delta": card.known_gain, "delta_low": card.known_low, "delta_high": card.known_high}
        sentence += f" and {points(known, in_points)} over {card.known}, the best of the others"
    others = [label for label in card.tied if label not in card.equals]
    if one:
        sentence += "; one replicate tells nothing apart" if card.among > 1 else ""
    elif others:
        sentence += f", not clearly ahead of {names(others)}"
    if leader["copies"]:
        sentence += "; nothing was drawn, so that its replicates are one result"
    if card.harmed:
        sentence += f"; negative transfer: {names(card.harmed)}"
    return sentence + costs(card.price, card.price_of, card.winner if card.equals else "it") + "."


def _spelt_interval(row: Row) -> str:
    low, high = _interval(row)
    if not np.isfinite(low):
        return ""
    over = f" over {row['n_episodes']:,} episodes" if row["n_episodes"] else ""
    return f" [{low:.3f}, {high:.3f}]{over}"
