"""Train on the source side once per variant, backbone, source and replicate, and keep the result in the cache."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from tlbench.contract import Strategy, digest, plain_parameters
from tlbench.learning import Stopwatch, Workbench, seed_everything
from tlbench.running.cell_setup import CellSetup
from tlbench.running.code_digest import source_digest
from tlbench.running.draw_task import KnownInputs, draw_source
from tlbench.seeds import derive


class SourceTraining:
    """Run a strategy's own `prepare` once, and keep the result in the cache with the seconds it took."""

    def __init__(self, setup: CellSetup) -> None:
        self.setup = setup
        self.seconds = 0.0  # what the training cost when it was done
        self.seconds_here = 0.0  # what it cost inside the fits of this very cell
        self._features = setup.new_features()
        self._module: nn.Module | None = None

    def of(self, variant: Strategy) -> "SourceTraining":
        """Return the source training of another variant of this strategy, as a tuning tries it."""
        if variant == self.setup.strategy:
            return self
        cell = self.setup.cell
        strategy = {**cell.identity["strategy"], "parameters": plain_parameters(variant)}
        cell = replace(cell, identity={**cell.identity, "strategy": strategy})
        return SourceTraining(replace(self.setup, cell=cell, strategy=variant))

    def module(self) -> nn.Module:
        """Return the trained module: its structure made anew, its parameters from the cache."""
        device = self.setup.device
        with Stopwatch(device) as watch:
            if self._module is None:
                state, texts = self.setup.resources.cache.state("prepared", self._key(), self._make)
                self._module = self._prepare(replay=True)
                self._module.load_state_dict(state)
                self.seconds = float(texts["seconds"])
            module = deepcopy(self._module).to(device).eval()
        self.seconds_here += watch.seconds
        return module

    def _key(self) -> Any:
        identity = dict(self.setup.cell.identity)
        shared = {key: identity[key] for key in ("strategy", "backbone", "source", "recipe", "replicate", "seed")}
        shared["splits"] = identity.get("splits")
        code = source_digest(type(self.setup.strategy).__module__)  # an edited plugin must not meet its old self's work
        return (shared, code, torch.__version__, self.setup.device.type, torch.get_num_threads())

    def _make(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        with Stopwatch(self.setup.device) as watch:
            module = self._prepare(replay=False)
        state = {name: tensor.detach().cpu() for name, tensor in module.state_dict().items()}
        return state, {"seconds": repr(watch.seconds)}

    def _prepare(self, replay: bool) -> nn.Module:
        """Run the strategy's own `prepare` from one and the same start, whoever asks first."""
        setup, cell = self.setup, self.setup.cell
        known = KnownInputs(self._features)
        source = draw_source(setup, known)
        name, side = setup.backbone.backbone.name, digest(cell.identity["source"])
        seed = derive(cell.seed, "prepare", backbone=name, source=side, replicate=cell.replicate)
        setting = setup.setting(len(source.classes))
        bench = Workbench(setting, known_features=known.found, replay=replay, head_seed=seed)
        state = torch.random.get_rng_state()
        seed_everything(seed)
        module = setup.strategy.prepare(source, bench)
        torch.random.set_rng_state(state)
        return module
