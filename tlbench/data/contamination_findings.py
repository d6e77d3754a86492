"""Describe contamination in sentences for a plan and for a page, each once."""

from collections.abc import Sequence

from tlbench.data.contamination import SOURCE, TRAIN, UPSTREAM, Contamination, Copy, Overlap
from tlbench.data.near_duplicates import EQUAL, MIRRORED

_NAMED = 3


def contamination_findings(found: Sequence[Contamination], told: Sequence[str] = ()) -> list[str]:
    """Return sentences on all transfers, backbones and folds of a plan, each said once.

    `told` are the findings of the datasets themselves: equal examples that one of them names are not named again.
    """
    sentences: dict[str, None] = {}
    groups: dict[tuple[str, str, str], dict[str, tuple[Contamination, Overlap]]] = {}
    for each in found:
        for overlap in (each.train, each.source, each.upstream):
            if overlap is not None and overlap.copies:
                data = overlap.data if overlap.what != UPSTREAM else f"{each.backbone}: {overlap.data}"
                groups.setdefault((each.target, overlap.what, data), {}).setdefault(each.fold, (each, overlap))
    for folds in groups.values():
        sentence = _sentence(list(folds.values()), told)
        if sentence:
            sentences[sentence] = None
    for each in found:
        if each.pretrained_on_target:
            sentences[
                f"{each.backbone} was pretrained on {each.pretrained_on}, which is also the target {each.target}: "
                f"scores may be too good."
            ] = None
    return list(sentences)


def _sentence(folds: Sequence[tuple[Contamination, Overlap]], told: Sequence[str]) -> str:
    first, overlap = folds[0]
    pairs = {copy.test: copy for _, each in folds for copy in each.copies}
    equal = [copy for copy in pairs.values() if copy.kind == EQUAL]
    near = [copy for copy in pairs.values() if copy.kind != EQUAL]
    if any(copy.test in said and copy.other in said for said in told for copy in equal):
        equal = []
    if not equal and not near:
        return ""
    tested = sum({each.fold: each.test_items for each, _ in folds}.values())
    where = {
        TRAIN: "in the training data",
        SOURCE: f"in the source data, {overlap.data},",
        UPSTREAM: f"in {overlap.data}, which {first.backbone} was pretrained on,",
    }[overlap.what]
    where += " of its fold" if first.fold and overlap.what != UPSTREAM else ""
    count, noun = len(equal) + len(near), first.noun
    parts = [
        *([f"{len(equal):,} byte for byte ({_equations(equal, ' = ')})"] if equal else []),
        *([f"{len(near):,} as {'a near-duplicate' if len(near) == 1 else 'near-duplicates'} "
           f"({_equations(near, ' ~ ')})"] if near else []),
    ]  # fmt: skip
    verb = "stands" if count == 1 else "stand"
    more = f" `tlbench data inspect {overlap.spec}` lists them." if overlap.spec and count > _NAMED else ""
    return (
        f"{first.target}: {count:,} of {tested:,} test {noun}s {verb} {where} too, {' and '.join(parts)}: "
        f"scores may be too good.{more}"
    )


def _equations(copies: Sequence[Copy], sign: str) -> str:
    named = [
        f"{_shown(copy.test)}{sign}{_shown(copy.other)}{' mirrored' * (copy.kind == MIRRORED)}"
        for copy in copies[:_NAMED]
    ]
    return ", ".join(named) + (f" and {len(copies) - _NAMED:,} more" if len(copies) > _NAMED else "")


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)[1:-1]
