"""Check the ledger against what the cell's identity allows, and against what the installed strategy declares."""

from collections.abc import Iterator
from typing import Any

from tlbench import Budget, ParameterError
from tlbench.contract import INDUCTIVE, LAST, ORACLE, TRANSDUCTIVE, BudgetKind, looks_closer
from tlbench.data import labels_digest
from tlbench_leaderboard.entry import Entry
from tlbench_leaderboard.installed import Installed


def faults_of_ledger(entry: Entry, installed: Installed) -> Iterator[tuple[str, bool]]:
    """Yield sentences on the ledger of a record that has scores, and whether each is a note only."""
    identity, ledger = entry.data["identity"], entry.data["ledger"]
    try:
        budget = Budget.parse(identity["budget"])
    except ParameterError as error:
        yield f"its budget is none: {error}", False
        return
    for sentence in (*_labels(entry, budget), *_counts(entry, budget), *_source(identity, ledger)):
        yield sentence, False
    yield from installed.claims(entry.data, entry.stored)
    needs = installed.needs(entry.data["labels"]["strategy"], identity["strategy"]["version"])
    if needs is None:
        name, version = identity["strategy"]["name"], identity["strategy"]["version"]
        yield (
            f"{name} version {version} is not installed here, so that its declared requirements were not checked",
            True,
        )
        return
    for sentence in _declared(entry, budget, needs):
        yield sentence, False


def _labels(entry: Entry, budget: Budget) -> Iterator[str]:
    """Compare training and validation labels with the budget."""
    ledger, stored = entry.data["ledger"], entry.stored
    used = ledger["train_labels"] + ledger["val_labels"]
    if ledger.get("upper_bound", False):
        return
    classes = stored.logits.shape[1] if stored is not None else None
    allowed: int | None = None
    why = ""
    match budget.kind:
        case BudgetKind.COUNT:
            allowed, why = int(budget.amount), f"the budget {budget} gives {int(budget.amount)}"
        case BudgetKind.EPISODES:
            allowed = int(budget.amount) * budget.ways
            why = f"the budget {budget} gives {allowed}"
        case BudgetKind.SHOTS if classes is not None and entry.data["labels"]["setting"] != "unsupervised":
            allowed = int(budget.amount) * classes
            why = f"the budget {budget} gives {allowed} for the {classes} classes of its logits"
        case _:
            pass
    own_val = bool(ledger["val_labels"])
    if allowed is not None and (used > allowed or (used < allowed and not own_val)):
        yield (
            f"its ledger says {ledger['train_labels']} training and {ledger['val_labels']} validation labels, and {why}"
        )
    if ledger["selection"] == "validation" and not used and not ledger["source_labels"] and not budget.is_zero:
        yield "its ledger says that it was selected on validation labels, and there are none"


def _counts(entry: Entry, budget: Budget) -> Iterator[str]:
    """Compare test items and episodes with the stored predictions and the protocol."""
    ledger, stored = entry.data["ledger"], entry.stored
    if (ledger["episodes"] is not None) != budget.is_episodic:
        yield f"its ledger says {ledger['episodes']} episodes, and its budget is {budget}"
    if stored is None:
        return
    if (ledger["episodes"] or 1) != stored.episodes:
        yield f"its ledger says {ledger['episodes']} episodes, and its predictions are of {stored.episodes}"
    items = len(stored.labels) // stored.episodes
    if ledger["test_items"] != items:
        yield f"its ledger says {ledger['test_items']} test items, and its predictions are of {items}"
    classes = stored.logits.shape[1]
    if budget.is_episodic and classes != budget.ways and entry.data["labels"]["setting"] != "unsupervised":
        yield f"its logits are of {classes} classes, and its budget is {budget}"
    truth = labels_digest(stored.labels)
    if ledger.get("test_labels", truth) != truth:
        yield "the labels of its test items are not those that its ledger has the digest of"
    least, most = int(stored.labels.min()), int(stored.labels.max())
    if least < 0 or (most >= classes and entry.data["labels"]["setting"] != "unsupervised"):
        yield f"the labels of its test items run from {least} to {most}, and its logits are of {classes} classes"


def _source(identity: dict[str, Any], ledger: dict[str, Any]) -> Iterator[str]:
    if identity["source"] is None and ledger["source_labels"]:
        yield f"its ledger says {ledger['source_labels']} source labels, and its identity names no source"
    if identity["source"] is not None and not ledger["source_labels"]:
        yield "its ledger says 0 source labels, and its identity names a source"
    if identity["backbone"]["weights"] is None and ledger["pretrained_on"] != "nothing":
        yield f"its ledger says that it was pretrained on {ledger['pretrained_on']!r}, and its backbone has no weights"


def _declared(entry: Entry, budget: Budget, needs: Any) -> Iterator[str]:
    """Compare with what the strategy declares of itself."""
    ledger, labels = entry.data["ledger"], entry.data["labels"]
    if ledger.get("transductive_measured") and labels["setting"] == INDUCTIVE:
        yield (
            "its label setting is 'inductive', and its ledger says that its predictions were measured to depend on the "
            "other test inputs"
        )
    name = entry.data["identity"]["strategy"]["name"]
    for flag, what in (("transductive", "transductive"), ("upper_bound", "an upper bound")):
        declared, said = bool(getattr(needs, flag)), bool(ledger.get(flag, labels.get(flag, False)))
        if declared != said:
            yield (
                f"its ledger says that it is {'' if said else 'not '}{what}, and {name} declares that it is"
                f"{'' if declared else ' not'}"
            )
    if bool(labels.get("upper_bound", False)) != bool(needs.upper_bound):
        yield f"its label upper_bound is {labels.get('upper_bound')!r}, and {name} declares {needs.upper_bound!r}"
    if needs.source_labels and not ledger["source_labels"]:
        yield f"its ledger says 0 source labels, and {name} requires a labelled source"
    looked_at = looks_closer(str(labels.get("selection", LAST)))  # a rule may look at target inputs for any strategy
    for count, what in (("unlabelled_target", "unlabelled target inputs"), ("further_labels", "further labels")):
        given, wanted = bool(ledger.get(count, 0)), bool(getattr(needs, count))
        if given != wanted and not (given and looked_at and count == "unlabelled_target"):
            declares = "requires some" if wanted else "is given none"
            yield f"its ledger says {ledger.get(count, 0)} {what}, and {name} {declares}"
    setting = ORACLE if entry.data["identity"].get("selection") == ORACLE else needs.setting(budget)
    if setting == INDUCTIVE and ledger.get("setting_measured"):
        setting = TRANSDUCTIVE
    if labels["setting"] != setting:
        yield f"its label setting is {labels['setting']!r}, and {name} under the budget {budget} it is {setting}"
