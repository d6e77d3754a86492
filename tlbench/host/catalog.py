"""Look up everything that plugins offer by the names users type."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.contract import (
    Backbone,
    BackboneFamily,
    Dataset,
    Metric,
    RandomStart,
    Reporter,
    Requirements,
    Strategy,
    Tracker,
    check_backbone,
    check_dataset_class,
    check_metric,
    check_reporter,
    check_requirements,
    check_strategy_class,
    check_suite,
    check_tracker,
    construct,
    construct_dataset,
    fields_of,
    split_dataset_spec,
)
from tlbench.errors import ParameterError, PluginError, UnknownNameError
from tlbench.host.host import Host, Offer, Origin
from tlbench.names import Spec, format_spec, parse_spec, unknown

if TYPE_CHECKING:
    from tlbench.contract import Suite


class Catalog:
    """Look up everything that the host's plugins offer by the names users type."""

    def __init__(self, host: Host) -> None:
        self.host = host

    @cached_property
    def strategies(self) -> dict[str, Offer]:
        """Return strategy classes by name."""
        return self.host.offers("tlbench_strategies", check_strategy_class)

    @cached_property
    def backbones(self) -> dict[str, Offer]:
        """Return backbones and backbone families by name."""
        return self.host.offers("tlbench_backbones", check_backbone)

    @cached_property
    def datasets(self) -> dict[str, Offer]:
        """Return dataset classes by name."""
        return self.host.offers("tlbench_datasets", check_dataset_class)

    @cached_property
    def metrics(self) -> dict[str, Offer]:
        """Return metrics by name."""
        return self.host.offers("tlbench_metrics", check_metric)

    @cached_property
    def reporters(self) -> dict[str, Offer]:
        """Return reporters by name."""
        return self.host.offers("tlbench_reporters", check_reporter)

    @cached_property
    def trackers(self) -> dict[str, Offer]:
        """Return experiment trackers by name."""
        return self.host.offers("tlbench_trackers", check_tracker)

    @cached_property
    def suites(self) -> dict[str, Offer]:
        """Return suites by name."""
        return self.host.offers("tlbench_suites", check_suite)

    def _hint(self) -> str:
        """Return a reminder of broken plugins: what is missing may be theirs."""
        if not self.host.broken:
            return ""
        return " " + " ".join(f"Note: {broken}" for broken in self.host.broken[:2])

    def _find(self, kind: str, name: str, offers: Mapping[str, Offer]) -> Offer:
        if name not in offers:
            raise unknown(kind, name, offers, self._hint())
        return offers[name]

    def strategy(self, text: str) -> tuple[Strategy, Origin]:
        """Return the strategy variant that `name(parameter=value)` spells."""
        spec = parse_spec(text)
        if spec.location is not None:
            raise ParameterError(f"{text!r}: a strategy takes no @FILE; give it to the backbone.")
        offer = self._find("strategy", spec.name, self.strategies)
        return construct(offer.thing, "strategy", spec.name, spec.parameters), offer.origin

    def needs(self, strategy: Strategy, within: tuple[str, ...] = ()) -> Requirements:
        """Return a strategy's requirements; of an ensemble with those of its members.

        Raises PluginError for one that is, by whatever way round, a member of itself.
        """
        if strategy.variant in within:
            raise PluginError(f"{strategy.variant} is a member of itself: {' > '.join((*within, strategy.variant))}.")
        inside = (*within, strategy.variant)
        own = strategy.needs()
        check_requirements(strategy, own)
        members = [self.needs(self.strategy(text)[0], inside) for text in strategy.members]
        return own.with_members(members) if members else own

    def backbone(self, text: str) -> tuple[Backbone, Origin]:
        """Return the backbone that `name(argument=value)@weights` spells, without weights by `pretrained=false`."""
        spec = parse_spec(text)
        if "pretrained" in spec.parameters and not self._has_own(spec, "pretrained"):
            return self._without_weights(spec, text)
        single = {name: offer for name, offer in self.backbones.items() if isinstance(offer.thing, Backbone)}
        families = [offer for offer in self.backbones.values() if isinstance(offer.thing, BackboneFamily)]
        plain = not spec.parameters and spec.location is None
        if spec.name in single and (plain or fields_of(single[spec.name].thing)):
            found = _with_arguments(single[spec.name].thing, spec, text)
            if found is not single[spec.name].thing:
                check_backbone(found)  # what it says of itself may depend on its arguments
            return found, single[spec.name].origin
        for offer in families:
            member = offer.thing.find(spec)
            if member is not None:
                if not isinstance(member, Backbone):
                    raise PluginError(
                        f"{offer.name}: find({text!r}) returned {member!r}, which is no tlbench.Backbone."
                    )
                return member, offer.origin
        if spec.name in single:
            raise ParameterError(f"backbone {spec.name!r} takes neither parameters nor weights from a file: {text!r}.")
        known = [*single, *(name for offer in families for name in offer.thing.names())]
        raise unknown("backbone", spec.name, known, self._hint(), first=single)

    def _has_own(self, spec: Spec, parameter: str) -> bool:
        """Tell whether a backbone has a parameter of this name itself."""
        offer = self.backbones.get(spec.name)
        return offer is not None and parameter in {item.name for item in fields_of(offer.thing)}

    def _without_weights(self, spec: Spec, text: str) -> tuple[Backbone, Origin]:
        """Return the backbone of a spec with `pretrained`, which a user may set for every backbone."""
        parameters = dict(spec.parameters)
        pretrained = parameters.pop("pretrained")
        if not isinstance(pretrained, bool):
            raise ParameterError(f"{text!r}: pretrained is true or false, got {pretrained!r}.")
        backbone, origin = self.backbone(format_spec(spec.name, parameters, spec.location))
        if backbone.weights is None:
            raise ParameterError(f"{text!r}: {backbone.label} has no weights, and starts at random as it is.")
        return (backbone if pretrained else RandomStart(backbone)), origin

    def dataset(self, text: str) -> tuple[Dataset, Origin]:
        """Return the dataset that `name`, `name(key=value)` or `name:PATH?option` spells."""
        name, place, options = split_dataset_spec(text)
        if name not in self.datasets and place is None and Path(text).expanduser().exists():
            raise UnknownNameError(f"unknown dataset {text!r}, but that path exists. Write {self._readers_of(text)}.")
        offer = self._find("dataset", name, self.datasets)
        return construct_dataset(offer.thing, place, options), offer.origin

    def _readers_of(self, path: str) -> str:
        """Return the specs that a path may be meant by, those of datasets that take a path."""
        kind = "folder" if Path(path).expanduser().is_dir() else Path(path).suffix.lower().lstrip(".")
        takers = [name for name, offer in self.datasets.items() if offer.thing.locator is not None]
        likely = [name for name in takers if name == kind]
        return " or ".join(f"{name}:{path}" for name in likely or takers) or "what reads it before the path"

    def suite(self, name: str) -> "Suite":
        """Return a suite by name."""
        suite: Suite = self._find("suite", name, self.suites).thing
        return suite

    def tracker(self, name: str) -> Tracker:
        """Return a tracker by name."""
        tracker: Tracker = self._find("tracker", name, self.trackers).thing
        return tracker

    def metric(self, name: str) -> Metric:
        """Return a metric by name."""
        metric: Metric = self._find("metric", name, self.metrics).thing
        return metric

    def metric_list(self) -> list[Metric]:
        """Return all metrics, sorted by name."""
        return [offer.thing for offer in self.metrics.values()]

    def reporter_list(self) -> list[Reporter]:
        """Return all reporters, sorted by name."""
        return [offer.thing for offer in self.reporters.values()]


def _with_arguments(backbone: Backbone, spec: Spec, text: str) -> Backbone:
    """Return the backbone with what the user set in the place of its own values."""
    known = {item.name for item in fields_of(backbone)}
    values = dict(spec.parameters)
    if spec.location is not None:
        if "weights" not in known:
            raise ParameterError(f"{text!r}: backbone {backbone.name!r} takes no weights from a file.")
        values["weights"] = spec.location
    if not values:
        return backbone
    own = {item.name: getattr(backbone, item.name) for item in fields_of(backbone)}
    changed: Backbone = construct(type(backbone), "backbone", backbone.name, {**own, **values})
    return changed
