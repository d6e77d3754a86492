"""Measure precision and recall of the near-duplicate finder on pairs whose truth is known.

`python benchmarks/near_duplicates.py [--images N] [--pairs FOLDER] SPEC ...` takes datasets as `tlbench run -d` does,
and `hands`: drawn hands, 32 poses of each on one background. Of each it makes

- copies: every image in every kind of change below, looked for among the unchanged images;
- images that are no copies: each with the middle of another of its class, a fifth of the area, looked for likewise;
  and images of two classes of the dataset, of hands all.

Copies that the dataset holds itself (two of one class found) have no known truth: they are counted apart and, with
`--pairs`, drawn side by side to be looked at.
"""

import argparse
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tlbench.data import Cache, Resources, find_copies, sketch_examples
from tlbench.host import Catalog, Host


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
    """Return an image with the middle of another in a soft disc, a fifth of the area: one ground, two things."""
    mask = Image.new("L", image.size, 0)
    width, height = image.size
    across, down = 0.25 * width, 0.25 * height
    ImageDraw.Draw(mask).ellipse(
        (width / 2 - across, height / 2 - down, width / 2 + across, height / 2 + down), fill=255
    )
    mask = mask.filter(ImageFilter.GaussianBlur(width / 60))
    return Image.composite(other.resize(image.size).convert(image.mode), image, mask)


@dataclass(frozen=True)
class Person:
    """Hold what all photographs of one hand share; lengths are shares of a side, angles radians."""

    ground: float  # grey value
    skin: float  # grey value
    light: float  # where it comes from
    width: float
    lengths: np.ndarray
    angles: np.ndarray
    middle: np.ndarray
    tilt: float


# Across, down, angle and length of thumb and fingers.
FINGERS = ((-0.14, 0.06, -0.9, 0.8), (-0.1, -0.07, -0.18, 1), (-0.035, -0.09, -0.03, 1.1), (0.03, -0.08, 0.08, 1.02),
           (0.1, -0.05, 0.25, 0.8))  # fmt: skip


def hand(draw: np.random.Generator, bent: Sequence[bool], person: Person, side: int = 100) -> Image.Image:
    """Return a drawn hand on a soft uniform background with some fingers bent; no two drawings are quite alike."""
    fine = 4 * side
    image = Image.new("L", (fine, fine), 0)
    pen = ImageDraw.Draw(image)
    middle, angle = person.middle + draw.normal(0, 0.004, 2), person.tilt + draw.normal(0, 0.01)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def limb(points: Sequence[Sequence[float]], thick: float, tone: int) -> None:
        radius = thick * fine / 2
        places = [tuple((middle + turn @ np.array(point)) * fine) for point in points]
        pen.line(places, fill=tone, width=round(2 * radius))
        for a, b in places:
            pen.ellipse((a - radius, b - radius, a + radius, b + radius), fill=tone)

    limb([(0, 0.5), (0, 0.12)], 0.22, 225)
    limb([(-0.06, 0.08), (0.06, 0.08)], 0.24, 235)
    limb([(-0.06, -0.02), (0.06, -0.02)], 0.18, 240)
    for finger, (across, down, angle, length) in enumerate(FINGERS):
        angle += person.angles[finger] + draw.normal(0, 0.05)
        reach = person.lengths[finger] * length * draw.normal(1, 0.03) * (0.25 if bent[finger] else 1)
        tip = (across + reach * np.sin(angle), down - reach * np.cos(angle))
        limb([(across, down), tip], person.width, 250)
        if bent[finger]:
            limb([(across, down + 0.03), (across * 0.8, down + 0.1)], person.width * 0.8, 205)
    shape = np.asarray(image.resize((side, side), Image.Resampling.BOX), np.float32) / 255
    rise = np.linspace(-1, 1, side)
    shade = 1 + 0.06 * (np.cos(person.light) * rise[None, :] + np.sin(person.light) * rise[:, None])
    around = person.ground * (1 - (shape > 0.05) * np.minimum(1, shape * 1.2))
    values, grain = (around + person.skin * shape) * shade, draw.normal(0, 1.5, (side, side))
    colour = np.stack([values * tint + grain for tint in (1.02, 0.97, 0.93)], axis=2)
    return Image.fromarray(colour.clip(0, 255).round().astype(np.uint8))


def hands(count: int, seed: int) -> list[tuple[Image.Image, int]]:
    """Return drawn hands, each with the number of its pose; a person shows every pose once."""
    draw = np.random.default_rng(seed)
    poses = [tuple(bool(number >> finger & 1) for finger in range(5)) for number in range(32)]
    found: list[tuple[Image.Image, int]] = []
    while len(found) < count:
        person = Person(
            ground=draw.uniform(190, 245), skin=draw.uniform(90, 180), light=draw.uniform(0, 6.28),
            width=draw.uniform(0.05, 0.075), lengths=draw.uniform(0.2, 0.3) * draw.normal(1, 0.08, 5),
            angles=draw.normal(0, 0.08, 5), middle=draw.uniform((0.47, 0.5), (0.53, 0.6)), tilt=draw.normal(0, 0.08),
        )  # fmt: skip
        found += [(hand(draw, pose, person), number) for number, pose in enumerate(poses)]
    return found[:count]


def images_of(spec: str, count: int, seed: int) -> list[tuple[Image.Image, int]]:
    """Return up to so many images of a dataset, of all splits, with their labels."""
    if spec == "hands":
        return hands(count, seed)
    data = Resources(Catalog(Host()), Cache()).dataset(spec).dataset
    splits = [data.load(domain, split) for domain in data.domains for split in data.splits(domain)]
    found = [(split.inputs, row, int(split.labels[row])) for split in splits for row in range(len(split.labels))]
    order = np.random.default_rng(seed).permutation(len(found))[:count]
    return [(Image.fromarray(np.asarray(inputs[row])), label) for inputs, row, label in (found[at] for at in order)]


def sketches(images: Sequence[Image.Image]) -> np.ndarray:
    """Return the sketches of images."""
    return sketch_examples(map(np.asarray, images), len(images))


@dataclass
class Measured:
    """Hold what was found of copies and of images that are none."""

    images: int
    recall: dict[str, float]
    mistaken: float  # share of the copies that were found as another image
    wrong: dict[str, tuple[int, int]]  # of images that are no copies: how many were found, of how many
    own: list[tuple[Image.Image, Image.Image]]  # pairs of one class that the dataset holds itself

    def precision(self, share: float) -> float:
        """Return the precision over test images of which this share are copies."""
        right = share * sum(self.recall.values()) / len(self.recall)
        false = sum(found for found, _ in self.wrong.values()) / sum(count for _, count in self.wrong.values())
        return right / (right + share * self.mistaken + (1 - share) * false)


def measure(labelled: Sequence[tuple[Image.Image, int]], seed: int, *, is_drawn: bool) -> Measured:
    """Return what the finder makes of images; `is_drawn` where none is a copy of another."""
    images, labels = [image for image, _ in labelled], [label for _, label in labelled]
    known = sketches(images)
    within = [(row, other) for row, other, _ in find_copies(known, known, earlier=True).tolist()]
    same = set() if is_drawn else {pair for pair in within if labels[pair[0]] == labels[pair[1]]}
    group = list(range(len(images)))  # the first of those that are copies of each other
    for row, other in sorted(same):
        group = [group[other] if each == group[row] else each for each in group]
    recall, strangers, changed = {}, 0, 0
    for name, change in CHANGES.items():
        copies = [change(image) for image in images]
        # At 28 pixels a crop by 1.5 % takes none away: what is equal is no near-duplicate.
        tried = [row for row, copy in enumerate(copies) if copy.size != images[row].size or copy != images[row]]
        hits = [(tried[row], other) for row, other, _ in find_copies(sketches([copies[row] for row in tried]), known)]
        right = sum(group[row] == group[int(other)] for row, other in hits)
        recall[name] = right / len(tried) if tried else float("nan")
        strangers, changed = strangers + len(hits) - right, changed + len(tried)
    wrong = {}
    if not is_drawn:
        draw = np.random.default_rng(seed)
        mates = [
            [at for at, label in enumerate(labels) if label == own and group[at] != group[row]]
            for row, own in enumerate(labels)
        ]
        mixed = [with_other_middle(image, images[draw.choice(mates[at] or [at])]) for at, image in enumerate(images)]
        # Two strokes of a pen may be the same in the middle.
        apart = [row for row, image in enumerate(mixed) if _differ(image, images[row])]
        found = find_copies(sketches([mixed[row] for row in apart]), known)
        wrong["one ground, another middle"] = (len(found), len(apart))
    wrong["different images"] = (len(within) - len(same), len(images))
    recall = {name: value for name, value in recall.items() if value == value}
    return Measured(
        len(images), recall, strangers / changed, wrong, [(images[row], images[other]) for row, other in sorted(same)]
    )


def _differ(one: Image.Image, other: Image.Image) -> bool:
    return bool(np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).max() >= 64)


def draw_pairs(pairs: Sequence[tuple[Image.Image, Image.Image]], path: Path, side: int = 128, across: int = 4) -> None:
    """Draw pairs side by side."""
    sheet = Image.new("RGB", (across * (2 * side + 16), -(-len(pairs) // across) * (side + 8)), "white")
    for at, pair in enumerate(pairs):
        for column, image in enumerate(pair):
            place = (at % across * (2 * side + 16) + column * (side + 2), at // across * (side + 8))
            sheet.paste(image.convert("RGB").resize((side, side)), place)
    sheet.save(path)


def main() -> None:
    """Measure each dataset and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", default=["hands", "digits", "glyphs"], metavar="SPEC")
    parser.add_argument("--images", type=int, default=1000, help="of each dataset, drawn from all splits")
    parser.add_argument("--pairs", type=Path, help="folder for pictures of the pairs that a dataset holds itself")
    options = parser.parse_args()
    found = {}
    for spec in options.specs:
        found[spec] = measure(images_of(spec, options.images, 0), 0, is_drawn=spec == "hands")
        if options.pairs and found[spec].own:
            options.pairs.mkdir(parents=True, exist_ok=True)
            draw_pairs(found[spec].own, options.pairs / f"{len(found)}.png")
    names = [Path(spec.partition(":")[2] or spec).name.partition(".")[0] for spec in found]
    rows = [["recall, by change", *names]]
    for change in CHANGES:
        rows.append(
            [change, *(f"{each.recall[change]:.2f}" if change in each.recall else "-" for each in found.values())]
        )
    rows.append(["found of what are no copies", *names])
    for kind in dict.fromkeys(kind for each in found.values() for kind in each.wrong):
        counts = [each.wrong.get(kind) for each in found.values()]
        rows.append([kind, *(f"{count[0]:,} of {count[1]:,}" if count else "-" for count in counts)])
    rows.append(["copies, found as another image", *(f"{each.mistaken:.1%}" for each in found.values())])
    for share in (0.5, 0.01):
        name = f"precision where {share:.0%} are copies"
        rows.append([name, *(f"{each.precision(share):.3f}" for each in found.values())])
    rows.append(["pairs of its own, to be looked at", *(f"{len(each.own):,}" for each in found.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)))


if __name__ == "__main__":
    main()
