"""Find torchvision's classification models by name: `tv.squeezenet1_1@FILE`."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tlbench import BackboneFamily, ParameterError, Spec
from tlbench_torchvision.names import PREFIX, all_names

if TYPE_CHECKING:
    from tlbench_torchvision.backbone import TorchvisionBackbone


class TorchvisionFamily(BackboneFamily):
    """Build torchvision's models as `tv.NAME`: a random start, or with @FILE the weights of a safetensors file.

    Many names (`resnet18`, `vgg16`) are timm's as well, for networks whose tensors are called otherwise. The
    prefix keeps them apart; `tv` is how timm's own tags abbreviate torchvision (`resnet50.tv_in1k`), and being
    short it lets a name without it find the nearest one with it.
    """

    name: ClassVar[str] = "torchvision"

    def find(self, spec: Spec) -> "TorchvisionBackbone | None":
        """Return the backbone that `spec` names, or None where torchvision has no such classification model.

        Raises ParameterError for a parameter that makes no sense or a model that gives no image features, and
        WeightsError for a file that is none or does not fit. Nothing is downloaded.
        """
        if not spec.name.startswith(PREFIX):
            return None
        architecture = spec.name.removeprefix(PREFIX)
        if spec.name not in all_names():
            _refuse_other_models(architecture)
            return None
        from tlbench_torchvision.backbone import TorchvisionBackbone

        file = Path(spec.location).expanduser().absolute() if spec.location else None
        return TorchvisionBackbone(spec.name, architecture, spec.parameters, file)

    def names(self) -> Iterable[str]:
        """Return every classification model."""
        return all_names()


def _refuse_other_models(architecture: str) -> None:
    """Raise ParameterError for a detector, a segmentation net, a video net or a quantized one."""
    from torchvision import models

    if architecture in models.list_models():
        raise ParameterError(
            f"{PREFIX}{architecture} is not one of torchvision's image classification models, and only those give "
            f"features here: write {PREFIX}resnet18 or another of them."
        )
