"""Run a plugin beside the kit's own, small as it is, at two batch sizes and as one that was interrupted."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.contract import Block, Plan, Protocol, Recipe, Suite
from tlbench.data import Cache, Resources
from tlbench.errors import TlbenchError
from tlbench.host import sentence_of
from tlbench.planning import make_plan
from tlbench.results import Results, Store
from tlbench.running import Where, execute_plan
from tlbench.testing.beside import Beside
from tlbench.testing.dataset_subject import scratch_folder
from tlbench.testing.error import ConformanceError
from tlbench.testing.surroundings import as_in_a_run

REPLICATES = 2
BATCHES = (16, 5)  # the second leaves a rest of nearly every number of examples


@dataclass(frozen=True)
class Crossed:
    """Name what is crossed in a run, and under which protocol."""

    strategies: tuple[str, ...]
    backbones: tuple[str, ...]
    datasets: tuple[str, ...]
    budgets: tuple[str, ...]
    steps: int = 4
    protocol: Protocol = field(default_factory=Protocol)

    def suite(self, batch: int) -> Suite:
        """Return the suite at a batch size."""
        block = Block(self.strategies, self.backbones, self.datasets, self.budgets)
        recipe = Recipe(steps=self.steps, batch_size=batch, evaluate_every=2)
        return Suite("small run", (block,), replicates=REPLICATES, recipe=recipe, protocol=self.protocol)


@dataclass(eq=False)
class SmallRun:
    """Hold a run, made when it is first looked at. What goes wrong is a ConformanceError that names the plugin."""

    name: str
    catalog: Beside
    crossed: Crossed

    @cached_property
    def resources(self) -> Resources:
        """Return what the runs stand on, with a cache of their own."""
        return Resources(self.catalog, Cache(scratch_folder()))

    @cached_property
    def folders(self) -> dict[int, Path]:
        """Return the folder of results for each batch size."""
        return {batch: self._run(batch, scratch_folder()) for batch in BATCHES}

    @cached_property
    def results(self) -> dict[int, Results]:
        """Return the results at each batch size; raise ConformanceError where a cell failed."""
        found = {batch: Results(folder) for batch, folder in self.folders.items()}
        for batch, results in found.items():
            broken = next((record for record in results.records if record.failure), None)
            if broken is not None and broken.failure is not None:
                labels, failure = broken.labels, broken.failure
                raise ConformanceError(
                    f"{self.name}: in a small run with batches of {batch}, {labels['strategy']} on "
                    f"{labels['backbone']} and {labels['transfer']} failed: {failure.kind}: {failure.message}"
                )
        return found

    def plan(self, batch: int) -> Plan:
        """Return the plan at a batch size."""
        with self._said("a small run"):
            return make_plan(self.crossed.suite(batch), self.resources)

    def _run(self, batch: int, folder: Path) -> Path:
        plan = self.plan(batch)
        with self._said("a small run"), as_in_a_run():
            execute_plan(plan, self.resources, Store(folder, create=True), Where("cpu", 1, 1))
        return folder

    @cached_property
    def resumed(self) -> Results:
        """Return the results of a run that lost every second record, and went on in another process's place."""
        batch, folder = BATCHES[-1], scratch_folder()
        store = Store(folder, create=True)
        whole = Store(self.folders[batch])
        for cell in sorted(whole.cells())[::2]:
            store.write(whole.read(cell), whole.predictions(cell) if whole.read(cell).ok else None)
        fresh = SmallRun(self.name, self.catalog, self.crossed)
        return Results(fresh._run(batch, folder))

    def rows(self, batch: int) -> list[dict[Any, Any]]:
        """Return the rows of all tables."""
        results = self.results[batch]
        return [row for metric in results.primaries for row in results.summary(metric).to_dict("records")]

    @contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """Turn what goes wrong into a ConformanceError that says where."""
        try:
            yield
        except ConformanceError:
            raise
        except TlbenchError as error:
            raise ConformanceError(f"{self.name}: {what} was refused: {error}") from error
        except Exception as error:
            raise ConformanceError(sentence_of(error, f"{self.name}: {what}")) from error


def hold_rows(run: SmallRun, rows: int, where: str) -> None:
    """Raise ConformanceError unless both tables have so many rows, each with all replicates and a name of its own."""
    for batch in BATCHES:
        found = run.rows(batch)
        names = {(row["transfer"], row["backbone"], row["budget"], row["setting"], row["label"]) for row in found}
        short = next((row for row in found if row["n"] + row["copies"] != REPLICATES), None)
        if len(found) != rows or len(names) != rows or short is not None:
            said = f"{short['label']} has n = {short['n']}" if short else f"{len(found)} rows, {len(names)} names"
            raise ConformanceError(
                f"{run.name}: a small run of {where} should give {rows} rows of {REPLICATES} replicates each, with "
                f"names of their own, and gives {said}. Give things that differ other names, versions or parameters."
            )


def hold_sane(run: SmallRun, least: Mapping[str, float]) -> None:
    """Raise ConformanceError unless all scores are numbers from 0 to 1, and those of some strategies high enough.

    `least` says for each of these what its best row must reach, at each batch size.
    """
    for batch in BATCHES:
        rows = run.rows(batch)
        strange = next((row for row in rows if not 0 <= row["mean"] <= 1), None)
        if strange is not None:
            raise ConformanceError(
                f"{run.name}: in a small run with batches of {batch}, {strange['label']} on {strange['backbone']} "
                f"scores {strange['mean']:.3g}; an accuracy is a number from 0 to 1."
            )
        for strategy, wanted in least.items():
            best = max((row["mean"] for row in rows if row["strategy"] == strategy), default=0.0)
            if best < wanted:
                raise ConformanceError(
                    f"{run.name}: in a small run with batches of {batch}, {strategy} scores {best:.2f} on an easy "
                    f"problem, where {wanted:.2f} would be clearly better than a guess."
                )


def hold_resumed(run: SmallRun) -> None:
    """Raise ConformanceError unless a run that was interrupted ends with the same tables and the same predictions."""
    whole, resumed = run.results[BATCHES[-1]], run.resumed
    pairs = zip(whole.records, resumed.records, strict=False)
    other = next((one for one, two in pairs if (one.cell, _bits(one)) != (two.cell, _bits(two))), None)
    if other is not None or len(whole.records) != len(resumed.records):
        named = f"{other.labels['strategy']} on {other.labels['backbone']}" if other is not None else "a cell"
        raise ConformanceError(
            f"{run.name}: a run that was interrupted and goes on ends otherwise than one in one go: {named} predicts "
            "something else, or is another cell. Draw from bench.generator('purpose'), keep nothing on a class or in a "
            "module, and let names and versions never change by themselves."
        )
    for metric in whole.primaries:
        if not _equal(whole, resumed, metric):
            raise ConformanceError(f"{run.name}: the table of {metric} differs after a run was interrupted.")


def _bits(record: Any) -> Any:
    return record.digests.get("predictions"), record.scores


def _equal(one: Results, other: Results, metric: str) -> bool:
    columns = ["label", "backbone", "transfer", "budget", "n", "mean", "seed_low", "seed_high", "delta", "verdict"]
    first, second = (each.summary(metric)[columns] for each in (one, other))
    same: Sequence[bool] = [
        np.array_equal(first[name].to_numpy(), second[name].to_numpy(), equal_nan=first[name].dtype.kind == "f")
        for name in columns
    ]
    return all(same)
