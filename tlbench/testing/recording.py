"""Record what a fit does to frozen modules, and compare tensors."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tlbench.learning import Frozen, Loss, Setting, Workbench

State = dict[str, Tensor]


class RecordingWorkbench(Workbench):
    """Compare what was declared frozen before and after, as a workbench that records."""

    def __init__(self, setting: Setting, **options: Any) -> None:
        super().__init__(setting, **options)
        self._moved: list[str] = []
        self._at_first: State = {}

    def frozen_backbone(self) -> Frozen:
        """Return the frozen backbone, and remember how it was at first."""
        frozen = super().frozen_backbone()
        if not self._at_first:
            self._at_first = state_of(frozen)
        return frozen

    def train(self, model: nn.Module, loss: Loss, *streams: Any, **options: Any) -> nn.Module:
        """Train, and look whether what was declared frozen stayed as it was."""
        declared = _declared_frozen(model, **options)
        before = {name: value.detach().clone() for name, value in declared.items()}
        trained = super().train(model, loss, *streams, **options)
        if moved := differing(declared, before):
            self._moved.append(f"bench.train was told to keep {listed(moved)}, and it changed meanwhile")
        return trained

    def moved(self) -> list[str]:
        """Return sentences on what was declared frozen and changed all the same."""
        now = state_of(super().frozen_backbone()) if self._at_first else {}
        if moved := differing(now, self._at_first):
            return [*self._moved, f"bench.frozen_backbone() was changed in {listed(moved)}"]
        return self._moved


def _declared_frozen(
    model: nn.Module,
    frozen: Sequence[nn.Module] = (),
    fixed_statistics: bool = False,
    companions: Sequence[nn.Module] = (),
    **_: Any,
) -> State:
    """Return the tensors that a call of `bench.train` declares frozen, by a name for each."""
    found: State = {}
    for index, part in enumerate(frozen):
        found.update({f"frozen[{index}].{name}": value for name, value in part.state_dict().items()})
    for index, module in enumerate([model, *companions]):
        whose = f"companions[{index - 1}]." if index else ""
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                found[f"{whose}{name}"] = parameter
        for name, part in module.named_modules():
            if fixed_statistics and isinstance(part, _BatchNorm):
                found.update({f"{whose}{name}.{key}": value for key, value in part.named_buffers(recurse=False)})
    return found


def state_of(module: nn.Module) -> State:
    """Return copies of a module's parameters and buffers."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def differing(one: State, other: State) -> list[str]:
    """Return the names whose tensors are not the same in two states, or in one of them only."""
    shared = [name for name in one if name in other and not same_bits(one[name], other[name])]
    return shared + sorted(one.keys() ^ other.keys())


def same_bits(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors are equal to the last bit; NaN equals itself."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == torch.float32:
        one, other = (value.detach().contiguous().view(torch.int32) for value in (one, other))
    return bool(torch.equal(one, other))


def storages(tensors: Mapping[str, Tensor]) -> set[int]:
    """Return the memory addresses of tensors, without those of empty ones."""
    return {value.untyped_storage().data_ptr() for value in tensors.values() if value.numel()}


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
