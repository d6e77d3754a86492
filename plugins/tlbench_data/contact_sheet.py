"""`contact-sheet.png`: a few examples of each class, and of what is odd, drawn the same each time."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tlbench_data.images import full_range, odd_images, value_range
from tlbench_data.look import Look, as_array
from tlbench_data.survey import Row, Survey

_MOST_ROWS = 30
_MOST_ODD_ROWS = 6
_ACROSS = 8  # examples of a class
_SIDE = 96  # pixels of the longest side of an example
_NARROWEST = 1 / 6  # short side over long side: of longer ones the middle is shown
_GAP = 8
_CAPTION = 14
_LABELS = 190  # pixels for the names of classes
_TOP = 30
_PAPER, _INK, _SOFT, _LINE = (255, 255, 255), (27, 31, 36), (87, 96, 106), (213, 218, 224)

Images = Sequence[tuple[Row, Look]]


@dataclass(frozen=True)
class Sheet:
    """The picture, and what has to be said of it."""

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
    show = _Show(survey, images)
    notes = list(show.notes)
    if len(shown) < len(classes):
        notes.append(f"{len(shown)} of {len(classes):,} classes, evenly spread over their order.")
    width = _LABELS + _ACROSS * (_SIDE + _GAP) + _GAP
    picture = Image.new("RGB", (width, _TOP + len(lines) * (_SIDE + _CAPTION + _GAP) + _GAP), _PAPER)
    draw = ImageDraw.Draw(picture)
    title = f"{len(images):,} images, {len(survey.classes):,} classes. {' '.join(notes)}"
    draw.text((_GAP, 8), _fitted(title, width - 2 * _GAP, _font(13)), _INK, _font(13))
    small = show.thumbnails([entry for *_, line in lines for entry in line])
    for position, (name, number, line) in enumerate(lines):
        top = _TOP + position * (_SIDE + _CAPTION + _GAP)
        draw.line([(_GAP, top), (width - _GAP, top)], _LINE)
        _draw_name(draw, name, number, top + _GAP)
        for column, (row, look) in enumerate(line):
            left = _LABELS + column * (_SIDE + _GAP)
            _paste(picture, small[_key(row)], left, top + _GAP)
            told = survey.where(row) if of_one_size else f"{survey.where(row)} {look.size}"
            caption = _fitted(told, _SIDE + _GAP - 2, _font(10))
            draw.text((left, top + _GAP + _SIDE + 1), caption, _SOFT, _font(10))
    file = io.BytesIO()
    picture.save(file, "PNG")
    alt = f"Examples of {len(shown)} classes, one row for each, and of {len(lines) - len(shown)} kinds of odd images."
    return Sheet(file.getvalue(), *picture.size, tuple(notes), alt)


def _key(row: Row) -> tuple[str, str, int]:
    return row.domain, row.split, row.position


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


class _Show:
    """Turns raw examples into small RGB pictures, all of a dataset in the same way."""

    def __init__(self, survey: Survey, images: Images) -> None:
        self._survey = survey
        looks = [look for _, look in images]
        self._ranges: dict[str, tuple[float, float]] = {}
        self.notes = []
        for dtype in sorted({look.dtype for look in looks}):
            low, high = value_range([look for look in looks if look.dtype == dtype])
            full = full_range(dtype)
            if 0 < high <= full / 2 and low < high:
                self.notes.append(
                    f"Dark {dtype} images are brightened here: {low:,.6g} to {high:,.6g} is shown as 0 to 255."
                )
                self._ranges[dtype] = (low, high)
            else:
                self._ranges[dtype] = (0.0, full)
        channels = sorted({look.channels for look in looks} - {1, 3})
        if channels:
            which = " and ".join(map(str, channels))
            first = "the first" if max(channels) == 2 else "the first three"
            self.notes.append(f"Of {which} channels {first} are shown.".replace("first are", "first is"))

    def thumbnails(self, wanted: Images) -> dict[tuple[str, str, int], Image.Image]:
        """Return RGB thumbnails by example; each split is loaded once, and each example let go when shrunk."""
        found: dict[tuple[str, str, int], Image.Image] = {}
        parts = dict.fromkeys((row.domain, row.split) for row, _ in wanted)
        for domain, split in parts:
            examples = self._survey.dataset.load(domain, split).inputs
            for row, _ in wanted:
                if (row.domain, row.split) == (domain, split) and _key(row) not in found:
                    found[_key(row)] = self._small(as_array(examples[row.position]))
        return found

    def _small(self, array: np.ndarray) -> Image.Image:
        array = array[..., None] if array.ndim == 2 else array
        array = _middle(array[..., :3] if array.shape[2] >= 3 else array[..., :1])
        scale = _SIDE / max(array.shape[:2])
        if scale < 0.25:  # so that a large image is not copied as floats; the rest is Pillow's
            step = int(0.5 / scale)
            array = array[::step, ::step]
            scale = _SIDE / max(array.shape[:2])
        low, high = self._ranges[str(array.dtype)]
        levels = np.nan_to_num((array.astype(np.float64) - low) * (255 / (high - low)))
        picture = Image.fromarray(np.rint(levels.clip(0, 255)).astype(np.uint8).repeat(3 // array.shape[2], axis=2))
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        # Pixels of a tiny image stay squares: blurred, nobody would see how few there are.
        return picture.resize(size, Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.BOX)


def _middle(array: np.ndarray) -> np.ndarray:
    """Cut an image that is far longer than wide, so that something of it can be seen."""
    height, width = array.shape[:2]
    longest = max(1, round(min(height, width) / _NARROWEST))
    top, left = max(0, (height - longest) // 2), max(0, (width - longest) // 2)
    return array[top : top + longest, left : left + longest]


def _paste(sheet: Image.Image, picture: Image.Image, left: int, top: int) -> None:
    left += (_SIDE - picture.width) // 2
    top += (_SIDE - picture.height) // 2
    sheet.paste(picture, (left, top))
    box = (left - 1, top - 1, left + picture.width, top + picture.height)
    ImageDraw.Draw(sheet).rectangle(box, outline=_LINE)  # so that white images end somewhere


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return a font that matplotlib ships, so that the sheet does not depend on the system's."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _fitted(text: str, room: float, font: ImageFont.FreeTypeFont) -> str:
    text = text if text.isprintable() else ascii(text)[1:-1]
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(f"{text}…") > room:
        text = text[:-1]
    return f"{text}…"


def _draw_name(draw: ImageDraw.ImageDraw, name: str, number: str, top: int) -> None:
    """Write a name on up to four lines, and below it the number that a name without glyphs is known by."""
    font, room = _font(13), _LABELS - 2 * _GAP
    text = name if name.isprintable() else ascii(name)[1:-1]
    lines: list[str] = []
    while text and len(lines) < 4:
        end = len(text)
        while end > 1 and font.getlength(text[:end]) > room:
            end -= 1
        if end < len(text) and " " in text[1:end]:
            end = text.rindex(" ", 1, end)
        lines.append(text[:end])
        text = text[end:].strip()
    if text:
        lines[-1] = _fitted(lines[-1] + "…", room, font)
    for at, line in enumerate(lines):
        draw.text((_GAP, top + 17 * at), line, _INK, font)
    draw.text((_GAP, top + 17 * len(lines) + 2), number, _SOFT, _font(10))
