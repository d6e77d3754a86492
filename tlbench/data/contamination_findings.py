"""Describe contamination in sentences for a plan and for a page, each once."""

from collections.abc import Sequence

from tlbench.contract import SplitFinding
from tlbench.data.contamination import SOURCE, TRAIN, UPSTREAM, Contamination, Copy, Overlap
from tlbench.data.near_duplicates import EQUAL, MIRRORED
from tlbench.names import plural

_NAMED = 3


def contamination_findings(found: Sequence[Contamination]) -> list[str]:
    """Return sentences on all transfers, backbones and folds of a plan, each said once."""
    sentences: dict[str, None] = {}
    groups: dict[tuple[str, str, str], dict[str, tuple[Contamination, Overlap]]] = {}
    for each in found:
        for overlap in (each.train, each.source, each.upstream):
            if overlap is not None and overlap.copies:
                data = overlap.data if overlap.what != UPSTREAM else f"{each.backbone}: {overlap.data}"
                groups.setdefault((each.target, overlap.what, data), {}).setdefault(each.fold, (each, overlap))
    for folds in groups.values():
        sentence = _sentence(list(folds.values()))
        if sentence:
            sentences[sentence] = None
    for each in found:
        if each.pretrained_on_target:
            sentences[
                f"{each.backbone} was pretrained on {each.pretrained_on}, which is also the target {each.target}: "
                f"scores may be too good."
            ] = None
    return list(sentences)


def without_copies(findings: Sequence[str], found: Sequence[Contamination]) -> list[str]:
    """Return findings of datasets less those on copies across their splits that are counted anew."""
    pairs = [copy for each in found if each.train for copy in each.train.equal]
    return [
        said
        for said in findings
        if not (isinstance(said, SplitFinding) and any(pair.test in said and pair.other in said for pair in pairs))
    ]


def _sentence(folds: Sequence[tuple[Contamination, Overlap]]) -> str:
    first, overlap = folds[0]
    pairs = {copy.test: copy for _, each in folds for copy in each.copies}
    tested = sum({each.fold: each.test_items for each, _ in folds}.values())
    others = {
        TRAIN: f"training {first.noun}s",
        SOURCE: f"source {first.noun}s ({overlap.data})",
        UPSTREAM: f"{first.noun}s of {overlap.data}, which {first.backbone} was pretrained on",
    }[overlap.what]
    others += " of their fold" if first.fold and overlap.what != UPSTREAM else ""
    more = f" `tlbench data inspect {overlap.spec}` lists them." if overlap.spec and len(pairs) > _NAMED else ""
    counted = copies_counted(first.target, tested, first.noun, others, list(pairs.values()))
    return f"{counted}: scores may be too good.{more}"


def copies_counted(target: str, tested: int, noun: str, others: str, copies: Sequence[Copy]) -> str:
    """Return `photos: 3 of 90 test images are copies of training images: 2 equal (...) and 1 near-duplicate (...)`."""
    equal, near = [copy for copy in copies if copy.kind == EQUAL], [copy for copy in copies if copy.kind != EQUAL]
    parts = [
        *([f"{len(equal):,} equal ({_equations(equal, ' = ')})"] if equal else []),
        *([f"{plural(len(near), 'near-duplicate')} ({_equations(near, ' ~ ')})"] if near else []),
    ]
    verb = "is a copy" if len(copies) == 1 else "are copies"
    return f"{target}: {len(copies):,} of {tested:,} test {noun}s {verb} of {others}: {' and '.join(parts)}"


def _equations(copies: Sequence[Copy], sign: str) -> str:
    named = [
        f"{_shown(copy.test)}{sign}{_shown(copy.other)}{' mirrored' * (copy.kind == MIRRORED)}"
        for copy in copies[:_NAMED]
    ]
    return ", ".join(named) + (f" and {len(copies) - _NAMED:,} more" if len(copies) > _NAMED else "")


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)[1:-1]
