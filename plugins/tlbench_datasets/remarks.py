"""Tell what is unusual among labelled examples: copies, several labels for one image, unequal classes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tlbench import Content, plural, shown, sorted_by_content

_IMBALANCE = 10  # times as many training examples in the largest class as in the smallest


def remarks(examples: Sequence[Content]) -> list[str]:
    """Return sentences on copies across splits, on copies with several labels and on unequal classes."""
    same: dict[str, list[Content]] = defaultdict(list)
    for example in examples:
        same[example.digest].append(example)
    groups = [sorted_by_content(group) for group in same.values() if len(group) > 1]
    sentences = [
        *_across_splits(groups, "test", "train"),
        *_across_splits(groups, "test", "val"),
        *_across_splits(groups, "val", "train"),
        *_with_several_labels(groups),
        *_imbalance(examples),
    ]
    return sentences


def _across_splits(groups: Sequence[Sequence[Content]], split: str, other: str) -> list[str]:
    pairs = []
    for group in groups:
        originals = [example for example in group if example.split == other]
        pairs += [(copy, originals[0]) for copy in group if copy.split == split and originals]
    if not pairs:
        return []
    verb = "is a copy" if len(pairs) == 1 else "are copies"
    others = {"train": "training", "val": "validation"}[other]
    return [f"{plural(len(pairs), 'image')} of the {split} split {verb} of {others} images: {_equations(pairs)}."]


def _with_several_labels(groups: Sequence[Sequence[Content]]) -> list[str]:
    pairs = []
    for group in groups:
        different = [example for example in group if example.label != group[0].label]
        pairs += [(group[0], different[0])] if different else []
    if not pairs:
        return []
    verb = "occurs" if len(pairs) == 1 else "occur"
    return [f"{plural(len(pairs), 'image')} {verb} under several labels: {_equations(pairs)}."]


def _equations(pairs: Sequence[tuple[Content, Content]]) -> str:
    first = ", ".join(f"{shown(one.source)} = {shown(other.source)}" for one, other in pairs[:3])
    return first + (f" and {len(pairs) - 3:,} more" if len(pairs) > 3 else "")


def _imbalance(examples: Iterable[Content]) -> list[str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        if example.split == "train":
            counts[example.domain][example.label] += 1
    sentences = []
    for domain, labels in sorted(counts.items()):
        (largest, most), (smallest, fewest) = labels.most_common()[0], labels.most_common()[-1]
        if most >= _IMBALANCE * fewest:
            where = "" if domain == "all" else f" in domain '{shown(domain)}'"
            sentences.append(
                f"The classes are unequal{where}: {plural(most, 'training image')} of '{shown(largest)}', "
                f"{fewest:,} of '{shown(smallest)}'."
            )
    return sentences
