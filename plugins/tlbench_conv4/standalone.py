"""Write the source of a module that makes Conv4, and its inputs, without tlbench."""

import inspect
from typing import Any

from tlbench_conv4 import network as network_module

_SOURCE = '''{network}

def network() -> nn.Module:
    """Return the network from encoded images, uint8 (N, C, H, W), to features (N, D), its weights not yet loaded."""
    return Conv4Network{arguments}


def encode(image: Image.Image) -> Tensor:
    """Return an image as uint8 (C, {side}, {side}), squeezed to a square."""
    resized = image.convert({mode!r}).resize(({side}, {side}), Image.Resampling.BILINEAR)
    pixels = np.array(resized).reshape({side}, {side}, -1)
    return torch.from_numpy({shown}).permute(2, 0, 1)
'''


def source(arguments: tuple[Any, ...], side: int, grey: bool, invert: bool) -> str:
    """Return the source; `arguments` are those of the network."""
    code = inspect.getsource(network_module)
    code = code.replace("import torch\n", "import numpy as np\nimport torch\nfrom PIL import Image\n", 1)
    shown = "255 - pixels" if invert else "pixels"
    return _SOURCE.format(network=code, arguments=arguments, side=side, mode="L" if grey else "RGB", shown=shown)
