"""Say what can be wrong with the bytes of an image, as one kind of error whatever library stumbled over them."""

import threading
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from PIL import Image

MOST_PIXELS = 178_956_970  # where Pillow itself refuses by default
MOST_VALUES = 2**30  # pixels times channels

T = TypeVar("T")


class BadImageError(Exception):
    """Say why bytes cannot be served as an image; whoever knows the file's name turns it into a DataError."""


class _Quiet:
    """A context in which warnings from within these libraries are dropped.

    `warnings.catch_warnings` alone is not enough: of two threads that overlap, the one that leaves last would
    restore filters that the other had changed. So the first to enter changes them, the last to leave restores.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.filterwarnings("ignore", module=r"(PIL|tifffile|numpy)(\.|$)")
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._filters.__exit__(kind, error, trace)


quiet_pillow = _Quiet()


def guarded(step: Callable[[], T]) -> T:
    """Run a step of a decoder with its warnings dropped, and whatever it raises turned into BadImageError."""
    try:
        with quiet_pillow:
            return step()
    except BadImageError:
        raise
    except Image.DecompressionBombError:
        raise BadImageError(f"more than {MOST_PIXELS:,} pixels") from None
    except Image.UnidentifiedImageError:
        raise BadImageError("not an image, whatever its name says") from None
    except Exception as error:  # decoders raise nearly anything on damaged bytes
        text = " ".join(str(error).split()) or type(error).__name__
        if "imagecodecs" in text:
            raise BadImageError("its compression needs one more package: pip install imagecodecs") from None
        raise BadImageError(f"damaged: {text}") from None


def require_size(height: int, width: int, channels: int = 1) -> None:
    """Raise BadImageError for an image that is absurdly large, or has no pixel at all."""
    if height * width > MOST_PIXELS:
        raise BadImageError(f"{width:,} x {height:,} pixels, more than {MOST_PIXELS:,}")
    if height * width * channels > MOST_VALUES:
        raise BadImageError(f"{width:,} x {height:,} pixels of {channels:,} channels, more than {MOST_VALUES:,} values")
    if height * width * channels == 0:
        raise BadImageError("holds no pixels")
