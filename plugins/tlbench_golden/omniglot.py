"""Run Omniglot's minimal background sets: meta-training on the first, episodes within alphabets of the second."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tlbench import Block, Budget, Protocol, Recipe, Suite
from tlbench.data import Cache, Resources, episode_rows
from tlbench.host import Catalog, Host
from tlbench.seeds import derive
from tlbench_golden.check import Checks, Row, Setup
from tlbench_golden.ink import ink, nearest_by_hausdorff, nearest_by_pixels
from tlbench_golden.runs import accuracies

CHECKS = Checks()
FILES = tuple(f"omniglot_small/images_background_small{number}.zip" for number in (1, 2))
LEARNT = "prototypes(n_way=40, meta_train=true)"
MATCHING = "matching(meta_train=true, scale=30.0)"
STRATEGIES = ("prototypes", LEARNT, MATCHING, "siamese")
BUDGETS = ("5-way 1-shot", "5-way 5-shot", "20-way 1-shot")
EPISODES, QUERIES = 60, 5
LAKE = "Lake et al., 2015, doi:10.1126/science.aab3050"
WITHIN = "github.com/jvlmdr/omniglot-eval, within alphabet"
UNBOUNDED = float("inf")


@CHECKS.rows("prototypes", "matching", "siamese", kind="published", files=FILES)
def omniglot_within_alphabets(setup: Setup) -> Iterator[Row]:
    """Yield rows of means over the alphabets of the second set that the first has not."""
    first, second = (_unpacked(setup.file(name), setup.out / "omniglot") for name in FILES)
    seen = {folder.name for folder in first.iterdir()}
    alphabets = sorted(folder for folder in second.iterdir() if folder.is_dir() and folder.name not in seen)
    blocks = tuple(
        Block(STRATEGIES, ("conv4(invert=true)",), (f"folder:{folder}[folder:{first}?nested->]",), _budgets(folder))
        for folder in alphabets
    )
    rules = Protocol(episodes=EPISODES, queries=QUERIES)
    suite = Suite("omniglot", blocks, replicates=1, recipe=Recipe(steps=300), protocol=rules)
    means = accuracies(setup, suite).groupby(["strategy", "budget"])["accuracy"].mean()
    scores = {budget: {name: float(means[name, budget]) for name in STRATEGIES} for budget in BUDGETS}
    for budget, found in scores.items():
        gain = found[LEARNT] - found["prototypes"]
        yield Row("prototypes", f"meta-trained over untrained, {budget}", LAKE, "ahead", gain, 0.05, UNBOUNDED)
        for name, variant in (("matching", MATCHING), ("siamese", "siamese")):
            gap = found[variant] - found[LEARNT]
            yield Row(name, f"less meta-trained prototypes, {budget}", WITHIN, "nearby", gap, -0.12, 0.12)
    yield from _published(scores)
    yield from _baselines(
        [folder for folder in alphabets if BUDGETS[2] in _budgets(folder)], scores[BUDGETS[2]][LEARNT]
    )


def _published(scores: dict[str, dict[str, float]]) -> Iterator[Row]:
    """Yield the accuracies that sources report, from as little background or from more."""
    for budget, reference, low, high in (
        ("20-way 1-shot", ".699 from a minimal background set, official runs", 0.60, 0.90),
        ("5-way 1-shot", ".905 from the full background set", 0.75, 0.96),
        ("5-way 5-shot", ".958 from the full background set", 0.88, 0.99),
    ):
        yield Row(
            "prototypes", f"accuracy, {budget}", f"{LAKE}; {WITHIN}", reference, scores[budget][LEARNT], low, high
        )


def _baselines(alphabets: list[Path], learnt: float) -> Iterator[Row]:
    """Yield what needs no training, on episodes of the same kind with one query per class."""
    resources = Resources(Catalog(Host()), Cache())
    hausdorff, pixels = [], []
    for folder in alphabets:
        entry = resources.dataset(f"folder:{folder}")
        train, test = (entry.dataset.load("all", split) for split in ("train", "test"))
        images = [[np.asarray(image) for image in part.inputs] for part in (train, test)]
        inked = [[ink(image) for image in part] for part in images]
        for index in range(10):
            seed = derive(0, "episode", dataset=entry.fingerprint, target="all", index=index, replicate=0)
            rows = episode_rows(train.labels, test.labels, Budget.parse(BUDGETS[2]), 1, 0.0, seed)
            support = train.labels[rows.support]
            drawings = [inked[0][row] for row in rows.support]
            stacked = np.stack([images[0][row] for row in rows.support])
            for query in rows.queries:
                truth = test.labels[query]
                hausdorff.append(support[nearest_by_hausdorff(drawings, inked[1][query])] == truth)
                pixels.append(support[nearest_by_pixels(stacked, images[1][query])] == truth)
    distance, nearest = float(np.mean(hausdorff)), float(np.mean(pixels))
    what = "20-way 1-shot"
    yield Row(
        "(no training)", f"Modified Hausdorff distance, {what}", LAKE, ".612 on the official runs", distance, 0.4, 0.75
    )
    yield Row(
        "(no training)", f"nearest pixels less Modified Hausdorff, {what}", LAKE, "behind", nearest - distance, -1, 0
    )
    yield Row("prototypes", f"over Modified Hausdorff, {what}", LAKE, "ahead", learnt - distance, 0.0, UNBOUNDED)


def _budgets(folder: Path) -> tuple[str, ...]:
    """Return the budgets that an alphabet has enough characters for."""
    characters = sum(1 for each in folder.iterdir() if each.is_dir())
    return tuple(budget for budget in BUDGETS if Budget.parse(budget).ways <= characters)


def _unpacked(archive: Path, folder: Path) -> Path:
    """Unpack an archive of one folder once, and return that folder."""
    target = folder / archive.stem
    if not target.exists():
        part = folder / f".{archive.stem}.part"
        with zipfile.ZipFile(archive) as file:
            file.extractall(part)
        (part / archive.stem).rename(target)
    return target
