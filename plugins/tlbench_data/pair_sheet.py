"""Draw `near-duplicates.png`: pairs of images that are nearly the same, side by side."""

import io

from PIL import Image, ImageDraw

from tlbench_data.contact_sheet import Sheet
from tlbench_data.drawing import LINE, PAPER, SIDE, SOFT, Shower, fitted, font, key, paste
from tlbench_data.near import near_pairs
from tlbench_data.survey import Survey

_MOST = 24  # pairs
_ACROSS = 3
_GAP = 8
_CAPTIONS = 30  # pixels for two lines
_PAIR = 2 * SIDE + 4 * _GAP


def pair_sheet(survey: Survey) -> Sheet | None:
    """Return the sheet, or None where no two images are nearly the same."""
    pairs = near_pairs(survey)
    if not pairs:
        return None
    drawn = pairs[:_MOST]
    show = Shower(survey, [(row, look) for row, look in survey.looks if look.is_image])
    small = show.thumbnails([(row, row.look) for pair in drawn for row in (pair.row, pair.other) if row.look])
    lines = -(-len(drawn) // _ACROSS)
    picture = Image.new("RGB", (_ACROSS * _PAIR, lines * (SIDE + _CAPTIONS + 2 * _GAP)), PAPER)
    draw = ImageDraw.Draw(picture)
    for position, pair in enumerate(drawn):
        left, top = position % _ACROSS * _PAIR, position // _ACROSS * (SIDE + _CAPTIONS + 2 * _GAP)
        draw.rectangle((left + 2, top + 2, left + _PAIR - 3, top + SIDE + _CAPTIONS + 2 * _GAP - 3), outline=LINE)
        for column, row in enumerate((pair.row, pair.other)):
            paste(picture, small[key(row)], left + _GAP + column * (SIDE + 2 * _GAP), top + _GAP)
            words = f"{pair.sign if column else ''} {row.source}".strip()
            draw.text(
                (left + _GAP, top + SIDE + _GAP + 1 + 14 * column),
                fitted(words, _PAIR - 2 * _GAP, font(10)),
                SOFT,
                font(10),
            )
    file = io.BytesIO()
    picture.save(file, "PNG")
    notes = tuple(show.notes)
    if len(drawn) < len(pairs):
        notes = (*notes, f"The first {len(drawn)} of {len(pairs):,} pairs.")
    alt = f"{len(drawn)} pairs of images that are nearly the same, side by side; the table names them."
    return Sheet(file.getvalue(), *picture.size, notes, alt)
