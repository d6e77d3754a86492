"""Write the pages of a site. Every text of a record, a plugin or a file is escaped by the templates."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from tlbench import one_line
from tlbench.results import plain_data
from tlbench_leaderboard import words
from tlbench_leaderboard.board import COST_NAMES, Board, BoardRow, name_of
from tlbench_leaderboard.contribution import slug
from tlbench_leaderboard.facts import Facts, linked
from tlbench_leaderboard.tally import tally_of
from tlbench_leaderboard.views import views_of

if TYPE_CHECKING:
    from tlbench import Record
    from tlbench.host import Catalog

KINDS = {"strategy": "strategies", "backbone": "backbones", "dataset": "datasets"}
FRONT = 12  # lines of a table on the front page; the board's own page has them all

Crumb = tuple[str, str]  # a text and where it leads, from the site's root


class Site:
    """Write pages into a folder, linked by relative paths, so that they work from a file as from any host."""

    def __init__(
        self, folder: Path, title: str, boards: Sequence[Board], records_limit: int, catalog: "Catalog | None" = None
    ) -> None:
        self.folder, self.title, self.boards, self.records_limit = folder, one_line(title), boards, records_limit
        self.facts = Facts(catalog)
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
            "linked": linked,
            "parted": _parted,
            "budget": words.budget,
            "data": lambda name: one_line(plain_data(str(name))),
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

        self.views = {board.folder: views_of(board, self._path_of_name) for board in boards}

    def write(self) -> None:
        """Write all pages."""
        self._page(
            "index.html", "index.html", self.title, [], boards=self.boards, views=self.views, names=self._names(),
            front=FRONT,
        )  # fmt: skip
        for board in self.boards:
            self._board(board)
        for (kind, name), path in self.paths.items():
            self._thing(kind, name, path)

    def _path_of_name(self, kind: str, name: str) -> str:
        return self.paths[kind, name]

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
        views = self.views[board.folder]
        home = views[0].path
        for view in views:
            crumbs = [(self.title, "index.html"), *([(board.title, home)] if view.path != home else [])]
            title = board.title if view.path == home else f"{board.title}: {view.title}"
            values = {"board": board, "views": views, "view": view, "downloadable": self.has_pages(board)}
            self._page("board.html", view.path, title, crumbs, **values)
        for row in board.rows:
            self._row(board, row, [(self.title, "index.html"), (board.title, home)])

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
        found = [(board, row) for board in self.boards for row in board.rows if name_of(row, kind) == name]
        text, facts, parameters = self.facts.of(kind, name, found)
        # Of a strategy all rows, to see where it wins and where it loses; of the others the best of each group.
        lines = (
            sorted(found, key=_wins_first)
            if kind == "strategy"
            else [(b, row) for b, row in found if row.values["best"]]
        )
        tally = tally_of(lines) if kind == "strategy" else ""
        leaders = Counter(row.name for _, row in lines if not row.is_apart).most_common(8) if kind != "strategy" else []
        crumbs = [(self.title, "index.html")]
        self._page(
            "thing.html", path, name, crumbs, kind=kind, name=one_line(name), text=linked(text), facts=facts,
            parameters=parameters, lines=lines, tally=tally, leaders=leaders, views=self._views_with(kind, found),
        )  # fmt: skip

    def _views_with(self, kind: str, rows: Sequence[tuple[Board, BoardRow]]) -> list[tuple[str, str]]:
        """Return the pages of the boards that rank a dataset, with their titles; none for other things."""
        if kind != "dataset":
            return []
        there = dict.fromkeys((board.folder, one_line(row.values["transfer"])) for board, row in rows)
        return [
            (f"{board.title}: {view.title}", view.path)
            for board in self.boards
            for view in self.views[board.folder]
            if (board.folder, view.title) in there
        ]


def _parted(text: str) -> Markup:
    """Return a difference with its interval in small letters."""
    value, bracket, interval = text.partition(" [")
    return Markup("{} <small>[{}</small>").format(value, interval) if bracket else escape(value)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _wins_first(found: tuple[Board, BoardRow]) -> tuple[bool, bool, bool, float]:
    place = found[1].place
    if place is None:
        return True, True, True, 0.0
    behind = found[1].values["behind"]
    lost = abs(float(behind)) if words.known(behind) else 0.0
    return False, not place.is_best, not place.is_tied, lost
