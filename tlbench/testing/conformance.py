"""Run the conformance kit as pytest classes: `class TestMine(StrategyConformance): strategy = Mine`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from tlbench.contract import Backbone, Dataset, Metric, Reporter, Strategy
from tlbench.testing.backbone_checks import BACKBONE_CHECKS
from tlbench.testing.backbone_subject import BackboneSubject
from tlbench.testing.check import Check
from tlbench.testing.dataset_checks import DATASET_CHECKS
from tlbench.testing.dataset_subject import DatasetSubject
from tlbench.testing.metric_checks import METRIC_CHECKS
from tlbench.testing.reporter_checks import REPORTER_CHECKS
from tlbench.testing.reporter_subject import ReporterSubject
from tlbench.testing.strategy_checks import STRATEGY_CHECKS
from tlbench.testing.toy import Toy
from tlbench.testing.variants import variants_of

TOY = Toy()


class StrategyConformance:
    """Run each check on a strategy: a class as shipped and at all other values of its choices, an instance as it is."""

    strategy: ClassVar[type[Strategy] | Strategy]

    def check(self, check: Check) -> None:
        """Check every variant."""
        strategy = self.strategy
        variants = variants_of(strategy) if isinstance(strategy, type) else [strategy]
        for variant in variants[:1] if check.in_a_run else variants:
            check.run(variant, TOY)


class _OfSubject(ABC):
    """One test per check of a subject that is made once for all of them."""

    @abstractmethod
    def subject(self) -> Any:
        """Return what the checks look at."""

    def check(self, check: Check) -> None:
        """Check the subject of this very class."""
        if "_subject" not in vars(type(self)):
            type(self)._subject = self.subject()  # type: ignore[attr-defined]
        check.run(vars(type(self))["_subject"])


class BackboneConformance(_OfSubject):
    """Run each check on a backbone, with its weights where it has a file of them.

    `examples`, raw ones, are needed where it reads neither images nor texts.
    """

    backbone: ClassVar[Backbone]
    examples: ClassVar[Sequence[Any] | None] = None

    def subject(self) -> BackboneSubject:
        """Return the backbone with examples."""
        return BackboneSubject(self.backbone, self.examples)


class DatasetConformance(_OfSubject):
    """Run each check on a dataset: an instance, or a class that can be made without arguments."""

    dataset: ClassVar[type[Dataset] | Dataset]

    def subject(self) -> DatasetSubject:
        """Return the dataset; its `prepare`, where it has one, fetches into a folder that goes with the process."""
        return DatasetSubject(self.dataset)


class MetricConformance(_OfSubject):
    """Run each check on a metric."""

    metric: ClassVar[Metric]

    def subject(self) -> Metric:
        """Return the metric."""
        return self.metric


class ReporterConformance(_OfSubject):
    """Run each check on a reporter, with results that are made up."""

    reporter: ClassVar[Reporter]

    def subject(self) -> ReporterSubject:
        """Return the reporter with folders of results."""
        return ReporterSubject(self.reporter)


def _test_of(check: Check) -> Callable[[Any], None]:
    def test(self: Any) -> None:
        self.check(check)

    test.__doc__ = check.run.__doc__
    return test


for _class, _checks in (
    (StrategyConformance, STRATEGY_CHECKS),
    (BackboneConformance, BACKBONE_CHECKS),
    (DatasetConformance, DATASET_CHECKS),
    (MetricConformance, METRIC_CHECKS),
    (ReporterConformance, REPORTER_CHECKS),
):
    for _check in _checks:
        setattr(_class, f"test_{_check.run.__name__}", _test_of(_check))
