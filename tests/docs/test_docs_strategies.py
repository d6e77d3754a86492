"""docs/strategies.md against the strategies: each has a row, which says what it needs and where it comes from."""

import re

import pytest
from documents import ROOT

from tlbench.contract import Family
from tlbench.host import Catalog, Host
from tlbench.testing import variants_of


@pytest.fixture(scope="module")
def catalog():
    return Catalog(Host())


def test_every_strategy_cites_its_source_with_a_year(catalog):
    silent = [
        name
        for name, offer in catalog.strategies.items()
        if offer.origin.distribution == "tlbench" and not re.search(r"\b(19|20)\d\d\b", offer.thing.__doc__ or "")
    ]
    assert silent == []


SECTIONS = {  # of docs/strategies.md
    "From scratch": Family.SCRATCH, "Extract": Family.EXTRACT, "Fine-tune": Family.FINETUNE, "Adapt": Family.ADAPT,
    "Few-shot": Family.FEWSHOT, "Multi-task": Family.MULTITASK, "Ensemble": Family.ENSEMBLE,
    "Unsupervised": Family.UNSUPERVISED,
}  # fmt: skip


def strategy_rows():
    """Return the cells of each row of docs/strategies.md by family and name."""
    text = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
    rows = {}
    for section, family in SECTIONS.items():
        body = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        for line in re.findall(r"^\| `.*\|$", body, re.MULTILINE):
            name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            rows[family, name.strip("`")] = cells
    return rows


def shipped(catalog):
    """Return the strategies that come with tlbench, by name."""
    return {name: offer.thing for name, offer in catalog.strategies.items() if offer.origin.distribution == "tlbench"}


def needs_in_words(strategy):
    """Return what a strategy must be given, in the words of docs/strategies.md."""
    needs = strategy.needs()
    said = {
        "labels": needs.min_labels_per_class > 0 and not strategy.members,
        "members": bool(strategy.members),
        "source": needs.source_labels,
        "further columns": needs.further_labels,
        "same classes": needs.same_classes,
        "unlabelled target": needs.unlabelled_target,
        "test inputs": needs.transductive,
        "all labels": needs.upper_bound,
        "weights": needs.pretrained,
        "validation": needs.validation,
    }
    return [word for word, needed in said.items() if needed]


def test_every_strategy_has_a_row_under_its_family_and_no_row_is_of_another(catalog):
    assert set(strategy_rows()) == {(cls.family, name) for name, cls in shipped(catalog).items()}


def test_the_rows_of_strategies_say_what_each_needs(catalog):
    rows = {name: cells for (_, name), cells in strategy_rows().items()}
    for name, cls in shipped(catalog).items():
        plain, *variants = variants_of(cls)
        said = ", ".join(needs_in_words(plain))
        for variant in variants:
            more = [word for word in needs_in_words(variant) if word not in needs_in_words(plain)]
            choice = variant.variant.removeprefix(name).strip("()")
            said += f"; {', '.join(more)} with `{choice}`" if more else ""
        assert (name, rows[name][2]) == (name, said)


def test_the_rows_of_strategies_cite_what_the_classes_cite(catalog):
    classes = shipped(catalog)
    for (_, name), (_, paper, _) in strategy_rows().items():
        cited = re.findall(r"arXiv:[\d.]*\d|doi:\S+|\b(?:19|20)\d\d\b", paper)
        assert cited, name
        missing = [part for part in cited if part not in classes[name].__doc__]
        assert (name, missing) == (name, [])


def test_the_suite_of_all_families_has_every_strategy_that_it_can_run(catalog):
    # Those of peft need an extra, and digits have no second column of labels.
    suite = catalog.suites["families"].thing
    run = {strategy.partition("(")[0] for block in suite.blocks for strategy in block.strategies}
    able = {name for name, cls in shipped(catalog).items() if not variants_of(cls)[0].needs().further_labels}
    assert {name for name in able if not name.startswith("peft-")} <= run
