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
        if check.in_a_run:
            continue
        try:
            check.run(variant, TOY)
        except ConformanceError as error:
            broken.append(f"{check.name}: {error}")
    assert broken == []


SOON = ("linear-probe", "scratch", "prototypes", "pca-kmeans")  # the others take a few seconds each
SHIPPED = [
    pytest.param(variants_of(each)[0], id=each.name, marks=[] if each.name in SOON else [pytest.mark.slow])
    for each in STRATEGIES
]


@pytest.mark.parametrize("strategy", SHIPPED)
def test_it_breaks_no_rule_of_a_small_run(strategy):
    for check in STRATEGY_CHECKS:
        if check.in_a_run:
            check.run(strategy, TOY)


def test_every_family_is_among_what_was_checked():
    assert {strategy.family for strategy in STRATEGIES} == set(Family)


def test_choices_are_checked_at_their_other_values():
    checked = {variant.variant for variant in VARIANTS}
    assert {"finetune", "finetune(batch_norm=train)", "prototypes(meta_train=true)"} <= checked
    assert len(VARIANTS) > len(STRATEGIES)
