"""The conformance kit: what a plugin's own tests can check it against.

`class TestMine(StrategyConformance): strategy = Mine` is a whole test module. Without pytest, each of
`STRATEGY_CHECKS` is called with a strategy and a `Toy`, and raises ConformanceError with a sentence.
"""

from tlbench.testing.error import ConformanceError
from tlbench.testing.strategy import StrategyConformance
from tlbench.testing.strategy_checks import STRATEGY_CHECKS, Check
from tlbench.testing.toy import Toy
from tlbench.testing.variants import variants_of

__all__ = ["STRATEGY_CHECKS", "Check", "ConformanceError", "StrategyConformance", "Toy", "variants_of"]
