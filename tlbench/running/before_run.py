"""Prepare a run: refuse what would go wrong, find which cells are missing, encode, look for copies."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from tlbench.contract import GIVEN, Cell, Plan, SplitFinding, Strategy, canonical
from tlbench.data import (
    Resources,
    contamination_findings,
    contrast_finding,
    find_contamination,
    without_copies,
)
from tlbench.errors import ParameterError, StoreError
from tlbench.learning import probe_features
from tlbench.results import Store
from tlbench.running.cell_setup import division_of
from tlbench.running.estimate import training_steps


def with_copies_of_test_inputs(plan: Plan, resources: Resources, *, search: bool = True) -> tuple[Plan, list[str]]:
    """Return the plan with findings on test inputs that stand in other data too, and all that is said of copies.

    They take the place of what datasets say of copies across their own splits. Without `search` nothing is decoded:
    what no earlier run has looked for is not said.
    """
    found = {}
    for cell in plan.cells:
        division = division_of(cell, resources)
        key = (cell.transfer, cell.backbone, canonical(division.identity))
        if key not in found:
            found[key] = find_contamination(resources, cell.transfer, cell.backbone, division, search=search)
    kept = without_copies(plan.findings, list(found.values()))
    said = contamination_findings(list(found.values()))
    return replace(plan, findings=(*kept, *said)), [*(each for each in kept if isinstance(each, SplitFinding)), *said]


def with_opposite_contrasts(plan: Plan, resources: Resources) -> tuple[Plan, list[str]]:
    """Return the plan with findings on sources whose images are dark where the target's are light, and these alone."""
    pairs = dict.fromkeys((cell.transfer, cell.backbone) for cell in plan.cells)
    said = list(dict.fromkeys(filter(None, (contrast_finding(*pair, resources) for pair in pairs))))
    return replace(plan, findings=(*plan.findings, *said)), said


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


def refuse_a_file(folder: Path | str | None) -> None:
    """Raise ParameterError where results would go to what is no folder; before any work."""
    if folder is not None:
        blocking = next((each for each in (Path(folder), *Path(folder).parents) if each.exists()), None)
        if blocking is not None and not blocking.is_dir():
            raise ParameterError(f"results cannot go to {folder}: {blocking} is a file. Give a folder with --out.")


def pending_cells(
    plan: Plan, store: Store, retry_failed: bool = False, resources: Resources | None = None
) -> list[Cell]:
    """Return the cells whose records are missing, or failed where those are to be tried again.

    One replicate after the other: what is interrupted has something of every row, and what is left can be forecast.
    Within a replicate those that take longest come first, so that no worker is left alone with them at the end:
    those with a source, then those that train for more steps. Ensembles come last, after their members.
    """
    stored = store.cells()
    missing = [cell for cell in plan.cells if cell.id not in stored or (retry_failed and not store.read(cell.id).ok)]
    steps = {cell.id: training_steps(cell, resources) if resources else 0 for cell in missing}
    return sorted(
        missing,
        key=lambda cell: (bool(cell.members), cell.replicate, not cell.transfer.has_source, -steps[cell.id]),
    )


def encode_all(cells: Sequence[Cell], resources: Resources, say: Callable[[str], None]) -> dict[str, float]:
    """Encode every split that the cells need: a damaged example is known before anything is trained.

    So is a network that gives no features: each backbone is tried on two examples. Return the seconds that each takes
    for one.
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
    probed: dict[str, float] = {}
    for dataset, domain, split, backbone in wanted:
        made = resources.cache.made
        count = len(resources.encoded(dataset, domain, split, backbone).labels)
        if resources.cache.made > made:
            say(f"encoded {count:,} examples of {resources.dataset(dataset).dataset.label}, {domain}, {split}")
        if backbone not in probed:
            entry = resources.backbone(backbone)
            probed[backbone] = probe_features(
                entry.backbone, entry.weights, resources.encoded(dataset, domain, split, backbone).inputs[:2]
            )
    return probed
