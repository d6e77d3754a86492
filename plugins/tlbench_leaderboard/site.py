"""Write the pages of a site. Every text of a record, a plugin or a file is escaped by the templates."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tlbench import one_line
from tlbench_leaderboard import words
from tlbench_leaderboard.board import COST_NAMES, Board, BoardRow, name_of
from tlbench_leaderboard.contribution import slug

if TYPE_CHECKING:
    from tlbench import Record

KINDS = {"strategy": "strategies", "backbone": "backbones", "dataset": "datasets"}
ROWS_LIMIT = 1500  # rows of a board's own table; of more the best stand there, and all on the datasets' pages

Crumb = tuple[str, str]  # a text and where it leads, from the site's root


class Site:
    """Write pages into a folder, linked by relative paths, so that they work from a file as from any host."""

    def __init__(self, folder: Path, title: str, boards: Sequence[Board], records_limit: int) -> None:
        self.folder, self.title, self.boards, self.records_limit = folder, one_line(title), boards, records_limit
        self.pages = 0
        self.templates = Environment(
            loader=PackageLoader("tlbench_leaderboard"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self.templates.filters |= {
            "plain": one_line,
            "score": words.score,
            "quantity": words.quantity,
            "flat": words.flat,
        }
        parts = files("tlbench_leaderboard").joinpath("templates")
        style, script = (parts.joinpath(name).read_text(encoding="utf-8") for name in ("site.css", "site.js"))
        self.templates.globals |= {
            "site": self.title, "style": Markup(style), "script": Markup(script),
            "style_digest": _digest(style), "script_digest": _digest(script),
        }  # fmt: skip
        self.paths: dict[tuple[str, str], str] = {}
        for kind, place in KINDS.items():
            taken: set[str] = set()
            for name in sorted({name for board in boards for name in board.names[kind]}):
                self.paths[kind, name] = f"{place}/{slug(name, taken)}.html"

    def write(self) -> None:
        """Write all pages."""
        self._page("index.html", "index.html", self.title, [], boards=self.boards, names=self._names())
        for board in self.boards:
            self._board(board)
        for (kind, name), path in self.paths.items():
            self._thing(kind, name, path)

    def _names(self) -> dict[str, list[tuple[str, str]]]:
        return {
            place: [(name, self.paths[kind, name]) for k, name in self.paths if k == kind]
            for kind, place in KINDS.items()
        }

    def _page(self, template: str, path: str, title: str, crumbs: Sequence[Crumb], **values: Any) -> None:
        up = "../" * path.count("/")
        text = self.templates.get_template(template).render(
            up=up, title=one_line(title), crumbs=crumbs, path_of=self._path_of, costs=COST_NAMES, **values
        )
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
        self.pages += 1

    def _path_of(self, row: BoardRow, kind: str) -> str:
        return self.paths[kind, name_of(row, kind)]

    def has_pages(self, board: Board) -> bool:
        """Tell whether each record of a board has a page."""
        return len(board.results.records) <= self.records_limit

    def _board(self, board: Board) -> None:
        path = f"boards/{board.folder}/index.html"
        crumbs = [(self.title, "index.html")]
        whole = len(board.rows) <= ROWS_LIMIT
        groups = [(group, group.rows if whole else _leaders(group.rows)) for group in board.groups]
        self._page(
            "board.html",
            path,
            board.title,
            crumbs,
            board=board,
            groups=groups,
            whole=whole,
            columns=_columns(groups),
            downloadable=self.has_pages(board),
        )
        crumbs.append((board.title, path))
        for row in board.rows:
            self._row(board, row, crumbs)

    def _row(self, board: Board, row: BoardRow, crumbs: list[Crumb]) -> None:
        path = f"boards/{board.folder}/rows/{row.file}"
        records = sorted(row.records, key=lambda record: (record.labels["seed"], record.labels["replicate"]))
        scores = list(dict.fromkeys(name for record in records for name in record.scores))
        own = self.has_pages(board)
        self._page("row.html", path, row.title, crumbs, board=board, row=row, records=records, scores=scores, own=own)
        if own:
            for record in records:
                self._record(board, row, record, [*crumbs, (row.title, path)])

    def _record(self, board: Board, row: BoardRow, record: "Record", crumbs: list[Crumb]) -> None:
        title = f"replicate {record.labels['replicate']}"
        if record.labels["seed"]:
            title += f", seed {record.labels['seed']}"
        spread = board.spreads.get(record.cell)
        downloads = self._downloads(board, record, spread)
        values = {"board": board, "row": row, "record": record, "spread": spread, "downloads": downloads}
        path = f"boards/{board.folder}/records/{record.cell}.html"
        self._page("record.html", path, title, crumbs, **values)

    def _downloads(self, board: Board, record: "Record", spread: Any) -> list[list[str]]:
        """Copy the files of a record, of each submission of it; return their names, the first ones' first."""
        places = [f"records/{record.cell}.json"]
        if spread is not None:
            places = [twin.place for twin in spread.twins]
        found = []
        for place in places:
            owner = place.split("/")[1] if place.startswith("submissions/") else ""
            names = []
            for ending in ("json", "safetensors"):
                source = board.results.folder / f"{place.removesuffix('json')}{ending}"
                if source.is_file() and not source.is_symlink():
                    names.append(f"{record.cell}{'.' + owner if owner else ''}.{ending}")
                    target = self.folder / "boards" / board.folder / "records" / names[-1]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(source.read_bytes())
            found.append(names)
        return found

    def _thing(self, kind: str, name: str, path: str) -> None:
        sections = []
        for board in self.boards:
            rows = [(group, [row for row in group.rows if name_of(row, kind) == name]) for group in board.groups]
            groups = [(group, own) for group, own in rows if own]
            if groups:
                sections.append(
                    (board, groups, _columns(groups), _origin(kind, [row for _, own in groups for row in own]))
                )
        crumbs = [(self.title, "index.html")]
        self._page("thing.html", path, name, crumbs, kind=kind, name=one_line(name), sections=sections)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _leaders(rows: Sequence[BoardRow]) -> tuple[BoardRow, ...]:
    found = tuple(row for row in rows if row.values.get("best") or row.values.get("tied"))
    return found or tuple(rows[:1])


def _columns(groups: Sequence[tuple[Any, Sequence[BoardRow]]]) -> dict[str, list[str]]:
    """Return what a table can be filtered by: the values of each column that has several."""
    rows = [row for _, own in groups for row in own]
    found = {}
    for name in ("transfer", "backbone", "budget", "setting", "family", "strategy"):
        values = list(
            dict.fromkeys(
                one_line(row.values[name]).partition("(")[0] if name == "strategy" else one_line(row.values[name])
                for row in rows
            )
        )
        if 1 < len(values) <= 200:
            found[name] = sorted(values) if name == "strategy" else values
    return found


def _origin(kind: str, rows: Iterable[BoardRow]) -> list[tuple[str, str]]:
    """Return where a strategy, backbone or dataset comes from, as its records say, each value once."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for record in row.records:
            for key, value in words.flat(record.provenance.get(kind, {})):
                found.setdefault(key, {})[value] = None
            version = record.identity.get(kind, {}).get("version")
            if version:
                found.setdefault("version in cells' identity", {})[one_line(version)] = None
    return [(key, "; ".join(list(values)[:5])) for key, values in sorted(found.items()) if key]
