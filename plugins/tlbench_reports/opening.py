"""Make the first screen of the page: question, answer, and cards, put under data set and network where these differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench_reports.figures import Figure
from tlbench_reports.measure import in_points
from tlbench_reports.rows import GROUP, partition, short_names
from tlbench_reports.stand_in import answer
from tlbench_reports.words import known, number, plain, points, within

if TYPE_CHECKING:
    from tlbench import Results

NAMED = 3  # ties of a card that are named, the others counted
_VERDICTS = {"better": "clear", "worse": "worse", "unclear": "not clear"}


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

    def winner(self, place: Place, labels: str) -> Card | None:
        """Return the card of a place at a budget."""
        return next((card for card in place.cards if card.labels == labels), None)


def opening(results: "Results", figures: Mapping[tuple[str, str], Figure]) -> Opening:
    """Return the first screen, with the charts that places have."""
    found = answer(results)
    share = in_points(results, results.primaries[0])
    by_place = partition(found.cards, lambda card: (plain(card.transfer), plain(card.backbone)))
    names = short_names(by_place)
    places = tuple(
        Place(
            f"place-{i}",
            ", ".join(place),
            names[place],
            tuple(_card(card, share) for card in cards),
            figures.get(place),
        )
        for i, (place, cards) in enumerate(by_place.items(), start=1)
    )
    budgets = dict.fromkeys(card.labels for place in places for card in place.cards)
    notes = tuple(map(plain, found.notes))
    return Opening(plain(found.question), plain(found.sentence), plain(found.subject), places, tuple(budgets), notes)


def without_answer(results: "Results") -> set[tuple[str, ...]]:
    """Return the groups, by what their rows share, of which no row should be taken."""
    return {tuple(str(getattr(card, column)) for column in GROUP) for card in answer(results).cards if card.no_answer}


def _card(card: Any, share: bool) -> Card:
    """Put a card into words: the gain over the reference and over what was known, ties, harm, and the price."""

    def gain(name: str, which: str, other: str) -> list[tuple[str, str]]:
        value, low, high = (getattr(card, f"{which}{end}") for end in (("", "_low", "_high") if which == "gain" else
                                                                       ("_gain", "_low", "_high")))  # fmt: skip
        verdict = _VERDICTS.get(card.verdict if which == "gain" else card.known_verdict, "")
        said = f"{points(value, share)} {within(low, high, share)} over {plain(other)}"
        return [(name, f"{said}{', ' if verdict else ''}{verdict}")] if other and known(value) else []

    lines = gain("gain", "gain", card.reference)
    if card.known != card.reference:
        lines += gain("over the next", "known", card.known)
    if card.tied:
        lines.append(("tied with", _names(card.tied)))
    if card.harmed:
        lines.append(("harmed", _names(card.harmed)))
    if known(card.price) and card.price_of and card.price_of != card.winner:
        lines.append(("price", f"{_times(card.price)} the fitting time of {plain(card.price_of)}"))
    between = f"{number(card.low)}\N{EN DASH}{number(card.high)}" if known(card.low) and known(card.high) else ""
    return Card(
        plain(card.labels), plain(card.winner), number(card.score) if card.winner else "", between,
        tuple(lines), plain(card.no_answer),
    )  # fmt: skip


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}\N{MULTIPLICATION SIGN}" if ratio >= 10 else f"{ratio:.2g}\N{MULTIPLICATION SIGN}"


def _names(names: Sequence[str]) -> str:
    shown = [plain(name) for name in names]
    rest = len(shown) - NAMED
    return ", ".join(shown) if rest <= 1 else f"{', '.join(shown[:NAMED])} and {rest} more"
