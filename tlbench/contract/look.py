"""Describe what the images of a dataset look like, as far as it decides which backbone suits them."""

from dataclasses import dataclass
from typing import NamedTuple

GLYPH = 64  # pixels of a side: from here on an image is more than a drawn letter


@dataclass(frozen=True)
class Look:
    """Describe a few examples of a dataset."""

    modality: str
    size: tuple[int, int] = (0, 0)  # median height and width in pixels
    channels: int = 0
    in_colour: bool = False  # whether any channel differs from another

    @property
    def are_photographs(self) -> bool:
        """Tell whether these are images larger, or more colourful, than drawn letters."""
        return self.modality == "image" and (self.in_colour or min(self.size) >= GLYPH)

    @property
    def are_characters(self) -> bool:
        """Tell whether these are small images in grey, as letters and digits are."""
        return self.modality == "image" and not self.are_photographs

    @property
    def in_words(self) -> str:
        """Say what decides: `in colour, 224x224 pixels`."""
        return f"{'in colour' if self.in_colour else 'grey'}, {self.size[1]}x{self.size[0]} pixels"


class Suited(NamedTuple):
    """Hold how a backbone is written for some images, and why it suits them."""

    spec: str
    reason: str
