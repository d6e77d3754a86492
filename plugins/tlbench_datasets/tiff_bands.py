"""Read TIFF images that Pillow does not read whole: more bands than colours, pages that are bands, unusual numbers.

Pages are bands where the file says so (ImageJ's and OME's channels, the shape that tifffile writes down) and
its page alone is no colour image; frames in time and slices in depth are not, and neither are pages of which
nothing is said: of those the first is served.
"""

import io
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tlbench_datasets.damage import guarded, require_size
from tlbench_datasets.values import axis_of_channels

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF
_COLOURS = {2: 3, 5: 4, 6: 3, 8: 3}  # samples of a pixel by photometric interpretation; 1 elsewhere
_PHOTOMETRIC, _BITS, _SAMPLES, _PLANAR, _EXTRA, _ORIENTATION = 262, 258, 277, 284, 338, 274


@dataclass(frozen=True)
class Bands:
    """Describe a TIFF image as tifffile reads it."""

    data: bytes
    dtype: np.dtype[Any]
    channels: int
    paged: bool  # whether each band is a page of its own

    def values(self) -> NDArray[Any]:
        """Return the numbers, (H, W) or (H, W, C); raise BadImageError where the file is damaged."""
        return guarded(lambda: _values(self.data))


def is_tiff(data: bytes) -> bool:
    """Tell whether bytes are those of a TIFF file."""
    return data.startswith(_MAGIC)


def beyond_pillow(image: Image.Image) -> bool:
    """Tell whether Pillow would serve a TIFF that it has opened with bands or bits missing."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    samples, extra = tags.get(_SAMPLES, 1), tags.get(_EXTRA, ())
    extra = extra if isinstance(extra, tuple) else (extra,)
    alpha = len(extra) == 1 and extra[0] in (1, 2)
    bits = tags.get(_BITS, (1,))
    wide = max(bits if isinstance(bits, tuple) else (bits,)) > 8
    beside = samples > _COLOURS.get(tags.get(_PHOTOMETRIC, 1), 1) + alpha
    return beside or (wide and samples > 1 and tags.get(_PLANAR, 1) == 2)


def bands(data: bytes) -> Bands:
    """Return the image; raise BadImageError where the file is damaged."""
    return guarded(lambda: _bands(data))


def _open(data: bytes) -> Any:
    import tifffile

    log = logging.getLogger("tifffile")
    if not log.handlers:  # what it says of damaged files is said by our own errors
        log.addHandler(logging.NullHandler())
    return tifffile.TiffFile(io.BytesIO(data))


def _bands(data: bytes) -> Bands:
    with _open(data) as file:
        axes, shape = _kept(file)
        sizes = dict(zip(axes, shape, strict=True))
        channels = next((size for axis, size in sizes.items() if axis not in "YX"), 1)
        require_size(sizes["Y"], sizes["X"], channels)
        return Bands(data, np.dtype(file.pages[0].dtype), channels, "P" in axes)


def _kept(file: Any) -> tuple[str, tuple[int, ...]]:
    """Return the axes that are served and their lengths: Y, X, and S for samples of a pixel or P for pages."""
    page = file.pages[0]
    found = [(axis, size) for axis, size in zip(page.axes, page.shape, strict=True) if axis in "YX" or size > 1]
    axes, shape = "".join(axis for axis, _ in found), tuple(size for _, size in found)
    if len(file.pages) == 1 or "S" in axes or {"Y", "X"} - set(axes):
        return axes, shape
    series = file.series[0]
    sizes = {axis: size for axis, size in zip(series.axes, series.shape, strict=True) if size > 1}
    if "C" in sizes:
        return "PYX", (sizes["C"], *page.shape[-2:])
    if set(sizes) == {"Q", "Y", "X"}:  # one array, written page by page
        whole = (sizes["Q"], *page.shape[-2:])
        axis = axis_of_channels(whole)
        return {0: "PYX", 2: "YXP"}.get(axis, axes), whole if axis is not None else shape  # type: ignore[call-overload]
    return axes, shape


def _values(data: bytes) -> NDArray[Any]:
    with _open(data) as file:
        page = file.pages[0]
        axes, _ = _kept(file)
        if "P" in axes:
            array = _paged(file.series[0])
        else:
            array = page.asarray()
            wanted = [position for position, axis in enumerate(page.axes) if axis in axes]
            array = array.reshape([array.shape[position] for position in wanted])
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if page.photometric == 0 and array.dtype.kind == "u":  # white is zero
            array = np.iinfo(array.dtype).max - array
        orientation = page.tags.valueof(_ORIENTATION, 1)
    channel = axes.replace("Y", "").replace("X", "")
    if channel:
        array = np.moveaxis(array, axes.index(channel), 2)
    return np.ascontiguousarray(_upright(array, orientation))


def _paged(series: Any) -> NDArray[Any]:
    """Return (pages, rows, columns): all channels of the first moment and slice, or one array's own three axes."""
    array: NDArray[Any] = series.asarray()
    for position in reversed(range(array.ndim)):
        axis = series.axes[position]
        if axis not in "YX" and (axis != "C" if "C" in series.axes else array.shape[position] == 1):
            array = array.take(0, axis=position)
    if "C" in series.axes:
        rest = [axis for axis in series.axes if axis in "CYX"]
        array = array.transpose([rest.index(axis) for axis in "CYX"])
    return array


def _upright(array: NDArray[Any], orientation: Any) -> NDArray[Any]:
    """Return an image turned as its orientation tag (1 to 8) says."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array
