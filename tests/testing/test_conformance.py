"""Every installed strategy passes the conformance kit: as shipped, and with each choice at its other values."""

import pytest

from tlbench import Family
from tlbench.host import Catalog, Host
from tlbench.testing import STRATEGY_CHECKS, ConformanceError, Toy, variants_of

STRATEGIES = [offer.thing for offer in Catalog(Host()).strategies.values()]
VARIANTS = [variant for strategy in STRATEGIES for variant in variants_of(strategy)]
TOY = Toy()


@pytest.mark.parametrize("variant", [pytest.param(variant, id=variant.variant) for variant in VARIANTS])
def test_it_breaks_no_rule(variant):
    broken = []
    for check in STRATEGY_CHECKS:
        try:
            check.run(variant, TOY)
        except ConformanceError as error:
            broken.append(f"{check.name}: {error}")
    assert broken == []


def test_every_family_is_among_what_was_checked():
    assert {strategy.family for strategy in STRATEGIES} == set(Family)


def test_choices_are_checked_at_their_other_values():
    checked = {variant.variant for variant in VARIANTS}
    assert {"finetune", "finetune(batch_norm=train)", "prototypes(meta_train=true)"} <= checked
    assert len(VARIANTS) > len(STRATEGIES)
