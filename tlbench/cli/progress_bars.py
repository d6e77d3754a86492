"""Show a run on the terminal: bars with the time left, or plain lines where no terminal is attached."""

import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tlbench.contract import PRIMARY, Cell, Record
from tlbench.host import hookimpl
from tlbench.progress import ONCE, listening

if TYPE_CHECKING:
    from tlbench.contract import Plan

PATIENCE = 1.0  # seconds after which a wait is worth a bar
LINE_SECONDS = 10.0  # between the lines of one wait where nobody watches
NARROW = 72  # columns below which words are cut short
TINY = 58  # columns below which there is no room for a bar


def seconds_in_words(seconds: float) -> str:
    """Return `40 s`, `3 min 20 s` or `2 h 5 min`."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"


class Forecast:
    """Estimate how long the rest of a run takes: a cell takes as long as the median of cells like it."""

    def __init__(self, cells: tuple[Cell, ...] = ()) -> None:
        self.cells = cells
        self.started: dict[str, tuple[float, tuple[str, ...]]] = {}  # when, and what kind of cell
        self.seconds: dict[tuple[str, ...], list[float]] = {}
        self.begun: set[str] = set()
        self.side_by_side = 1

    def start(self, cell: Cell) -> None:
        """Note that a cell was begun."""
        self.begun.add(cell.id)
        self.started[cell.id] = (time.monotonic(), _kind(cell))
        self.side_by_side = max(self.side_by_side, len(self.started))

    def finish(self, cell: Cell) -> None:
        """Note that a cell is done."""
        if cell.id in self.started:
            start, kind = self.started.pop(cell.id)
            self.seconds.setdefault(kind, []).append(time.monotonic() - start)

    def excuse(self, seconds: float) -> None:
        """Take from the running cells what they waited for: the cells after them will not."""
        now = time.monotonic()
        self.started = {cell: (min(now, start + seconds), kind) for cell, (start, kind) in self.started.items()}

    def left(self, waiting: int) -> float | None:
        """Return the seconds that running cells and `waiting` others still take; None before one is done."""
        if not self.seconds:
            return None
        now = time.monotonic()
        running = [max(0.0, self._expected(kind) - (now - start)) for start, kind in self.started.values()]
        known = [cell for cell in self.cells if cell.id not in self.begun]
        if len(known) == waiting:
            ahead = sum(self._expected(_kind(cell)) for cell in known)
        else:  # some were stored before: which ones is not known here
            ahead = waiting * statistics.fmean(value for values in self.seconds.values() for value in values)
        return max((sum(running) + ahead) / self.side_by_side, max(running, default=0.0))

    def _expected(self, kind: tuple[str, ...]) -> float:
        for length in range(len(kind), 0, -1):  # the same but for the replicate, then for the budget, and so on
            same = [values for other, values in self.seconds.items() if other[:length] == kind[:length]]
            alike = [value for values in same for value in values]
            if alike:
                return statistics.median(alike)
        return statistics.median(value for values in self.seconds.values() for value in values)


def _kind(cell: Cell) -> tuple[str, ...]:
    return (str(cell.labels["strategy"]), str(cell.labels["backbone"]), str(cell.labels["transfer"]), str(cell.budget))


class _Left(ProgressColumn):
    """The time left, counted down between one tick and the next."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        told: tuple[float, float] | None = task.fields["left"]
        if told is None:
            return Text("left -:--")
        seconds, when = told
        minutes, rest = divmod(max(0, round(seconds - (time.monotonic() - when))), 60)
        hours, minutes = divmod(minutes, 60)
        return Text(f"left {hours}:{minutes:02}:{rest:02}" if hours else f"left {minutes}:{rest:02}", "cyan")


class _Bars(Progress):
    """Bars, each of them once it has gone on for a while: what is soon over does not flicker."""

    def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
        """Return the bars to draw."""
        return super().make_tasks_table([task for task in tasks if (task.elapsed or 0.0) >= task.fields["after"]])


class _Wait:
    """One piece of long work."""

    def __init__(self, done: int) -> None:
        self.start = self.last_line = time.monotonic()
        self.first = done
        self.task: Any = None

    def left(self, done: int, total: int) -> float | None:
        """Return the seconds that the rest takes at the pace so far; None before the first step."""
        passed = time.monotonic() - self.start
        return passed / (done - self.first) * (total - done) if done > self.first else None


class ProgressObserver:
    """Watch a run through the hooks that any plugin may implement, and long work through `tlbench.progress`."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar: Progress | None = None
        self.task: Any = None
        self.done = self.total = self.failed = 0
        self.forecast = Forecast()
        self.metric = ""
        self.waits: dict[str, _Wait] = {}
        self.labels: dict[str, Mapping[str, Any]] = {}  # of each cell of the plan, told apart

    # ---- cells -------------------------------------------------------------------------------------------

    @hookimpl
    def tlbench_run_started(self, plan: "Plan") -> None:
        """Begin to measure the time."""
        from tlbench.results import distinct_labels

        self.metric = plan.suite.metric
        self.forecast = Forecast(plan.cells)
        names = distinct_labels((cell.identity, cell.labels) for cell in plan.cells)
        self.labels = dict(zip((cell.id for cell in plan.cells), names, strict=True))

    @hookimpl
    def tlbench_cell_started(self, cell: Cell, position: int, total: int) -> None:
        """Show what is being run."""
        self.total = total
        self.forecast.start(cell)
        if not self.console.is_terminal:
            return
        if self.task is None:
            self.task = self._bar().add_task("", total=total, left=None, after=0.0)
        self._bar().update(self.task, description=self._cut(_short(cell)), refresh=True)

    @hookimpl
    def tlbench_cell_finished(self, cell: Cell, record: Record) -> None:
        """Count a cell."""
        self.done += 1
        self.failed += not record.ok
        self.forecast.finish(cell)
        left = self.forecast.left(self.total - self.done - len(self.forecast.started)) or 0.0
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, advance=1, left=(left, time.monotonic()))
            if record.failure:
                self.bar.console.print(self._line(cell, record), highlight=False, markup=False)
        else:
            self._print(f"[{self.done}/{self.total}] {self._line(cell, record)}; {seconds_in_words(left)} left")

    @hookimpl
    def tlbench_run_finished(self, results_dir: Path) -> None:
        """Take the bars away."""
        self.stop()

    # ---- long work ---------------------------------------------------------------------------------------

    def wait(self, what: str, done: int, total: int) -> None:
        """Show how far some long work is; a listener for `tlbench.progress`."""
        wait = self.waits.get(what)
        if done >= total:
            self.waits.pop(what, None)
            if wait is not None and what.startswith(ONCE):
                self.forecast.excuse(time.monotonic() - wait.start)
            if wait is not None and wait.task is not None and self.bar is not None:
                self.bar.remove_task(wait.task)
                self._stop_if_idle()
            return
        if wait is None:
            wait = self.waits[what] = _Wait(done)
        left = wait.left(done, total)
        if self.console.is_terminal:
            self._draw(wait, what, done, total, left)
        elif left is not None and time.monotonic() - wait.last_line >= LINE_SECONDS:
            wait.last_line = time.monotonic()
            self._print(f"{what}: {done:,} of {total:,}; {seconds_in_words(left)} left")

    def _draw(self, wait: _Wait, what: str, done: int, total: int, left: float | None) -> None:
        if wait.task is None:
            wait.task = self._bar().add_task(self._cut(what), total=total, completed=done, left=None, after=PATIENCE)
        told = None if left is None else (left, time.monotonic())
        self._bar().update(wait.task, completed=done, left=told)

    # ---- the terminal ------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Leave the terminal as it was, whatever happened."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = self.task = None
        self.waits.clear()

    def _stop_if_idle(self) -> None:
        """Stop drawing where no cell runs and nothing is waited for: what is printed next must not meet a bar."""
        if self.task is None and not any(wait.task is not None for wait in self.waits.values()):
            waits, self.waits = self.waits, {}
            self.stop()
            self.waits = waits

    def _bar(self) -> Progress:
        if self.bar is None:
            columns: list[ProgressColumn] = [
                TextColumn("{task.description}", markup=False),
                MofNCompleteColumn(),
                _Left(),
            ]
            if self.console.width >= TINY:
                columns.insert(1, BarColumn(bar_width=40 if self.console.width >= NARROW else 10))
                columns.insert(3, TimeElapsedColumn())
            self.bar = _Bars(*columns, console=self.console, transient=True)
            self.bar.start()
        return self.bar

    def _cut(self, text: str) -> str:
        return text[: 32 if self.console.width >= NARROW else 18]

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _line(self, cell: Cell, record: Record) -> str:
        long = _long(cell, self.labels.get(cell.id, cell.labels))
        if record.failure:
            return f"{long}: FAILED, {record.failure.kind}: {record.failure.message}"
        metric = next((name for name in (self.metric, *PRIMARY.values()) if name in record.scores), "accuracy")
        return f"{long}: {metric} {_shown(record.scores.get(metric))}"


@contextmanager
def showing_waits() -> Iterator[None]:
    """Show on stderr how far long work of this process is: reading images, encoding them."""
    observer = ProgressObserver(Console(stderr=True))
    try:
        with listening(observer.wait):
            yield
    finally:
        observer.stop()


def _shown(score: float | None) -> str:
    return "no number" if score is None else f"{score:.3f}"


def _short(cell: Cell) -> str:
    return f"{cell.labels['strategy']}, {cell.budget}"


def _long(cell: Cell, labels: Mapping[str, Any]) -> str:
    source = f" from {labels['source']}" if labels["source"] else ""
    return (
        f"{labels['strategy']}, {labels['backbone']}, {labels['transfer']}{source}, {cell.budget}, "
        f"replicate {cell.replicate}"
    )
