"""Count what must be known of a dataset to choose a suite: how many images, of what size, in how many classes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlbench import DataError, Look, SplitFinding, plural
from tlbench.contract import non_default
from tlbench.data import class_counts, look_at

if TYPE_CHECKING:
    from tlbench.data import Resources

UNEVEN = 2  # times as many test images in the largest class as in the smallest: then accuracy misleads


@dataclass(frozen=True)
class Facts:
    """Hold counts of a dataset's splits, and what its images are like."""

    spec: str
    classes: tuple[str, ...]
    domains: tuple[str, ...]
    train: dict[str, tuple[int, ...]]  # images of each class, by domain
    test: dict[str, tuple[int, ...]]
    look: Look
    findings: tuple[str, ...]

    @property
    def fewest(self) -> int:
        """Return how many training images the smallest class of any domain has: no budget per class can exceed it."""
        return min(min(counts) for counts in self.train.values())

    @property
    def fewest_to_ask(self) -> int:
        """Return how many test images the smallest class of any domain has."""
        return min(min(counts) for counts in self.test.values())

    @property
    def unevenness(self) -> str:
        """Say how uneven the classes of the test images are, where one has twice as many as another; else nothing."""
        counts = max(self.test.values(), key=lambda own: max(own) / max(1, min(own)))
        most, least = max(counts), min(counts)
        if most < UNEVEN * max(1, least):
            return ""
        largest, smallest = (self.classes[counts.index(number)] for number in (most, least))
        return (
            f"The classes are uneven: {plural(most, 'test image')} of {largest}, {least:,} of {smallest}; always "
            f"answering {largest} would have an accuracy of {most / sum(counts):.2f}."
        )

    @property
    def parts_copies(self) -> bool:
        """Tell whether copies of an example stand on both sides of the data's own splits."""
        return any(isinstance(finding, SplitFinding) for finding in self.findings)

    @property
    def richest(self) -> str:
        """Return the domain with most training images."""
        return max(self.domains, key=lambda domain: sum(self.train[domain]))

    def sentences(self) -> Iterator[str]:
        """Yield what a user should check against what they know."""
        train, test = (sum(map(sum, counts.values())) for counts in (self.train, self.test))
        where = f" in {plural(len(self.domains), 'domain')} ({_some(self.domains)})" if len(self.domains) > 1 else ""
        yield (
            f"{self.spec}: {plural(len(self.classes), 'class', 'classes')} ({_some(self.classes)}){where}, "
            f"{train:,} to train and {test:,} to test; {self.fewest:,} to train in the smallest class."
        )
        if self.look.modality == "image":
            kind = {1: "grey", 3: "RGB"}.get(self.look.channels, f"{self.look.channels} channels")
            height, width = self.look.size
            yield f"Images: {kind}, {width}x{height} pixels by the median."
        yield from self.findings


def facts_of(spec: str, resources: "Resources") -> tuple[str, Facts]:
    """Read a dataset and return its facts, under the spec that reads it: with what is unreadable left out, if it must.

    Raises DataError where a run would refuse it and the dataset knows no way around.
    """
    try:
        return spec, _facts(spec, resources)
    except DataError as error:
        tolerant = _tolerant(spec, resources)
        if tolerant is None:
            raise
        try:
            facts = _facts(tolerant, resources)
        except DataError:
            raise error from None
        return tolerant, facts


def _facts(spec: str, resources: "Resources") -> Facts:
    entry = resources.dataset(spec)
    dataset = entry.dataset
    domains = tuple(dataset.domains)
    number = len(dataset.classes)
    train, test = (
        {domain: class_counts(entry.labels(domain, split), number) for domain in domains} for split in ("train", "test")
    )
    return Facts(
        spec,
        tuple(dataset.classes),
        domains,
        train,
        test,
        look_at(dataset, domains[0]),
        tuple(dataset.findings()),
    )


def _tolerant(spec: str, resources: "Resources") -> str | None:
    """Return the spec that leaves out what cannot be read, where the dataset knows how to."""
    dataset = resources.dataset(spec).dataset
    before, after = non_default(dataset), non_default(dataset.tolerant())
    added = {key: value for key, value in after.items() if before.get(key) != value}
    if not added or dataset.locator is None or ":" not in spec:
        return None
    written = "&".join(key if value is True else f"{key}={value}" for key, value in added.items())
    return spec + ("&" if "?" in spec else "?") + written


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown
