"""Write the source of a module that makes a model of torchvision, and its inputs, without tlbench."""

import inspect

from tlbench import ImageNetwork
from tlbench_torchvision import architecture
from tlbench_torchvision.preprocessing import Preprocessing

_SOURCE = '''"""Make {name} of torchvision without its classifier, and turn an image into its input."""

from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import models
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

SIZE, RESIZED = {size}, {resized}  # pixels of a side
MEAN, STD = {mean}, {std}  # of inputs in [0, 1], by channel
_ARGUMENTS = {{{name!r}: {arguments}}}


{code}

def network() -> nn.Module:
    """Return the network from encoded images, uint8 (N, C, H, W), to features (N, D), its weights not yet loaded."""
    model = create({name!r}, SIZE)
    drop_head(model)
    return ImageNetwork(model, MEAN, STD)


def encode(image: Image.Image) -> Tensor:
    """Return an image as uint8 (3, SIZE, SIZE), resized and cropped as torchvision does to evaluate."""
    resized = transforms.resize(image.convert("RGB"), [RESIZED], InterpolationMode({interpolation!r}))
    return transforms.pil_to_tensor(transforms.center_crop(resized, [SIZE, SIZE]))
'''


def source(model: str, preprocessing: Preprocessing) -> str:
    """Return the source."""
    parts = (architecture._PoolWhereNeeded, architecture.create, architecture.drop_head, ImageNetwork)
    return _SOURCE.format(
        name=model,
        size=preprocessing.input_size,
        resized=preprocessing.resize_size,
        mean=preprocessing.mean,
        std=preprocessing.std,
        arguments=architecture._ARGUMENTS.get(model, {}),
        code="\n\n".join(map(inspect.getsource, parts)),
        interpolation=preprocessing.interpolation,
    )
