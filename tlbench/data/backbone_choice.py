"""Choose a backbone that suits a dataset, where nobody names one."""

import numpy as np

from tlbench.contract import Backbone, Dataset, Look, Suited
from tlbench.data.resources import Resources
from tlbench.errors import TlbenchError

_LOOKED_AT = 16  # examples


def look_at(dataset: Dataset, domain: str) -> Look:
    """Return what the training images of a domain look like, by a few of them."""
    if dataset.modality != "image":
        return Look(dataset.modality)
    inputs = dataset.load(domain, "train").inputs
    rows = np.unique(np.linspace(0, len(inputs) - 1, _LOOKED_AT).astype(int))
    images = [np.asarray(inputs[row]) for row in rows.tolist()]
    height, width = np.median([image.shape[:2] for image in images], axis=0).astype(int).tolist()
    channels = max(image.shape[2] if image.ndim > 2 else 1 for image in images)
    colour = any(image.ndim > 2 and bool((image != image[..., :1]).any()) for image in images)
    return Look(dataset.modality, (height, width), channels, colour)


def suited_backbone(look: Look, resources: Resources) -> Suited | str:
    """Return how the first backbone that says it suits such images is written, and why.

    First by name, of those whose weights are at hand; members of families are not asked. Where there is none, why not:
    empty where no backbone is for such data.
    """
    why_not = ""
    for _, offer in sorted(resources.catalog.backbones.items()):
        suited = offer.thing.suited_to(look) if isinstance(offer.thing, Backbone) else None
        if suited is None:
            continue
        try:
            _ = resources.backbone(suited.spec).weights_digest
        except TlbenchError as error:  # its weights are broken or absent
            why_not = why_not or str(error)
            continue
        return suited
    return why_not
