"""Make the first screen of the page: question, answer, and cards, put under data set and network where these differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench_reports.figures import Figure
from tlbench_reports.measure import in_points
from tlbench_reports.rows import GROUP, partition, short_names
from tlbench_reports.words import known, number, plain, points, within

if TYPE_CHECKING:
    from tlbench import Results

NAMED = 3  # ties of a card that are named, the others counted
NO_ANSWER, CONTROL = "no answer", "a control"  # in the place of verdicts
_VERDICTS = {"better": "clear", "worse": "clearly worse"}


@dataclass(frozen=True)
class Card:
    """Hold what the page says of one group: who wins at one label budget, by how much, and at which price."""

    labels: str
    winner: str
    score: str
    between: str
    lines: tuple[tuple[str, str], ...]  # a word, and what is said
    no_answer: str


@dataclass(frozen=True)
class Place:
    """Hold the cards of one data set and network."""

    key: str  # an id in the page
    title: str
    name: str  # the same in short
    cards: tuple[Card, ...]
    figure: Figure | None


@dataclass(frozen=True)
class Opening:
    """Hold the first screen."""

    question: str
    sentence: str
    subject: str
    places: tuple[Place, ...]
    budgets: tuple[str, ...]  # the columns of the table of winners
    notes: tuple[str, ...]

    @property
    def opened(self) -> Place:
        """Return the first place that has an answer, or else the first."""
        answered = (place for place in self.places if any(card.winner for card in place.cards))
        return next(answered, self.places[0])

    def winner(self, place: Place, labels: str) -> Card | None:
        """Return the card of a place at a budget."""
        return next((card for card in place.cards if card.labels == labels), None)


def opening(results: "Results", figures: Mapping[tuple[str, str], Figure]) -> Opening:
    """Return the first screen, with the charts that places have."""
    found = results.answer(results.primaries[0])
    said = [(card, metric) for metric in results.primaries for card in results.answer(metric).cards]
    by_place = partition(said, lambda each: (plain(each[0].transfer), plain(each[0].backbone)))
    names = short_names(by_place)
    places = tuple(
        Place(
            f"place-{i}", ", ".join(place), names[place],
            tuple(_card(card, in_points(results, metric), "" if metric == results.primaries[0] else metric,
                        len(by_place) == 1)
                  for card, metric in cards),
            figures.get(place),
        )
        for i, (place, cards) in enumerate(by_place.items(), start=1)
    )  # fmt: skip
    budgets = dict.fromkeys(card.labels for place in places for card in place.cards)
    notes = [plain(note) for metric in results.primaries for note in results.answer(metric).notes]
    return Opening(
        plain(found.question), plain(found.sentence), plain(found.subject), places, tuple(budgets), tuple(notes)
    )


def without_answer(results: "Results") -> dict[tuple[str, ...], str]:
    """Return the groups, by what their rows share, of which no row should be taken, and why."""
    cards = {card.group: card.no_answer for metric in results.primaries for card in results.answer(metric).cards}
    found = {group: NO_ANSWER for group, why in cards.items() if why}
    for metric in results.primaries:
        summary = results.summary(metric)
        best = summary[summary["best"] & (summary["setting"] != "oracle")]
        for row in best.to_dict("records"):
            group = tuple(str(row[column]) for column in GROUP)
            if group not in cards:  # run to show what the weights of its network are worth
                found[group] = CONTROL
    return found


def _card(card: Any, share: bool, metric: str, is_alone: bool) -> Card:
    """Put a card into words: the gain over the reference and over the next best, ties, harm, and the price.

    Where all cards are of one place (`is_alone`), the headline names a row, and the card says which of its ties it is.
    """
    if card.no_answer:
        return Card(plain(card.labels), "", "", "", (), _sentence(plain(card.no_answer)))
    lines = [("gain", _gain(card.gain, card.gain_low, card.gain_high, card.verdict, card.reference, share))]
    if card.known != card.reference and card.known not in card.tied:
        told = (card.known_gain, card.known_low, card.known_high, card.known_verdict)
        lines.append(("next best", _gain(*told, card.known, share)))
    first = [f"{card.take} (taken above)"] if is_alone and card.take in card.tied else []
    tied = [*first, *(label for label in card.tied if not first or label != card.take)]
    lines += [("tied with", _names(tied)), ("harmed", _names(card.harmed))]
    if known(card.price) and card.price_of != card.winner:
        lines.append(("time to fit", f"{_times(card.price)} {plain(card.price_of)}".strip()))
    between = f"{number(card.low)}\N{EN DASH}{number(card.high)}" if known(card.low) and known(card.high) else ""
    score = f"{plain(metric)} {number(card.score)}".strip()
    said = tuple((word, text) for word, text in lines if text)
    return Card(plain(card.labels), plain(card.winner), score, between, said, "")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _gain(value: float, low: float, high: float, verdict: str, over: str, share: bool) -> str:
    """Say a difference, its interval and what it amounts to, or nothing where there is none."""
    if not (over and known(value)):
        return ""
    if verdict == "unclear":  # a number would be read as a gain
        return f"none that is clear over {plain(over)}"
    said = " ".join(filter(None, (points(value, share), within(low, high, share), f"over {plain(over)}")))
    return f"{said}, {_VERDICTS[verdict]}" if verdict in _VERDICTS else said


def _times(ratio: float) -> str:
    if 0.8 <= ratio <= 1.25:
        return "as much as"
    return f"{ratio:,.0f}\N{MULTIPLICATION SIGN}" if ratio >= 10 else f"{ratio:.2g}\N{MULTIPLICATION SIGN}"


def _names(names: Sequence[str]) -> str:
    shown = [plain(name) for name in names]
    rest = len(shown) - NAMED
    return ", ".join(shown) if rest <= 1 else f"{', '.join(shown[:NAMED])} and {rest} more"
