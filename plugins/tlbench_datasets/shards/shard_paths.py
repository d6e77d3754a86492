"""Say which tars `webdataset:PATH` names: one shard, a folder of shards, or a pattern with {000..003} or *."""

import glob
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from tlbench import DataError, plural, shown, some
from tlbench_datasets.listing import is_split
from tlbench_datasets.place import found, reason

MOST_SHARDS = 100_000
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.lz4")
_URL = re.compile(r"[a-z0-9]{2,}:/?/|pipe:", re.IGNORECASE)


@dataclass(frozen=True)
class ShardPath:
    """Describe one tar, as messages name it, with the split that its name or its folder tells."""

    path: Path
    name: str  # below the folder of all shards
    split: str | None  # train, val, test, or None where nothing tells


def shard_paths(typed: Path, place: str) -> tuple[Path, list[ShardPath]]:
    """Return the folder around the shards, and the shards sorted by name.

    Raises DataError where there are none, some of a range are missing, or they are compressed.
    """
    text = str(typed.expanduser())
    if _URL.match(text):
        raise DataError(f"{place} is no file on this machine. Fetch the shards and name their folder.")
    if _BRACES.search(text) or "*" in text or "[" in text:
        paths = _matching(text, place)
    else:
        found(Path(text), "webdataset")
        paths = _in_folder(Path(text), place) if Path(text).is_dir() else [Path(text)]
    packed = [path for path in paths if path.name.lower().endswith(_PACKED)]
    if packed:
        raise DataError(
            f"{place}: '{shown(packed[0].name)}' is compressed, and samples are read from where they lie in a shard. "
            "Unpack it to .tar; the images in it are compressed already."
        )
    paths = sorted({path.resolve() for path in paths})
    folder = _common_folder(paths)
    return folder, [ShardPath(path, path.relative_to(folder).as_posix(), _split_of(path, folder)) for path in paths]


def _common_folder(paths: list[Path]) -> Path:
    """Return the folder that holds all shards; above it where it is that of one split."""
    folders = {path.parent for path in paths}
    folder = folders.pop() if len(folders) == 1 else Path(*_common_parts([path.parent.parts for path in paths]))
    return folder.parent if is_split(folder.name) else folder


def _common_parts(several: list[tuple[str, ...]]) -> list[str]:
    together = itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*several, strict=False))
    return [parts[0] for parts in together]


def _in_folder(folder: Path, place: str) -> list[Path]:
    """Return the tars of a folder and of the split folders in it."""
    try:
        inner = [path for path in folder.iterdir() if path.is_dir() and is_split(path.name)]
        entries = [path for where in (folder, *inner) for path in where.iterdir()]
    except OSError as error:
        raise DataError(f"{place} cannot be listed: {reason(error)}.") from None
    visible = [path for path in entries if path.is_file() and not path.name.startswith(".")]
    shards = [path for path in visible if path.name.lower().endswith((".tar", *_PACKED))]
    if not shards:
        others = f" It holds {plural(len(visible), 'other file')}." if visible else ""
        raise DataError(f"{place} holds no shards, that is no .tar files.{others} Name the folder of the shards.")
    return shards


def _matching(text: str, place: str) -> list[Path]:
    """Return the files that a pattern names; every one of a range in braces must be there."""
    paths, missing = [], []
    for one in _expanded(text, place):
        hits = [Path(hit) for hit in glob.glob(one)] if glob.has_magic(one) else [Path(one)]
        there = [path for path in hits if path.is_file()]
        paths += there
        missing += [] if there else [one]
    if not paths:
        raise DataError(f"{place}: nothing matches, such as '{shown(missing[0])}'. Check the pattern and its folder.")
    if missing:
        raise DataError(
            f"{place}: {plural(len(missing), 'shard')} of {len(paths) + len(missing):,} missing: "
            f"{some([Path(path).name for path in missing])}. Fetch what is missing, or narrow the range."
        )
    return paths


def _expanded(text: str, place: str) -> list[str]:
    """Return what a shell would make of {000..003} and {a,b}."""
    pieces = _BRACES.split(text)  # every second one stood in braces
    choices = [_choices(piece, place) if index % 2 else [piece] for index, piece in enumerate(pieces)]
    count = 1
    for each in choices:
        count *= len(each)
    if count > MOST_SHARDS:
        raise DataError(f"{place} names {count:,} shards, more than {MOST_SHARDS:,}. Narrow the range.")
    return ["".join(parts) for parts in itertools.product(*choices)]


def _choices(inside: str, place: str) -> list[str]:
    span = _RANGE.fullmatch(inside)
    if span is None:
        if ".." in inside:
            raise DataError(f"{place}: cannot read '{{{shown(inside)}}}'. Write a range such as {{000000..000012}}.")
        return inside.split(",")
    low, high = int(span[1]), int(span[2])
    if high < low or high - low > MOST_SHARDS:
        raise DataError(f"{place}: the range '{{{inside}}}' is empty or too long. Write the lower number first.")
    return [str(number).zfill(len(span[1])) for number in range(low, high + 1)]


def _split_of(path: Path, folder: Path) -> str | None:
    """Return the split that a shard's name begins with, or its folder is, or the only one anywhere in its name."""
    words = [split for word in re.split(r"[^a-zA-Z]+", path.stem) if (split := is_split(word))]
    first = is_split(re.split(r"[^a-zA-Z]+", path.stem)[0])
    above = is_split(path.parent.name) if path.parent != folder else None
    return first or above or (words[0] if len(set(words)) == 1 else None)
