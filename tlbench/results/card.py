"""Hold an answer: a card for each group of rows, and one sentence for all."""

from dataclasses import dataclass

NO_ANSWER = "No answer yet"


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
    def group(self) -> tuple[str, ...]:
        """Return what the rows of the group share: transfer, backbone, budget and setting."""
        return self.transfer, self.backbone, self.budget, self.setting

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
