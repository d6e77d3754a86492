"""Read the images of a dataset of the library: their files' bytes, and the decoded images when asked for."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench import Content, DataError, decode_image, open_image

_TOGETHER = 256  # rows that are fetched at a time


class UnreadableError(Exception):
    """Say why a row's image cannot be had."""


class RawImages(Sequence[bytes]):
    """Read the image files in one column, as bytes."""

    def __init__(self, data: Any, column: str) -> None:
        import datasets

        self._column = column
        self._data = data.select_columns([column]).cast_column(column, datasets.Image(decode=False))

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, row: Any) -> Any:
        """Return one image file's bytes; raise UnreadableError, saying why, where it has none."""
        return _bytes(self._data[int(row)][self._column])

    def all(self) -> Iterator[bytes | UnreadableError]:
        """Yield every image file's bytes, or why it cannot be had."""
        for start in range(0, len(self), _TOGETHER):
            for value in self._data[start : start + _TOGETHER][self._column]:
                try:
                    yield _bytes(value)
                except UnreadableError as problem:
                    yield problem


def _bytes(value: Mapping[str, Any] | None) -> bytes:
    if not value or (value.get("bytes") is None and not value.get("path")):
        raise UnreadableError("it has no image")
    if value.get("bytes") is not None:
        return bytes(value["bytes"])
    try:
        return Path(value["path"]).read_bytes()
    except OSError as error:
        raise UnreadableError(f"its image '{value['path']}' cannot be read: {error.strerror or error}") from None


@dataclass(frozen=True, slots=True)
class Seen:
    """Hold what reading an image once has told."""

    digest: str
    problem: str  # empty for an image


def looked(raw: RawImages, whole: bool) -> Iterator[Seen]:
    """Yield what each row's image is; with `whole` it is decoded, else its first bytes are looked at."""
    for data in raw.all():
        if isinstance(data, UnreadableError):
            yield Seen("", str(data))
        else:
            yield Seen(hashlib.sha256(data).hexdigest(), _problem(data, whole))


def _problem(data: bytes, whole: bool) -> str:
    try:
        if whole:
            decode_image(data)
        else:
            open_image(data)
    except ValueError as problem:
        return str(problem)
    return ""


class Pictures(Sequence[Any]):
    """Decode images when asked for: uint8, (H, W) or (H, W, 3)."""

    def __init__(self, raw: Mapping[str, RawImages], contents: Sequence[Content], place: str) -> None:
        self._raw = raw
        self._contents = contents
        self._place = place

    def __len__(self) -> int:
        return len(self._contents)

    def __getitem__(self, index: Any) -> Any:
        """Return one image, or a part; raise DataError where an image cannot be decoded or has changed."""
        if isinstance(index, slice):
            return Pictures(self._raw, self._contents[index], self._place)
        each = self._contents[index]
        where = f"{self._place}: {each.source}[{each.row}]"
        try:
            data = self._raw[each.source][each.row]
            if hashlib.sha256(data).hexdigest() != each.digest:
                raise DataError(f"{where} has changed since it was first read. Start again.")
            return decode_image(data)
        except (ValueError, UnreadableError) as problem:
            raise DataError(f"{where} cannot be decoded: {problem}. Mend it, or add ?skip to leave it out.") from None
