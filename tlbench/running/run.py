"""Run a suite from Python, as the command line does."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from tlbench.contract import GIVEN, Cell, Plan, Strategy, Suite, canonical, load_suite
from tlbench.data import Cache, Resources, contamination_findings, find_contamination
from tlbench.errors import ParameterError, StoreError
from tlbench.host import Catalog, Host
from tlbench.learning import probe_features, resolve_device
from tlbench.planning import make_plan
from tlbench.results import Results, Store
from tlbench.running.draw_task import division_of
from tlbench.running.trackers import follow, open_trackers
from tlbench.running.tuning import import_optuna
from tlbench.running.workers import Finished, Started, Where, run_cells

DEFAULT_SUITE = "quick"


def find_suite(suite: Suite | str | Path, catalog: Catalog) -> Suite:
    """Return a suite from itself, from a TOML file or by name."""
    if isinstance(suite, Suite):
        return suite
    path = Path(suite)
    if path.suffix == ".toml" or path.is_file():
        return load_suite(path)
    return catalog.suite(str(suite))


def default_output(suite: Suite) -> Path:
    """Return where results go when nobody says: a stable place, so that a second run resumes the first."""
    return Path("tlbench-results") / suite.name


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
    cache: Path | str | None = None,
) -> Results:
    """Run what the output folder lacks of a suite, and return all its results.

    `suite` is a Suite, the name of one, or a TOML file. `plugins` are local plugin files. `track` names trackers to
    tell, as `NAME:PLACE`. With `jobs` above 1
    worker processes are started: a script that does so needs the usual `if __name__ == "__main__":`.
    Raises TlbenchError before anything runs where a name, a file or a folder is wrong.
    """
    host = Host(plugins)
    resources = Resources(Catalog(host), Cache(Path(cache) if cache else None))
    chosen = find_suite(suite, resources.catalog)
    where = Where(device, jobs, threads)
    resolve_device(device)
    if chosen.tune:
        import_optuna()
    plan = make_plan(chosen, resources)
    trackers = open_trackers(track, plan, resources.catalog)
    folder = refuse_inside_data(Path(out) if out else default_output(chosen), plan, resources)
    store = Store(folder, create=True)
    follow(trackers, host.manager, store, retry_failed, lambda text: print(text, file=sys.stderr))
    execute_plan(plan, resources, store, where, retry_failed=retry_failed)
    return Results(store.folder)


def execute_plan(
    plan: Plan,
    resources: Resources,
    store: Store,
    where: Where,
    *,
    retry_failed: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> int:
    """Run the cells that the store lacks, telling every observer; return how many were run."""
    hook = resources.catalog.host.manager.hook
    refuse_to_mix(plan, store)
    store.remove_leftovers()
    pending = pending_cells(plan, store, retry_failed)
    events = run_cells(pending, resources, store, where)  # workers start up while this process encodes
    encode_all(pending, resources, say)
    copies = copies_of_test_inputs(plan, resources)
    for sentence in copies:
        say(f"note: {sentence}")
    store.write_plan(replace(plan, findings=(*plan.findings, *copies)).summary())
    for division in (division_of(cell, resources) for cell in plan.cells):
        if division.table is not None:
            store.write_splits(division.table.digest, division.table.text())
    hook.tlbench_run_started(plan=plan)
    try:
        for event in events:
            match event:
                case Started(cell, position):
                    hook.tlbench_cell_started(cell=cell, position=position, total=len(pending))
                case Finished(cell, record):
                    hook.tlbench_cell_finished(cell=cell, record=record)
    finally:
        hook.tlbench_run_finished(results_dir=store.folder)
    return len(pending)


def copies_of_test_inputs(plan: Plan, resources: Resources, *, search: bool = True) -> list[str]:
    """Return sentences on test inputs that stand in training, source or upstream data too.

    Without `search` nothing is decoded: what no earlier run has looked for is not said.
    """
    found = {}
    for cell in plan.cells:
        division = division_of(cell, resources)
        key = (cell.transfer, cell.backbone, canonical(division.identity))
        if key not in found:
            found[key] = find_contamination(resources, cell.transfer, cell.backbone, division, search=search)
    return contamination_findings(list(found.values()), plan.findings)


def refuse_to_mix(plan: Plan, store: Store) -> None:
    """Raise StoreError where a folder holds results under another protocol or recipe: one table cannot hold both."""
    stored = store.read_plan().get("suite", {})
    for what, mine in (("protocol", asdict(plan.suite.protocol)), ("recipe", asdict(plan.suite.recipe))):
        other = {**mine, **stored.get(what, mine)}
        if what == "protocol" and "splits" not in stored.get(what, mine):
            other["splits"] = GIVEN  # of a folder that was written before there was a choice
        changed = [key for key, value in mine.items() if other[key] != value]
        if changed:
            key = changed[0]
            raise StoreError(
                f"{store.folder} holds results with {key} {other[key]!r} in its {what}, and these would have "
                f"{mine[key]!r}. Give another folder with --out."
            )


def refuse_inside_data(folder: Path, plan: Plan, resources: Resources) -> Path:
    """Return the results' folder; raise ParameterError where it lies in a folder of data, which it would become."""
    for spec in dict.fromkeys(cell.transfer.dataset for cell in plan.cells):
        dataset = resources.dataset(spec).dataset
        place = getattr(dataset, dataset.locator) if dataset.locator else None
        around = place.expanduser().resolve() if isinstance(place, Path) else None
        if around is not None and around.is_dir() and folder.resolve().is_relative_to(around):
            raise ParameterError(
                f"results would go to {folder}, which lies inside the data {spec!r} and would be read as a part of "
                f"them. Give a folder outside with --out."
            )
    return folder


def pending_cells(plan: Plan, store: Store, retry_failed: bool = False) -> list[Cell]:
    """Return the cells whose records are missing, or failed where those are to be tried again.

    Those with a source come first: they take longest, and no worker should be left alone with them at the end.
    Ensembles come last, after their members.
    """
    stored = store.cells()
    missing = [cell for cell in plan.cells if cell.id not in stored or (retry_failed and not store.read(cell.id).ok)]
    return sorted(missing, key=lambda cell: (bool(cell.members), not cell.transfer.has_source))


def encode_all(cells: Sequence[Cell], resources: Resources, say: Callable[[str], None]) -> None:
    """Encode every split that the cells need: a damaged example is known before anything is trained.

    So is a network that gives no features: each backbone is tried on two examples.
    """
    wanted: dict[tuple[str, str, str, str], None] = {}
    for cell in cells:
        transfer = cell.transfer
        division = division_of(cell, resources)
        for split in division.splits(transfer.target):
            if split != "val" or cell.protocol.validation > 0:
                for own, _ in division.parts(transfer.target, split):
                    wanted[transfer.dataset, transfer.target, own, cell.backbone] = None
        if transfer.source_dataset is not None and transfer.source is not None:
            wanted[transfer.source_dataset, transfer.source, "train", cell.backbone] = None
            strategy, _ = resources.catalog.strategy(cell.strategy)
            if type(strategy).source_classifier is not Strategy.source_classifier:
                wanted[transfer.source_dataset, transfer.source, "test", cell.backbone] = None
    probed: set[str] = set()
    for dataset, domain, split, backbone in wanted:
        made = resources.cache.made
        count = len(resources.encoded(dataset, domain, split, backbone).labels)
        if resources.cache.made > made:
            say(f"encoded {count:,} examples of {resources.dataset(dataset).dataset.label}, {domain}, {split}")
        if backbone not in probed:
            probed.add(backbone)
            entry = resources.backbone(backbone)
            probe_features(
                entry.backbone, entry.weights, resources.encoded(dataset, domain, split, backbone).inputs[:2]
            )
