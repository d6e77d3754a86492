"""Define the samples of WebDataset shards: files of one tar that share a name up to its first dot.

Only where the bytes lie is kept; labels and .json are read while indexing, images when they are asked for.
"""

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from tlbench import DataError, near_miss, shown, some
from tlbench_datasets.images import EXTENSIONS
from tlbench_datasets.listing import Listing, Member, is_junk
from tlbench_datasets.place import reason, require_file
from tlbench_datasets.shards.shard_paths import ShardPath
from tlbench_datasets.tarred import TarMember, packing, read_member, tar_index

_LARGEST_TEXT = 2**24  # bytes of one .cls or .json


class BadSampleError(Exception):
    """Say why a sample cannot be used; whoever knows its shard and key turns it into a DataError, or passes it over."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Describe one sample: its files by extension, in lower case and without the first dot."""

    shard: ShardPath
    key: str
    files: Mapping[str, TarMember]

    @property
    def name(self) -> str:
        """Return how messages call it."""
        return f"{self.shard.name}: {self.key}"


@dataclass
class Shards:
    """Describe the samples of several tars; as `Files`, what their images are read through. Safe in threads and
    after a fork.
    """

    place: str
    paths: list[ShardPath]
    samples: list[Sample] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)  # files that belong to no sample
    broken: list[tuple[str, str]] = field(default_factory=list)  # shards that cannot be read, with the reason
    _images: dict[str, tuple[ShardPath, TarMember]] = field(default_factory=dict)
    _stamps: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    def index(self, tolerant: bool) -> None:
        """Read where every sample lies; raise DataError for a broken shard, unless it is to be passed over."""
        for shard in self.paths:
            where = f"{self.place}: shard '{shown(shard.name)}'"
            try:
                status = require_file(shard.path, "shard")
                if kind := packing(shard.path, where):
                    raise DataError(f"{where} is a {kind} file, whatever its name says. Unpack it to a plain .tar.")
                self.samples += self._samples(shard, tar_index(shard.path, where).members)
            except DataError as error:
                if not tolerant:
                    raise
                self.broken.append((shard.name, str(error).removeprefix(f"{where} ")))
            else:
                self._stamps[shard.name] = (str(shard.path), status.st_size, status.st_mtime_ns)

    def _samples(self, shard: ShardPath, members: Mapping[str, TarMember]) -> list[Sample]:
        files: dict[str, dict[str, TarMember]] = {}
        for path, member in members.items():
            pure = PurePosixPath(path)
            stem, dot, extension = pure.name.partition(".")
            if not dot or not stem or path.startswith("__") or any(map(is_junk, pure.parts)):
                self.ignored.append(f"{shard.name}: {path}")
                continue
            files.setdefault(str(pure.with_name(stem)), {})[extension.lower()] = member
        return [Sample(shard, key, each) for key, each in files.items()]

    def use_image(self, sample: Sample, extension: str) -> Member:
        """Make an image readable under a path of its own, and return it."""
        path = f"{sample.name}.{extension}"
        member = sample.files[extension]
        self._images[path] = (sample.shard, member)
        return Member(path, member.size)

    def text(self, sample: Sample, extension: str) -> str:
        """Return a file of a sample as text; raise BadSampleError where it is none."""
        member = sample.files[extension]
        if member.size > _LARGEST_TEXT:
            raise BadSampleError(f"its .{extension} of {member.size:,} bytes is no label")
        data = read_member(sample.shard.path, member, f"{sample.key}.{extension}", self.place)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise BadSampleError(f"its .{extension} is not UTF-8 text") from None

    def fields(self, sample: Sample) -> Mapping[str, Any]:
        """Return what a sample's .json holds; raise BadSampleError where it has none, or no object of fields."""
        if "json" not in sample.files:
            raise BadSampleError("it has no .json")
        try:
            values = json.loads(self.text(sample, "json"))
        except (ValueError, RecursionError) as error:
            raise BadSampleError(f"its .json cannot be read: {reason(error)}") from None
        if not isinstance(values, dict):
            raise BadSampleError("its .json holds no object with fields")
        return values

    # ---- as Files ------------------------------------------------------------------------------------------

    def listing(self) -> Listing:
        """Return the images in use."""
        members = tuple(Member(path, member.size) for path, (_, member) in self._images.items())
        return Listing(self.place, members, frozenset(), tuple(self.ignored))

    def read(self, path: str) -> bytes:
        """Return an image's bytes; raise DataError where that fails."""
        shard, member = self._images[path]
        return read_member(shard.path, member, path, self.place)

    def stamp(self, path: str) -> Hashable:
        """Return what changes whenever the shard may have changed."""
        return (*self._stamps[self._images[path][0].name], path)


def image_extension(sample: Sample, told: str) -> str:
    """Return the extension of a sample's image; raise BadSampleError where there is none, or several."""
    if told:
        if told.lower() not in sample.files:
            raise BadSampleError(f"it has no .{told}, only {_extensions(sample.files)}")
        return told.lower()
    names = [extension for extension in sample.files if is_image(extension)]
    plain = [extension for extension in names if "." not in extension] or names
    if not plain:
        raise BadSampleError(f"it holds no image, only {_extensions(sample.files)}")
    if len(plain) > 1:
        raise BadSampleError(f"it holds several images ({_extensions(plain)}); write ?image={plain[0]}")
    return plain[0]


def is_image(extension: str) -> bool:
    """Tell whether an extension is that of a supported image."""
    return extension.rpartition(".")[2] in EXTENSIONS


def value_of(fields: Mapping[str, Any], name: str, extension: str = "json") -> str:
    """Return a field of a sample as text, in one line; raise BadSampleError where it is not there, or a structure."""
    if name not in fields:
        raise BadSampleError(f"its .{extension} has no field '{shown(name)}'.{near_miss(name, fields)}{_has(fields)}")
    value = fields[name]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
        raise BadSampleError(f"its field '{shown(name)}' holds {_kind(value)}, no text or whole number")
    return str(value).strip()


def _has(fields: Mapping[str, Any]) -> str:
    return f" It has: {some(sorted(fields))}." if fields else " It is empty."


def _kind(value: object) -> str:
    names = {bool: "true or false", float: "a fraction", list: "a list", dict: "an object", type(None): "nothing"}
    return "an empty text" if isinstance(value, str) else names.get(type(value), type(value).__name__)


def _extensions(names: Iterable[str]) -> str:
    return some([f".{name}" for name in sorted(names)])
