"""Warn, before anything runs, of what a grid of cells is too small to show, however large the differences."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tlbench.contract import ORACLE
from tlbench.names import plural
from tlbench.results.stats import fewest_pairs, smallest_p

ALPHA = 0.05


def significance_warnings(labels: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each comparison that cells with these labels are too few for: on one dataset, and across.

    Datasets are the pairs of an exact test across them; Holm's correction is for the comparisons with the baseline.
    """
    replicates: set[tuple[Any, ...]] = set()
    groups: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}
    transfers: dict[tuple[Any, ...], dict[Any, set[Any]]] = {}
    for each in labels:
        replicates.add((each.get("seed"), each.get("replicate")))
        setting = each.get("setting")
        if setting == ORACLE or each.get("upper_bound"):
            continue
        variant = tuple(each.get(key) or "" for key in ("strategy", "selection", "tuned"))
        at = (each.get("budget"), setting)
        transfers.setdefault(at, {}).setdefault(variant, set()).add((each.get("transfer"), each.get("source") or ""))
        if not each.get("baseline"):
            place = (each.get("transfer"), each.get("backbone"), *at)
            groups.setdefault(place, set()).add((*variant, each.get("source")))
    yield from _on_one(len(replicates), max(map(len, groups.values()), default=0))
    yield from _across(transfers)


def _on_one(replicates: int, comparisons: int) -> Iterator[str]:
    if replicates == 1 and comparisons:
        yield (
            "one replicate says nothing of other labels and seeds, so that no row is called better than another. "
            "--replicates 3 or more do."
        )


def _across(transfers: Mapping[Any, Mapping[Any, set[Any]]]) -> Iterator[str]:
    """Warn of the setting and budget with most transfers, where it is compared across them at all."""
    counts = [
        (max(len({pair[0] for pair in found}) for found in each.values()), len(each)) for each in transfers.values()
    ]
    most, candidates = max(((n, k) for n, k in counts if k > 1), default=(0, 0))
    if most < 2:
        return
    if most < fewest_pairs():
        yield (
            f"{plural(most, 'dataset')} are too few for a test across datasets: the smallest possible p is "
            f"{smallest_p(most):.2g}. That takes {fewest_pairs()} or more."
        )
    elif smallest_p(most) * (candidates - 1) > ALPHA:
        yield (
            f"with {plural(most, 'dataset')} an exact test across datasets can reach p < 0.05 for one comparison, but "
            f"not for {candidates - 1} after Holm's correction: that takes {fewest_pairs(candidates - 1)} datasets."
        )
