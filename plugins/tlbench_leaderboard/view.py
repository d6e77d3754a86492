"""Define what a page of a board shows: tabs of label budgets, in each the tables of what competes, and pictures."""

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from tlbench_leaderboard.words import NOTHING, budget

ALL = "all datasets"
VERIFIED_NOTE = "A sample of the records of each of these rows was run again, and stands."
UNVERIFIED_NOTE = "Nobody has confirmed these scores: they are as they were handed in, and rank among themselves."
KINDS = (
    ("verified", "Verified", VERIFIED_NOTE),
    ("unverified", "Not verified", UNVERIFIED_NOTE),
    ("out", "Not ranked", "Nothing is said of these rows by ranks and ties."),
)

PathOf = Callable[[str, str], str]  # a kind and a name to the page of it


@dataclass(frozen=True)
class Line:
    """Hold a line of a ranking as it is written."""

    rank: str
    name: str
    path: str  # of the page of the strategy, from the site's root
    score: str
    to_best: str
    seconds: str
    who: str
    date: str
    status: str
    is_best: bool
    records: str = ""  # the path of the page of its records, where there is one of them all
    ranks: str = ""  # the interval of a mean rank
    note: str = ""
    between: str = ""  # the interval of the score
    to_baseline: str = NOTHING
    said: str = ""  # what else is to be known: upper bound, negative transfer, why it does not rank


@dataclass(frozen=True)
class Table:
    """Hold lines that rank together: those tied with the best, then the others."""

    kind: str  # verified, unverified, or out: of rows that do not rank
    title: str
    note: str
    tied: tuple[Line, ...]
    others: tuple[Line, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """Return all lines."""
        return self.tied + self.others

    def head(self, most: int) -> "Table":
        """Return the first lines alone."""
        return Table(self.kind, self.title, self.note, self.tied[:most], self.others[: max(0, most - len(self.tied))])


@dataclass(frozen=True)
class Section:
    """Hold the tables of what competes: one backbone and setting of a transfer, or one setting over all transfers."""

    title: str
    path: str  # of the page of the backbone; empty where there are several
    note: str
    warning: str
    score: str  # what the score is
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Tab:
    """Hold the sections of a label budget."""

    budget: str
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """Return it in words."""
        return budget(self.budget)


@dataclass(frozen=True)
class View:
    """Hold a page of a board."""

    title: str
    path: str
    tabs: tuple[Tab, ...]
    curves: tuple[tuple[str, str, Markup], ...] = ()  # what it is of, what it shows in a sentence, and a picture
    about: str = ""  # the path of the page of the dataset

    @property
    def chosen(self) -> int:
        """Return the position of the tab that is open at first: of the budgets with labels the middle one."""
        labelled = [place for place, tab in enumerate(self.tabs) if tab.budget != "0"]
        return labelled[(len(labelled) - 1) // 2] if labelled else 0

    @property
    def is_of_all(self) -> bool:
        """Tell whether it is of several transfers together."""
        return self.title == ALL
