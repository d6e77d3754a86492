"""Measure precision and recall of the near-duplicate finder on pairs whose truth is known.

`python benchmarks/near_duplicates.py [SPEC ...]` takes datasets as `tlbench run -d` does. Of each it makes

- copies: every image once per kind of change below, looked for among the unchanged images;
- pairs that are none: an image whose middle is that of another image of its class, on its own background (looked for
  among the unchanged images, of which neither is a near-duplicate), and different images of the dataset. Of the latter the
  pairs found are listed, for they may be copies that the dataset holds: look at them with `tlbench data inspect SPEC`.

`poses` is a further name: drawn hands, each pair of one hand on one background with one or more fingers bent otherwise.
Precision is that of all that was found where every hundredth test image is a copy, the rest being different images.
"""

import argparse
import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tlbench.data import Cache, Resources, find_copies, sketch_examples
from tlbench.host import Catalog, Host

SHARE = 0.01  # of test images that are copies, where precision is told


def stored(image: Image.Image, quality: int, kind: str = "JPEG") -> Image.Image:
    """Return an image as it comes back from a compressed file."""
    file = io.BytesIO()
    image.save(file, kind, quality=quality)
    return Image.open(file).copy()


def resized(image: Image.Image, scale: float) -> Image.Image:
    """Return an image at another size."""
    return image.resize([max(8, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC)


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Return an image less these shares of its sides."""
    width, height = image.size
    return image.crop((
        round(left * width), round(top * height), width - round(right * width), height - round(bottom * height),
    ))  # fmt: skip


def brightened(image: Image.Image, factor: float) -> Image.Image:
    """Return an image with all values multiplied; what grows over 255 is white."""
    return Image.fromarray((np.asarray(image, np.float32) * factor).clip(0, 255).round().astype(np.uint8))


def contrasted(image: Image.Image, factor: float) -> Image.Image:
    """Return an image with its distance from middle grey multiplied."""
    values = 128 + (np.asarray(image, np.float32) - 128) * factor
    return Image.fromarray(values.clip(0, 255).round().astype(np.uint8))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG quality 90": lambda image: stored(image, 90),
    "JPEG quality 60": lambda image: stored(image, 60),
    "JPEG quality 30": lambda image: stored(image, 30),
    "WebP quality 60": lambda image: stored(image, 60, "WEBP"),
    "half the size": lambda image: resized(image, 0.5),
    "half the size and JPEG quality 60": lambda image: stored(resized(image, 0.5), 60),
    "twice the size": lambda image: resized(image, 2),
    "brighter by 10 %": lambda image: brightened(image, 1.1),
    "darker by 20 %": lambda image: brightened(image, 0.8),
    "contrast less by 20 %": lambda image: contrasted(image, 0.8),
    "grey": lambda image: image.convert("L"),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "cropped by 1.5 % at each side": lambda image: cropped(image, *[0.015] * 4),
    "cropped by 3 % at each side": lambda image: cropped(image, *[0.03] * 4),
    "cropped by 5 % at each side": lambda image: cropped(image, *[0.05] * 4),
    "shifted by 3 %": lambda image: cropped(image, 0.03, 0.03, 0, 0),
    "shifted by 6 %": lambda image: cropped(image, 0.06, 0, 0, 0.06),
}


def with_other_middle(image: Image.Image, other: Image.Image) -> Image.Image:
    """Return an image with the middle of another in a soft disc, a fifth of the area: another thing, the same ground."""
    mask = Image.new("L", image.size, 0)
    width, height = image.size
    across, down = 0.25 * width, 0.25 * height
    ImageDraw.Draw(mask).ellipse((width / 2 - across, height / 2 - down, width / 2 + across, height / 2 + down), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(width / 60))
    return Image.composite(other.resize(image.size).convert(image.mode), image, mask)


def hand(draw: np.random.Generator, bent: Sequence[bool], look: Sequence[float], side: int = 100) -> Image.Image:
    """Return a drawn hand on a soft uniform background, of a person whom `look` describes, with some fingers bent."""
    scale = 4
    ground, skin, light, width, length, x, y, tilt = look
    image = Image.new("L", (side * scale, side * scale), 0)
    pen = ImageDraw.Draw(image)
    middle = np.array([x + draw.normal(0, 0.004), y + draw.normal(0, 0.004)])

    def at(point: Sequence[float]) -> tuple[float, float]:
        angle = tilt + turned
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        a, b = (middle + turn @ np.array(point)) * side * scale
        return float(a), float(b)

    turned = draw.normal(0, 0.01)

    def limb(points: Sequence[Sequence[float]], thick: float, tone: int) -> None:
        radius = thick * side * scale / 2
        places = [at(point) for point in points]
        pen.line(places, fill=tone, width=round(2 * radius))
        for a, b in places:
            pen.ellipse((a - radius, b - radius, a + radius, b + radius), fill=tone)

    limb([(0, 0.5), (0, 0.12)], 0.22, 225)
    limb([(-0.06, 0.08), (0.06, 0.08)], 0.24, 235)
    limb([(-0.06, -0.02), (0.06, -0.02)], 0.18, 240)
    for finger, (across, down, angle, long) in enumerate(
        [(-0.14, 0.06, -0.9, 0.8), (-0.1, -0.07, -0.18, 1), (-0.035, -0.09, -0.03, 1.1), (0.03, -0.08, 0.08, 1.02), (0.1, -0.05, 0.25, 0.8)]
    ):
        reach = length * long * (0.25 if bent[finger] else 1)
        limb([(across, down), (across + reach * np.sin(angle), down - reach * np.cos(angle))], width, 250)
        if bent[finger]:
            limb([(across, down + 0.03), (across * 0.8, down + 0.1)], width * 0.8, 205)
    shape = np.asarray(image.resize((side, side), Image.Resampling.BOX), np.float32) / 255
    rise = np.linspace(-1, 1, side)
    shade = 1 + 0.06 * (np.cos(light) * rise[None, :] + np.sin(light) * rise[:, None])
    values = (ground * (1 - (shape > 0.05) * np.minimum(1, shape * 1.2)) + skin * shape) * shade
    grain = draw.normal(0, 1.5, (side, side))
    colour = np.stack([values * tint + grain for tint in (1.02, 0.97, 0.93)], axis=2)
    return Image.fromarray(colour.clip(0, 255).round().astype(np.uint8))


def hands(count: int, seed: int) -> list[tuple[Image.Image, int]]:
    """Return drawn hands, each with the number of its pose; a person shows every pose once."""
    draw = np.random.default_rng(seed)
    poses = [tuple(bool(number >> finger & 1) for finger in range(5)) for number in range(32)]
    found = []
    while len(found) < count:
        look = (
            draw.uniform(190, 245), draw.uniform(90, 180), draw.uniform(0, 6.28), draw.uniform(0.05, 0.075),
            draw.uniform(0.2, 0.3), draw.uniform(0.47, 0.53), draw.uniform(0.5, 0.6), draw.normal(0, 0.08),
        )  # fmt: skip
        found += [(hand(draw, pose, look), number) for number, pose in enumerate(poses)]
    return found[:count]


def images_of(spec: str, count: int, seed: int) -> list[tuple[Image.Image, int]]:
    """Return up to so many images of a dataset with their labels, whole classes one after the other."""
    if spec == "poses":
        return hands(count, seed)
    entry = Resources(Catalog(Host()), Cache()).dataset(spec)
    found = []
    for domain in entry.dataset.domains:
        for split in entry.dataset.splits(domain):
            data = entry.dataset.load(domain, split)
            found += [(data.inputs, row, int(data.labels[row])) for row in range(len(data.labels))]
    order = np.random.default_rng(seed).permutation(len(found))[:count]
    return [(Image.fromarray(np.asarray(inputs[row])), label) for inputs, row, label in (found[at] for at in order)]


def pairs_found(examples: Sequence[Image.Image], others: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield which of the images were found among the others, and where."""
    for row, other, _ in find_copies(sketches(examples), others).tolist():
        yield row, other


def sketches(images: Sequence[Image.Image]) -> np.ndarray:
    """Return the sketches of images."""
    return sketch_examples(map(np.asarray, images), len(images))


def measure(spec: str, count: int, seed: int) -> tuple[dict[str, float], dict[str, tuple[int, int]], list]:
    labelled = images_of(spec, count, seed)
    images = [image for image, _ in labelled]
    own = sketches(images)
    recall = {}
    wrong = {}
    strangers = 0
    for name, change in CHANGES.items():
        hits = list(pairs_found([change(image) for image in images], own))
        recall[name] = sum(row == other for row, other in hits) / len(images)
        strangers += sum(row != other for row, other in hits)
    wrong["copies, of another image"] = (strangers, len(images) * len(CHANGES))
    draw = np.random.default_rng(seed)
    by_label: dict[int, list[int]] = {}
    for at, (_, label) in enumerate(labelled):
        by_label.setdefault(label, []).append(at)
    mixed, at_home = [], []
    for at, (image, label) in enumerate(labelled):
        mates = [mate for mate in by_label[label] if mate != at] or [mate for mate in range(len(images)) if mate != at]
        if spec != "poses":
            mixed.append(with_other_middle(image, images[mates[draw.integers(len(mates))]]))
    if mixed:
        hits = list(pairs_found(mixed, own))
        wrong["same ground, other middle"] = (len(hits), len(mixed))
    within = find_copies(own, own, earlier=True)
    wrong["different images"] = (len(within), len(images))
    return recall, wrong, [(images[a], images[b]) for a, b, _ in within.tolist()]
