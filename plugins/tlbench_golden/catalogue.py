"""List all golden checks, and choose among them."""

from tlbench.names import unknown
from tlbench_golden.check import Check


def all_checks() -> list[Check]:
    """Return every check: what needs nothing first, what needs data last."""
    from tlbench_golden import (
        adaptation,
        digits,
        ensembles,
        few_shot,
        fine_tuning,
        multi_task,
        omniglot,
        photographs,
        references,
    )  # fmt: skip

    modules = (adaptation, fine_tuning, multi_task, ensembles, references, few_shot, digits, omniglot, photographs)
    return [check for module in modules for check in module.CHECKS]


def chosen_checks(names: tuple[str, ...]) -> list[Check]:
    """Return the checks of these names, and those of methods of these names; all where none is given.

    Raises UnknownNameError for a name that is neither.
    """
    checks = all_checks()
    known = {check.name for check in checks} | {method for check in checks for method in check.methods}
    for name in names:
        if name not in known:
            raise unknown("check or method", name, known)
    return [check for check in checks if not names or check.name in names or set(check.methods) & set(names)]
