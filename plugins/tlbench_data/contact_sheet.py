"""Draw `contact-sheet.png`: a few examples of each class, and odd ones, the same each time."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from tlbench_data.drawing import INK, LINE, PAPER, SIDE, SOFT, Images, Shower, fitted, font, key, paste
from tlbench_data.images import odd_images
from tlbench_data.look import Look
from tlbench_data.survey import Row, Survey

_MOST_ROWS = 30
_MOST_ODD_ROWS = 6
_ACROSS = 8  # examples of a class
_GAP = 8
_CAPTION = 14
_LABELS = 190  # pixels for the names of classes
_TOP = 30


@dataclass(frozen=True)
class Sheet:
    """Hold the picture, and what has to be said of it."""

    png: bytes
    width: int
    height: int
    notes: tuple[str, ...]
    alt: str


def contact_sheet(survey: Survey) -> Sheet | None:
    """Return the sheet, or None where there are no images."""
    images = [(row, look) for row, look in survey.looks if look.is_image]
    if not images:
        return None
    classes = _classes(survey, images)
    shown = _spread(sorted(classes), _MOST_ROWS)
    lines = [(survey.classes[label], f"class {label}", _of_class(survey, classes[label])) for label in shown]
    lines += [(what, "odd", list(which[:_ACROSS])) for what, which, _ in odd_images(survey)[:_MOST_ODD_ROWS]]
    of_one_size = len({look.size for _, look in images}) == 1
    show = Shower(survey, images)
    notes = list(show.notes)
    if len(shown) < len(classes):
        notes.append(f"{len(shown)} of {len(classes):,} classes, evenly spread over their order.")
    width = _LABELS + _ACROSS * (SIDE + _GAP) + _GAP
    picture = Image.new("RGB", (width, _TOP + len(lines) * (SIDE + _CAPTION + _GAP) + _GAP), PAPER)
    draw = ImageDraw.Draw(picture)
    title = f"{len(images):,} images, {len(survey.classes):,} classes. {' '.join(notes)}"
    draw.text((_GAP, 8), fitted(title, width - 2 * _GAP, font(13)), INK, font(13))
    small = show.thumbnails([entry for *_, line in lines for entry in line])
    for position, (name, number, line) in enumerate(lines):
        top = _TOP + position * (SIDE + _CAPTION + _GAP)
        draw.line([(_GAP, top), (width - _GAP, top)], LINE)
        _draw_name(draw, name, number, top + _GAP)
        for column, (row, look) in enumerate(line):
            left = _LABELS + column * (SIDE + _GAP)
            paste(picture, small[key(row)], left, top + _GAP)
            told = survey.where(row) if of_one_size else f"{survey.where(row)} {look.size}"
            caption = fitted(told, SIDE + _GAP - 2, font(10))
            draw.text((left, top + _GAP + SIDE + 1), caption, SOFT, font(10))
    file = io.BytesIO()
    picture.save(file, "PNG")
    alt = f"Examples of {len(shown)} classes, one row for each, and of {len(lines) - len(shown)} kinds of odd images."
    return Sheet(file.getvalue(), *picture.size, tuple(notes), alt)


def _classes(survey: Survey, images: Images) -> dict[int, list[tuple[Row, Look]]]:
    found: dict[int, list[tuple[Row, Look]]] = {}
    for row, look in images:
        found.setdefault(row.label, []).append((row, look))
    return found


def _of_class(survey: Survey, images: Images) -> list[tuple[Row, Look]]:
    """Return a few examples: as many of each domain, training ones where there are any, evenly spread."""
    domains = _spread([name for name in survey.splits if any(row.domain == name for row, _ in images)], _ACROSS)
    chosen: list[tuple[Row, Look]] = []
    for position, domain in enumerate(domains):
        own = [entry for entry in images if entry[0].domain == domain]
        own = [entry for entry in own if entry[0].split == "train"] or own
        share = _ACROSS * (position + 1) // len(domains) - _ACROSS * position // len(domains)
        chosen += _spread(own, share)
    return chosen


def _spread(things: Sequence[Any], most: int) -> list[Any]:
    """Return `most` of the things at even distances, or all."""
    if len(things) <= most:
        return list(things)
    return [things[position * len(things) // most] for position in range(most)]


def _draw_name(draw: ImageDraw.ImageDraw, name: str, number: str, top: int) -> None:
    """Write a name on up to four lines, and below it the number that a name without glyphs is known by."""
    face, room = font(13), _LABELS - 2 * _GAP
    text = name if name.isprintable() else ascii(name)[1:-1]
    lines: list[str] = []
    while text and len(lines) < 4:
        end = len(text)
        while end > 1 and face.getlength(text[:end]) > room:
            end -= 1
        if end < len(text) and " " in text[1:end]:
            end = text.rindex(" ", 1, end)
        lines.append(text[:end])
        text = text[end:].strip()
    if text:
        lines[-1] = fitted(lines[-1] + "…", room, face)
    for at, line in enumerate(lines):
        draw.text((_GAP, top + 17 * at), line, INK, face)
    draw.text((_GAP, top + 17 * len(lines) + 2), number, SOFT, font(10))
