"""Pretrain a backbone on an upstream dataset by a committed recipe, and write its weights with a card."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract import Labelled, Recipe, construct
from tlbench.data import BackboneEntry, Resources, hashes_of, split_sketches
from tlbench.errors import ParameterError
from tlbench.files import write_atomically
from tlbench.learning import Classifier, Stopwatch, configure, cross_entropy, predict, seed_everything, train
from tlbench.names import near_miss
from tlbench.running.environment import environment
from tlbench.seeds import derive

KEYS = ("dataset", "domain", "seed", "threads", "recipe")


@dataclass(frozen=True)
class UpstreamRecipe:
    """Hold what a recipe file says: data, seed, threads (they change the bits of sums) and the training recipe."""

    dataset: str
    domain: str
    seed: int
    threads: int
    recipe: Recipe


def read_recipe(path: Path) -> UpstreamRecipe:
    """Read a recipe file; raise ParameterError naming the key that is wrong."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ParameterError(f"cannot read the recipe {path}: {error}.") from None
    for key in data:
        if key not in KEYS:
            raise ParameterError(f"recipe {path.name} has no key {key!r}.{near_miss(key, KEYS)}")
    if "dataset" not in data:
        raise ParameterError(f"recipe {path.name} names no dataset.")
    for key, kind in (("dataset", str), ("domain", str), ("seed", int), ("threads", int), ("recipe", dict)):
        if key in data and (not isinstance(data[key], kind) or isinstance(data[key], bool)):
            raise ParameterError(f"recipe {path.name}: key {key!r} has a wrong type: {data[key]!r}.")
    recipe = construct(Recipe, "recipe", path.name, data.get("recipe", {}))
    return UpstreamRecipe(
        data["dataset"], data.get("domain", "all"), data.get("seed", 0), data.get("threads", 1), recipe
    )


def pretrain(
    entry: BackboneEntry,
    upstream: UpstreamRecipe,
    resources: Resources,
    device: torch.device,
    target: Path,
    command: str,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Train backbone and head on the upstream training split; write weights (float16), card, hashes; return the card.

    The upstream accuracy is that of the weights as they are written, on the upstream test split.
    """
    from safetensors.torch import save

    configure(upstream.threads)
    seed_everything(derive(upstream.seed, "upstream", backbone=entry.backbone.name))
    dataset = resources.dataset(upstream.dataset)
    if upstream.domain not in dataset.dataset.domains:
        raise ParameterError(
            f"{upstream.dataset} has no domain {upstream.domain!r}: {', '.join(dataset.dataset.domains)}."
        )
    data = {split: _encoded(entry, dataset.dataset, upstream.domain, split) for split in ("train", "test")}
    sizes = " and ".join(f"{len(part):,} {split}" for split, part in data.items())
    say(f"{sizes} examples of {len(dataset.dataset.classes)} classes")
    model = Classifier(entry.backbone.build(None), nn.Linear(entry.backbone.feature_dim, len(dataset.dataset.classes)))
    with Stopwatch(device) as watch:
        trained = train(
            model,
            cross_entropy(upstream.recipe.label_smoothing),
            [data["train"]],
            upstream.recipe,
            device=device,
            order_seed=derive(upstream.seed, "order", replicate=0),
        )
    model.backbone.half().float()  # the weights are written in float16: measure those
    accuracy = {split: _accuracy(model, part, device) for split, part in data.items()}
    say(f"{trained.steps} steps in {watch.seconds:.0f} s; upstream test accuracy {accuracy['test']:.4f}")
    weights = {name: _compact(value) for name, value in model.backbone.state_dict().items()}
    card = {
        "backbone": entry.backbone.spec,
        "pretrained_on": f"{dataset.dataset.label} ({upstream.domain}, train)",
        "dataset_fingerprint": dataset.fingerprint,
        "examples": len(data["train"]),
        "classes": len(dataset.dataset.classes),
        "upstream_accuracy": {split: round(value, 4) for split, value in accuracy.items()},
        "seed": upstream.seed,
        "threads": upstream.threads,
        "recipe": asdict(upstream.recipe),
        "parameters": sum(parameter.numel() for parameter in model.backbone.parameters()),
        "dtype": "float16",
        "license": dataset.dataset.license,
        "command": command,
        "environment": environment(device, resources.catalog.host),
    }
    metadata = {"pretrained_on": str(card["pretrained_on"]), "license": str(card["license"])}
    write_atomically(target, _in_one_order(save(weights, metadata=metadata)))
    write_atomically(target.with_suffix(".card.json"), (json.dumps(card, indent=1) + "\n").encode())
    found = split_sketches(dataset.dataset, dataset.fingerprint, upstream.domain, "train", resources.cache)
    hashes = BytesIO()
    np.save(hashes, hashes_of(found))
    write_atomically(target.with_suffix(".hashes.npy"), hashes.getvalue())  # what contamination is looked for in
    return card


def _in_one_order(file: bytes) -> bytes:
    """Return a safetensors file with its header sorted: the library writes metadata in an order of the moment."""
    size = int.from_bytes(file[:8], "little")
    header = json.dumps(json.loads(file[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the format aligns what follows
    return len(header).to_bytes(8, "little") + header + file[8 + size :]


def _encoded(entry: BackboneEntry, dataset: Any, domain: str, split: str) -> Labelled:
    raw = dataset.load(domain, split)
    return Labelled(entry.backbone.encode(list(raw.inputs)), torch.as_tensor(raw.labels))


def _accuracy(model: nn.Module, data: Labelled, device: torch.device) -> float:
    return float((predict(model, data.inputs, device).argmax(1) == data.labels).float().mean())


def _compact(value: Tensor) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if value.is_floating_point() else value
