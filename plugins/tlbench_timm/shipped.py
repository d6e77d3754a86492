"""The backbone that comes in the package: timm's `test_resnet`, pretrained on the embedded glyphs."""

from collections.abc import Mapping
from pathlib import Path

from tlbench_timm.backbone import TimmBackbone

_WEIGHTS = Path(__file__).parent / "weights"
GLYPHS = "test_resnet.glyphs"

# The glyphs are drawn at 32x32, so nothing is cropped away; timm's own test_resnet wants 160x160.
_PREPROCESSING = {"input_size": 32, "mean": 0.5, "std": 0.5, "crop_pct": 1.0, "interpolation": "bilinear"}
_FEATURE_DIM = 96  # written down so that listing backbones need not import torch (tests/test_timm_backbones.py)


def glyphs_backbone(parameters: Mapping[str, object] | None = None, file: Path | None = None) -> TimmBackbone:
    """Return `test_resnet.glyphs`; its weights are made by `tlbench pretrain` from the recipe beside them.

    With `file` its preprocessing is kept and its weights are not: what they are of is then the file's to say.
    """
    given = dict(parameters or {})
    return TimmBackbone(
        GLYPHS,
        given,
        architecture="test_resnet",
        file=file or _WEIGHTS / f"{GLYPHS}.safetensors",
        recipe=None if file else _WEIGHTS / f"{GLYPHS}.toml",
        defaults=_PREPROCESSING,
        pretrained_on=None if file else "glyphs",
        feature_dim=None if given else _FEATURE_DIM,
    )
