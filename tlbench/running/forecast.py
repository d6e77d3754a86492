"""Predict how long the rest of a run takes, from what its cells are and from what has happened so far.

Nothing here looks at a clock or at a cell: `benchmarks/eta.py` and the tests replay logs of runs.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

Kind = tuple[str, ...]  # strategy, backbone, transfer, budget

FEWEST = 2  # cells, or shares of a training, that a forecast rests on
UNKNOWN = 0.25  # share of the work that may be of a kind that nothing is known of
AFTER = 0.1  # share of a cell's time that comes after its training: predicting, recording
SOON = 1.0  # seconds: a pace taken over less is none


@dataclass(frozen=True)
class Job:
    """Describe a cell by what tells how long it takes."""

    id: str
    kind: Kind
    weight: float  # training steps times the cost of one, in any unit; 0 on frozen features
    ahead: float = 0.0  # the cost of features that its backbone needs once, in the same unit; 0 without any

    @property
    def features(self) -> Kind:
        """Name what its features are of."""
        return self.kind[1:3]


@dataclass
class _Running:
    job: Job
    start: float
    is_first: bool  # of its worker, which starts up
    excused: float = 0.0  # seconds of work that serves other cells too
    began: float | None = None  # when its first training did
    training: float | None = None  # when its training began
    share: float = 0.0  # of its training that is done
    told: float = 0.0  # when that was told

    @property
    def whole(self) -> float | None:
        """Return the seconds that its training takes as a whole, by how far it is; None as long as that says little."""
        if self.training is None or self.share < 0.1 or self.told - self.training < SOON:
            return None
        return (self.told - self.training) / self.share


@dataclass
class _Once:
    """Features that are being extracted."""

    of: Kind
    pace: "Pace"
    start: float
    done: int = 0
    total: int = 1


class Pace:
    """Estimate the time left of one piece of work from how far it was when.

    The first step pays for what is set up, so the pace begins after it; and the later half counts, as work may get
    slower or faster.
    """

    def __init__(self) -> None:
        self.told: list[tuple[float, int]] = []

    def tell(self, now: float, done: int) -> None:
        """Note how far it is."""
        if not self.told or done > self.told[-1][1]:
            self.told.append((now, done))
            if len(self.told) > 512:
                del self.told[2:-1:2]

    def left(self, now: float, total: int) -> float | None:
        """Return the seconds to go; None as long as they would mean nothing."""
        moved = self.told[1:]  # without how far it was before its first step
        if len(moved) <= FEWEST or (moved[-1][0] - moved[0][0] < SOON and moved[-1][1] < total / 10):
            return None
        (first, before), (last, done) = moved[0], moved[-1]
        middle = next(each for each in moved if each[0] >= (first + last) / 2)
        if middle[1] < done and middle[0] < last:
            first, before = middle
        seconds = (last - first) / (done - before)
        return max(0.0, seconds * (total - done) - (now - last))


@dataclass
class Forecast:
    """Estimate the seconds until all cells are done.

    A cell takes as long as others of its strategy, backbone, transfer and budget have; before one of these is done, as
    the pace of a training that runs says, as others of its strategy by their weight, and else as others of its
    backbone. What was spent once for many cells, such as features or the start of a worker, is left out of that;
    features are counted by themselves. Where too much of the work is of a kind that nothing is known of, nothing is
    said.
    """

    jobs: Sequence[Job] = ()
    workers: int = 1
    running: dict[str, _Running] = field(default_factory=dict)
    waiting: dict[str, Job] = field(default_factory=dict)
    taken: list[tuple[Job, float]] = field(default_factory=list)
    once: dict[str, _Once] = field(default_factory=dict)
    spent_once: dict[Kind, float] = field(default_factory=dict)  # seconds, of features that were begun or found

    def __post_init__(self) -> None:
        self.known = {job.id: job for job in self.jobs}
        self.waiting = dict(self.known)

    # ---- what happens --------------------------------------------------------------------------------------

    def start(self, cell: str, now: float) -> None:
        """Note that a cell was handed out."""
        self.waiting.pop(cell, None)
        if cell in self.known:
            self.running[cell] = _Running(self.known[cell], now, len(self.running) + len(self.taken) < self.workers)

    def train(self, cell: str, done: int, total: int, now: float) -> None:
        """Note how far a cell's training is."""
        own = self.running.get(cell)
        if own is not None:
            if own.training is None or done == 0:
                own.training, own.share = now, 0.0
                own.began = now if own.began is None else own.began
            own.share, own.told = done / max(1, total), now

    def extract(self, cell: str, what: str, done: int, total: int, now: float) -> None:
        """Note how far the features are that a cell extracts, for others too."""
        own = self.running.get(cell)
        if own is None:
            return
        key = f"{what} {cell}"
        if done >= total:
            work = self.once.pop(key, None)
            if work is not None:
                self.spent_once[work.of] = self.spent_once.get(work.of, 0.0) + now - work.start
                for each in self.running.values():  # another worker waits for the same features
                    if each.job.features == work.of:
                        each.excused += now - max(work.start, each.start)
            return
        work = self.once.setdefault(key, _Once(own.job.features, Pace(), now))
        work.done, work.total = done, total
        work.pace.tell(now, done)
        self.spent_once.setdefault(work.of, 0.0)

    def finish(self, cell: str, seconds: float | None, now: float) -> None:
        """Note that a cell is done, and the seconds that it took where it ran, without what serves others too."""
        own = self.running.pop(cell, None)
        if own is not None:
            passed = max(0.0, now - own.start - own.excused) if seconds is None else seconds
            if own.is_first and own.began is not None:
                passed = min(passed, now - own.began + SOON)
            self.taken.append((own.job, passed))
            if own.job.ahead:
                self.spent_once.setdefault(own.job.features, 0.0)  # they lay in the cache

    # ---- what is to come -----------------------------------------------------------------------------------

    def left(self, now: float) -> float | None:
        """Return the seconds until all cells are done, or None as long as they would mean nothing."""
        expect = _Expectation([*self.taken, *self._paced()])
        if not expect.means_something or expect.unknown([*self.waiting.values()]) > UNKNOWN:
            return None
        running = [self._to_go(own, expect, now) for own in self.running.values()]
        ahead = sum(expect.seconds(job) for job in self.waiting.values())
        work = sum(running) + ahead + self._once_to_come(now)
        return max(work / max(1, min(self.workers, len(self.waiting) + len(self.running))), max(running, default=0.0))

    def _paced(self) -> list[tuple[Job, float]]:
        """Return how long running cells will have taken, by how far they are, where none of their like is done."""
        found, done = [], {job.kind for job, _ in self.taken}
        for own in self.running.values():
            if own.whole is not None and own.training is not None and own.job.kind not in done:
                before = max(0.0, own.training - own.start - own.excused)
                found.append((own.job, min(before, SOON) + own.whole))
        return found

    def _to_go(self, own: _Running, expect: "_Expectation", now: float) -> float:
        if own.whole is not None:  # by its own pace it would follow what others do on the machine for a moment
            return max(0.0, (1 - (1 - AFTER) * own.share) * expect.seconds(own.job) - (now - own.told))
        if any(work.of == own.job.features for work in self.once.values()):
            return expect.seconds(own.job)  # it begins when the features are there
        return max(0.0, expect.seconds(own.job) - (now - own.start - own.excused))

    def _once_to_come(self, now: float) -> float:
        """Return the seconds of features that are being extracted, and of those that nobody has begun with."""
        going, begun = 0.0, {work.of for work in self.once.values()}
        for work in self.once.values():
            left = work.pace.left(now, work.total)
            passed = now - work.start
            going += left if left is not None else passed / max(1, work.done) * (work.total - work.done)
        costs = {job.features: job.ahead for job in self.jobs if job.ahead}
        done = [(costs[of], seconds) for of, seconds in self.spent_once.items() if of in costs and of not in begun]
        units = sum(cost for cost, seconds in done if seconds)
        rate = sum(seconds for _, seconds in done) / units if units else 0.0
        return going + rate * sum(cost for of, cost in costs.items() if of not in self.spent_once)


class _Expectation:
    """Expect of cells what other cells took."""

    def __init__(self, taken: Sequence[tuple[Job, float]]) -> None:
        self.levels: list[dict[tuple[object, ...], float]] = [
            _grouped(taken, lambda job: job.kind, lambda job: 1.0),
            _grouped(taken, lambda job: (*job.kind[:3], job.weight > 0), _unit),
            _grouped(taken, lambda job: (*job.kind[:2], job.weight > 0), _unit),
            _grouped(taken, lambda job: (job.kind[1], job.weight > 0), _unit),
            _grouped(taken, lambda job: (job.weight > 0,), _unit),
        ]
        self.means_something = len(taken) >= FEWEST

    def seconds(self, job: Job) -> float:
        """Return what a cell takes; 0 where nothing is known, which is then little."""
        return self._find(job)[0]

    def unknown(self, jobs: Sequence[Job]) -> float:
        """Return the share of work of which no cell of the same backbone has told anything, 0 to 1."""
        trained = [job for job in jobs if job.weight]
        lacking = [job for job in trained if self._find(job)[1] >= 4]
        if not trained:
            return float(bool(jobs) and not any(self._find(job)[1] <= 4 for job in jobs))
        return sum(job.weight for job in lacking) / sum(job.weight for job in trained)

    def _find(self, job: Job) -> tuple[float, int]:
        trained = job.weight > 0
        keys: list[tuple[object, ...]] = [
            job.kind, (*job.kind[:3], trained), (*job.kind[:2], trained), (job.kind[1], trained), (trained,),
        ]  # fmt: skip
        for level, (known, key) in enumerate(zip(self.levels, keys, strict=True)):
            if key in known:
                return known[key] * (_unit(job) if level else 1.0), level
        return 0.0, len(keys)


def _unit(job: Job) -> float:
    return job.weight or 1.0


def _grouped(
    taken: Iterable[tuple[Job, float]], key: Callable[[Job], tuple[object, ...]], unit: Callable[[Job], float]
) -> dict[tuple[object, ...], float]:
    """Return the median seconds of a unit of each group: of two the lower, as first cells pay for imports."""
    groups: dict[tuple[object, ...], list[float]] = {}
    for job, seconds in taken:
        groups.setdefault(key(job), []).append(seconds / unit(job))
    return {name: statistics.median_low(values) for name, values in groups.items()}
