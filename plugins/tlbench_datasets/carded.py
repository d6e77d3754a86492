"""Read datasets with a card: their name, licence and citation are what a small file beside the data says."""

from functools import cached_property
from pathlib import Path

from tlbench import Card, Dataset
from tlbench_datasets.card import read_card

_OWNER = "as stated by the data's owner"


class Carded(Dataset):
    """Describe a dataset that lies in a folder or file, with or without a card."""

    path: Path

    def _read_card(self) -> Card:
        """Return the card, an empty one where there is none."""
        return read_card(self.path.expanduser())

    @cached_property
    def _card(self) -> Card:
        return self._read_card()

    @property
    def card(self) -> Card:
        """Return the dataset card beside the data, where there is one."""
        return self._card

    @property
    def license(self) -> str:  # type: ignore[override]
        """Return the licence as the card states it."""
        return self._card.license or _OWNER

    @property
    def citation(self) -> str:  # type: ignore[override]
        """Return the citation as the card states it."""
        return self._card.citation or _OWNER
