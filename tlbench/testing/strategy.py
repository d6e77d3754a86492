"""The conformance of strategies as a pytest class: `class TestMine(StrategyConformance): strategy = Mine`."""

from collections.abc import Callable
from typing import ClassVar

from tlbench.strategy import Strategy
from tlbench.testing.strategy_checks import STRATEGY_CHECKS, Check
from tlbench.testing.toy import Toy
from tlbench.testing.variants import variants_of

TOY = Toy()


class StrategyConformance:
    """One test per check: of a class as shipped and at every other value of its choices, of an instance as it is."""

    strategy: ClassVar[type[Strategy] | Strategy]


def _test_of(check: Check) -> Callable[[StrategyConformance], None]:
    def test(self: StrategyConformance) -> None:
        strategy = self.strategy
        for variant in variants_of(strategy) if isinstance(strategy, type) else [strategy]:
            check.run(variant, TOY)

    test.__doc__ = check.run.__doc__
    return test


for _check in STRATEGY_CHECKS:
    setattr(StrategyConformance, f"test_{_check.run.__name__}", _test_of(_check))
