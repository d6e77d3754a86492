"""Offer datasets of the Hugging Face hub, or in its formats on this machine: `hf:NAME_OR_FOLDER`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tlbench import hookimpl

if TYPE_CHECKING:
    from tlbench import Dataset


@hookimpl
def tlbench_datasets() -> "Iterable[type[Dataset]]":
    """Return the dataset class; imported here so that finding the plugin stays cheap."""
    from tlbench_hf.dataset import HuggingFace

    return [HuggingFace]
