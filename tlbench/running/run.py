"""Run a suite from Python, as the command line does."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tlbench.contract import Cell, Plan, Record, Round, Suite, load_suite
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.learning import resolve_device
from tlbench.planning import make_plan
from tlbench.progress import phase, tell
from tlbench.results import MARKER, USUAL, Store
from tlbench.running.before_run import (
    encode_all,
    pending_cells,
    refuse_a_file,
    refuse_inside_data,
    refuse_to_mix,
    with_copies_of_test_inputs,
    with_opposite_contrasts,
)
from tlbench.running.cell_setup import division_of
from tlbench.running.estimate import jobs_of
from tlbench.running.forecast import Job
from tlbench.running.progress_bars import showing
from tlbench.running.quiet import hearing
from tlbench.running.trackers import follow, open_trackers
from tlbench.running.tuning import import_optuna
from tlbench.running.workers import Finished, Started, Where, run_cells

if TYPE_CHECKING:
    from tlbench.results import Results  # with pandas, which a plan has no use for

DEFAULT_SUITE = "quick"


def find_suite(suite: Suite | str | Path, catalog: Catalog) -> Suite:
    """Return a suite from itself, from a TOML file or by name."""
    if isinstance(suite, Suite):
        return suite
    path = Path(suite)
    if path.suffix == ".toml" or path.is_file():
        return load_suite(path)
    return catalog.suite(str(suite))


def default_output(suite: Suite, held: Round | None = None) -> Path:
    """Return where results go when nobody says: a stable place, so that a second run resumes the first.

    What the command line chose is kept apart from another choice of the same name: the second has a number.
    """
    name = suite.name if held is None else f"{suite.name}-{held.name}"
    for number in count(1):
        folder = USUAL / (name if number == 1 else f"{name}-{number}")
        if not suite.narrows or _holds(folder) in (None, suite.selects):
            return folder
    raise AssertionError("there is always another number")


def _holds(folder: Path) -> dict[str, object] | None:
    """Return what the last run into a folder selected; None where there was none."""
    planned = Store(folder).read_plan().get("suite") if (folder / MARKER).is_file() else None
    if planned is None:
        return None
    return {key: planned.get(key) for key in ("blocks", "protocol", "recipe", "selection", "tune")}


def default_jobs(device_type: str, threads: int) -> int:
    """Return one worker per core that this process may use, or one worker for a GPU."""
    import psutil

    if device_type != "cpu":
        return 1
    process = psutil.Process()
    cores = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count() or 1
    return max(1, cores // threads)


def run(
    suite: Suite | str | Path = DEFAULT_SUITE,
    *,
    out: Path | str | None = None,
    device: str = "auto",
    jobs: int = 1,
    threads: int = 1,
    plugins: Sequence[str | Path] = (),
    retry_failed: bool = False,
    track: Sequence[str] = (),
    metric: str | None = None,
    cache: Path | str | None = None,
    progress: bool = True,
) -> "Results":
    """Run what the output folder lacks of a suite, and return all its results.

    `suite` is a Suite, the name of one, or a TOML file. `plugins` are local plugin files. `track` names trackers to
    tell, as `NAME:PLACE`. `metric` is what the results go by, in the place of the suite's own. With `jobs` above 1
    worker processes are started: a script that does so needs the usual `if __name__ == "__main__":`. How far it is is
    shown on stderr, by bars on a terminal and else by a line now and then; `progress=False` shows nothing.
    Raises TlbenchError before anything runs where a name, a file or a folder is wrong.
    """
    from tlbench.results import Results

    refuse_a_file(out)
    with showing("starting", quiet=not progress) as watch, hearing() as heard:
        host = Host(plugins)
        resources = Resources(Catalog(host), Cache(Path(cache) if cache else None))
        tell("starting", 1, 1)
        chosen = find_suite(suite, resources.catalog)
        chosen = replace(chosen, metric=metric) if metric else chosen
        where = Where(device, jobs, threads)
        resolve_device(device)
        if chosen.tune:
            import_optuna()
        with phase("planning"):
            plan = make_plan(chosen, resources)
        trackers = open_trackers(track, plan, resources.catalog)
        folder = refuse_inside_data(Path(out) if out else default_output(chosen), plan, resources)
        store = Store(folder, create=True)
        follow(trackers, host.manager, store, retry_failed, lambda text: print(text, file=sys.stderr))
        execute_plan(plan, resources, store, where, retry_failed=retry_failed, watch=watch)
    store.write_warnings(heard)
    return Results(store.folder, catalog=resources.catalog)


class Watch(Protocol):
    """Be told how a run goes."""

    def begin(self, plan: Plan, jobs: Sequence[Job], workers: int) -> None:
        """Be told which cells will be run."""

    def started(self, cell: Cell) -> None:
        """Be told that a cell was handed out."""

    def finished(self, cell: Cell, record: Record, seconds: float | None) -> None:
        """Be told that a cell is done, and the seconds that it took, without what serves other cells too."""

    def wait(self, what: str, done: int, total: int, cell: str) -> None:
        """Be told how far long work is; a listener for `tlbench.progress`."""

    def end(self) -> None:
        """Be told that the last cell is done, or that the run broke off."""


def execute_plan(
    plan: Plan,
    resources: Resources,
    store: Store,
    where: Where,
    *,
    retry_failed: bool = False,
    say: Callable[[str], None] = lambda text: None,
    watch: Watch | None = None,
) -> int:
    """Run the cells that the store lacks, telling every observer; return how many were run."""
    hook = resources.catalog.host.manager.hook
    refuse_to_mix(plan, store)
    store.remove_leftovers()
    pending = pending_cells(plan, store, retry_failed, resources)
    events = run_cells(pending, resources, store, where)  # workers start up while this process encodes
    seconds = encode_all(pending, resources, say)
    with phase("looking for copies of test inputs"):
        whole, copies = with_copies_of_test_inputs(plan, resources)
        whole, opposite = with_opposite_contrasts(whole, resources)
    for sentence in (*copies, *opposite):
        say(f"note: {sentence}")
    store.write_plan(whole.summary())
    for division in (division_of(cell, resources) for cell in plan.cells):
        if division.table is not None:
            store.write_splits(division.table.digest, division.table.text())
    if watch is not None:
        watch.begin(plan, jobs_of(pending, resources, seconds), where.jobs)
    hook.tlbench_run_started(plan=plan)
    try:
        for event in events:
            match event:
                case Started(cell, position):
                    if watch is not None:
                        watch.started(cell)
                    hook.tlbench_cell_started(cell=cell, position=position, total=len(pending))
                case Finished(cell, record, spent):
                    if watch is not None:
                        watch.finished(cell, record, spent)
                    hook.tlbench_cell_finished(cell=cell, record=record)
    finally:
        if watch is not None:
            watch.end()
        hook.tlbench_run_finished(results_dir=store.folder)
    return len(pending)
