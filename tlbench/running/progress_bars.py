"""Show a run on the terminal: bars with the time left, or a line now and then where no terminal is attached."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tlbench.contract import PRIMARY, Cell, Record
from tlbench.progress import FEATURES, TRAINING, listening
from tlbench.running.forecast import Forecast, Job, Pace

if TYPE_CHECKING:
    from tlbench.contract import Plan

PATIENCE = 1.0  # seconds after which a wait is worth a bar, or a line
LINE_SECONDS = 10.0  # between the lines of one wait, or of all cells, where nobody watches
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


class _Count(ProgressColumn):
    """How much is done, where that is known."""

    def render(self, task: Task) -> Text:
        return Text("" if task.total == 1 else f"{int(task.completed):,}/{int(task.total or 0):,}", "green")


class _Left(ProgressColumn):
    """The time left, counted down between one tick and the next."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        told: tuple[float, float] | None = task.fields["left"]
        if told is None:
            return Text("")
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

    def __init__(self) -> None:
        self.pace = Pace()
        self.start = time.monotonic()
        self.last_line = self.start - LINE_SECONDS + PATIENCE
        self.task: Any = None
        self.timer: threading.Timer | None = None


class ProgressObserver:
    """Watch a run, and long work through `tlbench.progress`."""

    def __init__(self, console: Console, verbose: bool = False) -> None:
        self.console = console
        self.verbose = verbose  # a line for every cell
        self.bar: Progress | None = None
        self.task: Any = None
        self.done = self.total = self.failed = 0
        self.forecast = Forecast()
        self.metric = ""
        self.last_line = 0.0
        self.waits: dict[str, _Wait] = {}
        self.labels: dict[str, Mapping[str, Any]] = {}  # of each cell of the plan, told apart

    # ---- cells -------------------------------------------------------------------------------------------

    def begin(self, plan: "Plan", jobs: Sequence[Job], workers: int) -> None:
        """Begin to measure the time."""
        from tlbench.results import distinct_labels

        self.metric = plan.suite.metric
        self.forecast = Forecast(jobs, workers)
        self.total = len(jobs)
        self.last_line = time.monotonic()
        names = distinct_labels((cell.identity, cell.labels) for cell in plan.cells)
        self.labels = dict(zip((cell.id for cell in plan.cells), names, strict=True))

    def started(self, cell: Cell) -> None:
        """Show what is being run."""
        self.forecast.start(cell.id, time.monotonic())
        if not self.console.is_terminal:
            return
        if self.task is None:
            self.task = self._bar().add_task("", total=self.total, left=None, after=0.0)
        self._bar().update(self.task, description=self._cut(_short(cell)), refresh=True)

    def finished(self, cell: Cell, record: Record, seconds: float | None) -> None:
        """Count a cell."""
        self.done += 1
        self.failed += not record.ok
        now = time.monotonic()
        self.forecast.finish(cell.id, seconds, now)
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, advance=1)
            self._say_left()
        is_due = now - self.last_line >= LINE_SECONDS and not self.console.is_terminal
        if record.failure or self.verbose or is_due:
            self.last_line = now
            left = self.forecast.left(now)
            told = f"; {seconds_in_words(left)} left" if left is not None and self.done < self.total else ""
            self.say(f"[{self.done}/{self.total}] {self._line(cell, record)}{told}")

    def end(self) -> None:
        """Take the bars away."""
        self.stop()

    def _say_left(self) -> None:
        if self.bar is not None and self.task is not None:
            now = time.monotonic()
            left = self.forecast.left(now)
            self.bar.update(self.task, left=None if left is None else (left, now))

    # ---- long work ---------------------------------------------------------------------------------------

    def wait(self, what: str, done: int, total: int, cell: str = "") -> None:
        """Show how far some long work is; a listener for `tlbench.progress`."""
        now = time.monotonic()
        if cell and what.startswith(FEATURES):
            self.forecast.extract(cell, what, done, total, now)
        if cell and what.startswith(TRAINING):
            self.forecast.train(cell, done, total, now)
        if cell:
            self._say_left()
        wait = self.waits.get(what)
        if done >= total:
            self._over(what)
            return
        if wait is None:
            wait = self.waits[what] = _Wait()
            if total == 1 and not self.console.is_terminal:
                wait.timer = threading.Timer(PATIENCE, self.say, (what,))
                wait.timer.daemon = True
                wait.timer.start()
        wait.pace.tell(now, done)
        left = wait.pace.left(now, total)
        if self.console.is_terminal:
            self._draw(wait, what, done, total, left)
        elif total > 1 and now - wait.last_line >= LINE_SECONDS and not (cell and what.startswith(TRAINING)):
            wait.last_line = now
            told = f"; {seconds_in_words(left)} left" if left is not None else ""
            self.say(f"{what}: {done:,} of {total:,}{told}")

    def _over(self, what: str) -> None:
        wait = self.waits.pop(what, None)
        if wait is None:
            return
        if wait.timer is not None:
            wait.timer.cancel()
        if wait.task is not None and self.bar is not None:
            self.bar.remove_task(wait.task)
            self._stop_if_idle()

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
        for wait in self.waits.values():
            if wait.timer is not None:
                wait.timer.cancel()
        self.waits.clear()

    def _stop_if_idle(self) -> None:
        """Stop drawing where no cell runs and nothing is waited for: what is printed next must not meet a bar."""
        if self.task is None and not any(wait.task is not None for wait in self.waits.values()):
            waits, self.waits = self.waits, {}
            self.stop()
            self.waits = waits

    def _bar(self) -> Progress:
        if self.bar is None:
            columns: list[ProgressColumn] = [TextColumn("{task.description}", markup=False), _Count(), _Left()]
            if self.console.width >= TINY:
                columns.insert(1, BarColumn(bar_width=40 if self.console.width >= NARROW else 10))
                columns.insert(3, TimeElapsedColumn())
            self.bar = _Bars(*columns, console=self.console, transient=True)
            self.bar.start()
        return self.bar

    def _cut(self, text: str) -> str:
        return text[: 34 if self.console.width >= NARROW else 18]

    def say(self, text: str) -> None:
        """Print a line, above the bars where there are any."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _line(self, cell: Cell, record: Record) -> str:
        long = _long(cell, self.labels.get(cell.id, cell.labels))
        if record.failure:
            return f"{long}: FAILED, {record.failure.kind}: {record.failure.message}"
        metric = next((name for name in (self.metric, *PRIMARY.values()) if name in record.scores), "accuracy")
        return f"{long}: {metric} {_shown(record.scores.get(metric))}"


@contextmanager
def showing(what: str, *, quiet: bool = False, verbose: bool = False) -> Iterator[ProgressObserver]:
    """Show on stderr how far long work of this process is, which begins with `what`."""
    observer = ProgressObserver(Console(stderr=True, quiet=quiet, force_jupyter=False), verbose)
    try:
        with listening(observer.wait):
            observer.wait(what, 0, 1)
            yield observer
    finally:
        observer.stop()


@contextmanager
def showing_waits() -> Iterator[None]:
    """Show on stderr how far long work of this process is: reading images, encoding them."""
    observer = ProgressObserver(Console(stderr=True, force_jupyter=False))
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
