"""One self-contained HTML page: the answer, the numbers, the charts, and how they came about."""

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tlbench_reports import facts, gaps
from tlbench_reports.atomic import write_text
from tlbench_reports.charts import charts
from tlbench_reports.drawing import Chart, render
from tlbench_reports.rows import SETTINGS, Row, is_episodic, partition, sampling, summary_rows
from tlbench_reports.words import interval, known, notes, number, plain, quantity

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
    """Comparable rows of one transfer, with the tables that have a line for each."""

    title: str
    metric: str
    is_of_clusters: bool
    rows: tuple[Row, ...]
    costs: tuple[tuple[Cell, ...], ...]
    metric_names: tuple[str, ...]
    metrics: tuple[tuple[Cell, ...], ...]

    @property
    def several_backbones(self) -> bool:
        """Whether a column must name the backbone."""
        return len({row.values["backbone"] for row in self.rows}) > 1

    @property
    def sampling(self) -> str:
        """What the second interval is over."""
        return sampling(self.rows)

    @property
    def sampling_kind(self) -> str:
        """How the second interval is made."""
        return "bootstrap" if self.sampling == "test items" else "t"

    @property
    def on_source(self) -> bool:
        """Whether any classifier was scored on the source too."""
        return any(known(row.values["source_accuracy"]) for row in self.rows)


def write(results: "Results", folder: Path) -> list[Path]:
    """Write index.html."""
    return [write_text(folder / "index.html", page(results))]


def page(results: "Results") -> str:
    """Return the page. Every text that comes from a plugin, a file or an exception is escaped by the template."""
    sections = [section for metric in results.primaries for section in _sections(results, metric)]
    script = Markup(files("tlbench_reports").joinpath("templates/page.js").read_text(encoding="utf-8"))
    loader = Environment(
        loader=PackageLoader("tlbench_reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    loader.filters["breakable"] = _breakable
    return loader.get_template("page.html").render(
        suite=plain(results.suite),
        metrics=[plain(metric) for metric in results.primaries],
        tally=gaps.tally(results),
        headlines=[plain(sentence) for sentence in results.headlines()],
        warnings=[plain(sentence) for sentence in results.warnings],
        findings=[plain(sentence) for sentence in results.findings],
        sections=sections,
        several_metrics=any(len(section.metric_names) > 1 for section in sections),
        cost_names=list(_COSTS.values()),
        figures=[_figure(chart) for chart in charts(results)],
        failed=gaps.failed(results),
        skipped=gaps.skipped(results),
        notes=notes(results),
        protocol=facts.protocol(results),
        environment=facts.environment(results),
        origins=facts.origins(results),
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


def _sections(results: "Results", metric: str) -> list[Section]:
    costs = {_which(row): row for row in results.costs().to_dict("records")}
    kind = results.is_of_clusters(metric)
    names = [name for name in results.metrics if results.is_of_clusters(name) == kind]
    scores = {name: {_which(row): row for row in results.summary(name).to_dict("records")} for name in names}
    sections = []
    parts = partition(summary_rows(results, metric), lambda row: (row["transfer"], row["setting"], is_episodic(row)))
    for (transfer, setting, episodic), own in parts.items():
        keys = [_which(row) for row in own]
        title = [transfer, *(["episodes"] if episodic else []), *([setting] if setting != SETTINGS[0] else [])]
        sections.append(
            Section(
                plain(", ".join(title)),
                plain(metric),
                kind,
                tuple(Row(row) for row in own),
                tuple(tuple(_cost(costs.get(key, {}).get(name)) for name in _COSTS) for key in keys),
                tuple(map(plain, names)),
                tuple(tuple(_score(scores[name][key]) for name in names) for key in keys),
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
