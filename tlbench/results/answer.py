"""Say which strategy to take: a card for each group of rows, and one sentence for all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from tlbench.contract import ORACLE, UNSUPERVISED, Budget, Family
from tlbench.results.summary import GROUP, Summary, is_candidate, partition
from tlbench.results.weights_gain import networks

NO_ANSWER = "No answer yet"
_FEW = 3  # names that are listed
_PARTS = 4  # answers in one sentence
_WORDS = 60  # of one sentence
_PAIRS = 2  # replicates of which no test of a usual difference is clear
_SHIPPED = "tlbench"  # the distribution of methods that everybody has
_BEST_OR_TIED = "best or tied with the best"
_PER_CLASS = " per class"

Row = dict[str, Any]


@dataclass(frozen=True)
class Card:
    """Hold what is best in one group of rows: on a dataset, with a backbone, under a label budget and setting."""

    transfer: str
    backbone: str
    budget: str
    setting: str
    labels: str  # the budget in words
    winner: str = ""  # the row's label; empty where there is no answer
    take: str = ""  # the row that the sentence names: it may serve several budgets, and is best or tied at each
    strategy: str = ""
    score: float = float("nan")
    low: float = float("nan")  # of its interval
    high: float = float("nan")
    equals: tuple[str, ...] = ()  # rows of the very same score
    tied: tuple[str, ...] = ()  # the others that are not clearly behind, these included
    among: int = 0  # rows of the group that could be best
    reference: str = ""  # the row that all are compared with
    gain: float = float("nan")  # of the winner over it
    gain_low: float = float("nan")  # of the interval that holds after correction for all comparisons of the page
    gain_high: float = float("nan")
    verdict: str = ""  # better, unclear, worse; "" where nothing was tested
    known: str = ""  # the best of the other rows, of those that tie where any does
    known_gain: float = float("nan")
    known_low: float = float("nan")
    known_high: float = float("nan")
    known_verdict: str = ""
    price: float = float("nan")  # seconds of fitting in those of the row `price_of`
    price_of: str = ""
    harmed: tuple[str, ...] = ()  # rows with negative transfer
    no_answer: str = ""  # why none is given, and what to get
    sentence: str = ""

    @property
    def best(self) -> tuple[str, ...]:
        """Return the strategy to take and those that are not clearly behind it; nothing where there is no answer."""
        return (self.winner, *self.tied) if self.winner else ()


@dataclass(frozen=True)
class Answer:
    """Hold what a reader takes away: a question, one sentence, and a card for each group of rows."""

    question: str
    sentence: str
    subject: str  # dataset and backbone where all groups share them, to be said once
    cards: tuple[Card, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the sentence."""
        return self.sentence


@dataclass(frozen=True)
class Unhelpful:
    """Hold by (transfer, backbone) why the weights of a backbone do not help, and what its authors say of the data."""

    reasons: Mapping[tuple[str, str], str]
    notes: Mapping[tuple[str, str], str]


def answer(summary: Summary, cards: Sequence[Card], notes: Sequence[str] = ()) -> Answer:
    """Return the answer that cards come to."""
    subjects = list(dict.fromkeys((card.transfer, card.backbone) for card in cards))
    data = list(dict.fromkeys(plain_data(transfer) for transfer, _ in subjects))
    backbones = list(dict.fromkeys(backbone for _, backbone in subjects))
    budgets = list(dict.fromkeys(card.labels for card in cards))
    what = names(data) if len(data) <= _FEW else f"{len(data)} datasets"
    question = f"Which strategy is best for {what} with {joined_labels(budgets)}?" if cards else ""
    subject = f"{data[0]}, {backbones[0]}" if len(subjects) == 1 else ""
    shown = tuple(_with_what_to_take(cards, summary))
    return Answer(question, _sentence(cards, subjects, summary), subject, shown, tuple(notes))


def make_cards(
    summary: Summary, weights: pd.DataFrame | None, facts: "Facts", unfit: Mapping[tuple[str, str], str]
) -> list[Card]:
    """Return a card for each group of rows; rows that test labels chose have none, nor have random starts.

    A random start of a network that was run with weights too shows what these are worth, and is not to be taken.

    `weights` is what `weights_gain` returns, `unfit` what backbones say of data that do not suit them.
    """
    unhelpful = Unhelpful(_unhelpful(summary, weights, facts), unfit)
    groups = [group for group in summary.groups() if is_asked(group[0], facts)]
    return [card for group in groups if (card := _card(summary, group, facts, unhelpful)) is not None]


@dataclass(frozen=True)
class Facts:
    """Hold what records say of backbones and strategies beside their scores."""

    weighted: frozenset[str]  # backbones that have weights, by label
    foreign: frozenset[str]  # strategies that do not come with tlbench
    starts: frozenset[str] = frozenset()  # random starts of networks whose weights were run too, by label
    untrained: frozenset[str] = frozenset()  # backbones that start at random, by label


def facts_of(records: Sequence[Any]) -> Facts:
    """Return what records say: which backbones have weights, and which strategies are not tlbench's own."""
    known = networks(records)
    weighted = {label for label, (_, has_weights) in known.items() if has_weights}
    trained = {known[label][0] for label in weighted}
    starts = {label for label, (network, _) in known.items() if label not in weighted and network in trained}
    foreign = {
        str(record.labels.get("strategy"))
        for record in records
        if record.provenance.get("strategy", {}).get("distribution", _SHIPPED) != _SHIPPED
    }
    return Facts(frozenset(weighted), frozenset(foreign), frozenset(starts), _untrained(records))


def _untrained(records: Sequence[Any]) -> frozenset[str]:
    said = {str(record.labels.get("backbone")): record.identity.get("backbone") for record in records}
    known = {label: told for label, told in said.items() if isinstance(told, dict) and "weights" in told}
    return frozenset(label for label, told in known.items() if told["weights"] is None)


def is_asked(row: Row, facts: Facts) -> bool:
    """Tell whether a row is one of those that an answer is about."""
    return row["setting"] != ORACLE and row["backbone"] not in facts.starts


def uses_weights(row: Row, facts: Facts) -> bool:
    """Tell whether a row rests on pretrained weights."""
    return row["family"] != str(Family.SCRATCH) and row["backbone"] in facts.weighted


# ---- where no answer is given -----------------------------------------------------------------------------------


def _unhelpful(summary: Summary, weights: pd.DataFrame | None, facts: Facts) -> dict[tuple[str, str], str]:
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
    if not own or any(line["verdict"] == "better" or not _is_told(line["n"], _ahead(line, summary)) for line in own):
        return ""
    most = max(own, key=lambda line: line["delta"] if summary.higher_is_better else -line["delta"])
    by = points({**most, "delta_low": np.nan}, summary.is_in_points)
    return f"are {_no_better(_ahead(most, summary))} than a random start of the same network ({most['strategy']}: {by})"


def _ahead(line: Mapping[str, Any], summary: Summary) -> bool:
    return bool((line["delta"] > 0) == summary.higher_is_better and line["delta"] != 0)


def _is_told(pairs: int, ahead: bool) -> bool:
    """Tell whether a difference that is not clear says that there is none: with two pairs even a large one is not."""
    return not ahead or pairs > _PAIRS


def _no_better(ahead: bool) -> str:
    return "not clearly better" if ahead else "no better"


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
        pair = [_best(frozen, summary), _best(inputs, summary)]
        found = summary.compared(pair, np.array([0]), np.array([1]))
        if not np.isfinite(found.delta[0]):
            continue
        ahead = _ahead({"delta": found.delta[0]}, summary)
        if ahead and (found.p[0] * len(frozen) <= 0.05 or not _is_told(int(found.n[0]), ahead)):
            return ""
        if not ahead:
            behind.append((pair, abs(found.delta[0]), str(group[0]["budget"]), str(group[0]["setting"])))
    if not behind:
        return ""
    (frozen_row, inputs_row), _, budget, setting = max(behind, key=lambda each: float(each[1]))
    return (
        f"are no better than the inputs as they are ({spell(budget, setting)}: {frozen_row['label']} "
        f"{frozen_row['mean']:.3f}, {inputs_row['label']} {inputs_row['mean']:.3f})"
    )


def _best(rows: Sequence[Row], summary: Summary) -> Row:
    return max(rows, key=lambda row: row["mean"] if summary.higher_is_better else -row["mean"])


def _why_none(leader: Row, rows: Sequence[Row], facts: Facts, unhelpful: Unhelpful) -> str:
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


# ---- cards --------------------------------------------------------------------------------------------------------


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
        labels=spell(str(first["budget"]), str(first["setting"])),
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
    none = _why_none(leader, rows, facts, unhelpful)
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
    other = _best([row for row in others if row["tied"]] or others, summary)
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


def costs(ratio: float, reference: str, who: str = "it") -> str:
    """Return what a row costs, as so many times another, to end a sentence with; nothing where that is not known."""
    if not np.isfinite(ratio):
        return ""
    if 0.8 <= ratio <= 1.25:
        return f"; {who} costs as much as {reference}"
    times = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}".removesuffix(".0") if ratio >= 0.1 else f"{ratio:.1g}"
    return f"; {who} costs {times}x {reference}"


# ---- one sentence -------------------------------------------------------------------------------------------------


def _sentence(cards: Sequence[Card], subjects: Sequence[tuple[str, str]], summary: Summary) -> str:
    """Say the answer in one sentence: budget by budget on one dataset and backbone, else what is best on most."""
    if not cards:
        return f"{NO_ANSWER}: {_why_no_card(summary.rows)}."
    without = list(dict.fromkeys(card.no_answer for card in cards if card.no_answer))
    answered = [card for card in cards if not card.no_answer]
    if not answered:
        return f"{NO_ANSWER}: {without[-1]}"
    if len(subjects) == 1:
        said = _by_budget(answered, summary)
        said += _without_card(cards, summary)
        missing = list(dict.fromkeys(card.labels for card in cards if card.no_answer))
        return said + (f" {NO_ANSWER} with {joined_labels(missing)}: {without[-1]}" if missing else "")
    sentence = _by_count(answered, summary, several=len({backbone for _, backbone in subjects}) > 1)
    silent = list(dict.fromkeys((card.transfer, card.backbone) for card in cards if card.no_answer))
    lost = [(data, backbone) for data, backbone in silent if not any(
        (card.transfer, card.backbone) == (data, backbone) for card in answered)]  # fmt: skip
    for backbone in dict.fromkeys(backbone for _, backbone in lost):
        on = names([plain_data(data) for data, other in lost if other == backbone])
        sentence += f" {NO_ANSWER} from {backbone} on {on}, where it does not help."
    return sentence


def _why_no_card(rows: Sequence[Row]) -> str:
    """Return why no row of some can be best."""
    if any(row["did_not_learn"] and np.isfinite(row["mean"]) for row in rows):
        return "in every row some replicate did not learn; try what is said of these"
    return "no row has a score; `tlbench report FOLDER --format text` says why cells failed"


def _without_card(cards: Sequence[Card], summary: Summary) -> str:
    """Say at which label budgets no row can be best."""
    known = {(card.budget, card.setting) for card in cards}
    place = (cards[0].transfer, cards[0].backbone)
    silent = [
        group for group in summary.groups()
        if (str(group[0]["budget"]), str(group[0]["setting"])) not in known and group[0]["setting"] != ORACLE
        and (group[0]["transfer"], group[0]["backbone"]) == place and any(not row["undefined"] for row in group)
    ]  # fmt: skip
    if not silent:
        return ""
    where = joined_labels([spell(str(group[0]["budget"]), str(group[0]["setting"])) for group in silent])
    return f" {NO_ANSWER} with {where}: {_why_no_card([row for group in silent for row in group])}."


def _by_budget(cards: Sequence[Card], summary: Summary, before: int = 0) -> str:
    """Say which strategy to take at each budget; budgets at which one is best or tied with the best come together.

    The sentence has `before` words already.
    """
    rows = _rows(summary)
    parts = _parts(cards)
    text = ""
    for most in range(min(_PARTS, len(parts)), 0, -1):
        for named in (_FEW, 1):  # names of those that tie: fewer where the sentence grows long
            text = "; ".join(_part(part, rows, place == 0, summary, named) for place, part in enumerate(parts[:most]))
            rest = len(parts) - most
            text += f"; and {rest} more answer{'s' if rest > 1 else ''} below" if rest else ""
            if before + len(text.split()) <= _WORDS:
                return text[0].upper() + text[1:] + "."
    return text[0].upper() + text[1:] + "."


def _rows(summary: Summary) -> dict[tuple[str, ...], Row]:
    """Return the rows by their group and label."""
    return {
        (*(str(row[column]) for column in GROUP), str(row["label"])): row for group in summary.groups() for row in group
    }


def _parts(cards: Sequence[Card]) -> list[list[Card]]:
    """Return runs of cards of one setting that have a row in common which is best or tied with the best in each."""
    parts: list[list[Card]] = []
    for card in cards:
        if parts and parts[-1][-1].setting == card.setting and _common([*parts[-1], card]):
            parts[-1].append(card)
        else:
            parts.append([card])
    return parts


def _common(cards: Sequence[Card]) -> list[str]:
    """Return the rows that are best or tied with the best on all of some cards."""
    return [label for label in cards[0].best if all(label in card.best for card in cards[1:])]


def _rows_of(label: str, cards: Sequence[Card], rows: Mapping[tuple[str, ...], Row]) -> list[Row]:
    return [rows[card.transfer, card.backbone, card.budget, card.setting, label] for card in cards]


def _to_take(cards: Sequence[Card], rows: Mapping[tuple[str, ...], Row], summary: Summary) -> str:
    """Return the row to take at some budgets: of those best or tied at all of them the one of the best mean."""
    sign = 1 if summary.higher_is_better else -1
    if len(cards) == 1:
        return cards[0].winner
    return max(_common(cards), key=lambda label: sign * sum(row["mean"] for row in _rows_of(label, cards, rows)))


def _with_what_to_take(cards: Sequence[Card], summary: Summary) -> list[Card]:
    """Return cards with the row that the sentence on their dataset and backbone names."""
    rows = _rows(summary)
    taken: dict[Card, str] = {}
    for place in dict.fromkeys((card.transfer, card.backbone) for card in cards):
        own = [card for card in cards if (card.transfer, card.backbone) == place and card.winner]
        for part in _parts(own):
            taken |= dict.fromkeys(part, _to_take(part, rows, summary))
    return [replace(card, take=taken.get(card, "")) for card in cards]


def _part(cards: Sequence[Card], rows: Mapping[tuple[str, ...], Row], first: bool, summary: Summary, named: int) -> str:
    """Say what to take at some budgets, its scores, and its gain where that is clear; name so many that tie."""
    [card, *others] = cards
    name = _to_take(cards, rows, summary)
    own = _rows_of(name, cards, rows)
    scores = names([f"{row['mean']:.3f}" for row in own], most=9)
    least = "" if summary.higher_is_better else ", lower is better"
    said = [f"{summary.metric} {scores}{least}" if first else scores]
    gain = _gains(cards, own, summary)
    said += [gain] if gain else []
    where = at(joined_labels([each.labels for each in cards]))
    if not all(each.winner == name for each in cards):
        return f"{where} take {name}, since nothing is clearly better ({'; '.join(said)})"
    if not others:
        tied = [label for label in card.tied if label not in card.equals]
        said += [f"not clearly ahead of {names(tied, most=named)}"] if tied else []
        said += [f"worse than {card.reference}"] if card.verdict == "worse" else []
        name = names((name, *card.equals), most=named)
    elif tying := [each.labels for each in cards if each.tied]:
        said += ["others tie" + (f" {at(joined_labels(tying))}" if len(tying) < len(cards) else "")]
    alone = all(each.among == 1 and not each.reference for each in cards)
    verb = "tie" if card.equals and not others else "is the only row" if alone else "leads"
    return f"{where} {name} {verb} ({'; '.join(said)})"


def _gains(cards: Sequence[Card], own: Sequence[Row], summary: Summary) -> str:
    """Say what a row gains over its baseline, at the budgets where that is clear."""
    scale, unit = (100, " points") if summary.is_in_points else (1, "")
    if len(cards) == 1 and not own[0]["baseline"] and cards[0].verdict == "better" and own[0]["best"]:
        return f"{scale * cards[0].gain:+.{1 if unit else 3}f}{unit} over {cards[0].reference}, the next best"
    clear = [(card, row) for card, row in zip(cards, own, strict=True) if row["verdict"] == "better"]
    if not clear or len({row["baseline"] for _, row in clear}) > 1:
        return ""
    shown = names([f"{scale * row['delta']:+.{1 if unit else 3}f}" for _, row in clear], most=9)
    where = "" if len(clear) == len(cards) else f" {at(joined_labels([card.labels for card, _ in clear]))}"
    return f"{shown}{unit} over {clear[0][1]['baseline']}{where}"


def _by_count(cards: Sequence[Card], summary: Summary, several: bool) -> str:
    """Say who is best or tied with the best most often, budgets that have the same answer together.

    The backbone is named where others, of `several`, have no answer.
    """
    rows, sign = _rows(summary), 1 if summary.higher_is_better else -1
    found: list[tuple[str, int, int, list[list[Card]]]] = []  # who, how often, of how many; the cards of each budget
    alone: list[Card] = []
    for labels in dict.fromkeys(card.labels for card in cards):
        group = [card for card in cards if card.labels == labels]
        if len(group) == 1:
            alone += group
            continue
        counts = {label: sum(label in card.best for card in group) for card in group for label in card.best}
        means = {label: [rows.get(_place(card, label), {"mean": np.nan})["mean"] for card in group] for label in counts}
        most = max(
            counts,
            key=lambda label: (
                counts[label],
                sum(card.winner == label for card in group),
                sign * float(np.nansum(means[label])),
            ),
        )
        if found and found[-1][:3] == (most, counts[most], len(group)):
            found[-1][3].append(group)
        else:
            found.append((most, counts[most], len(group), [group]))
    pairs = len({(card.transfer, card.backbone) for card in cards})
    sole = {card.backbone for card in cards}
    of_backbone = f" from {sole.pop()}" if len(sole) == 1 and several else ""
    parts = []
    for place, (most, often, many, own) in enumerate(found):
        words = f" is {_BEST_OR_TIED}" if place == 0 else ""
        of = f" of {many}{' pairs of dataset and backbone' if many == pairs and place == 0 else ''}"
        gain = _range([card for group in own for card in group], most, rows, summary)
        budgets = joined_labels([group[0].labels for group in own])
        parts.append(f"{at(budgets)} {most}{of_backbone if place == 0 else ''}{words} on {often}{of}{gain}")
    if alone:
        parts.append(_by_budget(alone, summary, len(" ".join(parts).split()))[:-1])
        parts[-1] += f", with the backbone{of_backbone.removeprefix(' from')}" if of_backbone and not found else ""
    text = "; ".join(part[0].lower() + part[1:] for part in parts)
    return f"{text[0].upper()}{text[1:]}."


def _place(card: Card, label: str) -> tuple[str, ...]:
    return card.transfer, card.backbone, card.budget, card.setting, label


def _range(cards: Sequence[Card], label: str, rows: Mapping[tuple[str, ...], Row], summary: Summary) -> str:
    """Say from what to what a row gains over its baseline, where that is clear everywhere."""
    places = [_place(card, label) for card in cards]
    own = [rows[place] for place in places if place in rows]
    if not own or any(row["verdict"] != "better" for row in own) or len({row["baseline"] for row in own}) > 1:
        return ""
    scale, digits, unit = (100, 0, " points") if summary.is_in_points else (1, 3, "")
    least, most = (f"{scale * end([row['delta'] for row in own]):+.{digits}f}" for end in (min, max))
    between = least if least == most else f"{least} to {most}"
    return f" ({between}{unit} over {own[0]['baseline']})"


# ---- words ----------------------------------------------------------------------------------------------------------


def plain_data(transfer: str) -> str:
    """Return a dataset's name as people know it: the file or folder's own, without its kind and place."""
    kind, colon, rest = transfer.partition(":")
    if not colon or "/" in kind:
        return transfer
    path, mark, options = rest.partition("?")
    place = PurePosixPath(path)
    return f"{place.name if place.suffix == '' else place.stem}{mark}{options}" or transfer


def joined_labels(budgets: Sequence[str]) -> str:
    """Return budgets in words, what some share said once: `1, 5 and 20 labels per class`."""
    shots = [text.partition(" ")[0] for text in budgets if text.endswith(_PER_CLASS)]
    others = [text for text in budgets if not text.endswith(_PER_CLASS)]
    if len(shots) < 2:
        return names(budgets, most=9)
    few, rest = [text for text in others if text.startswith("no ")], [text for text in others if text[:3] != "no "]
    return names([*few, f"{names(shots, most=9)} labels{_PER_CLASS}", *rest], most=9)


def names(shown: Iterable[str], most: int = _FEW) -> str:
    """Return names as a list in words, the rest of many counted; nothing for none."""
    found = [str(name) for name in shown] or [""]
    if len(found) > most + 1:
        return f"{', '.join(found[:most])} and {len(found) - most} more"
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else found[0]


def points(row: Any, in_points: bool) -> str:
    """Return a difference with its interval, in points where the metric is a share, else as it is."""
    scale, digits = (100, 1) if in_points else (1, 3)
    text = f"{scale * row['delta']:+.{digits}f}{' points' if in_points else ''}"
    if np.isfinite(row["delta_low"]):
        text += f" [{scale * row['delta_low']:+.{digits}f}, {scale * row['delta_high']:+.{digits}f}]"
    return text


def at(words: str) -> str:
    """Return a budget in words with its preposition."""
    return f"{'at' if words[0].isdigit() else 'in' if words.startswith('episodes') else 'with'} {words}"


def spell(budget: str, setting: str) -> str:
    """Return a budget, and the setting where it is no inductive one, in words."""
    if setting == UNSUPERVISED:
        return "no label at all"
    return _labels(budget) + (" (transductive)" if setting == "transductive" else "")


def _labels(budget: str) -> str:
    if Budget.parse(budget).is_zero:
        return "no target labels"
    if "-way " in budget:
        return f"episodes of {budget}"
    if budget.endswith("-shot"):
        shots = int(budget.removesuffix("-shot"))
        return f"{shots} label{'s' if shots > 1 else ''} per class"
    if budget.endswith("%"):
        return f"{budget} of the labels"
    return "all labels" if budget == "full" else f"{budget} labels"
