"""Look a name up among everything that is installed, whatever its kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tlbench.contract import BackboneFamily
from tlbench.errors import ParameterError, TlbenchError, UnknownNameError
from tlbench.host.catalog import Catalog
from tlbench.host.host import Offer, Origin
from tlbench.names import near_miss

CHECKED_KINDS = ("strategy", "backbone", "dataset", "metric", "reporter")  # those that the conformance kit knows


@dataclass(frozen=True)
class Found:
    """Hold a thing that a name means, with its kind and where it comes from."""

    kind: str
    name: str
    thing: Any
    origin: Origin


def look_up(text: str, catalog: Catalog) -> list[Found]:
    """Return everything that a name means: one thing, or one of each kind that has the name.

    `text` is as -s, -b or -d takes it, or a metric's or reporter's name. Raises UnknownNameError with the nearest name
    of all kinds, and TlbenchError for wrong parameters.
    """
    head = head_of(text)
    found, refusals = list[Found](), list[TlbenchError]()
    for kind, offers in _offers(catalog).items():
        if head in offers and not isinstance(offers[head].thing, BackboneFamily):
            try:
                found.append(_found(kind, text, catalog))
            except TlbenchError as error:  # of several kinds the other may be meant
                refusals.append(error)
        elif head in offers:
            example = next(iter(offers[head].thing.names()), "")
            raise ParameterError(f"{head!r} is a family of backbones: check one of them, such as {example}.")
    if refusals and not found:
        raise refusals[0]
    return found or [_of_family(text, head, catalog)]


def head_of(text: str) -> str:
    """Return the name alone, without parameters, path, weights or the transfer in brackets."""
    for end in ("(", ":", "@", "["):
        text = text.partition(end)[0]
    return text.strip()


def _offers(catalog: Catalog) -> dict[str, Mapping[str, Offer]]:
    return dict(
        zip(
            CHECKED_KINDS,
            (catalog.strategies, catalog.backbones, catalog.datasets, catalog.metrics, catalog.reporters),
            strict=True,
        )
    )


def _found(kind: str, text: str, catalog: Catalog) -> Found:
    if kind == "strategy":
        strategy, origin = catalog.strategy(text)
        return Found(kind, strategy.variant, strategy, origin)
    if kind == "backbone":
        backbone, origin = catalog.backbone(text)
        return Found(kind, backbone.label, backbone, origin)
    if kind == "dataset":
        dataset, origin = catalog.dataset(dataset_of(text))
        return Found(kind, dataset.label, dataset, origin)
    offer = _offers(catalog)[kind].get(text)
    if offer is None:
        raise ParameterError(f"{text!r}: a {kind} takes no parameters. Write {head_of(text)}.")
    return Found(kind, text, offer.thing, offer.origin)


def dataset_of(text: str) -> str:
    """Return a dataset's spec without the transfer that may stand behind it in brackets."""
    return text.partition("[")[0].strip() if text.strip().endswith("]") else text


def _of_family(text: str, head: str, catalog: Catalog) -> Found:
    """Return a backbone of a family; raise UnknownNameError where no kind has the name."""
    try:
        return _found("backbone", text, catalog)
    except UnknownNameError as error:
        if head in catalog.suites:
            raise ParameterError(
                f"{head!r} is a suite, and has no rules to keep: `tlbench plan --suite {head}`."
            ) from None
        known = sorted({name for offers in _offers(catalog).values() for name in offers})
        near = near_miss(head, known) or _near_miss_in(str(error))
        listed = "" if near else f" Installed: {', '.join(known[:12])} and {len(known) - 12} more."
        broken = "".join(f" Note: {each}" for each in catalog.host.broken[:2])
        raise UnknownNameError(
            f"no strategy, backbone, dataset, metric or reporter is named {head!r}.{near}{listed}{broken}"
        ) from None


def _near_miss_in(sentence: str) -> str:
    """Return the near miss that another error's sentence holds, or nothing."""
    _, found, rest = sentence.partition(" Did you mean ")
    return f" Did you mean {rest.partition('?')[0]}?" if found else ""
