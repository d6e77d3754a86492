"""Build torchvision's architectures: how each is made, what its classifier is, and the network without it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torchvision import models

from tlbench import ParameterError, TensorShapes, shapes_of
from tlbench_torchvision.names import PREFIX

# Auxiliary classifiers train deep networks and have no part in features. Both networks expect ImageNet's mean and std
# to be taken off and turn that into their own normalisation, as torchvision has it with its pretrained weights.
_INCEPTION = {"aux_logits": False, "transform_input": True, "init_weights": True}
_ARGUMENTS = {"googlenet": _INCEPTION, "inception_v3": _INCEPTION}
AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")


@dataclass(frozen=True)
class Outline:
    """Describe what a network is made of, learnt without allocating it."""

    feature_dim: int
    extractor: TensorShapes  # name to shape of everything but the classifier
    head: TensorShapes  # the same of the classifier, for any number of classes (the first axis)


def published_preprocessing(name: str) -> dict[str, object]:
    """Return the preprocessing of the first weights that torchvision publishes for a model (nothing is fetched)."""
    preset: Any = next(iter(models.get_model_weights(name))).transforms()
    return {
        "input_size": preset.crop_size[0],
        "crop_pct": preset.crop_size[0] / preset.resize_size[0],
        "interpolation": preset.interpolation.value,
        "mean": tuple(preset.mean),
        "std": tuple(preset.std),
    }


def create(name: str, size: int) -> nn.Module:
    """Return torchvision's model with its classifier, randomly started from torch's global generator."""
    arguments: dict[str, Any] = dict(_ARGUMENTS.get(name, {}))
    if name.startswith("vit_"):
        arguments["image_size"] = size
    if name.startswith("maxvit_"):
        arguments["input_size"] = (size, size)
    model: nn.Module = models.get_model(name, weights=None, **arguments)
    pool = getattr(model, "avgpool", None)
    if isinstance(pool, nn.AdaptiveAvgPool2d) and pool.output_size not in (1, (1, 1)):
        model.avgpool = _PoolWhereNeeded(pool.output_size)
    return model


def drop_head(model: nn.Module) -> str:
    """Take the classifier off a model in place, and return the name of the layer that was it.

    It is the last linear layer; a dropout directly before it goes too, for the recipe has one of its own. The
    SqueezeNets classify by a convolution: their features are the average of what comes before.
    """
    leaves = [(name, module) for name, module in model.named_modules() if not list(module.children())]
    linear = [position for position, (_, module) in enumerate(leaves) if isinstance(module, nn.Linear)]
    if not linear:
        model.classifier = nn.AdaptiveAvgPool2d(1)
        return "classifier.1"
    name, _ = leaves[linear[-1]]
    model.set_submodule(name, nn.Identity())
    before, module = leaves[linear[-1] - 1]
    if isinstance(module, nn.Dropout):
        model.set_submodule(before, nn.Identity())
    return name


@lru_cache(maxsize=64)
def outline(name: str, size: int) -> Outline:
    """Return what a network is made of; raise ParameterError where it cannot take images of this size."""
    with torch.random.fork_rng(devices=[]):
        try:
            with _WithoutMemory():
                model = create(name, size)
            shapes = shapes_of(model.state_dict())
            head = drop_head(model) + "."
            with torch.no_grad(), torch.device("meta"):
                features = model.eval().to("meta")(torch.zeros(2, 3, size, size))
        except Exception as error:  # whatever an image of this size sets off inside the model
            reason = " ".join(str(error).split()).rstrip(".!")[:200]
            raise ParameterError(f"{PREFIX}{name} cannot take images of {size}x{size}: {reason}.") from None
    return Outline(
        feature_dim=features.shape[1],
        extractor={key: shape for key, shape in shapes.items() if not key.startswith(head)},
        head={key: shape for key, shape in shapes.items() if key.startswith(head)},
    )


class _PoolWhereNeeded(nn.AdaptiveAvgPool2d):
    """Leave maps that have the wanted size already: pooling's gradient is not deterministic on CUDA (AlexNet, VGG)."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return (N, C, *output_size)."""
        return maps if maps.shape[-2:] == self.output_size else super().forward(maps)


class _WithoutMemory(TorchFunctionMode):
    """Put what layers allocate on the meta device, and leave alone what networks compute their widths from."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        allocates = func in (torch.empty, torch.zeros, torch.ones)
        return func(*args, **{**(kwargs or {}), **({"device": "meta"} if allocates else {})})
