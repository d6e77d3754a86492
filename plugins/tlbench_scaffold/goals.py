"""List what a user may want to know, and the strategies and label budgets that answer it."""

from dataclasses import dataclass

from tlbench import ParameterError
from tlbench_scaffold.facts import Facts

SHOTS = (1, 5, 20)
WAYS = 5
QUERIES = 15


@dataclass(frozen=True)
class Goal:
    """Hold a question, the strategies that bear on it, and which of them train no network."""

    name: str
    question: str
    strategies: tuple[str, ...]
    light: tuple[str, ...]  # to take where training networks would take too long
    others: tuple[str, ...]  # for the user to try


FEW_LABELS = Goal(
    "few-labels",
    "Which strategy is best with few labels of each class?",
    ("scratch", "pixel-probe", "linear-probe", "nearest-mean", "finetune", "lp-ft"),
    ("pixel-probe", "linear-probe", "nearest-mean", "nearest-neighbours", "mlp-probe"),
    ("ridge-probe", "last-layers", "lora", "bitfit", "l2-sp", "prototypes"),
)
ADAPT = Goal(
    "adapt",
    "Which strategy carries what is labelled in the source over to a target without labels?",
    ("source-only", "adabn", "coral", "mcc", "target-only"),
    (),
    ("dann", "cdan", "mmd", "mdd", "pseudo-label"),
)
FEW_SHOT = Goal(
    "few-shot",
    "Which strategy is best on many small tasks of a few classes each?",
    ("nearest-mean", "prototypes", "simpleshot", "linear-probe", "tim"),
    (),
    ("baseline++", "laplacian-shot", "matching", "transductive-finetune"),
)
GOALS = {goal.name: goal for goal in (FEW_LABELS, ADAPT, FEW_SHOT)}


def likely_goal(facts: Facts, source: str | None) -> Goal:
    """Return the goal that fits the data, for those who do not say."""
    return ADAPT if source is not None or len(facts.domains) > 1 else FEW_LABELS


def datasets_for(goal: Goal, facts: Facts, source: str | None) -> tuple[str, ...]:
    """Return the datasets of a suite: with the transfer where there is one.

    Raises ParameterError where the goal needs a source and there is none.
    """
    if goal is not ADAPT:
        if source is not None:
            raise ParameterError(f"--source goes with --goal adapt; {goal.name} has no source.")
        return (f"{facts.spec}[->]" if len(facts.domains) > 1 else facts.spec,)
    if source is None:
        if len(facts.domains) < 2:
            raise ParameterError(
                f"{facts.spec} has one domain, and adaptation goes from one to another. Give --source, a dataset such "
                "as folder:PATH with the same classes."
            )
        source = facts.richest
    return (f"{facts.spec}[{source}->]",)


def budgets_for(goal: Goal, facts: Facts) -> tuple[str, ...]:
    """Return the label budgets that the data allows."""
    if goal is ADAPT:
        return ("0",)
    if goal is FEW_SHOT:
        return tuple(f"{ways_for(facts)}-way {shots}-shot" for shots in (1, 5) if shots <= facts.fewest)
    shots = tuple(f"{shots}-shot" for shots in SHOTS if shots <= facts.fewest)
    return shots if facts.fewest >= SHOTS[-1] else (*shots, "full")


def ways_for(facts: Facts) -> int:
    """Return how many classes an episode can have."""
    return min(WAYS, len(facts.classes))


def queries_for(facts: Facts) -> int:
    """Return how many test images of a class each episode can ask about."""
    return min(QUERIES, facts.fewest_to_ask)
