"""Name the classes of images: `python predict.py IMAGE...`. Needs torch, timm, safetensors and Pillow."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from head import head
from network import encode, network
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch import Tensor, nn

HERE = Path(__file__).resolve().parent
MODEL = json.loads((HERE / "model.json").read_text(encoding="utf-8"))
CLASSES = MODEL["classes"]
BATCH = 128  # another size, or another number of threads, may change the last bits of a probability
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


class Classifier(nn.Module):
    """Apply the head to the features of the backbone."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = network()
        self.head = head()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, (N, number of classes), of encoded images."""
        return self.head(self.backbone(images))


def load() -> Classifier:
    """Return the classifier with its weights, ready to predict."""
    model = Classifier()
    model.load_state_dict(load_file(HERE / "model.safetensors"))
    model.backbone.to(memory_format=torch.channels_last)
    return model.eval().requires_grad_(False)


def opened(path: str) -> Image.Image:
    """Return an image file upright, in grey or RGB: transparency is laid on white, 16 bits become 8."""
    image = Image.open(path, formats=FORMATS)
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        return Image.fromarray(((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        grey = image.mode in ("1", "L", "LA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("L" if grey else "RGB")
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


@torch.no_grad()
def logits(model: Classifier, paths: list[str]) -> Tensor:
    """Return the logits of image files, float32 (N, number of classes)."""
    found = []
    for start in range(0, len(paths), BATCH):
        images = torch.stack([encode(opened(path)) for path in paths[start : start + BATCH]])
        found.append(model(images).float())
    return torch.cat(found)


def main() -> None:
    """Read the command line, and print a line for each image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, or a file of their paths as @FILE")
    parser.add_argument("--json", action="store_true", help="print classes, probabilities and logits as JSON")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default: 1)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    paths = []
    for text in given.images:
        paths += Path(text[1:]).read_text(encoding="utf-8").splitlines() if text.startswith("@") else [text]
    if missing := [path for path in paths if not Path(path).is_file()]:
        sys.exit(f"there is no image {missing[0]!r}.")
    rows = logits(load(), paths)
    for path, row, shares in zip(paths, rows.tolist(), rows.softmax(dim=1).tolist(), strict=True):
        best = max(range(len(CLASSES)), key=row.__getitem__)
        if given.json:
            every = dict(zip(CLASSES, shares, strict=True))
            print(json.dumps({"image": path, "class": CLASSES[best], "probabilities": every, "logits": row}))
        else:
            print(f"{path}: {CLASSES[best]} {shares[best]:.3f}")


if __name__ == "__main__":
    main()
