"""Draw examples on sheets: small, and all of a dataset in the same way; with a font for captions."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tlbench.data import example_array
from tlbench_data.images import full_range, value_range
from tlbench_data.look import Look
from tlbench_data.survey import Row, Survey

SIDE = 96  # pixels of the longest side of an example
_NARROWEST = 1 / 6  # short side over long side: of longer ones the middle is shown
PAPER, INK, SOFT, LINE = (255, 255, 255), (27, 31, 36), (87, 96, 106), (213, 218, 224)

Images = Sequence[tuple[Row, Look]]


def key(row: Row) -> tuple[str, str, int]:
    """Name an example."""
    return row.domain, row.split, row.position


class Shower:
    """Turn raw examples into small RGB pictures, all of a dataset in the same way."""

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
                if (row.domain, row.split) == (domain, split) and key(row) not in found:
                    found[key(row)] = self._small(example_array(examples[row.position]))
        return found

    def _small(self, array: np.ndarray) -> Image.Image:
        array = array[..., None] if array.ndim == 2 else array
        array = _middle(array[..., :3] if array.shape[2] >= 3 else array[..., :1])
        scale = SIDE / max(array.shape[:2])
        if scale < 0.25:  # so that a large image is not copied as floats; the rest is Pillow's
            step = int(0.5 / scale)
            array = array[::step, ::step]
            scale = SIDE / max(array.shape[:2])
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


def paste(sheet: Image.Image, picture: Image.Image, left: int, top: int) -> None:
    """Draw a thumbnail in the middle of its square, with a line around it."""
    left += (SIDE - picture.width) // 2
    top += (SIDE - picture.height) // 2
    sheet.paste(picture, (left, top))
    box = (left - 1, top - 1, left + picture.width, top + picture.height)
    ImageDraw.Draw(sheet).rectangle(box, outline=LINE)  # so that white images end somewhere


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return a font that matplotlib ships, so that the sheet does not depend on the system's."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def fitted(text: str, room: float, face: ImageFont.FreeTypeFont) -> str:
    """Return a text cut to as many pixels as there is room for."""
    text = text if text.isprintable() else ascii(text)[1:-1]
    if face.getlength(text) <= room:
        return text
    while text and face.getlength(f"{text}…") > room:
        text = text[:-1]
    return f"{text}…"
