"""Offer the reports that come with tlbench: tables for people, papers and programs, charts, and one page with all."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import hookimpl

if TYPE_CHECKING:
    import click

    from tlbench import Reporter, Results


@hookimpl
def tlbench_reporters() -> "Iterable[Reporter]":
    """Return the reporters of this plugin."""
    from tlbench import Reporter

    return [
        Reporter("text", _text, "the summary as plain text, 80 columns wide"),
        Reporter("csv", _csv, "every cell, the summary and the costs as CSV files"),
        Reporter("markdown", _markdown, "the summary as Markdown"),
        Reporter("latex", _latex, "the summary as LaTeX tables for the booktabs package"),
        Reporter("charts", _charts, "heat maps, scores against labels and against cost, as SVG and PNG", _figures()),
        Reporter("parquet", _parquet, "every cell and the summary as Parquet files"),
        Reporter("html", _html, "one self-contained page with tables, charts and where they come from"),
    ]


@hookimpl
def tlbench_add_commands(cli: "click.Group") -> None:
    """Add `tlbench report`."""
    from tlbench_reports.report_command.command import report

    cli.add_command(report)


# Each format is imported when it is asked for: a list of reporters must not wait for matplotlib or pandas.


def _text(results: "Results", folder: Path) -> list[Path]:
    from tlbench_reports import table_text

    return table_text.write(results, folder)


def _csv(results: "Results", folder: Path) -> list[Path]:
    from tlbench_reports import table_csv

    return table_csv.write(results, folder)


def _parquet(results: "Results", folder: Path) -> list[Path]:
    from tlbench_reports import parquet

    return parquet.write(results, folder)


def _markdown(results: "Results", folder: Path) -> list[Path]:
    from tlbench_reports import markdown

    return markdown.write(results, folder)


def _latex(results: "Results", folder: Path) -> list[Path]:
    from tlbench_reports import latex

    return latex.write(results, folder)


def _charts(results: "Results", folder: Path) -> list[Path]:
    from tlbench_reports import charts

    return charts.write(results, folder)


def _html(results: "Results", folder: Path) -> list[Path]:
    from tlbench_reports import page

    return page.write(results, folder)


def _figures() -> "dict[str, Callable[..., Any]]":
    """Return what `results.plot` draws, by name: charts whose own names begin with the first of these that is there."""
    return {
        "budget": _chart_of("budget"),
        "cost": _chart_of("cost"),
        "scores": _chart_of("scores"),
        "differences": _chart_of("differences"),
        "ranks": _chart_of("critical-difference", "ranks"),
        "confusion": _chart_of("confusion"),
        "calibration": _chart_of("calibration"),
        "embedding": _chart_of("embedding"),
    }


def _chart_of(*beginnings: str) -> "Callable[..., Any]":
    def draw(results: "Results", which: int = 1) -> Any:
        """Return the `which`-th chart of this kind as a figure of matplotlib, counted from 1."""
        from tlbench_reports.plots import figure

        return figure(results, beginnings, which)

    return draw
