"""Decode one image file to uint8, (H, W) for grey and (H, W, 3) for colour, and tell what was converted.

What a file holds            what is served
8-bit grey, 8-bit RGB        the values themselves
1-bit                        grey, 0 and 255
palette                      RGB
16-bit grey                  v / 257, rounded: the full range 0..65535 becomes 0..255. Never the maximum of the
                             image, which would make two images of one set incomparable; data that use a part
                             of the range only (12-bit scanners) come out dark and are better converted before
16-bit RGB                   the high byte of each value (Pillow's own reading)
alpha, transparent colour    laid on white, as drawings and cut-outs are mostly meant to be seen
CMYK, YCbCr, HSV             RGB by Pillow's formula, colour profiles unused
several frames or pages      the first
EXIF orientation             applied

Floating-point and LAB images are refused: nothing in them says which values are black and white.
"""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tlbench_datasets.quiet import quiet_pillow

EXTENSIONS = ("bmp", "gif", "jpeg", "jpg", "pgm", "png", "ppm", "tif", "tiff", "webp")
MOST_BYTES = 256 * 2**20  # of one image file
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # no others: EPS would start Ghostscript
_MOST_PIXELS = 178_956_970  # where Pillow itself refuses by default
_REFUSED_MODES = {"F": "floating-point values", "LAB": "LAB colours"}
_ORIENTATION = 0x0112  # the EXIF tag

# What is converted, by the word that `traits` uses, and how the findings put it before the count.
CONVERSIONS = {
    "1-bit": "1-bit images read as grey 0 and 255",
    "16-bit": "16-bit values scaled to 8 from the full range",
    "palette": "Palette images read as RGB",
    "alpha": "Transparent parts laid on white",
    "CMYK": "CMYK images converted to RGB without a colour profile",
    "colour space": "YCbCr and HSV images converted to RGB",
    "frames": "Animations and many-page files read by their first frame or page",
    "rotated": "EXIF orientation applied",
}
_MODE_TRAITS = {"1": "1-bit", "P": "palette", "PA": "palette", "CMYK": "CMYK"} | dict.fromkeys(
    ("YCbCr", "HSV"), "colour space"
)


class BadImageError(Exception):
    """Why bytes cannot be served as an image; whoever knows the file's name turns it into a DataError."""


def traits(data: bytes) -> tuple[str, ...]:
    """Return what decoding will convert, as keys of CONVERSIONS, from the header alone.

    Raises BadImageError where the header is not that of a supported image, or the file's own checksums fail.
    """
    image = _guarded(lambda: Image.open(io.BytesIO(data), formats=_FORMATS))
    _refuse_unsupported(image)
    if image.format == "PNG":  # the only format with checksums that Pillow checks
        _guarded(Image.open(io.BytesIO(data), formats=_FORMATS).verify)
    with quiet_pillow:
        present = {
            _MODE_TRAITS.get(image.mode): True,
            "16-bit": _is_sixteen_bit(image),
            "alpha": image.has_transparency_data,
            "frames": _has_frames(image),
            "rotated": _orientation(image, data) > 1,
        }
    return tuple(trait for trait in CONVERSIONS if present.get(trait))


def decode(data: bytes) -> NDArray[np.uint8]:
    """Return the image, uint8, (H, W) or (H, W, 3); raise BadImageError where it cannot be decoded in full."""
    image = _guarded(lambda: Image.open(io.BytesIO(data), formats=_FORMATS))
    _refuse_unsupported(image)
    _guarded(image.load)
    return _guarded(lambda: _eight_bits(_upright(image)))


def _guarded(step: Callable[[], Any]) -> Any:
    """Run a step of Pillow's with its warnings dropped, and whatever it raises turned into BadImageError."""
    try:
        with quiet_pillow:
            return step()
    except BadImageError:
        raise
    except Image.DecompressionBombError:
        raise BadImageError(f"more than {_MOST_PIXELS:,} pixels") from None
    except Image.UnidentifiedImageError:
        raise BadImageError("not an image, whatever its name says") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged bytes
        text = " ".join(str(error).split()) or type(error).__name__
        raise BadImageError(f"damaged: {text}") from None


def _refuse_unsupported(image: Image.Image) -> None:
    if image.mode in _REFUSED_MODES:
        raise BadImageError(f"holds {_REFUSED_MODES[image.mode]}, of which black and white are unknown")
    if image.width * image.height > _MOST_PIXELS:
        raise BadImageError(f"{image.width:,} x {image.height:,} pixels, more than {_MOST_PIXELS:,}")


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


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # as above
        return image


def _eight_bits(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I"):
        return _from_sixteen_bits(np.asarray(image))
    if image.has_transparency_data:
        grey = image.mode in ("1", "L", "LA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert("L" if grey else "RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return np.array(image)


def _from_sixteen_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.min() < 0 or values.max() > 65535:
        raise BadImageError(f"holds values from {values.min():,} to {values.max():,}, beyond 16 bits")
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
