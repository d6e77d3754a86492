"""Tell what is unusual among labelled examples: copies, several labels for one image, unequal classes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tlbench import Content, SplitFinding, plural, shown, sorted_by_content

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
        originals = {example.domain: example for example in reversed(group) if example.split == other}
        pairs += [(copy, originals[copy.domain]) for copy in group if copy.split == split and copy.domain in originals]
    if not pairs:
        return []
    words = {"train": "training", "val": "validation", "test": "test"}
    counted = plural(len(pairs), f"{words[split]} image is a copy", f"{words[split]} images are copies")
    return [SplitFinding(f"{counted} of {words[other]} images, byte for byte: {_equations(pairs)}.")]


def _with_several_labels(groups: Sequence[Sequence[Content]]) -> list[str]:
    pairs, count = [], 0
    for group in groups:
        different = [example for example in group if example.label != group[0].label]
        pairs += [(group[0], different[0])] if different else []
        count += len(group) if different else 0
    if not pairs:
        return []
    return [f"{count:,} images are copies of images of another label, byte for byte: {_equations(pairs)}."]


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
