"""Source-side training: done once per variant, backbone, source and replicate, and kept in the cache."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from tlbench.contract import Cell, Source, Strategy, digest, plain_parameters
from tlbench.data import BackboneEntry, Resources
from tlbench.learning import FeatureSource, Setting, Stopwatch, Workbench, seed_everything
from tlbench.running.draw_task import draw_source
from tlbench.running.environment import source_digest
from tlbench.seeds import derive


def setting_of(cell: Cell, backbone: BackboneEntry, classes: int, device: torch.device) -> Setting:
    """Return what a fit of this cell is about, beside its data."""
    return Setting(backbone.backbone, backbone.weights, classes, cell.recipe, device, cell.seed, cell.replicate)


class Preparation:
    """Source-side training, done once and kept in the cache with the seconds it took."""

    def __init__(
        self, cell: Cell, strategy: Strategy, resources: Resources, device: torch.device, features: FeatureSource
    ) -> None:
        self.cell, self.strategy, self.resources, self.device = cell, strategy, resources, device
        self.features = features
        self.seconds = 0.0  # what the preparation cost when it was made
        self.seconds_here = 0.0  # what it cost inside the fits of this very cell
        self._module: nn.Module | None = None

    def of(self, variant: Strategy) -> "Preparation":
        """Return the preparation of another variant of this strategy, as a tuning tries it."""
        strategy = {**self.cell.identity["strategy"], "parameters": plain_parameters(variant)}
        cell = replace(self.cell, identity={**self.cell.identity, "strategy": strategy})
        return Preparation(cell, variant, self.resources, self.device, self.features)

    def module(self) -> nn.Module:
        """Return the prepared module: its structure made anew, its parameters from the cache."""
        with Stopwatch(self.device) as watch:
            if self._module is None:
                state, texts = self.resources.cache.state("prepared", self._key(), self._make)
                self._module = self._prepare(replay=True)
                self._module.load_state_dict(state)
                self.seconds = float(texts["seconds"])
            module = deepcopy(self._module).to(self.device).eval()
        self.seconds_here += watch.seconds
        return module

    def _key(self) -> Any:
        identity = dict(self.cell.identity)
        shared = {key: identity[key] for key in ("strategy", "backbone", "source", "recipe", "replicate", "seed")}
        shared["splits"] = identity.get("splits")
        code = source_digest(type(self.strategy).__module__)  # an edited plugin must not meet what its old self made
        return (shared, code, torch.__version__, self.device.type, torch.get_num_threads())

    def _make(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        with Stopwatch(self.device) as watch:
            module = self._prepare(replay=False)
        state = {name: tensor.detach().cpu() for name, tensor in module.state_dict().items()}
        return state, {"seconds": repr(watch.seconds)}

    def _prepare(self, replay: bool) -> nn.Module:
        """Run the strategy's own `prepare` from one and the same start, whoever asks first."""
        cell = self.cell
        backbone = self.resources.backbone(cell.backbone)
        known: list[Any] = []
        source: Source = draw_source(cell, self.resources, known, self.features)
        bench = Workbench(
            setting_of(cell, backbone, len(source.classes), self.device), known_features=known, replay=replay
        )
        state = torch.random.get_rng_state()
        name, side = backbone.backbone.name, digest(cell.identity["source"])
        seed_everything(derive(cell.seed, "prepare", backbone=name, source=side, replicate=cell.replicate))
        module = self.strategy.prepare(source, bench)
        torch.random.set_rng_state(state)
        return module
