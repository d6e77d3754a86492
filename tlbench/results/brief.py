"""Say in at most 25 lines what a run has found: the answer, one table that fits the width, and no more."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size

from tlbench.contract import ORACLE
from tlbench.names import plural
from tlbench.results.short_table import short_table
from tlbench.results.wording import budget_in_words, short_name

if TYPE_CHECKING:
    from tlbench.results.card import Answer, Card
    from tlbench.results.results import Results

MOST = 24  # lines: the page's path is another
_SENTENCE = 6  # lines of the answer
_LEAST = 24  # columns of a name below which numbers are left out for it
_NAME = 8  # columns that are left of it at least
_SUBJECT = ("transfer", "backbone")
_GAP = "  "
_NOTHING = "\N{EN DASH}"

Line = tuple[str, ...]


def brief(results: "Results", width: int) -> list[str]:
    """Return the answer and a table, as lines that are no wider than `width` columns."""
    answer = results.answer()
    said = _wrapped(answer.sentence, width)
    failed = sum(not record.ok for record in results.records)
    told = f"{plural(failed, 'cell')} failed: `tlbench report {results.folder} --format text`." if failed else ""
    notes = wrap(told, width, break_on_hyphens=False)
    room = MOST - len(said) - len(notes) - 2
    return [*said, "", *_table(results, answer, width, room), *notes, ""]


def _wrapped(sentence: str, width: int) -> list[str]:
    """Return a sentence on a few lines: of a longer one the first clauses."""
    lines = wrap(sentence, width, break_on_hyphens=False)
    clauses = sentence.split("; ")
    while len(lines) > _SENTENCE and len(clauses) > 1:
        clauses.pop()
        lines = wrap("; ".join([*clauses, "more on the page."]), width, break_on_hyphens=False)
    return lines[:_SENTENCE]


def _table(results: "Results", answer: "Answer", width: int, room: int) -> list[str]:
    """Return the first that has room: every row, a line for each card, or one for each dataset and backbone."""
    found: list[str] = []
    for make in (_every_row, _by_card, _by_subject):
        found = make(results, answer, width)
        if len(found) <= room:
            return found
    return [*found[: room - 1], f"... and {len(found) - room + 1} more on the page"]


def _every_row(results: "Results", answer: "Answer", width: int) -> list[str]:
    """Return all rows: score, verdict, gain over the baseline and cost, under a heading for each group."""
    of_points = results.is_in_points()
    lines: list[Line | str] = []
    parts = _parts(answer)
    summary = results._summary(results.metric)
    groups = summary.groups()
    for group in groups:
        own = short_table([group], summary.higher_is_better)
        labels = budget_in_words(str(group[0]["budget"]), str(group[0]["setting"]))
        labels += ", chosen by test labels" if group[0]["setting"] == ORACLE else ""
        if len(groups) > 1:
            where = (str(group[0]["transfer"]), str(group[0]["backbone"]))
            lines.append(labels if answer.subject else ", ".join((*where, labels)))
        cheapest = own["seconds"][own["seconds"] > 0].min()
        for row in own.to_dict("records"):
            between, gain = _between(row["low"], row["high"]), _gain(row["gain"], of_points)
            score, cost = _number(row["score"]), _times(row["seconds"], cheapest)
            lines.append((row["strategy"], score, between, row["verdict"], gain, cost))
    columns = (
        _Column("strategy", gives_way=True), _Column(results.metric), _Column("95%", optional=2), _Column("verdict"),
        _Column("gain"), _Column("cost", optional=3),
    )  # fmt: skip
    subject = answer.subject or (", ".join(parts.shared) if parts.shared else "")
    return [*([_cut(subject, width)] if subject else []), *_aligned(columns, lines, width)]


def _by_card(results: "Results", answer: "Answer", width: int) -> list[str]:
    """Return a line for each group of rows: which strategy to take, its score, what it gains and what it costs."""
    of_points, parts = results.is_in_points(), _parts(answer)
    lines: list[Line | str] = []
    subject = ""
    for card in answer.cards:
        if parts.differ and parts.of(card) != subject:
            subject = parts.of(card)
            lines.append(subject)
        cost = f"{_factor(card.price)}x {card.price_of}" if card.price_of and card.price == card.price else ""
        gain, over = (_gain(card.gain, of_points), card.reference) if card.reference else (_NOTHING, "")
        gain = "unclear" if card.verdict == "unclear" else gain  # a number would be read as a gain
        tied = str(len(card.tied) or "")
        scored = (_number(card.score), _between(card.low, card.high), gain, over, cost)
        lines.append((_budget(card), *((card.winner, tied, *scored) if card.winner else ("no answer", *[""] * 6))))
    columns = (
        _Column("labels"), _Column("best", gives_way=True), _Column("tied"), _Column(results.metric),
        _Column("95%", optional=1), _Column("gain"), _Column("over", optional=2), _Column("cost", optional=3),
    )  # fmt: skip
    return [*([_cut(", ".join(parts.shared), width)] if parts.shared else []), *_aligned(columns, lines, width)]


def _by_subject(results: "Results", answer: "Answer", width: int) -> list[str]:
    """Return a line for each dataset and backbone: the strategy to take at each label budget."""
    parts = _parts(answer)
    subjects: dict[tuple[str, str], dict[str, Card]] = {}
    for card in answer.cards:
        subjects.setdefault((card.transfer, card.backbone), {}).setdefault(_budget(card), card)
    budgets = list(dict.fromkeys(_budget(card) for card in answer.cards))
    lines: list[Line | str] = []
    for cards in subjects.values():
        first = next(iter(cards.values()))
        lines.append((parts.of(first), *(_winner(cards.get(budget)) for budget in budgets)))
    columns = [_Column(parts.head, gives_way=True), *(_Column(each, optional=99 - i) for i, each in enumerate(budgets))]
    return [*([_cut(", ".join(parts.shared), width)] if parts.shared else []), *_aligned(columns, lines, width)]


def _winner(card: "Card | None") -> str:
    if card is None:
        return _NOTHING
    return f"{card.winner} {_number(card.score)}" if card.winner else "no answer"


def _budget(card: "Card") -> str:
    return card.budget if card.setting == "inductive" else f"{card.budget} {card.setting}"


@dataclass(frozen=True)
class _Parts:
    """Tell apart what all groups of rows share, data or backbone, and what differs."""

    shared: tuple[str, ...]
    differ: tuple[str, ...]  # of `transfer` and `backbone`
    names: Mapping[str, str]  # how each is written

    @property
    def head(self) -> str:
        """Return the heading of the column that tells groups apart."""
        return ", ".join("data" if each == "transfer" else each for each in self.differ)

    def of(self, card: "Card") -> str:
        """Name a group by what differs."""
        return ", ".join(self.names[getattr(card, each)] for each in self.differ)


def _parts(answer: "Answer") -> _Parts:
    subjects = {(card.transfer, card.backbone) for card in answer.cards}
    values = {each: list(dict.fromkeys(getattr(card, each) for card in answer.cards)) for each in _SUBJECT}
    every = {name for subject in subjects for name in subject}
    # that weights are of a file is told: without them the name would be that of a random start
    names = {name: re.sub("@.*", "@\N{HORIZONTAL ELLIPSIS}", short_name(name)) for name in every}
    if len({(names[transfer], names[backbone]) for transfer, backbone in subjects}) < len(subjects):
        names = {name: name for name in every}
    shared = tuple(names[own[0]] for own in values.values() if len(own) == 1)
    return _Parts(shared, tuple(each for each, own in values.items() if len(own) > 1), names)


# ---- lines --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    """Describe a column; where there is no room, those with the highest `optional` are left out first."""

    head: str
    gives_way: bool = False  # may be cut short
    optional: int = 0


def _aligned(columns: Sequence[_Column], lines: Sequence[Line | str], width: int) -> list[str]:
    """Return lines whose columns stand below each other, in as many columns as there is room for."""
    whole = [tuple(column.head for column in columns), *(line for line in lines if not isinstance(line, str))]
    widths = [max(cell_len(line[place]) for line in whole) for place in range(len(columns))]
    kept = list(range(len(columns)))
    while (over := _total(widths, kept) - width) > 0:
        extra = [place for place in kept if columns[place].optional]
        if not extra or over <= sum(max(0, widths[place] - _LEAST) for place in kept if columns[place].gives_way):
            break  # names give way by some letters
        kept.remove(max(extra, key=lambda place: columns[place].optional))
    while _total(widths, kept) > width:
        elastic = [place for place in kept if columns[place].gives_way and widths[place] > _NAME]
        if not elastic:
            break
        widths[max(elastic, key=lambda place: widths[place])] -= 1
    found = [each if isinstance(each, str) else _line(each, widths, kept) for each in (whole[0], *lines)]
    left_out = [column.head for place, column in enumerate(columns) if place not in kept and column.optional > 1]
    told = [f"({', '.join(left_out)}: on the page)"] if left_out else []
    return [_cut(line.rstrip(), width) for line in (*found, *told)]


def _total(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[place] for place in kept) + len(_GAP) * (len(kept) - 1)


def _line(cells: Line, widths: Sequence[int], kept: Sequence[int]) -> str:
    return _GAP.join(set_cell_size(_cut(cells[place], widths[place]), widths[place]) for place in kept)


def _between(low: Any, high: Any) -> str:
    return "" if low != low else f"[{_number(low)}, {_number(high)}]"


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}\N{HORIZONTAL ELLIPSIS}"


def _number(value: Any) -> str:
    return _NOTHING if value != value else f"{value:.3f}"


def _gain(value: Any, of_points: bool) -> str:
    return _NOTHING if value != value else f"{100 * value:+.1f}" if of_points else f"{value:+.3f}"


def _times(seconds: float, cheapest: float) -> str:
    return f"{_factor(seconds / cheapest)}x" if seconds == seconds and cheapest == cheapest and cheapest > 0 else ""


def _factor(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"
