"""Wrap a torchvision model as a backbone: its preprocessing and weights, settled when it is found."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tlbench import Backbone, ImageNetwork, format_spec, load_weights, near_miss, read_weights_header, shapes_of
from tlbench_torchvision import architecture, preprocessing, weights_file
from tlbench_torchvision.encode import encode_images
from tlbench_torchvision.names import PREFIX, all_names


class TorchvisionBackbone(Backbone):
    """Build a torchvision classification model without its classifier."""

    version = "1"
    modality = "image"
    citation = "TorchVision maintainers and contributors, TorchVision: PyTorch's Computer Vision library, 2016"

    def __init__(self, name: str, model: str, parameters: Mapping[str, object], weights: Path | None) -> None:
        """Settle everything; raise ParameterError or WeightsError for whatever is wrong."""
        self.name = name
        self.model = model
        self.parameters = {key: tuple(v) if isinstance(v, list) else v for key, v in parameters.items()}
        self.weights = weights
        self.header = read_weights_header(weights) if weights is not None else None
        self.metadata = self.header.metadata if self.header else {}
        self.preprocessing, self.origins = preprocessing.settle(
            name, self.parameters, self.metadata, architecture.published_preprocessing(model)
        )
        self.outline = architecture.outline(model, self.preprocessing.input_size)
        self.feature_dim = self.outline.feature_dim
        self.fit = None
        if self.header is not None:
            hint = self._hint(self.metadata.get("arch", model))
            self.fit = weights_file.fit(self.header.shapes, self.outline, f"weights {weights}", self.spec, hint)

    @property
    def spec(self) -> str:
        """Return the backbone as a user would write it, without the weights' file."""
        return format_spec(self.name, self.parameters)

    @property
    def label(self) -> str:
        """Return the name shown in tables: `tv.squeezenet1_1@squeezenet1_1_imagenet` for weights of a file."""
        return self.spec if self.weights is None else f"{self.spec}@{self.weights.stem}"

    @property
    def encoding(self) -> str:
        """Return the preprocessing alone: models that see equal bytes share encoded data."""
        return self.preprocessing.key

    @property
    def license(self) -> str:  # type: ignore[override]
        """Return the licence of the weights as the file states it."""
        return self.metadata.get("license", "")

    @property
    def pretrained_on(self) -> str | None:  # type: ignore[override]
        """Return the upstream data as the weights' file states them."""
        return self.header.pretrained_on if self.header else None

    def describe(self) -> Mapping[str, Any]:
        """Return what was really used: model, preprocessing with origins, what of the weights matched."""
        return {
            "architecture": self.model,
            "preprocessing": self.preprocessing.describe(),
            "from": dict(self.origins),
            **({"weights": self.fit.describe()} if self.fit else {}),
        }

    def encode(self, raw: Sequence[Any]) -> Tensor:
        """Return (N, 3, input_size, input_size), byte for byte what torchvision's presets normalise.

        uint8, or float32 from 0 to 255 where an example is uint16 or float32.
        """
        return encode_images(raw, self.preprocessing)

    def build(self, weights: Mapping[str, Tensor] | None) -> nn.Module:
        """Return a network from a uint8 or 0..255 float batch (N, 3, H, W) to float32 (N, feature_dim)."""
        model = architecture.create(self.model, self.preprocessing.input_size)
        architecture.drop_head(model)
        if weights is not None:
            load_weights(weights, model, weights_file.fit(shapes_of(weights), self.outline, "the weights", self.label))
        return ImageNetwork(model, self.preprocessing.mean, self.preprocessing.std)

    def standalone(self) -> str:
        """Return the source of a module that makes this backbone with torchvision alone."""
        from tlbench_torchvision import standalone

        return standalone.source(self.model, self.preprocessing)

    def _hint(self, said: str) -> str:
        """Name the model that a file says it is for, where it is another."""
        if said == self.model:
            return ""
        return f" The file says it is for {said!r}.{near_miss(PREFIX + said, all_names())}"
