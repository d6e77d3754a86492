"""Read the images of torchvision's datasets: decoded when asked for, told apart by their bytes."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench import Content, DataError

if TYPE_CHECKING:
    from torchvision.datasets import VisionDataset


class Images(Sequence[Any]):
    """Decode images of torchvision's datasets when asked for: uint8, (H, W) or (H, W, 3)."""

    def __init__(self, own: "Mapping[str, VisionDataset]", contents: Sequence[Content], place: str) -> None:
        self._own = own
        self._contents = contents
        self._place = place

    def __len__(self) -> int:
        return len(self._contents)

    def __getitem__(self, index: Any) -> Any:
        """Return one image, or a part; raise DataError where an image cannot be decoded."""
        if isinstance(index, slice):
            return Images(self._own, self._contents[index], self._place)
        from tlbench import decode_image, image_to_array

        each = self._contents[index]
        image = self._own[each.source][each.row][0]
        try:
            return decode_image(image) if isinstance(image, bytes) else image_to_array(image)
        except ValueError as problem:
            raise DataError(f"{self._place}: image {each.source}[{each.row}] cannot be decoded: {problem}.") from None


def bytes_of(path: Any) -> bytes:
    """Read an image file as torchvision's `loader`: its bytes tell copies apart without decoding anything."""
    return Path(path).read_bytes()


def digest_of(image: Any) -> str:
    """Return the SHA-256 of an image: of its file's bytes, or of its pixels."""
    if isinstance(image, bytes):
        return hashlib.sha256(image).hexdigest()
    pixels = np.asarray(image)
    return hashlib.sha256(f"{pixels.dtype}{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
