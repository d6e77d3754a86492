"""Define Conv4 as a backbone: its parameters, and the weights files that fit them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge

from tlbench import Backbone, load_weights, read_weights_header, shapes_of
from tlbench_conv4 import weights_file

if TYPE_CHECKING:
    from torch import Tensor, nn

Shade = float | tuple[float, float, float]  # of images in [0, 1]: one for all channels, or one each

BLOCKS = 4


@dataclass(frozen=True)
class Conv4(Backbone):
    """Build four blocks of 3x3 convolution, batch norm, ReLU and max-pooling (Vinyals et al., 2016, arXiv:1606.04080).

    The defaults are those for Omniglot of section 4.1.1 there and of prototypical networks (Snell et al.,
    2017, arXiv:1703.05175, section 3.1): 28x28 grey images end as 64 features. For miniImageNet write
    `conv4(input_size=84, channels=3)`: 1,600 features. Few-shot code commonly shows the network ink as 1 and
    paper as 0: write `invert=true` for black ink on white paper, as in Omniglot's files.
    """

    width: Annotated[int, Ge(1)] = 64  # channels of every block
    input_size: Annotated[int, Ge(1)] = 28  # images are resized to this side, whatever their shape
    channels: Literal[1, 3] = 1  # 1: grey, 3: RGB
    pooling: Literal["flatten", "average"] = "flatten"  # what makes features of the last block's maps
    invert: bool = False  # show the negative of each image
    paddings: tuple[int, ...] = (1, 1, 1, 1)  # of the four convolutions
    pools: tuple[int, ...] = (1, 2, 3, 4)  # the blocks that end with a max-pooling, counted from 1
    mean: Shade = 0.0  # taken off inputs in [0, 1]
    std: Shade = 1.0  # divides what is left
    weights: Path | None = None

    name = "conv4"
    version = "1"
    citation = "Vinyals et al., Matching Networks for One Shot Learning, 2016, arXiv:1606.04080"

    def __post_init__(self) -> None:
        """Refuse what gives no network with ValueError, and a file that does not fit with WeightsError."""
        if len(self.paddings) != BLOCKS or not set(self.paddings) <= {0, 1}:
            raise ValueError(f"paddings must be {BLOCKS} numbers, each 0 or 1, got {self.paddings}.")
        if not set(self.pools) <= set(range(1, BLOCKS + 1)):
            raise ValueError(f"pools must be numbers of blocks, 1 to {BLOCKS}, got {self.pools}.")
        for key, shade in (("mean", self.mean), ("std", self.std)):
            if self.channels == 1 and isinstance(shade, tuple):
                raise ValueError(f"{key} must be one number for grey images, got {shade}.")
        if not all(0 < value <= 1 for value in _shades(self.std)) or not all(0 <= v <= 1 for v in _shades(self.mean)):
            raise ValueError(f"mean {self.mean} or std {self.std} is not one of images in [0, 1].")
        if self.map_side < 1:
            raise ValueError(f"images of {self.input_size}x{self.input_size} are too small for its poolings.")
        if self.weights is not None:
            weights_file.check(self.weights, self.spec, self._shapes(), {"mean": self.mean, "std": self.std})

    @property
    def map_side(self) -> int:
        """Return the side of the last block's maps in pixels; below 1 where the images are too small."""
        side = self.input_size
        for number, padding in enumerate(self.paddings, start=1):
            side += 2 * padding - 2
            side = side // 2 if number in self.pools else side
        return side

    @property
    def feature_dim(self) -> int:  # type: ignore[override]
        """Return the width of the features."""
        return self.width * (1 if self.pooling == "average" else self.map_side**2)

    @property
    def encoding(self) -> str:
        """Return the preprocessing alone: variants that see equal bytes share encoded data."""
        ink = "-inverted" if self.invert else ""
        return f"conv4/{self.input_size}/bilinear/{'grey' if self.channels == 1 else 'rgb'}{ink}/1"

    @property
    def label(self) -> str:
        """Return the name shown in tables: `conv4.relation@mini` for weights of mini.safetensors."""
        return self.spec if self.weights is None else f"{self.spec}@{self.weights.stem}"

    @property
    def pretrained_on(self) -> str | None:  # type: ignore[override]
        """Return the upstream data as the weights' file states them."""
        return None if self.weights is None else read_weights_header(self.weights).pretrained_on

    def describe(self) -> Mapping[str, Any]:
        """Return all parameters that decide the features, defaults included."""
        shown = ("width", "input_size", "channels", "pooling", "invert", "paddings", "pools", "mean", "std")
        return {key: getattr(self, key) for key in shown}

    def encode(self, raw: Sequence[Any]) -> "Tensor":
        """Return (N, channels, input_size, input_size), uint8 or float32 from 0 to 255."""
        from tlbench_conv4.encode import encode_images

        return encode_images(raw, self.input_size, self.channels, self.invert)

    def build(self, weights: "Mapping[str, Tensor] | None") -> "nn.Module":
        """Return a network from a uint8 or 0..255 float batch (N, channels, H, W) to float32 (N, feature_dim)."""
        from tlbench_conv4.network import Conv4Network

        network = Conv4Network(*self._arguments())
        if weights is not None:
            load_weights(weights, network, weights_file.fit(shapes_of(weights), self._shapes(), self.spec))
        return network

    def _arguments(self) -> tuple[Any, ...]:
        average = self.pooling == "average"
        return (self.channels, self.width, self.paddings, self.pools, average, self.mean, self.std)

    def standalone(self) -> str:
        """Return the source of a module that makes this backbone with torch alone."""
        from tlbench_conv4 import standalone

        return standalone.source(self._arguments(), self.input_size, self.channels == 1, self.invert)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, without building anything."""
        shapes: dict[str, tuple[int, ...]] = {}
        for number in range(1, BLOCKS + 1):
            inputs = self.channels if number == 1 else self.width
            shapes[f"layer{number}.0.weight"] = (self.width, inputs, 3, 3)
            shapes[f"layer{number}.0.bias"] = (self.width,)
            shapes |= {f"layer{number}.1.{name}": (self.width,) for name in _BATCH_NORM}
            shapes[f"layer{number}.1.num_batches_tracked"] = ()
        return shapes


_BATCH_NORM = ("weight", "bias", "running_mean", "running_var")


@dataclass(frozen=True)
class RelationConv4(Conv4):
    """Build Conv4 as the embedding of relation networks, 64 averaged features (Sung et al., 2018, arXiv:1711.06025).

    Only the first two blocks pool (section 3.4 there). Convolutions that are not padded and the normalisation,
    which is by the statistics of Omniglot's images, follow the authors' released code.
    """

    input_size: Annotated[int, Ge(1)] = 84
    channels: Literal[1, 3] = 3
    pooling: Literal["flatten", "average"] = "average"
    paddings: tuple[int, ...] = (0, 0, 1, 1)
    pools: tuple[int, ...] = (1, 2)
    mean: Shade = 0.92206
    std: Shade = 0.08426

    name = "conv4.relation"
    citation = "Sung et al., Learning to Compare: Relation Network for Few-Shot Learning, 2018, arXiv:1711.06025"


def _shades(shade: Shade) -> tuple[float, ...]:
    return shade if isinstance(shade, tuple) else (shade,)
