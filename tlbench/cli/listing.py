"""Describe installed things for `tlbench list` and `tlbench show`."""

import inspect
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from tlbench.contract import BackboneFamily, all_values, described
from tlbench.errors import UnknownNameError
from tlbench.host import Catalog, Offer, Origin
from tlbench.names import format_value, plural

KINDS = ("strategies", "backbones", "datasets", "metrics", "suites", "reporters", "trackers")
SINGULAR = {kind: "strategy" if kind == "strategies" else kind.removesuffix("s") for kind in KINDS}


def first_sentence(thing: Any) -> str:
    """Return the first line of a thing's description."""
    text = getattr(thing, "description", "") or inspect.getdoc(thing if isinstance(thing, type) else type(thing)) or ""
    return text.strip().split("\n")[0]


def listed(kind: str, catalog: Catalog, everything: bool) -> Iterator[str]:
    """Yield one line per installed thing of a kind."""
    offers: dict[str, Offer] = getattr(catalog, kind)
    width = max((len(name) for name in offers), default=0)
    for name, offer in offers.items():
        group = f"{offer.thing.family!s:12} " if kind == "strategies" else ""
        yield f"{name:{width}}  {group}{first_sentence(offer.thing)}  [{_short(offer.origin)}]"
        if everything and isinstance(offer.thing, BackboneFamily):
            yield from (f"  {member}" for member in offer.thing.names())
    if not offers:
        yield f"no {kind} are installed"


def _short(origin: Origin) -> str:
    return origin.source if origin.distribution == "file" else f"{origin.distribution} {origin.version}"


def shown(kind: str, name: str, catalog: Catalog) -> Iterator[str]:
    """Yield what there is to know about one thing."""
    thing, origin = _find(kind, name, catalog)
    cls = thing if isinstance(thing, type) else type(thing)
    yield f"{name}  ({SINGULAR[kind]})"
    yield from (f"  {line}".rstrip() for line in (inspect.getdoc(cls) or "").split("\n"))
    for label in ("description", "family", "version", "modality", "license", "citation", "classes", "domains"):
        value = getattr(thing, label, None)
        if value and not callable(value) and not isinstance(value, (property, cached_property)):
            yield f"{label}: {_shortened(value)}"
    if kind == "strategies":
        yield f"requires: {_requirements(thing)}"
        searched = [f"{name} {values}" for name, values in thing.search_space.items()]
        yield f"tuning tries: {', '.join(searched) or 'nothing'}"
    if kind == "backbones":
        yield from _backbone_facts(thing)
    rows = described(cls) if kind in ("strategies", "datasets", "backbones") else []
    values = all_values(thing) if rows and not isinstance(thing, type) else {}
    yield "parameters:" if rows else "parameters: none"
    for row in rows:
        default = values.get(str(row["parameter"]), row["default"])
        yield f"  {row['parameter']} = {format_value(default)}  ({row['type']})"
    yield f"origin: {origin}"


def _find(kind: str, name: str, catalog: Catalog) -> tuple[Any, Origin]:
    offers: dict[str, Offer] = getattr(catalog, kind)
    if name in offers:
        return offers[name].thing, offers[name].origin
    if kind == "backbones":
        return catalog.backbone(name)
    if kind == "strategies":
        return catalog.strategy(name)
    if kind == "datasets":
        return catalog.dataset(name)
    from tlbench.names import unknown

    error: UnknownNameError = unknown(kind.removesuffix("s"), name, offers)
    raise error


def _shortened(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value[:12])) + (f" and {len(value) - 12} more" if len(value) > 12 else "")
    return str(value)


def _requirements(strategy: Any) -> str:
    try:
        shipped = strategy()
    except TypeError:  # a parameter without a default
        needs, members = strategy.requires, ()
    else:
        needs, members = shipped.needs(), shipped.members
    asked = [name.replace("_", " ") for name, value in vars(needs).items() if value is True]
    if members:
        asked.append(f"predictions of {', '.join(members)}")
    asked.append(plural(needs.min_labels_per_class, "target label") + " per class")
    return ", ".join(asked)


def _backbone_facts(thing: Any) -> Iterator[str]:
    if isinstance(thing, BackboneFamily):
        return
    yield f"feature_dim: {thing.feature_dim}"
    yield f"weights: {thing.weights or 'none, a random start'}"
    if thing.pretrained_on:
        yield f"pretrained on: {thing.pretrained_on}"
    for key, value in thing.describe().items():
        yield f"{key}: {_shortened(value)}"
