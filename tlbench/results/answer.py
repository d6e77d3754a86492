"""Say in one sentence which strategy to take, from the cards of all groups of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tlbench.contract import ORACLE
from tlbench.results.card import NO_ANSWER, Answer, Card
from tlbench.results.summary import Summary
from tlbench.results.summary_row import GROUP, Row
from tlbench.results.wording import at, budget_in_words, joined_labels, names, plain_data

_FEW = 3  # names that are listed
_PARTS = 4  # answers in one sentence
_WORDS = 60  # of one sentence
_BEST_OR_TIED = "best or tied with the best"


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
    known, place = {card.group for card in cards}, cards[0].group[:2]
    groups = {tuple(str(group[0][column]) for column in GROUP): group for group in summary.groups()}
    silent = [
        group for of, group in groups.items()
        if of not in known and of[:2] == place and group[0]["setting"] != ORACLE
        and any(not row["undefined"] for row in group)
    ]  # fmt: skip
    if not silent:
        return ""
    where = joined_labels([budget_in_words(str(group[0]["budget"]), str(group[0]["setting"])) for group in silent])
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
    return [rows[*card.group, label] for card in cards]


def _to_take(cards: Sequence[Card], rows: Mapping[tuple[str, ...], Row], summary: Summary) -> str:
    """Return the row to take at some budgets: of those best or tied at all of them the one of the best mean."""
    sign = 1 if summary.higher_is_better else -1
    if len(cards) == 1:
        return cards[0].winner
    return max(_common(cards), key=lambda label: sign * sum(row["mean"] for row in _rows_of(label, cards, rows)))


def _with_what_to_take(cards: Sequence[Card], summary: Summary) -> list[Card]:
    """Return cards with the row that the sentence on their dataset and backbone names."""
    rows = _rows(summary)
    taken: dict[tuple[str, ...], str] = {}
    for place in dict.fromkeys((card.transfer, card.backbone) for card in cards):
        own = [card for card in cards if (card.transfer, card.backbone) == place and card.winner]
        for part in _parts(own):
            taken |= dict.fromkeys([card.group for card in part], _to_take(part, rows, summary))
    return [replace(card, take=taken.get(card.group, "")) for card in cards]


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
        means = {
            label: [rows.get((*card.group, label), {"mean": np.nan})["mean"] for card in group] for label in counts
        }
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


def _range(cards: Sequence[Card], label: str, rows: Mapping[tuple[str, ...], Row], summary: Summary) -> str:
    """Say from what to what a row gains over its baseline, where that is clear everywhere."""
    places = [(*card.group, label) for card in cards]
    own = [rows[place] for place in places if place in rows]
    if not own or any(row["verdict"] != "better" for row in own) or len({row["baseline"] for row in own}) > 1:
        return ""
    scale, digits, unit = (100, 0, " points") if summary.is_in_points else (1, 3, "")
    least, most = (f"{scale * end([row['delta'] for row in own]):+.{digits}f}" for end in (min, max))
    between = least if least == most else f"{least} to {most}"
    return f" ({between}{unit} over {own[0]['baseline']})"
