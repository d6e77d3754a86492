"""Divide a network into stages, in the order of its layers."""

from torch import nn

from tlbench_finetune.structure import norms


def stages(network: nn.Module) -> list[nn.Module]:
    """Return the parts of a network that have parameters, from the input to the features.

    They are its top-level parts, looking through mere shells. Where a single one of them is a list of blocks (those
    of a transformer), each of these is a stage. Normalisation on its own belongs to the part before it.
    """
    parts = _with_parameters(network)
    if len(parts) == 1 and list(parts[0].children()):
        return stages(parts[0])
    lists = [part for part in parts if _is_list_of_blocks(part)]
    if len(lists) == 1:
        at = parts.index(lists[0])
        parts[at : at + 1] = _with_parameters(lists[0])
    joined: list[list[nn.Module]] = []
    for part in parts:
        if joined and _only_normalises(part):
            joined[-1].append(part)
        else:
            joined.append([part])
    return [group[0] if len(group) == 1 else nn.ModuleList(group) for group in joined]


def _with_parameters(network: nn.Module) -> list[nn.Module]:
    return [part for part in network.children() if any(True for _ in part.parameters())]


def _is_list_of_blocks(part: nn.Module) -> bool:
    is_list = isinstance(part, (nn.Sequential, nn.ModuleList))
    return is_list and any(True for item in part for _ in item.children())


def _only_normalises(part: nn.Module) -> bool:
    return set(part.parameters()) == {parameter for norm in norms(part) for parameter in norm.parameters()}
