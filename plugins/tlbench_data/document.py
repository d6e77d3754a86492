"""Hold the content of an inspection, before it is written as text or as a page."""

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["error", "warning", "note"]
NOTHING = "\N{EN DASH}"  # in the place of a number
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Remark:
    """Hold a sentence that somebody should read."""

    level: Level
    text: str


@dataclass(frozen=True)
class Table:
    """Hold rows of texts. The first `texts` columns are words, the others numbers; `shares` draws a bar per row."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    shares: tuple[float, ...] = ()  # 0 to 1 by row
    levels: tuple[Level | None, ...] = ()  # by row, where some are no ordinary rows
    few: tuple[tuple[str, ...], ...] | None = None  # what a terminal shows instead of hundreds of rows
    few_shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Hold names with what is said of them."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Paragraph:
    """Hold a sentence or two."""

    text: str


@dataclass(frozen=True)
class Commands:
    """Hold lines to type."""

    lines: tuple[str, ...]


Block = Table | Facts | Paragraph | Commands


@dataclass(frozen=True)
class Section:
    """Hold a heading with what stands below it, and what of it stands at the top of everything."""

    title: str
    blocks: tuple[Block, ...]
    remarks: tuple[Remark, ...] = field(default=())


@dataclass(frozen=True)
class Report:
    """Hold the whole report."""

    title: str
    tally: str
    sections: tuple[Section, ...]

    @property
    def remarks(self) -> list[Remark]:
        """Return all remarks, errors first."""
        said = [remark for section in self.sections for remark in section.remarks]
        return sorted(said, key=lambda remark: LEVELS.index(remark.level))
