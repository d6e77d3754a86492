"""Warn, before anything runs, of what a grid of cells cannot show, however large the differences."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tlbench.contract import ORACLE


def significance_warnings(labels: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a sentence where cells with these labels are compared and have one replicate each.

    What datasets are too few for is said where a claim rests on them: beside the comparison across datasets.
    """
    replicates: set[tuple[Any, ...]] = set()
    groups: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}
    for each in labels:
        replicates.add((each.get("seed"), each.get("replicate")))
        if each.get("setting") == ORACLE or each.get("upper_bound"):
            continue
        variant = tuple(each.get(key) or "" for key in ("strategy", "selection", "tuned", "source"))
        place = tuple(each.get(key) for key in ("transfer", "backbone", "budget", "setting"))
        groups.setdefault(place, set()).add(variant)
    if len(replicates) == 1 and any(len(variants) > 1 for variants in groups.values()):
        yield (
            "one replicate says nothing of other labels and seeds, so that no row is called better than another. "
            "--replicates 3 or more do."
        )
