"""Say which axis of an array of one image is that of its channels."""

from typing import Literal, TypeAlias

First: TypeAlias = bool | None  # whether the channels come first; None where that is not known


def axis_of_channels(shape: tuple[int, ...]) -> Literal[0, 2] | None:
    """Return the axis, 0 or 2, of an image with three axes; None where it cannot be told.

    1, 3 or 4 at one end only are channels; else the two equal sides beside another are height and width; else
    the channels are fewer than the pixels of either side.
    """
    first, middle, last = shape
    usual = (1, 3, 4)
    if (first in usual) != (last in usual):
        return 0 if first in usual else 2
    if first == last:
        return None
    if middle in (first, last):
        return 0 if middle == last else 2
    return {first: 0, last: 2}.get(min(shape))  # type: ignore[return-value]
