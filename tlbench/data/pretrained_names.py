"""Which datasets a backbone's `pretrained_on` names."""

import re
from pathlib import Path

from tlbench.contract.dataset import Dataset

_ASIDE = re.compile(r"\s*\(([^()]*)\)\s*$")  # as in "blobs (day, train)", which `tlbench pretrain` writes


def named_datasets(pretrained_on: str) -> list[tuple[str, str]]:
    """Return the datasets that `pretrained_on` names, each with what stands in brackets behind it."""
    found = []
    for part in re.split(r"\s*[,;+]\s*(?![^()]*\))|\s+and\s+", pretrained_on):
        aside = _ASIDE.search(part)
        found.append((_ASIDE.sub("", part).strip(), aside[1] if aside else ""))
    return [(name, aside) for name, aside in found if name]


def plainly(name: str) -> str:
    """Return a name without what people write differently: `CIFAR-10` is `cifar10`."""
    return re.sub(r"[\W_]+", "", name.casefold())


def is_named(dataset: Dataset, domain: str, name: str, aside: str) -> bool:
    """Tell whether a name is that of a dataset; where a domain stands behind it, of that domain."""
    stated = aside.partition(",")[0].strip()
    if stated in dataset.domains and stated != domain:
        return False
    own = [dataset.label, dataset.card.name]
    if dataset.locator is None:
        own.append(dataset.name)
    else:  # folder:photos?domains, torchvision:CIFAR10, npz:digits.npz
        place = dataset.label.partition(":")[2].partition("?")[0]
        own += [place, Path(place).stem]
    return plainly(name) in {plainly(each) for each in own if plainly(each)}
