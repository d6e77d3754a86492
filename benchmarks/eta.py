"""Measure how good the time left is that `tlbench` says, by running a command and comparing with when it was over.

    python benchmarks/eta.py run --out scratch/quick
    python benchmarks/eta.py --log quick.csv run --out scratch/quick
    python benchmarks/eta.py validate results/quick
    python benchmarks/eta.py data inspect folder:photos

For the cells of a run, and for each other piece of work that took three seconds or more, it prints how long it took,
from which share of that on a time left was said, and the worst ratio of what was said to the truth, either way round.
It looks twice a second, from a tenth of the time on, at what a person sees then: what was said last, counted down. What
is off by less than three seconds counts as right. `--log` keeps the events of the cells for
`tests/running/test_forecast.py`, which replays them; names of cells are numbers there.
"""

import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tlbench.cli import main
from tlbench.progress import FEATURES, TRAINING
from tlbench.running import progress_bars
from tlbench.running.progress_bars import ProgressObserver

SHORT = 3.0  # seconds: nobody minds to be off by less
LOOK = 0.5  # seconds from one look to the next
FROM = 0.1  # the share of the time from which on what is said counts


@dataclass
class Told:
    """Hold what was said of one piece of work, when."""

    start: float
    said: list[tuple[float, float | None]] = field(default_factory=list)  # the time, and the seconds left
    end: float = 0.0

    def line(self, name: str) -> str:
        """Sum up how good it was."""
        took = self.end - self.start
        seen = list(self._seen())
        ratios = [max(left / truth, truth / left) if min(left, truth) > 0 else float("inf")
                  for truth, left in seen if left is not None and abs(left - truth) > SHORT]  # fmt: skip
        silent = sum(left is None for _, left in seen) / max(1, len(seen))
        first = next((when for when, left in self.said if left is not None), None)
        since = "never" if first is None else f"from {(first - self.start) / took:.0%} on"
        worst = max(ratios, default=1.0)
        return f"{name}: {took:.0f} s; said {since}, silent for {silent:.0%} after a tenth; worst ratio {worst:.2f}"

    def _seen(self) -> Iterator[tuple[float, float | None]]:
        """Yield the seconds that were left in truth, and those shown, at each look after a tenth of the time."""
        look, position = self.start + FROM * (self.end - self.start), 0
        while look < self.end:
            while position < len(self.said) and self.said[position][0] <= look:
                position += 1
            when, left = self.said[position - 1] if position else (look, None)
            yield self.end - look, None if left is None else max(0.0, left - (look - when))
            look += LOOK


class Recorder(ProgressObserver):
    """Show what is always shown, and keep it."""

    work: dict[str, Told] = {}
    finished_work: list[tuple[str, Told]] = []
    log: list[list[object]] = []
    numbers: dict[str, int] = {}
    cells: Told | None = None

    def begin(self, plan, jobs, workers):
        super().begin(plan, jobs, workers)
        self.numbers.update({job.id: number for number, job in enumerate(jobs)})
        kinds = {}
        self.log.append(["workers", workers])
        for job in jobs:
            kind = [kinds.setdefault(part, f"n{len(kinds)}") for part in job.kind]
            self.log.append(["job", self.numbers[job.id], *kind, f"{job.weight:.4g}", f"{job.ahead:.4g}"])
        type(self).cells = Told(time.monotonic())

    def started(self, cell):
        self._note("start", cell.id)
        super().started(cell)

    def finished(self, cell, record, seconds):
        self._note("finish", cell.id, "" if seconds is None else f"{seconds:.2f}")
        super().finished(cell, record, seconds)
        self._said()

    def end(self):
        if self.cells is not None:
            self.cells.end = time.monotonic()
        super().end()

    def wait(self, what, done, total, cell=""):
        if cell and what.startswith((FEATURES, TRAINING)):
            kind = "extract" if what.startswith(FEATURES) else "train"
            if self._is_news(what, done, total):
                self._note(kind, cell, done, total, *([what.partition(" (")[0]] if kind == "extract" else []))
        super().wait(what, done, total, cell)
        if cell:
            self._said()
        now = time.monotonic()
        if done >= total:
            told = self.work.pop(what, None)
            if told is not None and now - told.start >= SHORT and total > 1:
                told.end = now
                self.finished_work.append((what, told))
        else:
            told = self.work.setdefault(what, Told(now))
            told.said.append((now, self.waits[what].pace.left(now, total)))

    def _is_news(self, what, done, total):
        """Keep logs small: of each training every tenth part."""
        return done in (0, total) or what.startswith(FEATURES) or done * 10 // total > (done - 1) * 10 // total

    def _note(self, kind, cell, *rest):
        if self.cells is not None:
            self.log.append([kind, f"{time.monotonic() - self.cells.start:.2f}", self.numbers.get(cell, ""), *rest])

    def _said(self):
        if self.cells is not None:
            now = time.monotonic()
            self.cells.said.append((now, self.forecast.left(now)))


def measure(arguments):
    """Run a command of `tlbench` and print how good the times left were; return its exit code."""
    log = Path(arguments.pop(1)) if arguments[:1] == ["--log"] else None
    if log is not None:
        arguments = arguments[1:]
    progress_bars.ProgressObserver = Recorder
    sys.argv = ["tlbench", *arguments]
    code = 0
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        if log is not None:
            with log.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(Recorder.log)
    if Recorder.cells is not None and Recorder.cells.end:
        print(Recorder.cells.line("cells"))
    for name, told in Recorder.finished_work:
        print(told.line(name))
    return code


if __name__ == "__main__":
    sys.exit(measure(sys.argv[1:]))
