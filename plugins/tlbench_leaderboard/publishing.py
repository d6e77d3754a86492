"""Gather results by suite and write the site of them, whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import __version__, plural
from tlbench.contract import canonical
from tlbench.errors import StoreError
from tlbench_leaderboard.board import Board, records_of_rows
from tlbench_leaderboard.content import read_plan
from tlbench_leaderboard.contribution import PRIMARY, contributions, slug
from tlbench_leaderboard.joined_plan import rules_of
from tlbench_leaderboard.merging import join
from tlbench_leaderboard.packing import as_json
from tlbench_leaderboard.placing import put
from tlbench_leaderboard.ranked import Ranked
from tlbench_leaderboard.site import Site
from tlbench_leaderboard.source import MARKER, PLAN, Source, open_source
from tlbench_leaderboard.spread import all_spreads
from tlbench_leaderboard.standing import Standing, standings, status_of_cells
from tlbench_leaderboard.status import VERIFIED
from tlbench_leaderboard.verified import VerifiedFile

if TYPE_CHECKING:
    from tlbench import Results
    from tlbench.host import Catalog

SITE_MARKER = "tlbench-site.json"  # by which a folder is known that may be replaced
REPORT = "html"  # the reporter whose page each board links
REPORT_ROWS = 500  # of more a page of all of them takes longer to open than anybody waits


@dataclass
class Published:
    """Say what was written."""

    words: str
    notes: list[str] = field(default_factory=list)


def publish(
    paths: Sequence[Path],
    out: Path,
    title: str,
    records_limit: int,
    catalog: "Catalog",
    verified: VerifiedFile | None = None,
) -> Published:
    """Write the site into a folder; one that an earlier call wrote is replaced, any other is left alone.

    Raises StoreError where the folder holds something else, or where results cannot be read.
    """
    sources = [open_source(path) for path in paths]
    _refuse(paths, out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as name:
            folder = Path(name)
            boards = list(_boards(sources, folder, verified))
            site = Site(folder / "made", title, boards, records_limit, catalog)
            notes = list(_write_reports(boards, folder / "made", catalog))
            site.write()
            (folder / "made" / SITE_MARKER).write_bytes(as_json({"made_by": f"tlbench {__version__}"}))
            put(folder / "made", out, folder / "old")
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror or error}.") from None
    for board in boards:
        if not site.has_pages(board):
            count = len(board.results.records)
            notes.append(
                f"{board.title} has {count:,} records, more than --records-limit {records_limit:,}: they are listed on "
                f"the pages of their rows, without a page and downloads for each"
            )
    return Published(f"{plural(len(boards), 'board')}, {plural(site.pages, 'page')}", notes)


def _refuse(paths: Sequence[Path], out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise StoreError(f"{out} is no folder. Give another with -o.")
    if out.is_dir() and any(out.iterdir()) and not (out / SITE_MARKER).is_file():
        raise StoreError(f"{out} holds something else than a site of `tlbench publish`. Give another folder with -o.")
    for path in paths:
        if path.resolve().is_relative_to(out.resolve()):
            raise StoreError(f"{path} lies in {out}, which would be replaced. Give another folder with -o.")


def _boards(sources: Sequence[Source], folder: Path, verified: VerifiedFile | None) -> Iterator[Board]:
    """Yield a board for each suite, whose results may be in several folders: of one protocol and recipe."""
    from tlbench import Results

    groups: dict[str, list[Source]] = {}
    for source in sources:
        suite = read_plan(source).get("suite", {})
        groups.setdefault(canonical([suite.get("name", "unknown"), rules_of(source)]), []).append(source)
    taken: set[str] = set()
    for own in groups.values():
        plan = read_plan(own[0])
        name = slug(str(plan.get("suite", {}).get("name", "unknown")), taken)
        single = len(own) == 1 and own[0].path.is_dir()
        place = own[0].path if single else folder / "joined" / name
        if not single:
            join(own, place, verified.status() if verified is not None else None)
        source = open_source(place)
        spreads = {spread.cell: spread for spread in all_spreads(source)}
        description = str(plan.get("suite", {}).get("description", ""))
        results = Results(place)
        found = standings(records_of_rows(results), read_plan(source), status_of_cells(source, verified))
        lists = list(_lists(results, found, folder / "ranked" / name))
        yield Board(results, lists, found, name, contributions(source), spreads, description)


def _lists(results: "Results", found: Mapping[tuple[Any, ...], Standing], folder: Path) -> Iterator[Ranked]:
    """Yield the results of the rows that rank, those that reruns verified apart from those that nobody verified."""
    from tlbench import Results

    kinds: dict[bool, list[str]] = {True: [], False: []}
    for key, own in records_of_rows(results).items():
        if not found[key].why_not:
            kinds[found[key].status == VERIFIED] += [record.cell for record in own]
    for is_verified, cells in kinds.items():
        if len(cells) == len(results.records):
            yield Ranked(results, is_verified)
        elif cells:
            place = folder / ("verified" if is_verified else "others")
            _copy(results.folder, cells, place)
            yield Ranked(Results(place), is_verified)


def _copy(results: Path, cells: Sequence[str], folder: Path) -> None:
    """Write a results folder of some cells."""
    (folder / PRIMARY).mkdir(parents=True)
    files = [MARKER, PLAN, *(f"{PRIMARY}/{cell}.{end}" for cell in cells for end in ("json", "safetensors"))]
    for file in files:
        if (results / file).is_file():
            shutil.copyfile(results / file, folder / file)


def _write_reports(boards: Sequence[Board], folder: Path, catalog: "Catalog") -> Iterator[str]:
    """Write each board's self-contained page beside it, where the reporter of such pages is installed."""
    offer: Any = catalog.reporters.get(REPORT)
    for board in boards:
        place = folder / "boards" / board.folder
        place.mkdir(parents=True, exist_ok=True)
        if offer is None:
            continue
        if board.ranking is None:
            yield f"{board.title} links no report: none of its rows ranks"
            continue
        if len(board.rows) > REPORT_ROWS:
            yield f"{board.title} links no report: it has {len(board.rows):,} rows, more than {REPORT_ROWS:,}"
            continue
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            try:
                written = offer.thing.write(board.ranking, Path(scratch))
            except Exception as error:  # a reporter may be anybody's; the site is whole without its page
                yield f"{board.title} links no report: the reporter {REPORT!r} failed ({type(error).__name__}: {error})"
                continue
            pages = [path for path in written if path.suffix == ".html"]
            if pages:
                (place / "report.html").write_bytes(pages[-1].read_bytes())
                board.report = True
    if offer is None:
        yield "no reporter named html is installed: boards link no report"
