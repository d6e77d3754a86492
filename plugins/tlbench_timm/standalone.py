"""Write the source of a module that makes a backbone of timm, and its inputs, without tlbench."""

import inspect
from pprint import pformat

from tlbench import ImageNetwork
from tlbench_timm.architecture import WIDTH_GENERATORS, Arguments
from tlbench_timm.preprocessing import Preprocessing

_SOURCE = '''"""Make {name} of timm, and turn an image into its input."""

import timm
import torch
from PIL import Image
from timm.data import create_transform
from timm.models import efficientnet
from torch import Tensor, nn

ARGUMENTS = {arguments}
SIZE = {size}  # height, width
MEAN, STD = {mean}, {std}  # of inputs in [0, 1], by channel
RESIZING = {resizing}


{network}

def network() -> nn.Module:
    """Return the network from encoded images, uint8 (N, C, H, W), to features (N, D), its weights not yet loaded."""
    return ImageNetwork({create}, MEAN, STD)


def encode(image: Image.Image) -> Tensor:
    """Return an image as uint8 (C, H, W), resized and cropped as timm does to evaluate."""
    transform = create_transform(
        (len(MEAN), *SIZE), is_training=False, mean=MEAN, std=STD, normalize=False, **RESIZING
    )
    return transform(image.convert("L" if len(MEAN) == 1 else "RGB"))
'''


def source(name: str, arguments: Arguments, preprocessing: Preprocessing) -> str | None:
    """Return the source; None where the network takes other images than grey and RGB."""
    if preprocessing.in_chans not in (1, 3):
        return None
    given = dict(arguments)
    width = given.pop("width", None)
    create = f"timm.create_model({name!r}, pretrained=False, num_classes=0, **ARGUMENTS)"
    if width is not None:  # as `architecture.create` does: timm has no entry for it
        architecture = name.partition(".")[0]
        create = (
            f"efficientnet.{WIDTH_GENERATORS[architecture]}({architecture!r}, channel_multiplier={width!r}, "
            f"num_classes=0, **ARGUMENTS)"
        )
    resizing = {key: getattr(preprocessing, key) for key in ("crop_pct", "crop_mode", "interpolation")}
    return _SOURCE.format(
        name=name,
        arguments=pformat(given),
        size=preprocessing.input_size,
        mean=preprocessing.mean,
        std=preprocessing.std,
        resizing=pformat(resizing),
        network=inspect.getsource(ImageNetwork),
        create=create,
    )
