"""Report how many labels each budget would take of each training split, and which are too large."""

from collections.abc import Sequence

import numpy as np

from tlbench import Budget, Protocol, shown
from tlbench.data import class_counts, labelled_positions
from tlbench.planning import too_large, too_many_ways
from tlbench_data.document import NOTHING, Level, Paragraph, Remark, Section, Table
from tlbench_data.survey import Survey

USUAL = ("1-shot", "5-shot", "20-shot", "10%", "100", "full")


def budgets_section(survey: Survey, wanted: Sequence[Budget]) -> Section:
    """Return the section; the budgets of the user's own come last, and are remarked on where they are too large."""
    budgets = list(dict.fromkeys([*map(Budget.parse, USUAL), *wanted]))
    several = len(survey.splits) > 1
    rows: list[tuple[str, ...]] = []
    levels: list[Level | None] = []
    remarks = []
    reasons = []
    for domain in survey.splits:
        for budget in budgets:
            reason = refused(survey, domain, budget)
            taken = ("too large", NOTHING) if reason else _taken(survey, domain, budget)
            rows.append((*((shown(domain),) if several else ()), str(budget), *taken))
            levels.append("warning" if reason else None)
            if reason:
                reasons.append(reason)
            if reason and budget in wanted:
                remarks.append(Remark("error", f"{reason[0].upper()}{reason[1:]}"))
    heads = (*(("domain",) if several else ()), "budget", "labels", "per class")
    table = Table("Labels taken of the training split", heads, tuple(rows), texts=len(heads) - 2, levels=tuple(levels))
    why = [Paragraph(f"Too large: {reason}") for reason in dict.fromkeys(reasons)]
    more = [Paragraph(f"... and {len(why) - 8} more of the kind.")] if len(why) > 8 else []
    return Section("Label budgets", (table, *why[:8], *more), tuple(remarks))


def refused(survey: Survey, domain: str, budget: Budget) -> str | None:
    """Return the sentence by which a plan refuses or skips a budget on a domain, or None."""
    counts, test = survey.counts[domain, "train"], survey.counts[domain, "test"]
    where = f"the training split of {survey.dataset.label}" + (f" ({domain})" if len(survey.splits) > 1 else "")
    return too_large(budget, counts, survey.classes, where) or too_many_ways(
        budget, counts, test, Protocol(), f"{survey.dataset.label} ({domain})"
    )


def _taken(survey: Survey, domain: str, budget: Budget) -> tuple[str, str]:
    """Return labels in all and per class; of an episode, of its support."""
    counts = survey.counts[domain, "train"]
    labels = budget.labels(counts)
    if budget.is_episodic:
        return f"{labels:,}", f"{int(budget.amount)} of {budget.ways}"
    if budget.is_zero:
        return "0", "0"
    every = np.repeat(np.arange(len(counts)), counts)
    # How many of each class a budget takes depends on no seed: only which.
    taken = class_counts(every[labelled_positions(every, len(counts), budget, seed=0)], len(counts))
    low, high = min(taken), max(taken)
    return f"{labels:,}", f"{low:,}" if low == high else f"{low:,} to {high:,}"
