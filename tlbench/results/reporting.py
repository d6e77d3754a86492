"""Write reports: call the reporters, show the texts among their files, and end with the page's path."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

import click

from tlbench import __version__
from tlbench.contract import Reporter, digest
from tlbench.errors import StoreError
from tlbench.files import write_atomically
from tlbench.host import Catalog
from tlbench.names import unknown
from tlbench.results.brief import brief
from tlbench.results.results import Results
from tlbench.results.side_by_side import side_by_side

REPORTS_STAMP = "reports.json"  # names what the reports in a folder were made from
MANY_RECORDS = 20_000  # records from which on reports share the work among processes, and draw fewer charts
_PICTURES = (".svg", ".png")
_EMBEDDED = re.compile(rb"data:image/[\w+.-]+;base64,[A-Za-z0-9+/=]+")
_INLINE = re.compile(rb"<svg\b.*?</svg>", re.DOTALL)
_PACKED = re.compile(rb'(<script type="application/octet-stream"[^>]*>)[^<]*')
_SIZE = re.compile(rb'(width|height)="\d+"')


@dataclass(frozen=True)
class Stamp:
    """Hold what stands in `reports.json`: what the reports were made from, what drew the charts, and all files'
    digests.
    """

    made_from: str = ""
    matplotlib: str = ""  # the version; empty where no chart was drawn
    files: dict[str, str] = field(default_factory=dict)  # the digest of each path; empty where it is not known


def write_reports(
    results: Results,
    catalog: Catalog,
    formats: Sequence[str] = (),
    *,
    anew: bool = True,
    say: Callable[[str], None] = click.echo,
    width: int = 0,
) -> None:
    """Write all formats, or those named, into the results folder; say the texts, and the page's path last.

    With `anew` false reports that were made from these very records by this very version are left as they are. With a
    `width`, in columns, the answer and one table are said in the place of all texts.
    """
    for name in formats:
        if name not in catalog.reporters:
            raise unknown("report format", name, catalog.reporters)
    chosen = [reporter for reporter in catalog.reporter_list() if not formats or reporter.name in formats]
    made_from = _made_from(results, [reporter.name for reporter in chosen])
    paths = None if anew else _still_good(results.folder, made_from)
    if paths is None:
        try:
            paths = _written(results, chosen)
        except OSError as error:
            raise StoreError(f"cannot write reports to {results.folder}: {error.strerror or error}.") from None
        stamp = _stamp(results.folder, made_from, paths, keep=bool(formats))
        write_atomically(results.folder / REPORTS_STAMP, (json.dumps(asdict(stamp), indent=1) + "\n").encode())
    for line in brief(results, width) if width else ():
        say(line)
    for path in paths:
        if path.suffix == ".txt" and not width:
            say(path.read_text(encoding="utf-8"))
    pages = [path for path in paths if path.suffix == ".html"]
    for path in (pages or paths)[-1:]:
        say(str(path))


def _written(results: Results, reporters: Sequence[Reporter]) -> list[Path]:
    """Have the reporters write; of very many records side by side, from what all of them need and is made once."""
    is_large = len(results.records) >= MANY_RECORDS
    for metric in results.primaries if is_large else ():
        results.across(metric)
    files = side_by_side(
        lambda part: [list(reporter.write(results, results.folder)) for reporter in part],
        reporters,
        least=1 if is_large else len(reporters),
    )
    return [path for own in files for path in own]


def _made_from(results: Results, formats: Sequence[str]) -> str:
    """Name all that reports depend on: version, formats, baseline, metric, plan, each record's size and time."""
    folder = results.folder
    with os.scandir(results.store.records_folder) as entries:
        stats = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".json")]
    facts = sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
    plan = [file.read_text(encoding="utf-8") for file in folder.glob("plan.json")]
    chosen = [results.chosen] if results.chosen else []
    return digest([__version__, list(formats), results.baseline, facts, plan, *chosen])


def _stamp(folder: Path, made_from: str, paths: Sequence[Path], *, keep: bool) -> Stamp:
    """Describe the files that were written; with `keep` also those that the last stamp lists beside them."""
    last = read_stamp(folder) if keep else Stamp()
    files = {path.relative_to(folder).as_posix(): content_digest(path) if path.is_file() else "" for path in paths}
    drawn = any(name.endswith(_PICTURES) for name in files)
    others = {name: known for name, known in last.files.items() if name not in files}
    return Stamp(made_from, version("matplotlib") if drawn else last.matplotlib, others | files)


def read_stamp(folder: Path) -> Stamp:
    """Read the stamp of a results folder, or an empty one where there is none that can be read.

    Version 0.1 listed the files without digests.
    """
    try:
        stamp = json.loads((folder / REPORTS_STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Stamp()
    if not isinstance(stamp, dict):
        return Stamp()
    files = stamp.get("files")
    known = files.items() if isinstance(files, dict) else [(name, "") for name in files or ()]
    digests = {str(name): str(digest) for name, digest in known}
    return Stamp(str(stamp.get("made_from", "")), str(stamp.get("matplotlib", "")), digests)


def content_digest(path: Path) -> str:
    """Return the SHA-256 digest of a report; of a page without pictures, their sizes, and the data that it packs.

    Pictures depend on the version of matplotlib and on the processor, packed data on the library that compresses and
    on last digits. All else is taken byte by byte.
    """
    data = path.read_bytes()
    if path.suffix == ".html":
        data = _PACKED.sub(rb"\1", _SIZE.sub(b"", _INLINE.sub(b"", _EMBEDDED.sub(b"data:", data))))
    return hashlib.sha256(data).hexdigest()


def _still_good(folder: Path, made_from: str) -> list[Path] | None:
    """Return the files that were made from the same, where all are still there."""
    stamp = read_stamp(folder)
    paths = [folder / name for name in stamp.files]
    good = stamp.made_from == made_from and paths and all(path.is_file() for path in paths)
    return paths if good else None
