"""Writes a results folder of many synthetic records, to measure what reading and summarising them costs.

python tests/many_records.py FOLDER 20000 [--no-logits]
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from tlbench import Record
from tlbench.contract import Predictions
from tlbench.results import Store

ROOT = Path(__file__).resolve().parents[1]
ITEMS, CLASSES, REPLICATES = 100, 5, 5
BUDGETS = ("1-shot", "5-shot", "20-shot", "full")


def template() -> dict:
    """Return a stored record, so that the synthetic ones are as large as real ones."""
    path = sorted((ROOT / "results" / "quick" / "records").glob("*.json"))[0]
    return json.loads(path.read_text(encoding="utf-8"))


def write_many(folder: Path, count: int, logits: bool = True) -> None:
    """Write as many records: 25 strategies on each transfer, four budgets, five replicates."""
    store = Store(folder, create=True)
    base, generator = template(), np.random.default_rng(0)
    truth = generator.integers(0, CLASSES, ITEMS)
    for number in range(count):
        rest, replicate = divmod(number, REPLICATES)
        rest, strategy = divmod(rest, 25)
        transfer, budget = divmod(rest, len(BUDGETS))
        name = "scratch" if strategy == 0 else f"strategy-{strategy:02d}"
        right = generator.random(ITEMS) < 0.4 + 0.02 * strategy
        said = np.where(right, truth, (truth + 1) % CLASSES)
        labels = {
            **base["labels"],
            "strategy": name,
            "family": "scratch" if strategy == 0 else "finetune",
            "baseline": strategy == 0,
            "source": "",
            "dataset": f"data-{transfer:03d}",
            "transfer": f"data-{transfer:03d}",
            "budget": BUDGETS[budget],
            "replicate": replicate,
            "setting": "inductive",
        }
        identity = {
            **base["identity"],
            "strategy": {"name": name, "version": "1", "parameters": {}},
            "dataset": {**base["identity"]["dataset"], "name": f"data-{transfer:03d}"},
        }
        cell = hashlib.sha256(f"{number}".encode()).hexdigest()[:20]
        scores = {**base["scores"], "accuracy": float(right.mean()), "nll": float(1 - right.mean())}
        costs = {key: value * (1 + strategy) for key, value in base["costs"].items()}
        own = {"cell": cell, "identity": identity, "labels": labels, "scores": scores, "costs": costs}
        record = Record.from_json({**base, **own})
        predictions = Predictions(np.eye(CLASSES, dtype=np.float32)[said], truth) if logits else None
        store.write(record, predictions)


if __name__ == "__main__":
    write_many(Path(sys.argv[1]), int(sys.argv[2]), "--no-logits" not in sys.argv)
