"""Check a plugin against the rules of the benchmark in its own tests: the conformance kit.

`class TestMine(StrategyConformance): strategy = Mine` is a whole test module, and so it is with the classes for
backbones, datasets, metrics and reporters. `tlbench check NAME` does the same for what is installed. Without pytest,
each of `STRATEGY_CHECKS` is called with a strategy and a `Toy`, each of the others with a subject (a metric as it
is), and raises ConformanceError with a sentence.
"""

from tlbench.testing.backbone_checks import BACKBONE_CHECKS
from tlbench.testing.backbone_subject import BackboneSubject
from tlbench.testing.check import Check
from tlbench.testing.conformance import (
    BackboneConformance,
    DatasetConformance,
    MetricConformance,
    ReporterConformance,
    StrategyConformance,
)
from tlbench.testing.dataset_checks import DATASET_CHECKS
from tlbench.testing.dataset_subject import DatasetSubject
from tlbench.testing.error import ConformanceError
from tlbench.testing.installed import installed
from tlbench.testing.metric_checks import METRIC_CHECKS
from tlbench.testing.reporter_checks import REPORTER_CHECKS
from tlbench.testing.reporter_subject import ReporterSubject
from tlbench.testing.strategy_checks import STRATEGY_CHECKS
from tlbench.testing.toy import Toy
from tlbench.testing.variants import variants_of

__all__ = [
    "BACKBONE_CHECKS",
    "DATASET_CHECKS",
    "METRIC_CHECKS",
    "REPORTER_CHECKS",
    "STRATEGY_CHECKS",
    "BackboneConformance",
    "BackboneSubject",
    "Check",
    "ConformanceError",
    "DatasetConformance",
    "DatasetSubject",
    "MetricConformance",
    "ReporterConformance",
    "ReporterSubject",
    "StrategyConformance",
    "Toy",
    "installed",
    "variants_of",
]
