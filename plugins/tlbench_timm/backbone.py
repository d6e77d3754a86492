"""Wrap a timm model as a backbone: its arguments, preprocessing and weights, settled when first asked for."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import Backbone, WeightsError, WeightsFit, WeightsHeader, format_spec, read_weights_header
from tlbench_timm import tags

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tlbench_timm.architecture import Structure
    from tlbench_timm.settings import Settings


class TimmBackbone(Backbone):
    """Build a timm architecture with weights of the hub (`tag`), of a file, or a random start."""

    version = "1"
    modality = "image"
    citation = "Wightman, PyTorch Image Models, 2019, doi:10.5281/zenodo.4414861"

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, object],
        *,
        architecture: str,
        tag: str = "",
        file: Path | None = None,
        recipe: Path | None = None,
        defaults: Mapping[str, object] | None = None,
        pretrained_on: str | None = None,
        feature_dim: int | None = None,
    ) -> None:
        """Note what is wanted; timm is imported, and everything checked, only when something is asked for.

        With `recipe` the weights ship with the package; `defaults` come before the file's metadata.
        """
        self.name = name
        self.parameters = {key: tuple(v) if isinstance(v, list) else v for key, v in parameters.items()}
        self.architecture = architecture
        self.tag = tag
        self.file = file
        self.recipe = recipe
        self._defaults = dict(defaults or {})
        self._pretrained_on = pretrained_on
        self._feature_dim = feature_dim
        self._fit: WeightsFit | None = None

    def check(self) -> None:
        """Raise ParameterError or WeightsError for whatever is wrong, short of asking the hub."""
        _ = self._structure
        if self.file is not None and self.recipe is None:
            _ = self.weights

    # ---- identity ----------------------------------------------------------------------------------------

    @property
    def spec(self) -> str:
        """Return the backbone as a user would write it, without the weights' file."""
        return format_spec(self.name, self.parameters)

    @property
    def label(self) -> str:
        """Return the name shown in tables: `mobilenetv2_100@mobilenetv2_100_imagenet` for weights of a file."""
        return self.spec if self.file is None or self.recipe else f"{self.spec}@{self.file.stem}"

    @property
    def encoding(self) -> str:
        """Return the preprocessing alone: models that see equal bytes share encoded data."""
        return self._settings.preprocessing.key

    @property
    def feature_dim(self) -> int:  # type: ignore[override]
        """Return the width of the features."""
        return self._feature_dim or self._structure.feature_dim

    @property
    def license(self) -> str:  # type: ignore[override]
        """Return the licence of the weights as timm or the file states it."""
        if self.recipe is not None:
            return "MIT"
        return (self._settings.config.license or "") if self.tag else self._metadata.get("license", "")

    @property
    def pretrained_on(self) -> str | None:  # type: ignore[override]
        """Return the upstream data: what we, the tag or the file's metadata say."""
        if self._pretrained_on is not None:
            return self._pretrained_on
        if self.tag:
            return tags.upstream_data(self.tag)
        return self._header.pretrained_on if self._header else None

    @cached_property
    def weights(self) -> Path | None:  # type: ignore[override]
        """Return the local weights file, fetched from the hub where need be; raises WeightsError where it is no use."""
        path = self.file
        if path is not None and self.recipe is not None and not path.is_file():
            raise WeightsError(
                f"the weights of {self.name} are not there: {path}. "
                f"Make them: `tlbench pretrain {self.name} --out {path}`."
            )
        if path is None:
            path = self._fetch()
        if path is not None:
            self._fit = self._check_fit(path)
        return path

    def describe(self) -> Mapping[str, Any]:
        """Return what was really used: architecture, arguments, preprocessing with origins, what matched."""
        settings = self._settings
        return {
            "architecture": self.architecture,
            "arguments": dict(settings.arguments),
            "preprocessing": settings.preprocessing.describe(),
            "from": dict(settings.origins),
            **({"weights": self._fit.describe()} if self._fit else {}),
        }

    # ---- work --------------------------------------------------------------------------------------------

    def encode(self, raw: Sequence[Any]) -> "Tensor":
        """Return (N, in_chans, height, width), byte for byte what timm's evaluation transform normalises.

        uint8, or float32 from 0 to 255 where an example is uint16 or float32. Raises DataError, saying what to write,
        for images of another number of channels.
        """
        from tlbench_timm.encode import encode_images

        return encode_images(raw, self._settings.preprocessing, self._taking)

    def _taking(self, channels: int) -> str:
        """Say how to write this backbone for so many channels."""
        file = f"@{self.file}" if self.file is not None and self.recipe is None else ""
        return f"write {format_spec(self.name, {**self.parameters, 'in_chans': channels})}{file}"

    def build(self, weights: "Mapping[str, Tensor] | None") -> "nn.Module":
        """Return a network from a uint8 or 0..255 float batch (N, in_chans, H, W) to float32 (N, feature_dim)."""
        from tlbench_timm import architecture, loading

        model = architecture.create(self._timm_name, self._settings.arguments)
        if weights is not None:
            loading.load(weights, model, self._structure.head, self.label)
        return self._normalised(model)

    def build_with_head(self, weights: "Mapping[str, Tensor]") -> "nn.Module":
        """Return the network with the classifier head that the weights carry: logits, float32 (N, classes)."""
        from tlbench_timm import architecture, loading

        classes = loading.count_classes(weights, self._settings.config.classifier, self.label)
        model = architecture.create(self._timm_name, self._settings.arguments, classes)
        loading.load(weights, model, frozenset(), self.label)
        return self._normalised(model)

    def standalone(self) -> str | None:
        """Return the source of a module that makes this backbone with timm alone; None for other than grey and RGB."""
        from tlbench_timm import standalone

        return standalone.source(self._timm_name, self._settings.arguments, self._settings.preprocessing)

    def _normalised(self, model: "nn.Module") -> "nn.Module":
        from tlbench import ImageNetwork

        preprocessing = self._settings.preprocessing
        return ImageNetwork(model, preprocessing.mean, preprocessing.std)

    # ---- settled once ------------------------------------------------------------------------------------

    @property
    def _timm_name(self) -> str:
        return f"{self.architecture}.{self.tag}" if self.tag else self.architecture

    @cached_property
    def _header(self) -> "WeightsHeader | None":
        return read_weights_header(self.file) if self.file is not None and self.recipe is None else None

    @property
    def _metadata(self) -> Mapping[str, str]:
        return self._header.metadata if self._header else {}

    @cached_property
    def _settings(self) -> "Settings":
        from tlbench_timm.settings import settle

        return settle(self._timm_name, self.parameters, self._defaults, self._metadata)

    @cached_property
    def _structure(self) -> "Structure":
        from tlbench_timm.architecture import structure

        settings = self._settings
        return structure(self._timm_name, settings.arguments, settings.preprocessing.input_size)

    def _fetch(self) -> Path | None:
        """Return the file of weights that the name stands for; None where it stands for a random start."""
        from tlbench_timm.hub import fetch

        if not self.tag:
            return None
        config = self._settings.config
        if not config.hf_hub_id:
            raise WeightsError(f"timm offers no safe weights of {self.name}. Convert some and write {self.spec}@FILE.")
        return fetch(config.hf_hub_id, config.hf_hub_filename, self.name)

    def _check_fit(self, path: Path) -> WeightsFit:
        from tlbench_timm import architecture, loading
        from tlbench_timm.settings import require_followed

        model = architecture.outline(self._timm_name, self._settings.arguments, 0)
        header = self._header or read_weights_header(path)
        fit = loading.check_file(path, header, model, self._structure.head, self.spec)
        require_followed(self._settings, self.label)
        return fit
