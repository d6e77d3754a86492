"""Run every strategy that trains by gradients at its defaults, over networks, data, label budgets and batch sizes.

    python benchmarks/robustness.py DATA --out results/robustness

DATA holds `flowers12/flowers12.zip`, `cifar10_small/cifar10_small.npz` and the safetensors files of a MobileNetV1 and
a ResNet-20 for CIFAR under `weights/`. Each dataset is written once as two domains, in colour and in grey, so that
methods that learn from a source have one. Cells are kept under `--work`: what was interrupted goes on from there.
Written are `robustness.csv`, a line for each cell, and `robustness.png`: how much of what the linear probe is above
chance each strategy keeps.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import matplotlib
import numpy as np
import pandas as pd
from PIL import Image

import tlbench
from tlbench import Block, Recipe, Suite

SIDE = 128  # pixels of the longer side that photographs are kept at
PROBE = "linear-probe"
ALONE = (
    PROBE, "scratch", "finetune", "last-layers", "layer-decay", "gradual-unfreezing", "l2-sp", "bss", "side-tuning",
    "lp-ft", "bitfit", "norm-tuning", "lora", "adapter", "peft-ia3", "peft-loha", "peft-lokr", "peft-lora", "peft-oft",
    "model-soup", "snapshot", "bagging(learner=finetune)", "mlp-probe", "baseline++", "transductive-finetune", "tim",
)  # fmt: skip
FROM_SOURCE = (
    "source-only", "adda", "cdan", "coral", "dann", "mcc", "mdd", "mmd", "pseudo-label", "target-only", "multi-task",
    "anil", "relation", "siamese", "matching(meta_train=true)", "prototypes(meta_train=true)",
)  # fmt: skip
CLOSER = ("finetune", "scratch")  # looked at with more label budgets and batch sizes
PLUGIN = Path(__file__).parents[1] / "tests" / "data" / "cifar_resnet.py"


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/robustness"))
@click.option("--work", type=click.Path(path_type=Path), default=Path("tlbench-results/robustness"))
@click.option("--jobs", default=2)
def main(data: Path, out: Path, work: Path, jobs: int) -> None:
    """Run what `work` lacks, and write the table and the chart."""
    domains = [write_domains(images, work / "data" / name) for name, images in _images(data)]
    networks = _networks(data / "weights")
    frames = []
    for batch_size in (8, 32, 16, 64):
        blocks = [Block(CLOSER, networks, _alone(domains), ("1-shot", "5-shot", "20-shot"))]
        if batch_size in (8, 32):
            blocks.append(Block(ALONE, networks, _alone(domains), ("5-shot",)))
            blocks.append(Block(FROM_SOURCE, networks, _from_grey(domains), ("5-shot",)))
        else:
            blocks.append(Block((PROBE,), networks, _alone(domains), ("5-shot",)))
        suite = Suite("robustness", tuple(blocks), replicates=1, recipe=Recipe(batch_size=batch_size))
        results = tlbench.run(suite, out=work / f"batch-{batch_size}", plugins=[PLUGIN], jobs=jobs)
        frames.append(results.frame().assign(batch_size=batch_size))
    table = tabulate(pd.concat(frames))
    out.mkdir(parents=True, exist_ok=True)
    table.to_csv(out / "robustness.csv", index=False, float_format="%.4f")
    draw(table, out / "robustness.png")
    low = table[(table["kept"] < 0.1) & (table["probe"] > table["chance"] + 0.1)]
    click.echo(f"{len(table)} cells; {len(low)} of them near chance where the probe is not:")
    click.echo(low.to_string(index=False) if len(low) else "none")


def tabulate(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a line for each cell, with the linear probe's accuracy and the share of its gain that is kept."""
    place = ["dataset", "backbone", "budget"]
    frame = frame.assign(dataset=frame["dataset"].str.extract(r"(cifar10|flowers12)")[0], chance=0.0)
    frame["chance"] = frame["dataset"].map({"cifar10": 1 / 10, "flowers12": 1 / 12})
    frame["backbone"] = frame["backbone"].str.extract(r"^(\w+)")[0]
    probes = frame[frame["strategy"] == PROBE].groupby(place)["accuracy"].mean()
    five = frame[frame["strategy"] == PROBE].groupby(place[:2])["accuracy"].mean()
    frame["probe"] = [
        probes.get(tuple(row[place]), five.get(tuple(row[place[:2]]), np.nan)) for _, row in frame.iterrows()
    ]
    frame["kept"] = (frame["accuracy"] - frame["chance"]) / (frame["probe"] - frame["chance"])
    columns = ["strategy", *place, "batch_size", "accuracy", "chance", "probe", "kept", "did_not_learn", "failure"]
    return frame[columns].sort_values(["strategy", *place, "batch_size"], ignore_index=True)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw a line for each strategy, a column for each network, dataset and batch size, at five labels per class."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    own = table[(table["budget"] == "5-shot") & table["batch_size"].isin([8, 32])]
    columns = ["backbone", "dataset", "batch_size"]
    lines = [name for name in (*ALONE, *FROM_SOURCE) if name in set(own["strategy"])]
    shown, kept = (
        own.pivot_table(index="strategy", columns=columns, values=value).loc[lines] for value in ("accuracy", "kept")
    )
    figure, axes = pyplot.subplots(figsize=(1.5 + 0.62 * len(shown.columns), 1.6 + 0.24 * len(shown)), dpi=120)
    axes.imshow(kept, vmin=0, vmax=1.1, cmap="cividis", aspect="auto")
    for line, row in enumerate(shown.to_numpy()):
        for column, value in enumerate(row):
            if np.isfinite(value):
                light = kept.to_numpy()[line, column] > 0.6
                axes.text(column, line, f"{value:.2f}"[1:], ha="center", va="center", fontsize=7,
                          color="black" if light else "white")  # fmt: skip
    heads = [f"{network}, {dataset}, batch {size}" for network, dataset, size in shown.columns]
    axes.set_xticks(range(len(heads)), heads, rotation=40, ha="left", fontsize=7)
    axes.set_yticks(range(len(shown)), shown.index, fontsize=7)
    axes.tick_params(length=0, labeltop=True, labelbottom=False, top=False, bottom=False)
    axes.set_title(
        "accuracy at 5 labels per class with all defaults (dark: chance; bright: the linear probe)", fontsize=8
    )  # fmt: skip
    figure.savefig(path, bbox_inches="tight")


def write_domains(images: Iterable[tuple[str, Image.Image]], folder: Path) -> Path:
    """Write images as the domains `colour` and `grey` of one folder, once."""
    if not (folder / "done").exists():
        for name, image in images:
            image.thumbnail((SIDE, SIDE))
            for domain, shown in (("colour", image), ("grey", image.convert("L").convert("RGB"))):
                place = folder / domain / name
                place.parent.mkdir(parents=True, exist_ok=True)
                shown.save(place)
        (folder / "done").touch()
    return folder


def _images(data: Path) -> Iterator[tuple[str, Iterator[tuple[str, Image.Image]]]]:
    yield "flowers12", _of_zip(data / "flowers12" / "flowers12.zip")
    yield "cifar10", _of_npz(data / "cifar10_small" / "cifar10_small.npz")


def _of_zip(path: Path) -> Iterator[tuple[str, Image.Image]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".jpg"):
                yield str(Path(name).with_suffix(".png")), Image.open(io.BytesIO(archive.read(name))).convert("RGB")


def _of_npz(path: Path) -> Iterator[tuple[str, Image.Image]]:
    with np.load(path, allow_pickle=False) as arrays:
        for split in ("train", "test"):
            for place, (pixels, label) in enumerate(zip(arrays[f"x_{split}"], arrays[f"y_{split}"], strict=True)):
                yield f"{split}/class-{label}/{place:04}.png", Image.fromarray(pixels)


def _networks(weights: Path) -> tuple[str, ...]:
    return (
        f"mobilenetv1_100(input_size=96, width=0.25)@{weights / 'mobilenetv1_025_imagenet.safetensors'}",
        f"cifar_resnet20@{weights / 'resnet20_cifar10.safetensors'}",
        "test_resnet.glyphs",
    )


def _alone(folders: Iterable[Path]) -> tuple[str, ...]:
    return tuple(f"folder:{folder}?domains[->colour]" for folder in folders)


def _from_grey(folders: Iterable[Path]) -> tuple[str, ...]:
    return tuple(f"folder:{folder}?domains[grey->colour]" for folder in folders)


if __name__ == "__main__":
    main()
