"""Turn the bytes of an image file, or a PIL image, into an array of eight bits: for dataset plugins.

What an image holds          what is returned
8-bit grey, 8-bit RGB        the values themselves
1-bit                        grey, 0 and 255
16-bit grey                  v / 257, rounded
palette, CMYK, YCbCr, HSV    RGB
alpha                        laid on white
EXIF orientation             applied
"""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

IMAGE_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # no others: EPS would start Ghostscript


def decode_image(data: bytes) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Return an image file's pixels, uint8, (H, W) or (H, W, 3); raise ValueError, saying why, where that fails."""
    return image_to_array(open_image(data))


def open_image(data: bytes) -> Image.Image:
    """Return an image file opened by its first bytes, and not yet decoded; raise ValueError where it is none."""
    try:
        return Image.open(io.BytesIO(data), formats=IMAGE_FORMATS)
    except UnidentifiedImageError:
        raise ValueError("it is no image in a known format") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged bytes
        raise ValueError(_said(error)) from None


def image_to_array(image: Image.Image) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Return a PIL image's pixels, uint8, (H, W) or (H, W, 3); raise ValueError, saying why, where that fails."""
    try:
        image.load()
        if image.mode in ("F", "LAB"):
            raise ValueError(f"it has mode {image.mode}, of which black and white are unknown")
        return to_eight_bits(upright(image))
    except ValueError:
        raise
    except Exception as error:  # as above
        raise ValueError(_said(error)) from None


def upright(image: Image.Image) -> Image.Image:
    """Return an image, decoded, turned as its EXIF orientation says."""
    image.load()  # what fails here is no damaged EXIF block
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged EXIF block says nothing, and the pixels are whole
        return image


def to_eight_bits(image: Image.Image) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Return an image's pixels as the table above says; raise ValueError for values beyond 16 bits."""
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


def _from_sixteen_bits(values: "np.ndarray[Any, Any]") -> "np.ndarray[Any, np.dtype[np.uint8]]":
    if values.min() < 0 or values.max() > 65535:
        raise ValueError(f"it holds values from {values.min():,} to {values.max():,}, beyond 16 bits")
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _said(error: Exception) -> str:
    return "it is damaged: " + (" ".join(str(error).split()).rstrip(".") or type(error).__name__)
