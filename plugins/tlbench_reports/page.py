"""Write one self-contained HTML page: the answer, the numbers, the charts, and how they came about."""

import base64
import hashlib
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tlbench_reports import across_grids, downloads, facts, gaps, pairs
from tlbench_reports.atomic import write_text
from tlbench_reports.class_grid import class_grid
from tlbench_reports.figures import gallery
from tlbench_reports.grid import Grid
from tlbench_reports.measure import measures, named
from tlbench_reports.opening import opening, without_answer
from tlbench_reports.score_grid import score_grids
from tlbench_reports.suite_file import suite_text
from tlbench_reports.words import ON_CORRECTED_DIFFERENCES, ON_PRICES, notes, plain

if TYPE_CHECKING:
    from tlbench import Results

_SCRIPTS = ("elements.js", "grids.js", "choices.js", "pairs.js", "downloads.js", "pictures.js", "start.js")
_BANDS = {  # columns that are shown and hidden together: behind a row, until a reader wants them in the table
    "difference": "statistics",
    "ledger": "what it was given",
    "costs": "costs, median of replicates",
    "metrics": "further metrics (95% over replicates)",
}


def write(results: "Results", folder: Path) -> list[Path]:
    """Write index.html."""
    return [write_text(folder / "index.html", page(results))]


def page(results: "Results") -> str:
    """Return the page. Every text that comes from a plugin, a file or an exception is escaped by the template."""
    labelled = results.primaries[0]
    silent = without_answer(results)
    scores = [grid for metric in results.primaries for grid in score_grids(results, metric, silent)]
    together = across_grids.across(results, labelled)
    beside = [pairs.tunings(results, labelled), across_grids.validators(results), across_grids.weights(results)]
    tuning, validators, weights = beside
    means = across_grids.means(results, labelled)
    compared = pairs.pairs(results, labelled)
    missing = {kind: gaps.grid(kind, found) for kind, found in _missing(results).items()}
    classes = class_grid(results)
    shown = [*scores, *([classes] if classes else []), *filter(None, (*beside, means)), *filter(None, missing.values())]
    shown += [grid for each in together for grid in (each.ranks, each.wins, each.left_out) if grid]
    drawn = gallery(results)
    script = Markup(_script())
    return (
        _environment()
        .get_template("page.html")
        .render(
            suite=plain(results.suite),
            tally=gaps.tally(results),
            opening=opening(results, drawn.first),
            beware=[plain(sentence) for sentence in (*results.warnings, *results.findings)],
            metrics=[named(metric, results.higher_is_better(metric)) for metric in results.primaries],
            measures=measures(results),
            scores=[grid for grid in scores if grid.mark != "oracle"],
            oracles=[grid for grid in scores if grid.mark == "oracle"],
            classes=classes,
            bands=_BANDS,
            tuning=tuning,
            together=together,
            validators=validators,
            weights=weights,
            means=means,
            pairs=compared,
            gallery=drawn,
            missing=missing,
            notes=[*notes(results, ON_CORRECTED_DIFFERENCES), ON_PRICES],
            protocol=facts.protocol(results),
            environment=facts.environment(results),
            origins=facts.origins(results),
            provenance=facts.provenance(results),
            commands=facts.commands(results),
            versions=facts.versions(results),
            folder=plain(results.folder.name),
            suite_file=facts.file_of(results.suite),
            suite_text=suite_text(results),
            tables=downloads.tables(results),
            data=downloads.packed_json(
                {"grids": list(map(Grid.to_json, shown)), "bands": _BANDS, "pairs": compared.places}
            ),
            script=script,
            script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _missing(results: "Results") -> dict[str, list[gaps.Gap]]:
    return {"failed": gaps.failed(results), "skipped": gaps.skipped(results)}


def _script() -> str:
    parts = files("tlbench_reports").joinpath("templates")
    return "".join(parts.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tlbench_reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["breakable"] = _breakable
    return environment


def _breakable(name: str) -> Markup:
    """Let a browser break a strategy's name between its parameters."""
    return Markup("<wbr>").join(re.split(r"(?<=,)|(?<=\S\()", name))
