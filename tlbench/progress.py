"""Shows a run on the terminal: a bar with the time left, or plain lines when nobody watches."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tlbench.cell import Cell
from tlbench.hookspecs import hookimpl
from tlbench.metric import PRIMARY
from tlbench.plan import Plan
from tlbench.record import Record


def seconds_in_words(seconds: float) -> str:
    """Return `40 s`, `3 min 20 s` or `2 h 5 min`."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"


class ProgressObserver:
    """Watches a run through the hooks that any plugin may implement."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar: Progress | None = None
        self.task: Any = None
        self.done = self.total = self.failed = 0
        self.start = time.monotonic()

    @hookimpl
    def tlbench_run_started(self, plan: Plan) -> None:
        """Begin to measure the time."""
        self.start = time.monotonic()

    @hookimpl
    def tlbench_cell_started(self, cell: Cell, position: int, total: int) -> None:
        """Show what is being run."""
        self.total = total
        if not self.console.is_terminal:
            return
        if self.bar is None:
            self.bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                TextColumn("left"), TimeRemainingColumn(), console=self.console, transient=True,
            )  # fmt: skip
            self.bar.start()
            self.task = self.bar.add_task("", total=total)
        self.bar.update(self.task, description=_short(cell), refresh=True)

    @hookimpl
    def tlbench_cell_finished(self, cell: Cell, record: Record) -> None:
        """Count a cell."""
        self.done += 1
        self.failed += not record.ok
        if self.bar is not None:
            self.bar.advance(self.task)
            if record.failure:
                self.bar.console.print(self._line(cell, record), highlight=False, markup=False)
        else:
            left = (time.monotonic() - self.start) / self.done * (self.total - self.done)
            text = f"[{self.done}/{self.total}] {self._line(cell, record)}; {seconds_in_words(left)} left"
            self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @hookimpl
    def tlbench_run_finished(self, results_dir: Path) -> None:
        """Take the bar away."""
        self.stop()

    def stop(self) -> None:
        """Leave the terminal as it was, whatever happened."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _line(self, cell: Cell, record: Record) -> str:
        if record.failure:
            return f"{_long(cell)}: FAILED, {record.failure.kind}: {record.failure.message}"
        metric = next((name for name in PRIMARY.values() if name in record.scores), "accuracy")
        return f"{_long(cell)}: {metric} {_shown(record.scores.get(metric))}"


def _shown(score: float | None) -> str:
    return "no number" if score is None else f"{score:.3f}"


def _short(cell: Cell) -> str:
    return f"{cell.labels['strategy']}, {cell.budget}"[:32]


def _long(cell: Cell) -> str:
    labels = cell.labels
    source = f" from {labels['source']}" if labels["source"] else ""
    return (
        f"{labels['strategy']}, {labels['backbone']}, {labels['transfer']}{source}, {cell.budget}, "
        f"replicate {cell.replicate}"
    )
