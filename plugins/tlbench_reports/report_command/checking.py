"""Hold the reports of a results folder against what its records make, file by file."""

import base64
import csv
import math
import re
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tlbench.names import plural
from tlbench.results import REPORTS_STAMP, Stamp, content_digest, read_stamp
from tlbench_reports.drawing import INEXACT

if TYPE_CHECKING:
    from tlbench import Reporter, Results

_ALIKE = 1e-9  # how far numbers of a table may lie apart, relatively: sums depend on the processor
_PIXELS = 1e-4  # the share of a chart's pixels that may have other colours: the edges of letters
_SHOWN = 70  # letters of a line
_PICTURE = re.compile(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)")
_UNKNOWN = "of an unknown version"
_DRAWN_BY = re.compile(rb"Matplotlib v(\S+?),")
_FOLDERS = ("tables", "charts")


class Check:
    """Hold the result of holding reports against their records: differences, and what was not compared."""

    def __init__(self) -> None:
        self.differences: list[str] = []
        self.files = 0
        self._absent = 0
        self._drawn_by: set[str] = set()
        self._other_version: set[Path] = set()
        self._inexact = 0
        self._other_bytes = 0

    def reports(self, results: "Results", reporters: "Sequence[Reporter]", strays: bool) -> None:
        """Make these reports anew beside the folder, and compare; with `strays` look for files that none makes."""
        stamp = read_stamp(results.folder)
        with TemporaryDirectory(prefix="tlbench-check-") as temporary:
            anew = Path(temporary)
            made = [path.relative_to(anew) for reporter in reporters for path in reporter.write(results, anew)]
            for name in dict.fromkeys(made):
                self.files += 1
                there = results.folder / name
                said = (
                    self._compare(there, anew / name, stamp)
                    if there.is_file()
                    else self._listed(there, name, anew, stamp)
                )
                if said:
                    self.differences.append(f"{there}{said}")
            if strays:
                wanted = set(made)
                found = [path for folder in _FOLDERS for path in sorted((results.folder / folder).glob("*"))]
                for path in found:
                    if path.is_file() and path.relative_to(results.folder) not in wanted:
                        self.differences.append(f"{path}: no report makes it any more.")
                for name, digest in stamp.files.items():
                    if digest and Path(name) not in wanted and not (results.folder / name).is_file():
                        self.differences.append(
                            f"{results.folder / name}: {REPORTS_STAMP} lists it, and no report makes it."
                        )

    def document(self, results: "Results", document: Path) -> None:
        """Compare the block of these results in a document."""
        from tlbench_reports.report_command.block import block, taken_apart

        before, inside, _ = taken_apart(results, document)
        if said := _lines(inside, block(results, document), before.count("\n")):
            self.differences.append(f"{document}{said}")

    @property
    def notes(self) -> list[str]:
        """Return what was compared by digest, what was not compared, and why."""
        found = []
        if self._absent:
            found.append(f"Compared by the digests of {REPORTS_STAMP}: {plural(self._absent, 'absent file')}.")
        if self._other_version:
            import matplotlib

            versions, here = " and ".join(sorted(self._drawn_by)), f"here is {matplotlib.__version__}"
            files = plural(len(self._other_version), "file")
            found.append(f"Not compared: pictures of {files}; they were drawn by matplotlib {versions}, and {here}.")
        if self._inexact:
            files = plural(self._inexact, "absent chart file")
            found.append(f"Not compared: {files}; each processor draws other last digits.")
        if self._other_bytes:
            files = plural(self._other_bytes, "absent PNG file")
            found.append(f"Not compared: {files}; the same charts as SVG are equal, and bytes depend on libraries.")
        return found

    def _compare(self, there: Path, anew: Path, stamp: Stamp) -> str:
        """Return how a file differs from what it should be, to be put behind its name; nothing where it does not."""
        match there.suffix:
            case ".svg":
                return self._svg(there.read_bytes(), anew.read_bytes(), there)
            case ".png":
                drawing, beside = _drawing(anew), _drawing(there)
                if self._other(there, _by(beside) if beside else stamp.matplotlib, drawing):
                    return ""
                return "" if INEXACT.encode() in drawing else _png(there, anew)
            case ".html":
                return self._html(_text(there), _text(anew), there)
            case ".csv":
                return _tables(_text(there).splitlines(), _text(anew).splitlines())
            case ".parquet":
                return _parquet(there, anew)
        old, new = there.read_bytes(), anew.read_bytes()
        return "" if old == new else _lines(_text(there), _text(anew)) or ": its bytes differ."

    def _listed(self, there: Path, name: Path, anew: Path, stamp: Stamp) -> str:
        """Return how a file that is absent differs from the one whose digest the stamp lists."""
        if not (listed := stamp.files.get(name.as_posix())):
            return ": is not there."
        if content_digest(anew / name) == listed:
            self._absent += 1
            return ""
        drawing = _drawing(anew / name) if name.suffix in (".svg", ".png") else b""
        if self._other(there, stamp.matplotlib, drawing):
            return ""
        if INEXACT.encode() in drawing:
            self._inexact += 1
            return ""
        other = name.with_suffix(".svg")
        if name.suffix == ".png" and drawing and stamp.files.get(other.as_posix()) == content_digest(anew / other):
            self._other_bytes += 1
            return ""
        return f": is not there, and what the records make has another digest than {REPORTS_STAMP} lists."

    def _other(self, file: Path, by: str, drawing: bytes) -> bool:
        """Return whether another version of matplotlib drew a chart, given its SVG of today, and take note of it."""
        if not drawing or by == _by(drawing):
            return False
        self._drawn_by.add(by or _UNKNOWN)
        self._other_version.add(file)
        return True

    def _svg(self, there: bytes, anew: bytes, file: Path) -> str:
        if there == anew or (INEXACT.encode() in there and INEXACT.encode() in anew):
            return ""
        if self._other(file, _by(there), anew):
            return ""
        return _lines(there.decode(errors="replace"), anew.decode(errors="replace"))

    def _html(self, there: str, anew: str, file: Path) -> str:
        old, new = _PICTURE.findall(there), _PICTURE.findall(anew)
        same_version = {_by(base64.b64decode(picture)) for picture in old[:1]} == {
            _by(base64.b64decode(picture)) for picture in new[:1]
        }
        masked = [_PICTURE.sub("data:", text) for text in (there, anew)]
        if not same_version:  # whose letters have other widths
            masked = [re.sub(r'(width|height)="\d+"', "", text) for text in masked]
        if said := _lines(*masked):
            return said
        for place, (one, other) in enumerate(zip(old, new, strict=False), start=1):
            if self._svg(base64.b64decode(one), base64.b64decode(other), file):
                return f", picture {place}: it is not the one that the records make."
        return ""


def _drawing(chart: Path) -> bytes:
    """Return the SVG of a chart, whichever of its files is given; nothing where it has none."""
    path = chart.with_suffix(".svg")
    return path.read_bytes() if path.is_file() else b""


def _by(drawing: bytes) -> str:
    """Return the version of matplotlib that made an SVG."""
    found = _DRAWN_BY.search(drawing)
    return found.group(1).decode(errors="replace") if found else _UNKNOWN


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _lines(there: str, anew: str, above: int = 0) -> str:
    """Return the first line that differs, and how; nothing where none does. `above` lines stand before the first."""
    for number, (one, other) in enumerate(zip_longest(there.split("\n"), anew.split("\n")), start=above + 1):
        if one != other:
            return _said(number, one, other)
    return ""


def _tables(there: list[str], anew: list[str]) -> str:
    """Compare the lines of CSV files, whose numbers may differ in their last digits."""
    if there == anew:
        return ""
    for number, (one, other) in enumerate(zip_longest(there, anew), start=1):
        if one is None or other is None or (one != other and not _alike(*csv.reader([one, other]))):
            return _said(number, one, other)
    return ""


def _alike(there: list[str], anew: list[str]) -> bool:
    if len(there) != len(anew):
        return False
    return all(one == other or _close(one, other) for one, other in zip(there, anew, strict=True))


def _close(one: str, other: str) -> bool:
    try:
        return math.isclose(float(one), float(other), rel_tol=_ALIKE, abs_tol=1e-12)
    except ValueError:
        return False


def _parquet(there: Path, anew: Path) -> str:
    """Compare what Parquet files hold, as lines; their bytes depend on the version of pyarrow."""
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import read_table

    if there.read_bytes() == anew.read_bytes():
        return ""
    try:
        frames = [read_table(path).to_pandas() for path in (there, anew)]
    except (ArrowInvalid, OSError):
        return ": is no Parquet file."
    return _tables(*(frame.to_csv(index=False, lineterminator="\n").splitlines() for frame in frames))


def _png(there: Path, anew: Path) -> str:
    """Compare pixels, since compression depends on a library that matplotlib's version does not name."""
    from matplotlib.image import imread

    if there.read_bytes() == anew.read_bytes():
        return ""
    try:
        one, other = imread(there), imread(anew)
    except (OSError, SyntaxError, ValueError):
        return ": is no picture."
    same = one.shape == other.shape and float((abs(one - other).max(axis=-1) > 0.25).mean()) <= _PIXELS
    return "" if same else ": it is not the picture that the records make."


def _said(number: int, one: str | None, other: str | None) -> str:
    """Say how two lines differ, from shortly before where they do."""
    if one is None:
        return f", line {number}: it ends here; the records make {_shortened(other, 0)}."
    if other is None:
        return f", line {number}: it has {_shortened(one, 0)}; what the records make ends before."
    start = next((i for i, pair in enumerate(zip_longest(one, other)) if pair[0] != pair[1]), 0)
    start = max(0, start - _SHOWN // 3) if len(one) > _SHOWN or len(other) > _SHOWN else 0
    return f", line {number}: it has {_shortened(one, start)}; the records make {_shortened(other, start)}."


def _shortened(line: str | None, start: int) -> str:
    text = line or ""
    part = text[start : start + _SHOWN]
    return repr(("…" if start else "") + part + ("…" if start + _SHOWN < len(text) else ""))
