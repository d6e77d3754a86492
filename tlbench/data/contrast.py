"""Compare how light images of source and target are: what is learnt from ink on paper fails on chalk on slate."""

import numpy as np
import torch

from tlbench.contract import Transfer
from tlbench.data.encoding import EncodedSplit
from tlbench.data.resources import Resources

LOOKED_AT = 200  # images of each side, at most, evenly spaced
APART = 0.4  # of mean brightnesses, on either side of the middle, from which on contrast counts as opposite


def contrast_finding(transfer: Transfer, backbone: str, resources: Resources) -> str:
    """Return that the contrast of a transfer's source is opposite to the target's, or an empty text.

    Brightness is the mean of 8-bit images as a backbone encodes them; of other data nothing is said.
    """
    if transfer.source_dataset is None or transfer.source is None:
        return ""
    sides = ((transfer.dataset, transfer.target), (transfer.source_dataset, transfer.source))
    target, source = (_brightness(resources.encoded(spec, domain, "train", backbone)) for spec, domain in sides)
    if abs(target - source) < APART or (target - 0.5) * (source - 0.5) > 0 or not np.isfinite(target - source):
        return ""
    named = [f"{resources.dataset(spec).dataset.label} ({domain})" for spec, domain in sides]
    light, dark = ("light on dark", "dark on light")
    return (
        f"{named[0]}: its images are {light if target < source else dark} (mean brightness {target:.2f}), those of the "
        f"source {named[1]} {dark if target < source else light} ({source:.2f}): what is learnt from such a source "
        f"hardly holds for the target. Invert the images of one of the two."
    )


def _brightness(split: EncodedSplit) -> float:
    """Return the mean of some 8-bit images, from 0 to 1; NaN for other data."""
    inputs = split.inputs
    if inputs.dtype != torch.uint8 or inputs.ndim != 4 or not len(inputs):
        return float("nan")
    rows = np.linspace(0, len(inputs) - 1, min(len(inputs), LOOKED_AT)).astype(int)
    return float(np.asarray(inputs[torch.from_numpy(rows)]).mean() / 255)
