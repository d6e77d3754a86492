"""Write the model card of an exported folder: how to use it, what to expect, what it was made of."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tlbench import __version__, digest, plural

if TYPE_CHECKING:
    from tlbench.running import Fitted


def expectation(fitted: "Fitted") -> str:
    """Say which score to expect, and what is known of it."""
    row, metric = fitted.row, fitted.results.metric
    score = f"{metric} {row['mean']:.3f}"
    if row["low"] == row["low"]:
        score += f" [{row['low']:.3f}, {row['high']:.3f}] (95 %, over {row['over']})"
    was = f"{plural(int(fitted.record.ledger['train_labels']) + int(fitted.record.ledger['val_labels']), 'label')}"
    of = f"the mean of {plural(int(row['n']), 'replicate')} with {was} each ({row['budget']})"
    own = f"This fit names {fitted.test_accuracy:.3f} of {len(fitted.trial.predictions.labels):,} test inputs rightly"
    if fitted.measured:
        return f"Expected score: {score}, {of}. {own}."
    return (
        f"No expected score: it was fitted on {plural(fitted.labels, 'label')}, and measured was {score}, {of}. "
        f"{own}: one fit, without an interval over others."
    )


def card(fitted: "Fitted", folder: str, checked: int, versions: Mapping[str, str]) -> str:
    """Return the text of README.md."""
    return "\n".join(_lines(fitted, folder, checked, versions)) + "\n"


def _lines(fitted: "Fitted", folder: str, checked: int, versions: Mapping[str, str]) -> Iterator[str]:
    entry, record, cell = fitted.backbone, fitted.record, fitted.cell
    backbone, identity = entry.backbone, cell.identity
    yield f"# {fitted.row['strategy']} on {backbone.label}, for {record.labels['transfer']}"
    yield ""
    yield f"Names one of {plural(len(fitted.classes), 'class', 'classes')} for an image: {', '.join(fitted.classes)}."
    yield ""
    yield "```sh"
    yield "pip install " + " ".join(f"{name}=={version}" for name, version in versions.items())
    yield f"python {folder}/predict.py IMAGE..."
    yield f"python {folder}/predict.py --json IMAGE..."
    yield "```"
    yield ""
    yield "It needs nothing of tlbench, no network and no GPU."
    yield ""
    yield "## What to expect"
    yield ""
    yield expectation(fitted)
    yield ""
    if checked:
        yield (
            f"{plural(checked, 'test image')} were predicted by `predict.py` in a process of its own, to the same bits "
            f"as by tlbench. Other versions, another processor or other threads may change last digits."
        )
    else:
        yield "Not checked on test images: the test split is put together from several parts of the data."
    yield ""
    yield "Probabilities are the softmax of the logits, uncalibrated. Images of something else get a class too."
    yield ""
    yield "## What it was made of"
    yield ""
    facts = {
        "strategy": f"`{cell.strategy}`, version {identity['strategy'].get('version', '1')}",
        "backbone": f"`{backbone.spec}`, version {backbone.version}",
        "its weights": f"SHA-256 `{entry.weights_digest}`" if entry.weights_digest else "a random start",
        "pretrained on": backbone.pretrained_on or "nothing",
        "licence of its weights": backbone.license or "not stated: look where they come from",
        "data": f"{record.labels['dataset']}, fingerprint `{identity['dataset'].get('fingerprint', '')}`",
        "labels": f"{fitted.labels:,} ({cell.budget}), replicate {cell.replicate}, root seed {cell.seed}",
        "measured cell": f"`{record.cell}`",
        "fitted cell": f"`{cell.id}`" + (" (the same)" if fitted.measured else " (with other labels)"),
        "results": f"{fitted.results.folder.name}, digest `{_digest(fitted)}`",
        "versions": ", ".join([f"tlbench {__version__}", *(f"{name} {version}" for name, version in versions.items())]),
    }
    yield "| | |"
    yield "| --- | --- |"
    for key, value in facts.items():
        yield f"| {key} | {value} |"
    yield ""
    yield "| file | what it is |"
    yield "| --- | --- |"
    yield "| `model.safetensors` | all weights |"
    yield "| `model.json` | classes, preprocessing, versions |"
    yield "| `network.py`, `head.py` | the backbone with its preprocessing, and the head, as Python |"
    yield "| `predict.py` | the command |"


def _digest(fitted: "Fitted") -> str:
    """Return the SHA-256 of the digests of all records: it names what the row was chosen from."""
    return digest({record.cell: record.digests.get("record", "") for record in fitted.results.records})
