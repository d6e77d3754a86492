"""Define the backbone that comes in the package: timm's `test_resnet`, pretrained on the embedded glyphs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench import Dataset, Look, Suited
from tlbench_timm.backbone import TimmBackbone
from tlbench_timm.packages import PHOTOGRAPHS

_WEIGHTS = Path(__file__).parent / "weights"
GLYPHS = "test_resnet.glyphs"

# The glyphs are drawn at 32x32, so nothing is cropped away; timm's own test_resnet wants 160x160.
_PREPROCESSING = {"input_size": 32, "mean": 0.5, "std": 0.5, "crop_pct": 1.0, "interpolation": "bilinear"}
_FEATURE_DIM = 96  # written down so that listing backbones need not import torch (tests/test_timm_backbones.py)


_LARGE = 64  # pixels of a side, from where on 32x32 loses most of an image
_LOOKED_AT = 8  # examples


class GlyphsBackbone(TimmBackbone):
    """Build `test_resnet.glyphs`, which says where it is out of its depth."""

    def note_on(self, dataset: Dataset) -> str | None:
        """Return a sentence where the data are colour images, or larger than 64 pixels; it knows grey letters."""
        if self.recipe is None or dataset.modality != "image":
            return None
        inputs = dataset.load(dataset.domains[0], "train").inputs
        count = len(inputs)
        found = [_oddity(inputs[row]) for row in sorted({count * part // _LOOKED_AT for part in range(_LOOKED_AT)})]
        oddities = " and ".join(odd for odd in ("in colour", "larger") if any(odd in each for each in found))
        if not oddities:
            return None
        return (
            f"{GLYPHS} was pretrained on grey letters of 32x32 pixels, and these images are {oddities}: write "
            f"-b {PHOTOGRAPHS}, or -b ARCHITECTURE@FILE for weights that you have."
        )

    def suited_to(self, look: Look) -> Suited | None:
        """Return itself for small grey images, as of letters and digits."""
        if self.recipe is None or not look.are_characters:
            return None
        return Suited(self.spec, "it comes with tlbench, pretrained on printed letters of 32x32 pixels")


def _oddity(example: Any) -> tuple[str, ...]:
    """Return what sets an image apart from a small grey one."""
    import numpy as np

    image = np.asarray(example)
    colour = image.ndim == 3 and bool((image != image[..., :1]).any())
    return (*(("in colour",) if colour else ()), *(("larger",) if max(image.shape[:2]) > _LARGE else ()))


def glyphs_backbone(parameters: Mapping[str, object] | None = None, file: Path | None = None) -> GlyphsBackbone:
    """Return `test_resnet.glyphs`; its weights are made by `tlbench pretrain` from the recipe beside them.

    With `file` its preprocessing is kept and its weights are not: what they are of is then the file's to say.
    """
    given = dict(parameters or {})
    return GlyphsBackbone(
        GLYPHS,
        given,
        architecture="test_resnet",
        file=file or _WEIGHTS / f"{GLYPHS}.safetensors",
        recipe=None if file else _WEIGHTS / f"{GLYPHS}.toml",
        defaults=_PREPROCESSING,
        pretrained_on=None if file else "glyphs",
        feature_dim=None if given else _FEATURE_DIM,
    )
