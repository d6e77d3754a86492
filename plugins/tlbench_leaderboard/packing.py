"""Pack a results folder into one file to hand in, once it is in order."""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from tlbench import ParameterError, Record, __version__, write_atomically
from tlbench.errors import StoreError
from tlbench_leaderboard.check import check, digest_of
from tlbench_leaderboard.content import read_object, read_plan
from tlbench_leaderboard.fault import Fault
from tlbench_leaderboard.installed import Installed
from tlbench_leaderboard.source import ABOUT, PLAN, Source, open_source

_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can say
# A path from the root with a folder in it, in the middle of any text.
_PATH = re.compile(r"(?<![\w./~-])(?:~/|[A-Za-z]:\\|/)(?:[\w.@+-]+[\\/])+(?=[\w.@+-])")


@dataclass(frozen=True)
class About:
    """Describe who submits, as the site shows it."""

    name: str = ""
    note: str = ""
    link: str = ""
    date: str = ""  # as 2026-11-30

    def __post_init__(self) -> None:
        for key, longest in (("name", 100), ("note", 500), ("link", 500)):
            if len(getattr(self, key)) > longest:
                raise ParameterError(f"--{key} has {len(getattr(self, key))} characters; {longest} at most are shown.")
        if self.link and not re.match(r"https?://[^\s]+$", self.link):
            raise ParameterError(f"--link {self.link!r} is not an address that begins with http:// or https://.")
        if self.date and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", self.date):
            raise ParameterError(f"--date {self.date!r} is not a day as 2026-11-30.")


@dataclass
class Packed:
    """Hold what came of packing: the faults that forbade it, and what is worth knowing."""

    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def pack(results: Path, out: Path, about: About, installed: Installed, strip_paths: bool = False) -> Packed:
    """Check results and write the pack; where anything is wrong nothing is written.

    The same results on the same day give the same bytes: files are sorted and have no times.
    """
    if out.suffix != ".zip":
        raise ParameterError(f"the pack {out} must be named FILE.zip.")
    report = check([results], installed)
    packed = Packed(report.faults, [str(note) for note in report.notes])
    if packed.faults:
        return packed
    source = open_source(results)
    changed = dict(_without_paths(source)) if strip_paths else {}
    if not strip_paths:
        packed.notes += _told_paths(source)
    stated = {
        "schema": 1,
        "name": about.name,
        "note": about.note,
        "link": about.link,
        "tlbench": __version__,
        "date": about.date,
        "records": len(source.records()),
        "digest": digest_of(source, changed),
    }
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror or error}.") from None
    write_atomically(out, _zipped(source, changed, stated))
    return packed


def _zipped(source: Source, changed: dict[str, bytes], stated: dict[str, Any]) -> bytes:
    buffer, new = BytesIO(), {**changed, ABOUT: as_json(stated)}
    with zipfile.ZipFile(buffer, "w") as archive:
        for place in sorted({*source.sizes, ABOUT}):
            content = new[place] if place in new else source.read(place)
            info = zipfile.ZipInfo(place, _NO_TIME)
            info.external_attr = 0o644 << 16
            info.create_system = 3
            # Logits hardly shrink, and what is not compressed has the same bytes by every zlib.
            info.compress_type = zipfile.ZIP_STORED if place.endswith(".safetensors") else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def as_json(data: Any) -> bytes:
    """Write JSON as results folders hold it."""
    return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _told_paths(source: Source) -> Iterator[str]:
    """Say which private folders the files name: none of them is part of a cell's identity."""
    found: dict[str, int] = {}
    for place in [PLAN, *source.records()]:
        if place in source.sizes:
            own = {match.group() for text in _texts(read_object(source, place)) for match in _PATH.finditer(text)}
            for path in own:
                found[path] = found.get(path, 0) + 1
    if found:
        named = ", ".join(sorted(found, key=lambda path: (-found[path], path))[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        yield (
            f"the files name folders of this computer: {named}{more}. They change no cell; --strip-paths replaces them "
            f"by the last part of the path."
        )


def _without_paths(source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield the files that name private folders, without them; a record's digest is taken anew.

    Identities are left alone, or cells would have other ids.
    """
    if PLAN in source.sizes:
        plan = read_plan(source)
        if (stripped := _stripped(plan)) != plan:
            yield PLAN, as_json(stripped)
    for place in source.records():
        data = read_object(source, place)
        stripped = {key: value if key == "identity" else _stripped(value) for key, value in data.items()}
        if stripped != data:
            if data.get("digests"):
                stripped["digests"] = {**data["digests"], "record": Record.from_json(stripped).digest()}
            yield place, as_json(stripped)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _stripped(value: Any) -> Any:
    if isinstance(value, str):
        return _PATH.sub("", value)
    if isinstance(value, dict):
        return {key: _stripped(each) for key, each in value.items()}
    return [_stripped(each) for each in value] if isinstance(value, list) else value
