"""Run MNIST and USPS in both directions, as ADDA's authors and as skada-bench set it up."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tlbench import Block, Recipe, Suite
from tlbench_golden.check import Checks, Row, Setup
from tlbench_golden.runs import accuracies

CHECKS = Checks()
FILES = ("mnist/mnist.npz", "usps/usps.npz")
# Four pixels of padding aside, both sources of numbers use networks of LeNet's size; this one has 0.37 M parameters.
BACKBONE = "test_resnet(input_size=32,mean=0.5,std=0.5,crop_pct=1.0,interpolation=bilinear)"
ADAPTATIONS = ("coral", "dann", "adda", "mcc")
UNBOUNDED = float("inf")

# Accuracies by source and target: what each source reports, and the band that they span, 8 points wider either way:
# reimplementations of one source differ by more.
ADDA_TABLES = {
    ("mnist", "usps"): {
        "source-only": ("paper .752, pytorch-adda .750, .862", 0.67, 0.95),
        "dann": ("paper .771, s-chh .884", 0.69, 0.97),
        "adda": ("paper .894, pytorch-adda .937, .910", 0.81, 1.0),
    },
    ("usps", "mnist"): {
        "source-only": ("paper .571, pytorch-ADDA .631, s-chh .494", 0.41, 0.72),
        "dann": ("paper .730, s-chh .957", 0.65, 1.0),
        "adda": ("paper .901, pytorch-ADDA .882", 0.80, 0.98),
    },
}
# A single source: 5 to 8 points either way, and no upper limit for source-only, which may be stronger than theirs but
# not weaker: adaptations look better beside a weak one.
SKADA_TABLES = {
    ("mnist", "usps"): {
        "source-only": (".942", 0.89, UNBOUNDED),
        "target-only": (".981", 0.93, 1.0),
        "dann": (".926", 0.87, 0.99),
        "coral": (".971", 0.92, 1.0),
        "mcc": (".982", 0.93, 1.0),
    },
    ("usps", "mnist"): {
        "source-only": (".734", 0.68, UNBOUNDED),
        "target-only": (".989", 0.93, 1.0),
        "dann": (".868", 0.81, 0.95),
        "coral": (".899", 0.81, 0.95),
        "mcc": (".904", 0.85, 1.0),
    },
}


@CHECKS.rows("source-only", "target-only", *ADAPTATIONS, kind="published", files=FILES)
def digits_as_adda(setup: Setup) -> Iterator[Row]:
    """Yield rows of the protocol of Tzeng et al., 2017: 2,000 images of MNIST and 1,800 of USPS to train on."""
    files = {}
    for name, count in (("mnist", 2000), ("usps", 1800)):
        data = np.load(setup.file(f"{name}/{name}.npz"), allow_pickle=False)
        rows = np.sort(np.random.default_rng(0).permutation(len(data["y_train"]))[:count])
        train = data["x_train"][rows], data["y_train"][rows]
        files[name] = _write(setup.out / "digits" / f"{name}-{count}.npz", *train, data["x_test"], data["y_test"])
    found = _run(setup, "digits-as-adda", files, Recipe(steps=200, batch_size=32), replicates=2)
    leads = dict.fromkeys(found, 0.05)
    yield from _rows(found, ADDA_TABLES, leads, "arXiv:1702.05464, table 2, and reimplementations")


@CHECKS.rows("source-only", "target-only", *ADAPTATIONS, kind="published", files=FILES)
def digits_as_skada_bench(setup: Setup) -> Iterator[Row]:
    """Yield rows of skada-bench's `deep_mnist_usps`: the training splits, USPS padded by 6, four fifths to train on.

    Its numbers are of models chosen by target labels, ours of the last step. It augments nothing, nor do we here. From
    MNIST to USPS its own source-only leaves 4 points to target-only, so that nothing can lead by 5.
    """
    files = {}
    for name in ("mnist", "usps"):
        data = np.load(setup.file(f"{name}/{name}.npz"), allow_pickle=False)
        images = data["x_train"] if name == "mnist" else np.pad(data["x_train"], ((0, 0), (6, 6), (6, 6)))
        order = np.random.default_rng(0).permutation(len(images))
        test, train = np.sort(order[: len(order) // 5]), np.sort(order[len(order) // 5 :])
        parts = images[train], data["y_train"][train], images[test], data["y_train"][test]
        files[name] = _write(setup.out / "digits" / f"{name}-skada-bench.npz", *parts)
    found = _run(setup, "digits-as-skada-bench", files, Recipe(steps=300, batch_size=64, augment="none"), replicates=1)
    leads = {("mnist", "usps"): 0.0, ("usps", "mnist"): 0.05}
    yield from _rows(found, SKADA_TABLES, leads, "skada-bench, deep_mnist_usps")


def _write(path: Path, *arrays: np.ndarray) -> Path:
    """Write training and test arrays where they are not there yet, whole or not at all."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, **dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays, strict=True)))
        part.replace(path)
    return path


def _run(
    setup: Setup, name: str, files: dict[str, Path], recipe: Recipe, replicates: int
) -> dict[tuple[str, str], dict[str, float]]:
    """Return accuracies by direction and strategy."""
    directions = [("mnist", "usps"), ("usps", "mnist")]
    datasets = tuple(f"npz:{files[target]}[npz:{files[source]}->]" for source, target in directions)
    block = Block(("source-only", "target-only", *ADAPTATIONS), (BACKBONE,), datasets, ("0",))
    means = accuracies(setup, Suite(name, (block,), replicates=replicates, recipe=recipe))
    return {
        (source, target): dict(means[means["dataset"] == f"npz:{files[target].name}"][["strategy", "accuracy"]].values)
        for source, target in directions
    }


def _rows(found, tables, leads, source: str) -> Iterator[Row]:
    for (start, target), scores in found.items():
        way = f"{start.upper()} to {target.upper()}"
        for method, (reference, low, high) in tables[start, target].items():
            yield Row(method, f"accuracy, {way}", source, reference, scores[method], low, high)
        best = max(ADAPTATIONS, key=lambda name: scores[name])
        lead, room = scores[best] - scores["source-only"], scores["target-only"] - scores[best]
        yield Row(
            best, f"best adaptation over source-only, {way}", source, "ahead", lead, leads[start, target], UNBOUNDED
        )
        yield Row("target-only", f"target-only over the best adaptation, {way}", source, "ahead", room, 0.0, UNBOUNDED)
