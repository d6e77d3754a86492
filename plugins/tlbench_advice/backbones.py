"""Choose the backbones that a question is about: those that were named, or those of the stored results or a suite."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlbench import ParameterError, TlbenchError
from tlbench.running import DEFAULT_SUITE, find_suite
from tlbench_advice.evidence import Evidence, backbone_key
from tlbench_advice.target import Target

if TYPE_CHECKING:
    from tlbench.data import BackboneEntry, Resources

MOST = 3  # backbones that are taken from stored results where none is named


@dataclass(frozen=True, eq=False)
class Opened:
    """Hold a backbone that is here."""

    spec: str  # as `-b` takes it
    entry: "BackboneEntry"

    @property
    def key(self) -> str:
        """Return the name by which stored results know it."""
        return backbone_key(self.entry.identity)

    @property
    def label(self) -> str:
        """Return the name shown."""
        return self.entry.backbone.label


def open_backbones(
    named: Sequence[str], target: Target, evidence: Evidence, resources: "Resources"
) -> tuple[tuple[Opened, ...], tuple[str, ...]]:
    """Return the backbones of a question, and remarks on how they came to be it.

    Raises a TlbenchError for a backbone that was named and cannot be had, or reads another kind of data.
    """
    modality = target.place.dataset.modality
    if named:
        found = tuple(Opened(spec, resources.backbone(spec)) for spec in dict.fromkeys(named))
        for each in found:
            if each.entry.backbone.modality != modality:
                raise ParameterError(
                    f"backbone {each.label} reads {each.entry.backbone.modality}, and {target.place.label} is "
                    f"{modality}."
                )
            _ = each.key  # weights that cannot be read are known before anything is extracted
        return found, ()
    counted: dict[str, set[str]] = {}
    for block in evidence.blocks:
        for candidate in block.scores:
            counted.setdefault(candidate.backbone, set()).add(block.dataset)
    here, absent = [], []
    for key in sorted(counted, key=lambda key: (-len(counted[key]), evidence.backbones[key].label)):
        opened = _tried(evidence.backbones[key].spec, resources)
        if opened is None or opened.key != key:
            absent.append(evidence.backbones[key].label)
        elif opened.entry.backbone.modality == modality:
            here.append(opened)
    remarks = []
    if absent:
        remarks.append(f"Stored results of {', '.join(absent)} are left out: name it with -b where its weights are.")
    if len(here) > MOST:
        remarks.append(
            f"Of {len(here)} backbones in stored results the {MOST} of most datasets are taken; name others with -b."
        )
    if here:
        return tuple(here[:MOST]), tuple(remarks)
    usual = [spec for block in find_suite(DEFAULT_SUITE, resources.catalog).blocks for spec in block.backbones]
    found = tuple(opened for spec in dict.fromkeys(usual) if (opened := _tried(spec, resources)))
    found = tuple(each for each in found if each.entry.backbone.modality == modality)
    if not found:
        raise ParameterError(
            f"name a backbone for {modality} with -b; `tlbench list backbones` shows what is installed."
        )
    labels = ", ".join(each.label for each in found)
    return found, (*remarks, f"No -b was given: scores are of {labels}, the backbone of the suite {DEFAULT_SUITE!r}.")


def _tried(spec: str, resources: "Resources") -> Opened | None:
    """Open a backbone of stored results, which need not be on this machine."""
    try:
        opened = Opened(spec, resources.backbone(spec))
        _ = opened.key
    except TlbenchError:
        return None
    return opened


def modality_of(spec: str, resources: "Resources") -> str | None:
    """Return what a stored backbone reads, or None where it is not here to tell."""
    opened = _tried(spec, resources)
    return opened.entry.backbone.modality if opened else None
