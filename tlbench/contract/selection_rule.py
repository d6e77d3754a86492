"""Name and check selection rules, which choose among the checkpoints of a training or the trials of a tuning."""

from tlbench.errors import ParameterError
from tlbench.names import unknown

LAST, VALIDATION, SOURCE_VALIDATION, ORACLE = "last", "validation", "source-validation", "oracle"
ENTROPY, INFORMATION, DENSITY, EMBEDDED = (
    "entropy",
    "information-maximisation",
    "soft-neighbourhood-density",
    "deep-embedded-validation",
)
RULES = {
    LAST: "the last step; nothing is chosen",
    VALIDATION: "accuracy on validation labels out of the label budget",
    SOURCE_VALIDATION: "accuracy on source labels held out from training",
    ENTROPY: "the most certain predictions of unlabelled target inputs",
    INFORMATION: "certain predictions that use all classes (mutual information of inputs and predictions)",
    DENSITY: "predictions that lie in dense neighbourhoods of each other (Saito et al., 2021)",
    EMBEDDED: "the source's validation loss, weighted towards the target (You et al., 2019)",
    ORACLE: "accuracy on the test labels, which nobody has: an upper bound, shown apart",
}
UNSUPERVISED_RULES = (ENTROPY, INFORMATION, DENSITY, EMBEDDED)
OF_SOURCE = (SOURCE_VALIDATION, EMBEDDED)  # rules that need source labels


def check_rule(name: str) -> str:
    """Return the name of a selection rule; raise ParameterError, with a near miss, for any other."""
    if not isinstance(name, str) or name not in RULES:
        raise unknown("selection rule", str(name), RULES)
    return name


def check_rules(names: tuple[str, ...], validation: float) -> None:
    """Raise ParameterError where a rule is unknown, or chooses by labels that the protocol does not keep."""
    for name in names:
        if check_rule(name) == VALIDATION and validation == 0:
            raise ParameterError(
                "selection 'validation' chooses by labels out of the budget, and this protocol keeps none. Add "
                "--validation 0.2, or validation = 0.2 in the suite."
            )


def looks_closer(rule: str) -> bool:
    """Tell whether a rule needs more than the task: held-out source labels, target inputs, or the test labels."""
    return rule not in (LAST, VALIDATION)
