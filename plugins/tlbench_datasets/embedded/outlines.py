"""Fill the outlines of characters from the fonts that matplotlib ships.

The outlines are read in the font's own units and filled here: FreeType's own pixels differ between the
versions that matplotlib was built with, and a dataset must be the same bytes everywhere.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

# Named one by one, not globbed: a font that only some matplotlib has must not change the data. Left out are the
# faces without plain letters (symbol sizes, private-use letters), the obliques that only slant an upright face
# (every drawing is slanted anyway) and those that came after matplotlib 3.10.
FACES = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic",
    "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta",
    "cmr10", "cmb10", "cmss10", "cmtt10", "cmmi10",
)  # fmt: skip
_STEPS = 6  # straight pieces a curve is filled as; more change no pixel that shows


def has(face: str, character: str) -> bool:
    """Say whether a face draws the character."""
    if face.startswith("cm") and not character.isascii():
        return False  # the Computer Modern faces keep other shapes at the code points beyond ASCII
    return _open(face).get_char_index(ord(character)) != 0


def fill(face: str, character: str, side: int, letter_side: int) -> NDArray[np.bool_]:
    """Return the character's shape, bool, (side, side), in the middle, its longer side `letter_side` pixels."""
    edges = _edges(face, character) * (1.0, -1.0)  # rows run down, a font's y runs up
    low, high = edges.min(axis=(0, 1)), edges.max(axis=(0, 1))
    edges = (edges - (low + high) / 2) * (letter_side / (high - low).max()) + (side - 1) / 2
    (x0, y0), (x1, y1) = edges[:, 0].T, edges[:, 1].T
    row, edge = np.nonzero((y0 <= np.arange(side)[:, None]) != (y1 <= np.arange(side)[:, None]))
    crossing = x0[edge] + (row - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    turns = np.zeros((side, side + 1), dtype=np.int64)
    np.add.at(turns, (row, np.ceil(crossing).astype(np.int64)), np.where(y1[edge] > y0[edge], 1, -1))
    # Inside is where the outline winds round: letters are built of overlapping pieces, so parity would not do.
    return turns.cumsum(axis=1)[:, :side] != 0


def _edges(face: str, character: str) -> NDArray[np.float64]:
    """Return the outline as straight edges in font units, float64, (N, 2 ends, 2 coordinates)."""
    from matplotlib.ft2font import LoadFlags
    from matplotlib.path import Path as Outline

    font = _open(face)
    font.load_char(ord(character), flags=LoadFlags.NO_SCALE | LoadFlags.IGNORE_TRANSFORM)
    vertices, codes = font.get_path()
    curves, start, here, control = [], vertices[0], vertices[0], None
    for vertex, code in zip(vertices, codes, strict=True):
        if code == Outline.MOVETO:
            start = here = vertex
        elif code == Outline.CURVE3 and control is None:  # the first of a pair pulls, the second is reached
            control = vertex
        else:
            end = start if code == Outline.CLOSEPOLY else vertex
            curves.append((here, (here + end) / 2 if control is None else control, end))
            here, control = end, None
    begin, pull, end = np.asarray(curves).transpose(1, 0, 2)[:, :, None]
    along = np.linspace(0.0, 1.0, _STEPS + 1)[:, None]
    points = (1 - along) ** 2 * begin + 2 * along * (1 - along) * pull + along**2 * end
    return np.stack([points[:, :-1], points[:, 1:]], axis=2).reshape(-1, 2, 2)


@cache
def _open(face: str) -> "FT2Font":
    """Return the open font; opening one costs more than drawing a letter."""
    import matplotlib
    from matplotlib.ft2font import FT2Font

    return FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{face}.ttf")))
