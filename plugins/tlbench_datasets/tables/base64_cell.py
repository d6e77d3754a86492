"""An image written as text into a cell of a table: a `data:` address, or base64 alone."""

import base64
import binascii

# How base64 of an image begins: JPEG, PNG, GIF, TIFF (both byte orders), WebP, BMP, PGM and PPM.
_BEGINNINGS = ("/9j/", "iVBORw0KGgo", "R0lGOD", "SUkqA", "TU0AK", "UklGR", "Qk", "UD", "UV")
_SHORTEST = 48  # characters; the smallest images take more, and names that begin so hardly do


def is_embedded(text: str) -> bool:
    """Tell whether a cell holds an image rather than a path: a path has a dot in it, and base64 never."""
    if text[:5].lower() == "data:":
        return True
    return len(text) >= _SHORTEST and text.startswith(_BEGINNINGS) and "." not in text


def embedded_bytes(text: str) -> bytes:
    """Return the image's bytes; empty where the text is no base64."""
    if text[:5].lower() == "data:":
        kind, _, text = text.partition(",")
        if not kind.lower().endswith(";base64"):
            return b""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
