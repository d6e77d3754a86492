"""Measure how far a cell's logits move between environments: the table that `tlbench verify` judges reruns by.

    python benchmarks/environments.py --work FOLDER [--python OTHER/bin/python ...]

The same cells, on the embedded network and the digits, are run in a process and a cache of their own under each
environment: three OPENBLAS_CORETYPE values, two ATEN_CPU_CAPABILITY values, an older processor (all libraries held to
AVX2), two threads, and the torch of each further interpreter that is given. Each is compared with the first. Written is
a line for each kind of strategy and kind of change, with the largest distances; what was run is kept in FOLDER.
"""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from tlbench.results import Store

TABLE = Path(__file__).parents[1] / "plugins" / "tlbench_leaderboard" / "environments.csv"
NETWORKS = {"test_resnet.glyphs": "pretrained", "test_resnet.glyphs(pretrained=false)": "random"}
KINDS = {
    "closed-form": ("prototypes", "nearest-mean", "simpleshot", "ridge-probe"),
    "neighbours": ("nearest-neighbours", "label-propagation", "laplacian-shot"),
    "solver": ("linear-probe",),
    "fine-tuning": ("finetune", "mlp-probe", "last-layers", "lp-ft", "l2-sp", "layer-decay"),
    "sensitive": ("scratch", "lora", "bitfit", "norm-tuning"),  # many steps from a random start, or large ones
}
TRAINED = ("fine-tuning", "sensitive")  # by gradients
STEPS = (60, 240)  # of what is trained by gradients
FIRST = {"OPENBLAS_CORETYPE": "SkylakeX"}
CHANGES: dict[str, tuple[dict[str, str], ...]] = {
    "blas core": ({"OPENBLAS_CORETYPE": "Haswell"}, {"OPENBLAS_CORETYPE": "Sandybridge"}),
    "cpu capability": ({"ATEN_CPU_CAPABILITY": "avx2"}, {"ATEN_CPU_CAPABILITY": "default"}),
    "processor": (
        {
            "OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
        },
    ),
    "threads": ({"THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"},),
}  # fmt: skip
COLUMNS = (
    "kind", "strategies", "change", "steps", "cells", "items", "logits_apart", "relative", "predictions_changed",
    "share_changed", "score_apart", "measured",
)  # fmt: skip


@dataclass(frozen=True)
class Environment:
    """Hold an interpreter and the variables that its process is given."""

    change: str
    python: str
    variables: dict[str, str]

    @property
    def name(self) -> str:
        """Return what is written of it, without the path of the interpreter."""
        said = [f"{key}={value}" for key, value in self.variables.items()]
        return " ".join(said) if self.change != "torch" else f"torch {_version(self.python)}"


@dataclass
class Distance:
    """Hold the largest distances of the cells of one kind under one change."""

    cells: int = 0
    items: int = 0
    logits: float = 0.0
    relative: float = 0.0
    changed: int = 0
    share: float = 0.0
    score: float = 0.0

    def add(self, one: np.ndarray, other: np.ndarray, labels: np.ndarray) -> None:
        """Take the distance of two logits (N, C) in."""
        apart = float(np.abs(one.astype(np.float64) - other).max())
        changed = int((one.argmax(1) != other.argmax(1)).sum())
        right = [float((each.argmax(1) == labels).mean()) for each in (one, other)]
        self.cells += 1
        self.items = len(labels)
        self.logits = max(self.logits, apart)
        self.relative = max(self.relative, apart / max(float(np.abs(one).max()), 1e-12))
        self.changed = max(self.changed, changed)
        self.share = max(self.share, changed / len(labels))
        self.score = max(self.score, abs(right[0] - right[1]))


@click.command()
@click.option("--work", type=click.Path(path_type=Path), required=True, help="What was run; goes on from there.")
@click.option("--python", "others", multiple=True, help="An interpreter with tlbench and another torch. Repeatable.")
@click.option("--out", type=click.Path(path_type=Path), default=TABLE, show_default="the leaderboard plugin's table")
@click.option("--replicates", default=3, show_default=True)
def main(work: Path, others: tuple[str, ...], out: Path, replicates: int) -> None:
    """Run what `work` lacks, compare each environment with the first, and write the table."""
    here = Environment("first", sys.executable, FIRST)
    environments = [
        Environment(change, sys.executable, {**FIRST, **variables})
        for change, several in CHANGES.items()
        for variables in several
    ]
    environments += [Environment("torch", python, FIRST) for python in others]
    first = _run(here, work / "first", replicates)
    found: dict[tuple[str, str, int], Distance] = {}
    names: dict[str, list[str]] = {}
    for number, environment in enumerate(environments):
        folder = _run(environment, work / f"{number}-{environment.change.replace(' ', '-')}", replicates)
        names.setdefault(environment.change, []).append(environment.name)
        for steps, one, other in _pairs(first, folder):
            kind = next(kind for kind, known in KINDS.items() if one[0] in known)
            key = (kind, environment.change, steps if kind in TRAINED else 0)
            found.setdefault(key, Distance()).add(one[1], other, one[2])
        click.echo(f"compared: {environment.name}")
    with out.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for (kind, change, steps), far in found.items():
            table.writerow(
                [
                    kind, " ".join(KINDS[kind]), change, steps or "", far.cells, far.items, f"{far.logits:.3g}",
                    f"{far.relative:.3g}", far.changed, f"{far.share:.5f}", f"{far.score:.5f}",
                    f"from {here.name} torch {_version(here.python)} to {'; '.join(names[change])}",
                ]
            )  # fmt: skip
    click.echo(out.read_text())


def _version(python: str) -> str:
    asked = subprocess.run([python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True)
    return asked.stdout.strip()


def _run(environment: Environment, folder: Path, replicates: int) -> Path:
    """Run the cells in a process of an environment, as far as they are not there, and return the folder."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("OPENBLAS_", "ATEN_"))}
    variables |= environment.variables | {"TLBENCH_CACHE": str(folder / "cache")}
    subprocess.run([environment.python, __file__, "cells", str(folder), str(replicates)], env=variables, check=True)
    return folder


def run_cells(folder: Path, replicates: int) -> None:
    """Run all cells in this process, of each number of steps into a folder of its own."""
    import tlbench
    from tlbench import Block, Recipe, Suite

    threads = int(os.environ.get("THREADS", "1"))
    for steps in STEPS:
        trained = tuple(name for kind in TRAINED for name in KINDS[kind])
        blocks = [Block(trained, tuple(NETWORKS), ("digits[->handwritten]",), ("5-shot",))]
        if steps == STEPS[0]:
            frozen = tuple(name for kind, names in KINDS.items() if kind not in TRAINED for name in names)
            blocks.append(Block(frozen, tuple(NETWORKS), ("digits[->handwritten]",), ("1-shot", "5-shot")))
        suite = Suite("environments", tuple(blocks), replicates=replicates, recipe=Recipe(steps=steps))
        tlbench.run(suite, out=folder / f"steps-{steps}", threads=threads, cache=folder / "cache", device="cpu")


def _pairs(first: Path, other: Path) -> Iterator[tuple[int, tuple[str, np.ndarray, np.ndarray], np.ndarray]]:
    """Yield steps, the strategy with logits and labels, and the logits of the other environment, of each cell."""
    for steps in STEPS:
        here, there = Store(first / f"steps-{steps}"), Store(other / f"steps-{steps}")
        for cell in sorted(here.cells() & there.cells()):
            record = here.read(cell)
            one, two = here.predictions(cell), there.predictions(cell)
            yield steps, (record.identity["strategy"]["name"], one.logits, one.labels), two.logits


if __name__ == "__main__":
    if sys.argv[1:2] == ["cells"]:
        run_cells(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
