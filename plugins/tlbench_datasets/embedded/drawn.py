"""Datasets that are drawn on demand, and kept once drawn."""

import os
from pathlib import Path

import numpy as np

from tlbench import DataError, Dataset, Labelled


class Drawn(Dataset):
    """A dataset whose splits take seconds to draw: `prepare` draws them once into the cache."""

    def drawn_domains(self) -> tuple[str, ...]:
        """Return the domains that are worth keeping."""
        return tuple(self.domains)

    def draw(self, domain: str, split: str) -> Labelled:
        """Draw a split anew: images, uint8 (N, H, W), and labels, int64 (N,)."""
        raise TypeError(f"{type(self).__name__} has no method draw")

    def prepare(self, folder: Path) -> None:
        """Draw what the folder lacks; each file appears whole or not at all."""
        for domain in self.drawn_domains():
            for split in self.splits(domain):
                path = _file(folder, domain, split)
                if not path.exists():
                    drawn = self.draw(domain, split)
                    temporary = path.with_name(f".{os.getpid()}-{path.name}")
                    np.savez(temporary, images=drawn.inputs, labels=drawn.labels)
                    os.replace(temporary, path)

    def load(self, domain: str, split: str) -> Labelled:
        """Return images, uint8 (N, H, W), and labels, int64 (N,), as they were kept or drawn anew."""
        for what, name, known in (("domain", domain, self.domains), ("split", split, self.splits(domain))):
            if name not in known:
                raise DataError(f"{self.name} has no {what} {name!r}. It has: {', '.join(known)}.")
        kept = _file(self.folder, domain, split) if self.folder else None
        if kept is None or not kept.exists():
            return self.draw(domain, split)
        with np.load(kept, allow_pickle=False) as arrays:
            return Labelled(arrays["images"], arrays["labels"])


def _file(folder: Path, domain: str, split: str) -> Path:
    return folder / f"{domain}-{split}.npz"
