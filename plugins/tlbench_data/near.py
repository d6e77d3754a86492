"""Find images that are nearly the same, stored anew, resized or cropped, between splits and within them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tlbench import plural, shown
from tlbench.data import EQUAL, MIRRORED, SKETCH, find_copies
from tlbench_data.document import Level, Paragraph, Remark, Section, Table
from tlbench_data.survey import Row, Survey

_NAMED = 3
_ROWS_OF_TEXT = 12
_ROWS_OF_PAGE = 2000


@dataclass(frozen=True)
class Pair:
    """Hold an image and the one that it is nearly the same as."""

    row: Row
    other: Row
    is_mirrored: bool

    @property
    def sign(self) -> str:
        """Return the sign that stands between their names."""
        return "~ mirrored" if self.is_mirrored else "~"


@lru_cache(maxsize=1)
def near_pairs(survey: Survey) -> tuple[Pair, ...]:
    """Return each image's closest near-duplicate in every other split, and in its own; no equal ones.

    Those of test images come first.
    """
    seen = [row for row, look in survey.looks if look.sketch is not None]
    parts: dict[tuple[str, str], list[Row]] = {}
    for row in seen:
        parts.setdefault((row.domain, row.split), []).append(row)
    found = []
    for one, other in [("test", "train"), ("test", "val"), ("val", "train")]:
        for domain in survey.splits:  # as a run compares them
            found += _pairs(parts.get((domain, one), []), parts.get((domain, other), []))
    for split in survey.split_names:
        rows = [row for row in seen if row.split == split]
        found += _pairs(rows, rows)
    for domain in survey.splits if len(survey.splits) > 1 else ():
        others = [row for row in seen if row.domain != domain and row.split == "train"]
        found += _pairs(parts.get((domain, "test"), []), others)
    return tuple(found)


def _pairs(rows: list[Row], others: list[Row]) -> list[Pair]:
    """Return the closest near-duplicate of each among the others; among themselves, what stands before it counts."""
    one, other = (np.array([row.look.sketch for row in each if row.look], dtype=SKETCH) for each in (rows, others))
    return [
        Pair(rows[at], others[where], kind == MIRRORED)
        for at, where, kind in find_copies(one, other, earlier=rows is others).tolist()
        if kind != EQUAL
    ]


def near_section(survey: Survey) -> Section | None:
    """Return the section, or None where there are no images."""
    if not any(look.is_image for _, look in survey.looks):
        return None
    told = (
        "Images count as near-duplicates when their perceptual hashes differ in few bits and their thumbnails agree: "
        "stored anew, resized, brighter, darker, grey, mirrored, or cropped by a few per cent."
    )
    if survey.sampled:
        told += " They were compared in the sample only."
    pairs = near_pairs(survey)
    if not pairs:
        return Section("Near-duplicates", (Paragraph(f"No two images are nearly the same. {told}"),))
    rows, remarks = [], []
    for noun, where, level, some in _kinds(pairs):
        if some:
            named = _named(some)
            rows.append((f"{noun}s, of {where}", f"{len(some):,}", named))
            counted = plural(len(some), f"{noun} is a near-duplicate", f"{noun}s are near-duplicates")
            remarks.append(Remark(level, f"{counted} of {where}: {named}."))
    listed = [
        (
            shown(pair.row.source),
            "mirrored" if pair.is_mirrored else "as it is",
            shown(pair.other.source),
            _labels(survey, pair),
        )
        for pair in pairs[:_ROWS_OF_PAGE]
    ]
    title = "Pairs"
    if len(pairs) > _ROWS_OF_PAGE:
        title += f" (the first {_ROWS_OF_PAGE:,} of {len(pairs):,}; all in examples.csv)"
    few = None
    if len(listed) > _ROWS_OF_TEXT:
        few = (*listed[:_ROWS_OF_TEXT], (f"... {len(pairs) - _ROWS_OF_TEXT:,} more: see examples.csv", "", "", ""))
    blocks = (
        Table("Near-duplicates", ("of which, and where", "images", "which"), tuple(rows)),
        Table(title, ("image", "how", "nearly the same as", "class"), tuple(listed), texts=4, few=few),
        Paragraph(told),
    )
    return Section("Near-duplicates", blocks, tuple(remarks))


def _kinds(pairs: Sequence[Pair]) -> list[tuple[str, str, Level, list[Pair]]]:
    def between(one: str, other: str, *, across: bool = False) -> list[Pair]:
        return [
            pair
            for pair in pairs
            if (pair.row.split, pair.other.split) == (one, other) and (pair.row.domain != pair.other.domain) == across
        ]

    distinct = {id(pair.row): pair for pair in pairs if pair.row.label != pair.other.label}  # each image once
    return [
        ("test image", "training images", "warning", between("test", "train")),
        ("test image", "validation images", "warning", between("test", "val")),
        ("validation image", "training images", "warning", between("val", "train")),
        ("test image", "training images of another domain", "warning", between("test", "train", across=True)),
        ("image", "images of another label", "warning", list(distinct.values())),
        (
            "image",
            "earlier images of their split",
            "note",
            [pair for pair in pairs if pair.row.split == pair.other.split],
        ),
    ]


def _labels(survey: Survey, pair: Pair) -> str:
    names = dict.fromkeys(shown(survey.classes[row.label]) for row in (pair.row, pair.other))
    return " / ".join(names)


def _named(pairs: Sequence[Pair]) -> str:
    named = "; ".join(f"{shown(pair.row.source)} {pair.sign} {shown(pair.other.source)}" for pair in pairs[:_NAMED])
    return named + (f" and {len(pairs) - _NAMED:,} more" if len(pairs) > _NAMED else "")
