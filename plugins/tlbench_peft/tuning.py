"""Train adapters of peft in a frozen backbone with a new head, and merge them in the end."""

import re
import warnings
from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from tlbench import Backbone, Recipe, TlbenchError
from tlbench_peft.layers import Fits, Layers, adaptable

_OUTLINES: dict[tuple[type, str, str], nn.Module] = {}


def hindrance(name: str, backbone: Backbone, layers: Layers, fits: Fits, wanted: str) -> str | None:
    """Say why a method of peft cannot be used on a backbone, or None."""
    if find_spec("peft") is None:
        return f"{name} needs the library peft: pip install 'tlbench[peft]'."
    if not adaptable(_outline(backbone), layers, fits):
        return f"{name} needs a backbone with {wanted}; {backbone.label} has none that peft can adapt."
    return None


def tune(
    task,
    bench,
    recipe: Recipe,
    head_rate: float,
    layers: Layers,
    fits: Fits,
    config: Callable[[str], object],
) -> nn.Module:
    """Train adapters and a new head on the task's labels; return the classifier with the adapters merged.

    `config` makes peft's configuration from the pattern of the layers' names. The head learns `head_rate` times
    faster; all else is frozen, batch-norm statistics included.
    """
    head = bench.head(recipe)
    with torch.no_grad():
        network = nn.Sequential(bench.backbone())  # a name for the layer of a backbone that is one layer
    found = adaptable(network, layers, fits)
    names = _called(network, found, task.train.inputs[:1].to(bench.device))
    if not names:
        raise TlbenchError("the backbone calls none of the layers that peft can adapt; choose another backbone.")
    peft = library()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft on its own defaults
        adapted = peft.get_peft_model(network, config("|".join(map(re.escape, names))))
    adapted.register_forward_pre_hook(_lay_out_as_peft_expects)
    model = bench.train(
        bench.classifier(head, adapted),
        bench.cross_entropy(recipe),
        task.train,
        recipe=recipe,
        groups=[(head, head_rate)],
        fixed_statistics=True,
    )
    bench.note("peft", peft.__version__)
    bench.note("adapted_layers", len(names))
    model.backbone = adapted.merge_and_unload()[0]
    return model.eval()


def library():
    """Import peft: seconds, so only when something is fitted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that peft imports in turn
        import peft
    return peft


def _lay_out_as_peft_expects(adapted: nn.Module, inputs: object) -> None:
    """Undo the channels-last layout that the training loop gives to all it trains: DoRA cannot view it."""
    for parameter in adapted.parameters():
        if parameter.requires_grad and not parameter.is_contiguous():
            parameter.data = parameter.data.contiguous()


def _called(network: nn.Module, layers: dict[str, nn.Module], inputs: Tensor) -> list[str]:
    """Return the names of the layers that the network calls: some read a layer's weight and go past its adapter."""
    seen: set[str] = set()
    hooks = [layer.register_forward_hook(lambda *_, name=name: seen.add(name)) for name, layer in layers.items()]
    try:
        with torch.no_grad():
            network.eval()(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return [name for name in layers if name in seen]


def _outline(backbone: Backbone) -> nn.Module:
    """Return the backbone's network without memory for its tensors; built once, apart from the global generator."""
    key = (type(backbone), backbone.spec, backbone.version)
    if key not in _OUTLINES:
        with torch.random.fork_rng(devices=[]):
            _OUTLINES[key] = nn.Sequential(backbone.build(None)).to("meta")
    return _OUTLINES[key]
