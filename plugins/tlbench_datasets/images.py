"""Decode one image file and tell what was converted: (H, W) for grey, (H, W, 3) for colour, (H, W, C) for bands.

What a file holds            what is served
8-bit grey, 8-bit RGB        the values themselves
1-bit                        grey, 0 and 255
palette                      RGB
16-bit grey                  v / 257, rounded: the full range 0..65535 becomes 0..255. Never the maximum of the
                             image, which would make two images of one set incomparable; data that use a part
                             of the range only (12-bit scanners) come out dark: `?range=0-4095` is for them
16-bit RGB                   the high byte of each value (Pillow's own reading)
alpha, transparent colour    laid on white, as drawings and cut-outs are mostly meant to be seen
CMYK, YCbCr, HSV             RGB by Pillow's formula, colour profiles unused
several frames or pages      the first, unless the file says that they are channels
TIFF of more bands           (H, W, C), as tifffile reads it; 16-bit values as above
.npy array                   (H, W) or (H, W, C), as `values.py` says, by the range of all arrays of the dataset
EXIF orientation             applied

That is at 8 bits; `reading.py` says what `?depth=16` and `?range=LOW-HIGH` change. At these 16-bit RGB is read in full
from PNG and TIFF; PPM in colour and grey with alpha have the high byte only. Floating-point images and integers of
32 bits need a range: nothing in them says which values are black and white. LAB images are refused.
"""

import io
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tlbench import IMAGE_FORMATS, to_eight_bits, upright
from tlbench_datasets import array_image, tiff_bands
from tlbench_datasets.damage import BadImageError, guarded, quiet_pillow, require_size
from tlbench_datasets.reading import PLAIN, Reading, Stored

__all__ = ["CONVERSIONS", "EXTENSIONS", "MOST_BYTES", "BadImageError", "Look", "decode", "look", "traits"]

EXTENSIONS = ("bmp", "gif", "jpeg", "jpg", "npy", "pgm", "png", "ppm", "tif", "tiff", "webp")
MOST_BYTES = 256 * 2**20  # of one image file
_ORIENTATION = 0x0112  # the EXIF tag
_LOW_BYTE = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}  # the byte order that finds it

# What is converted, by the word that `traits` uses, and how the findings put it before the count.
CONVERSIONS = {
    "1-bit": "1-bit images read as grey 0 and 255",
    "16-bit": "16-bit values scaled to 8 from the full range",
    "palette": "Palette images read as RGB",
    "alpha": "Transparent parts laid on white",
    "CMYK": "CMYK images converted to RGB without a colour profile",
    "colour space": "YCbCr and HSV images converted to RGB",
    "pages": "Pages read as channels, as the files say",
    "frames": "Animations and many-page files read by their first frame or page",
    "rotated": "EXIF orientation applied",
}
_MODE_TRAITS = {"1": "1-bit", "P": "palette", "PA": "palette", "CMYK": "CMYK"} | dict.fromkeys(
    ("YCbCr", "HSV"), "colour space"
)


@dataclass(frozen=True)
class Look:
    """Hold what a file's header tells; of an array its numbers."""

    traits: tuple[str, ...]  # keys of CONVERSIONS
    channels: int = 0  # 0 for grey and RGB, which Pillow tells apart when it decodes
    stored: Stored | None = None  # of .npy files


def traits(data: bytes, reading: Reading = PLAIN) -> tuple[str, ...]:
    """Return what decoding will convert, as keys of CONVERSIONS; raise BadImageError as `look` does."""
    return look(data, reading).traits


def look(data: bytes, reading: Reading = PLAIN) -> Look:
    """Return what there is to know of a file before it is decoded; arrays are read whole.

    Raises BadImageError where the header is not that of a supported image, or the file's own checksums fail.
    """
    if array_image.is_array(data):
        return Look((), stored=array_image.stored(data))
    image, bands = _opened(data)
    if bands is not None:
        reading.served(np.zeros((1, 1), bands.dtype))  # refuses what no image of this type can be served from
        present = {"16-bit": bands.dtype == np.uint16, "pages": bands.paged}
        return Look(tuple(trait for trait in CONVERSIONS if present.get(trait)), bands.channels)
    _refuse_unsupported(image, reading)
    if image.format == "PNG":  # the only format with checksums that Pillow checks
        guarded(Image.open(io.BytesIO(data), formats=IMAGE_FORMATS).verify)
    with quiet_pillow:
        present = {
            _MODE_TRAITS.get(image.mode): True,
            "16-bit": _is_sixteen_bit(image),
            "alpha": image.has_transparency_data,
            "frames": _has_frames(image),
            "rotated": _orientation(image, data) > 1,
        }
    return Look(tuple(trait for trait in CONVERSIONS if present.get(trait)))


def decode(data: bytes, reading: Reading = PLAIN) -> NDArray[Any]:
    """Return the image, (H, W) or (H, W, C): uint8, unless `reading` asks for uint16 or float32 (0..255).

    Raises BadImageError where it cannot be decoded in full.
    """
    if array_image.is_array(data):
        return array_image.decode_array(data, reading)
    image, bands = _opened(data)
    if bands is not None:
        return reading.served(bands.values())
    _refuse_unsupported(image, reading)
    if reading.exact and (image.mode == "F" or _is_sixteen_bit(image)):
        return reading.served(guarded(lambda: _all_bits(data, reading)))
    guarded(image.load)
    values = guarded(lambda: _eight_bits(upright(image)))
    return reading.served(values) if reading.exact else values


def _opened(data: bytes) -> tuple[Image.Image, None] | tuple[None, tiff_bands.Bands]:
    """Return the image as Pillow opens it, or the bands of a TIFF file that Pillow cannot serve whole."""
    is_tiff = tiff_bands.is_tiff(data)
    try:
        image = guarded(lambda: Image.open(io.BytesIO(data), formats=IMAGE_FORMATS))
    except BadImageError:
        if not is_tiff:
            raise
        return None, tiff_bands.bands(data)
    if is_tiff and guarded(lambda: tiff_bands.beyond_pillow(image)):
        return None, tiff_bands.bands(data)
    if is_tiff and _has_frames(image):
        bands = _pages_as_bands(data)
        if bands is not None:
            return None, bands
    return image, None


def _pages_as_bands(data: bytes) -> tiff_bands.Bands | None:
    try:
        bands = tiff_bands.bands(data)
    except BadImageError:  # only pages after the first are damaged, and perhaps they are not used
        return None
    return bands if bands.paged else None


def _refuse_unsupported(image: Image.Image, reading: Reading) -> None:
    if image.mode == "F":
        reading.served(np.zeros((1, 1), np.float32))  # says what to write
    if image.mode == "LAB":
        raise BadImageError("holds LAB colours, of which black and white are unknown")
    require_size(image.height, image.width)


def _is_sixteen_bit(image: Image.Image) -> bool:
    if image.mode.startswith("I"):
        return True
    arguments = [tile[3] for tile in getattr(image, "tile", [])]
    if image.format == "PPM":  # the decoder's arguments end with the brightest value
        return any(isinstance(part, tuple) and isinstance(part[-1], int) and part[-1] > 255 for part in arguments)
    return any(";16" in str(part) for part in arguments)


def _has_frames(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # only the frames after the first are damaged, and they are not used
        return True


def _orientation(image: Image.Image, data: bytes) -> int:
    if image.format == "PNG" and b"eXIf" not in data:  # Pillow would decode the whole image to look for it
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged EXIF block says nothing, and the pixels are whole
        return 1
    return value if value in range(1, 9) else 1


def _eight_bits(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I"):
        _sixteen_bits(np.asarray(image))  # says what to write where there are more
    return to_eight_bits(image)


def _sixteen_bits(values: NDArray[Any]) -> NDArray[np.uint16]:
    if values.min() < 0 or values.max() > 65535:
        raise BadImageError(
            f"holds values from {values.min():,} to {values.max():,}, beyond 16 bits: add ?range=LOW-HIGH"
        )
    return values.astype(np.uint16)


def _all_bits(data: bytes, reading: Reading) -> NDArray[Any]:
    """Return the values of a file of more than 8 bits; uint16 with alpha laid on white, but for a range as they are."""
    image = Image.open(io.BytesIO(data), formats=IMAGE_FORMATS)
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(upright(image))
        return values if reading.window is not None else _sixteen_bits(values)
    low = Image.open(io.BytesIO(data), formats=IMAGE_FORMATS)
    low.tile = [type(image.tile[0])(*tile[:3], _low_byte(tile[3])) for tile in low.tile]  # Pillow reads the high byte
    if image.mode not in ("RGB", "RGBA") or low.tile == image.tile:
        return _eight_bits(upright(image)).astype(np.uint16) * np.uint16(257)
    high, low = np.asarray(upright(image)).astype(np.uint16), np.asarray(upright(low))
    values = high * np.uint16(256) + low
    if image.mode == "RGB":
        return values
    alpha = values[..., 3:] / 65535
    return np.rint(values[..., :3] * alpha + 65535 * (1 - alpha)).astype(np.uint16)


def _low_byte(arguments: Any) -> Any:
    """Return a decoder's arguments with the byte order of 16-bit values turned round."""
    if isinstance(arguments, tuple):
        return tuple(map(_low_byte, arguments))
    is_wide = isinstance(arguments, str) and arguments[:-1] in ("RGB;16", "RGBA;16")
    return arguments[:-1] + _LOW_BYTE[arguments[-1]] if is_wide else arguments
