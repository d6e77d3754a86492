"""One self-contained HTML page: the answer, the numbers, the charts, and how they came about."""

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tlbench_reports import facts, gaps
from tlbench_reports.atomic import write_text
from tlbench_reports.charts import charts
from tlbench_reports.drawing import Chart, render
from tlbench_reports.rows import Row, summary_rows
from tlbench_reports.words import NOTES, interval, known, number, plain, quantity

if TYPE_CHECKING:
    from tlbench import Results

_COSTS = {
    "fit_seconds": "seconds to fit",
    "prepare_seconds": "seconds to prepare",
    "predict_seconds": "seconds to predict",
    "parameters_trained": "parameters trained",
    "parameters_stored": "parameters stored",
    "peak_memory_bytes": "peak memory, bytes",
    "flops_per_example": "FLOPs per example",
}
_WHICH = ("strategy", "source", "backbone", "transfer", "budget")

Key = tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """A chart as the page shows it."""

    title: str
    caption: str
    source: str  # a data URI
    width: int  # pixels


@dataclass(frozen=True)
class Cell:
    """A number in words, with what to sort it by."""

    text: str
    value: float | None


@dataclass(frozen=True)
class Section:
    """All rows of one transfer, with the tables that have a line for each."""

    transfer: str
    several_backbones: bool
    rows: tuple[Row, ...]
    costs: tuple[tuple[Cell, ...], ...]
    metrics: tuple[tuple[Cell, ...], ...]


def write(results: "Results", folder: Path) -> list[Path]:
    """Write index.html."""
    return [write_text(folder / "index.html", page(results))]


def page(results: "Results") -> str:
    """Return the page. Every text that comes from a plugin, a file or an exception is escaped by the template."""
    rows = summary_rows(results)
    script = Markup(files("tlbench_reports").joinpath("templates/page.js").read_text(encoding="utf-8"))
    loader = Environment(
        loader=PackageLoader("tlbench_reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    loader.filters["breakable"] = _breakable
    return loader.get_template("page.html").render(
        suite=plain(results.suite),
        metric=plain(results.metric),
        tally=gaps.tally(results),
        headlines=[plain(sentence) for sentence in results.headlines()],
        warnings=[plain(sentence) for sentence in results.warnings],
        findings=[plain(sentence) for sentence in results.findings],
        sections=_sections(results, rows),
        cost_names=list(_COSTS.values()),
        metric_names=[plain(metric) for metric in results.metrics],
        figures=[_figure(chart) for chart in charts(results, rows)],
        failed=gaps.failed(results),
        skipped=gaps.skipped(results),
        notes=NOTES,
        protocol=facts.protocol(results),
        environment=facts.environment(results),
        provenance=facts.provenance(results),
        commands=facts.commands(results),
        folder=plain(results.folder.name),
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _breakable(name: str) -> Markup:
    """Let a browser break a strategy's name between its parameters."""
    return Markup("<wbr>").join(re.split(r"(?<=[,(])", name))


def _figure(chart: Chart) -> Figure:
    [picture] = render(chart, "svg", standalone=False)
    source = f"data:image/svg+xml;base64,{base64.b64encode(picture).decode()}"
    return Figure(chart.title, chart.caption, source, width=round(chart.size[0] * 96))


def _sections(results: "Results", rows: list[dict[str, Any]]) -> list[Section]:
    costs = {_which(row): row for row in results.costs().to_dict("records")}
    others = {
        metric: {_which(row): row for row in results.summary(metric).to_dict("records")} for metric in results.metrics
    }
    sections = []
    for transfer, members in groupby(rows, key=lambda row: str(row["transfer"])):
        own = list(members)
        keys = [_which(row) for row in own]
        sections.append(
            Section(
                plain(transfer),
                len({row["backbone"] for row in own}) > 1,
                tuple(Row(row) for row in own),
                tuple(tuple(_cost(costs.get(key, {}).get(name)) for name in _COSTS) for key in keys),
                tuple(tuple(_score(scores[key]) for scores in others.values()) for key in keys),
            )
        )
    return sections


def _which(row: Any) -> Key:
    return tuple(str(row[column]) for column in _WHICH)


def _cost(value: Any) -> Cell:
    return Cell(quantity(value), value if known(value) else None)


def _score(row: Any) -> Cell:
    if not known(row["mean"]):
        return Cell("failed", None)
    between = interval(row["seed_low"], row["seed_high"], 0)
    return Cell(f"{number(row['mean'])} ({between})", row["mean"])
