"""Say why a combination makes no sense, in a sentence that says what would make it suitable."""

from collections.abc import Iterator, Sequence

from tlbench.contract import (
    OF_SOURCE,
    UNSUPERVISED,
    VALIDATION,
    Backbone,
    Budget,
    Dataset,
    Protocol,
    RandomStart,
    Requirements,
    SearchSpace,
    Strategy,
    fields_of,
    looks_closer,
    non_default,
    option_name,
)
from tlbench.data import episode_classes
from tlbench.names import plural


def too_large(budget: Budget, counts: tuple[int, ...], classes: Sequence[str], where: str) -> str | None:
    """Say that a split has fewer labels than a budget wants, or None."""
    if budget.is_episodic:
        return None
    wanted, least = budget.labels(counts), min(counts)
    if budget.least_per_class(counts) > least:
        scarce = classes[counts.index(least)]
        return (
            f"budget {budget} needs {int(budget.amount)} labels per class; class {scarce!r} of {where} has {least}. "
            f"Use {least}-shot at most."
        )
    if wanted > sum(counts):
        return f"budget {budget} needs {wanted} labels; {where} has {sum(counts)}. Use full, or a smaller number."
    return None


def too_many_ways(
    budget: Budget, train: tuple[int, ...], test: tuple[int, ...], protocol: Protocol, where: str
) -> str | None:
    """Say that too few classes have the examples that an episodic budget wants of each, or None."""
    if not budget.is_episodic:
        return None
    shots, queries = int(budget.amount), protocol.queries
    enough = len(episode_classes(train, test, shots, queries))
    if enough >= budget.ways:
        return None
    if len(train) < budget.ways:
        return f"budget {budget} needs {budget.ways} classes; {where} has {len(train)}. Use {len(train)}-way at most."
    return (
        f"budget {budget} needs {budget.ways} classes with {plural(shots, 'training example')} and "
        f"{plural(queries, 'test example')} (queries) each; {enough} of the {len(train)} classes of {where} have them. "
        f"Use fewer ways, shots or --queries."
    )


def missing_members(strategy: Strategy, missing: Sequence[str]) -> str:
    """Say that an ensemble's members are not run beside it."""
    wanted = " and ".join([", ".join(missing[:-1]), missing[-1]] if len(missing) > 1 else missing)
    return (
        f"{strategy.name} combines the stored predictions of {', '.join(strategy.members)}; {wanted} "
        f"{'is' if len(missing) == 1 else 'are'} not run on the same backbone, dataset and budget. Add "
        f"{' '.join(f'-s {chr(39)}{name}{chr(39)}' for name in missing)}."
    )


def silent_member(strategy: Strategy, member: Strategy) -> str:
    """Say that a member stores nothing that an ensemble could learn from."""
    return (
        f"{strategy.name} learns from what its members say of validation labels, and {member.variant} stores no such "
        f"predictions. Leave it out of the members."
    )


def unsuitable(
    strategy: Strategy,
    needs: Requirements,
    backbone: Backbone,
    dataset: Dataset,
    source_classes: tuple[str, ...] | None,
    counts: tuple[int, ...],
    budget: Budget,
    protocol: Protocol,
) -> str | None:
    """Return why a strategy cannot be fitted here, or None.

    `needs` are its requirements, of an ensemble with its members'; `counts` the target's training classes.
    """
    least = budget.least_per_class(counts)
    if backbone.modality != dataset.modality:
        return f"backbone {backbone.label} reads {backbone.modality} and {dataset.label} is {dataset.modality}."
    if needs.pretrained and backbone.weights is None and not isinstance(backbone, RandomStart):  # asked for as such
        return f"{strategy.name} needs a pretrained backbone; give {backbone.name} weights with {backbone.name}@FILE."
    if needs.source_labels and source_classes is None:
        return (
            f"{strategy.name} needs a labelled source; give one with 'DATASET[SOURCE->TARGET]' "
            f"(SOURCE is another domain, or another dataset)."
        )
    if needs.further_labels and not dataset.columns(dataset.domains[0], "train"):
        return (
            f"{strategy.name} needs further label columns, and {dataset.label} has none. A table has some: "
            f"csv:PATH?also=COLUMN."
        )
    if needs.same_classes and source_classes is not None and set(source_classes) != set(dataset.classes):
        return (
            f"{strategy.name} needs a source with the target's classes; the source has "
            f"{plural(len(source_classes), 'class', 'classes')}, the target {len(dataset.classes)}, "
            f"{len(set(source_classes) & set(dataset.classes))} of them shared."
        )
    if budget.is_episodic and (needs.same_classes or needs.upper_bound):
        return f"{strategy.name} learns a fixed set of classes, and episodes draw theirs anew. Use a label budget."
    if needs.min_labels_per_class > least:
        return (
            f"{strategy.name} needs {plural(needs.min_labels_per_class, 'target label')} per class; budget {budget} "
            f"gives {least}. Use {needs.min_labels_per_class}-shot or more."
        )
    if protocol.validation > 0 and 0 < least < 2:
        return (
            f"validation is carved out of the budget, and {budget} gives one label per class. "
            f"Use 2-shot or more, or validation = 0."
        )
    if needs.validation and protocol.validation == 0 and not budget.is_zero:
        return (
            f"{strategy.name} learns from validation labels, and this protocol keeps none of the budget for them. "
            f"Use --validation 0.2, or validation = 0.2 in the suite."
        )
    return strategy.unsuitable(backbone, dataset, budget)


def unchoosable(strategy: Strategy, needs: Requirements, rule: str, budget: Budget) -> str | None:
    """Say why a selection rule has nothing to choose by, or from, in this combination, or None."""
    if not looks_closer(rule):
        return None
    if strategy.members:
        return f"{strategy.name} combines stored predictions: selection {rule!r} has no checkpoints to choose from."
    if strategy.prepares:
        return (
            f"{strategy.name} prepares on all source labels, so that selection {rule!r} finds none held out. "
            f"Use selection last or validation."
        )
    if needs.transductive:
        return f"{strategy.name} is transductive; selection {rule!r} would show it inputs that are no queries."
    if budget.is_episodic or needs.setting(budget) == UNSUPERVISED:
        return f"selection {rule!r} chooses among classifiers of all classes; here there are none. Use selection last."
    if rule in OF_SOURCE and not needs.source_labels:
        return f"selection {rule!r} needs source labels, and {strategy.name} is given none."
    return None


def untunable(strategy: Strategy, rule: str, validated: bool, budget: Budget) -> str | None:
    """Say why a tuning has nothing to try or to choose by, or None; `validated` says that there are labels for it."""
    if strategy.members or not free_space(strategy):
        fixed = " beside what was given" if strategy.search_space and not strategy.members else ""
        return f"{strategy.variant} has no search space{fixed}: there is nothing to tune."
    if strategy.needs().transductive:
        return f"{strategy.name} is transductive: what it says of validation labels tells nothing to tune by."
    if budget.is_episodic:
        return "tuning in each of many episodes would tune to no task at all. Use a label budget."
    if not looks_closer(rule) and not (validated and rule == VALIDATION):
        return (
            "tuning needs something to choose by: validation labels (--validation 0.2, and a budget with labels), or "
            "--selection source-validation or entropy, where there is a source."
        )
    return None


def free_space(strategy: Strategy) -> SearchSpace:
    """Return the search space of the parameters that were left at their defaults: what was given stays as it is."""
    given = non_default(strategy)
    names = {field.name: option_name(field) for field in fields_of(strategy)}
    return {name: space for name, space in strategy.search_space.items() if names[name] not in given}


def hazard_notes(backbone: Backbone, dataset: Dataset) -> Iterator[str]:
    """Yield sentences on a backbone that has seen a dataset."""
    known = (backbone.pretrained_on or "").lower()
    for hazard in dataset.card.hazards:
        if known and hazard.lower() in known:
            yield (
                f"{backbone.label} was pretrained on {backbone.pretrained_on}, and the card of {dataset.label} says "
                f"that its images are among {hazard}: scores may be too good."
            )
