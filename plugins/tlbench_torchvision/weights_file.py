"""Read weights files of torchvision's models: a prefix before the names, a classifier behind the features."""

from tlbench import TensorShapes, WeightsError, WeightsFit, compare_weights
from tlbench_torchvision.architecture import AUXILIARY, Outline

_PREFIXES = ("module.", "model.")  # what data parallel training, and a network of ours, put before all names


def fit(offered: TensorShapes, outline: Outline, what: str, label: str, hint: str = "") -> WeightsFit:
    """Return how tensors fit a network; raise WeightsError, naming counts and names, where they do not.

    Where the classifier is there, it must be whole: half a classifier is another network's.
    """
    prefix = next((item for item in _PREFIXES if all(name.startswith(item) for name in offered)), "")
    shapes = {name.removeprefix(prefix): shape for name, shape in offered.items()}
    # A head of any number of classes fits.
    head = {name: (*shapes[name][:1], *shape[1:]) if name in shapes else shape for name, shape in outline.head.items()}
    wanted = {**outline.extractor, **(head if any(name in shapes for name in head) else {})}
    whole = compare_weights(shapes, wanted, lambda name: name.startswith(AUXILIARY))
    if not whole.fits:
        raise WeightsError(f"{what} do not fit {label}: {whole}.{hint}")
    return compare_weights(offered, outline.extractor, lambda name: True, prefix)  # all else is known to be classifiers
