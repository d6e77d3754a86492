"""The summary as people read it: groups of comparable rows, with every number put into words."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from tlbench import Budget
from tlbench_reports.words import (
    NOTHING,
    amount,
    chance,
    count,
    interval,
    known,
    listing,
    number,
    plain,
    replicates_needed,
    signed,
)

if TYPE_CHECKING:
    from tlbench import Results


GROUP = ("transfer", "backbone", "budget", "setting")  # what rows share that stand in one table
Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)

SETTINGS = ("inductive", "transductive", "unsupervised", "oracle")
_SPOKEN = {"transductive": ", transductive", "oracle": ", chosen by the test labels (oracle)"}
_CHOICES = {"validation": "a choice by validation labels", "oracle": "a choice by the test labels (oracle)"}
_made: "WeakKeyDictionary[Results, dict[str | None, list[dict[str, Any]]]]" = WeakKeyDictionary()
CROWDED = 8  # rows from which on families get a heading of their own


@dataclass(frozen=True)
class Row:
    """One line of the summary: a strategy on a backbone, transfer and budget."""

    values: Mapping[str, Any]  # as `summary_rows` has them

    def __getitem__(self, column: str) -> str:
        return amount(self.values.get(column))

    @property
    def name(self) -> str:
        """The strategy, with its source where there are several, and whether it is an upper bound."""
        return plain(self.values["label"])

    @property
    def n(self) -> int:
        """How many replicates have a score."""
        return int(self.values["n"])

    @property
    def failed(self) -> int:
        """How many replicates have none."""
        return int(self.values["failed"])

    @property
    def mean(self) -> str:
        """The mean score, or that there is none."""
        return number(self.values["mean"]) if self.n else "failed"

    @property
    def replicates(self) -> str:
        """The interval over replicates, or why there is none."""
        if not self.n:
            return f"{self.failed} of {self.failed} failed"
        return interval(self.values["seed_low"], self.values["seed_high"], self.n)

    @property
    def sampled(self) -> str:
        """The interval over episodes, or over test items where there are none."""
        over = "episode" if self.values["n_episodes"] else "item"
        return interval(self.values[f"{over}_low"], self.values[f"{over}_high"], 0)

    @property
    def n_sampled(self) -> int:
        """How many episodes or test items that is over."""
        return int(self.values["n_episodes"] or self.values["n_items"])

    @property
    def on_source(self) -> str:
        """The accuracy on the source, of a classifier that serves it too."""
        return number(self.values["source_accuracy"])

    @property
    def is_upper_bound(self) -> bool:
        """Whether the row was given labels that nobody has, and takes no part in the comparison."""
        return bool(self.values["upper_bound"])

    @property
    def baseline(self) -> str:
        """The other strategy that this one is compared with, or nothing."""
        baseline = self.values["baseline"]
        compared = known(baseline) and known(self.values["delta"]) and baseline != self.values["strategy"]
        return plain(baseline) if compared else ""

    @property
    def verdict(self) -> str:
        """`better` or `worse` than the baseline, `unclear`, or nothing."""
        return str(self.values["verdict"]) if self.baseline else ""

    @property
    def difference(self) -> str:
        """The paired difference to the baseline with its interval."""
        if not self.baseline:
            return NOTHING
        low, high = self.values["delta_low"], self.values["delta_high"]
        between = f"{signed(low)}, {signed(high)}" if known(low) and known(high) else "no interval"
        return f"{signed(self.values['delta'])} ({between})"

    @property
    def standing(self) -> str:
        """`best` or `tied with best` of the rows that it may be compared with, or nothing."""
        if not self.n or self.is_upper_bound:
            return ""
        return "best" if truth(self.values["best"]) else "tied with best" if truth(self.values["tied"]) else ""

    @property
    def is_negative_transfer(self) -> bool:
        """Whether the whole interval of the difference lies on the bad side of zero."""
        return truth(self.values["negative_transfer"])

    @property
    def holm(self) -> str:
        """The p of the paired difference, corrected for how many were compared."""
        return chance(self.values["p_holm"]) if self.baseline else NOTHING

    @property
    def effect(self) -> str:
        """The difference in standard deviations of itself."""
        return f"{self.values['effect']:+.2f}" if self.baseline and known(self.values["effect"]) else NOTHING

    @property
    def needed(self) -> str:
        """How many replicates would tell it from its baseline."""
        return replicates_needed(self.values["needed"]) if self.baseline else NOTHING

    @property
    def seen_at_once(self) -> str:
        """Whether predictions use the other test inputs: as declared, and as measured."""
        measured = self.values["transductive_measured"]
        found = f"measured {amount(truth(measured))}" if known(measured) else "not measured"
        return f"{self['transductive']} ({found})"

    @property
    def near_duplicates(self) -> str:
        """How many test inputs stand in training, source and upstream data too; `?` where nobody looked."""
        counts = [self.values[f"test_in_{place}"] for place in ("train", "source", "upstream")]
        return " / ".join(amount(n) if known(n) else "?" for n in counts) if any(map(known, counts)) else NOTHING

    @property
    def reading(self) -> str:
        """What the difference amounts to, in words."""
        if not self.n:
            return "no score"
        if self.is_upper_bound:
            return "upper bound: every target label"
        if not self.baseline:
            return "the baseline" if self.values["is_baseline"] else "not compared"
        if not known(self.values["delta_low"]):
            return f"{count(int(self.values['delta_n']), 'pair')}: no interval"
        if self.is_negative_transfer:
            return f"worse than {self.baseline}: negative transfer"
        return {"better": f"better than {self.baseline}", "worse": f"worse than {self.baseline}"}.get(
            self.verdict, f"not clearly different from {self.baseline}"
        )

    @property
    def given(self) -> str:
        """What data the strategy was given, in words; nothing where no replicate lived to tell."""
        values = self.values
        if not known(values["train_labels"]):
            return ""
        parts = [f"{self['train_labels']} target labels" if values["train_labels"] else "no target labels"]
        if self.is_upper_bound:
            parts = [f"all {self['train_labels']} target labels"]
        if values["val_labels"]:
            parts.append(f"{self['val_labels']} more for validation")
        counted = (
            ("further_labels", "labels of further columns"),
            ("unlabelled_target", "unlabelled target inputs"),
            ("source_labels", "source labels"),
        )
        for column, noun in counted:
            if known(values[column]) and values[column]:
                parts.append(f"{self[column]} {noun}")
        if values["source_labels"] and known(values["source"]):
            parts[-1] += f" of {self['source']}"
        if values["transductive"]:
            parts.append("all test inputs at once (transductive)")
        if known(values["selection"]) and values["selection"] != "last":
            parts.append(_CHOICES.get(values["selection"], f"a choice by {self['selection']}"))
        return ", ".join(parts) + (", in each episode" if known(values["episodes"]) else "")


@dataclass(frozen=True)
class Group:
    """Rows that may be compared: one transfer, backbone, budget and setting."""

    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """Name the group on one line."""
        first = self.rows[0].values
        place = f"{plain(first['transfer'])}, {plain(first['backbone'])}, {conditions(first)}"
        n = max(row.n_sampled for row in self.rows)
        return f"{place} ({count(n, 'test item')})" if n and not is_episodic(first) else place

    @property
    def sampling(self) -> str:
        """Head the column of intervals over test items or episodes."""
        return sampling(self.rows)

    @property
    def families(self) -> dict[str, list[Row]]:
        """The rows by family, or all under "" where they are few or of one family."""
        found = partition(self.rows, lambda row: plain(row.values["family"]))
        return found if len(found) > 1 and len(self.rows) > CROWDED else {"": list(self.rows)}

    @property
    def baselines(self) -> tuple[str, ...]:
        """The strategies that rows of this group are compared with."""
        return tuple(dict.fromkeys(row.baseline for row in self.rows if row.baseline))

    @property
    def comparison(self) -> str:
        """Head the column of differences."""
        return f"vs {self.baselines[0]}" if len(self.baselines) == 1 else "vs baseline"

    @property
    def remarks(self) -> list[str]:
        """What the numbers of this group amount to, and what each strategy was given."""
        said = []
        if len(self.baselines) > 1:
            *others, common = sorted(self.baselines, key=lambda name: sum(row.baseline == name for row in self.rows))
            said += [f"Compared with {baseline}: {_names(self.rows, baseline=baseline)}." for baseline in others]
            said.append(f"Compared with {common}: the others.")
        for baseline in self.baselines:
            for verdict, flag in (("worse", " (negative transfer)"), ("better", "")):
                if names := _names(self.rows, baseline=baseline, verdict=verdict, is_upper_bound=False):
                    said.append(f"{verdict.capitalize()} than {baseline}{flag}: {names}.")
        said += self._given()
        if self.on_source:
            said.append(f"On the source itself: {listing(self.on_source)}.")
        if partly := [f"{row.name} ({count(row.failed, 'replicate')})" for row in self.rows if row.failed]:
            said.append(f"Failed: {listing(partly)}.")
        return said

    @property
    def on_source(self) -> list[str]:
        """The accuracy on the source of each strategy whose classifier serves it too."""
        scored = [row for row in self.rows if known(row.values["source_accuracy"])]
        return [f"{row.name} {row.on_source}" for row in scored]

    def _given(self) -> list[str]:
        counted = Counter(row.given for row in self.rows if row.given)
        if not counted:
            return []
        common, *others = [given for given, _ in counted.most_common()]
        if not others:
            return [f"Given {common}."]
        said = [f"Given {given}: {_names(self.rows, given=given)}." for given in others]
        return [*said, f"Given {common}: the others."]


def _names(rows: tuple[Row, ...], **wanted: str | bool) -> str:
    return listing(
        row.name for row in rows if all(getattr(row, attribute) == value for attribute, value in wanted.items())
    )


def summary_rows(results: "Results", metric: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of the summary, each with the `label` that tells it from the others of its group.

    They are made once for all reports of the same results, and not to be changed.
    """
    made = _made.setdefault(results, {})
    if metric not in made:
        records = results.summary(metric).to_dict("records")
        rows = [{str(column): value for column, value in row.items()} for row in records]
        made[metric] = [row | {"upper_bound": truth(row["upper_bound"])} for row in rows]
    return list(made[metric])


def truth(value: Any) -> bool:
    """Whether a flag of a table is set; one that is missing is not."""
    return bool(known(value) and value)


def groups(rows: list[dict[str, Any]]) -> list[Group]:
    """Put the rows of a summary, in its order, into groups."""
    found = partition(rows, lambda row: tuple(str(row[column]) for column in GROUP))
    return [Group(tuple(Row(row) for row in members)) for members in found.values()]


def partition(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Put items, in their order, under their keys, in the order in which these come up."""
    found: dict[Key, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def is_episodic(row: Mapping[str, Any]) -> bool:
    """Whether a row of the summary is scored over episodes."""
    return Budget.parse(str(row["budget"])).is_episodic


def conditions(row: Mapping[str, Any]) -> str:
    """Name the label budget and the setting of a row of the summary."""
    if row["setting"] == "unsupervised":
        return "unsupervised: no label at all"
    budget = f"{'episodes' if is_episodic(row) else 'label budget'} {plain(row['budget'])}"
    return f"{budget}{_SPOKEN.get(str(row['setting']), '')}"


def sampling(rows: Iterable[Row]) -> str:
    """Name what the second interval of rows is over: `test items`, or `600 episodes`."""
    shown = list(rows)
    if not any(is_episodic(row.values) for row in shown):
        return "test items"
    counts = {row.n_sampled for row in shown if row.n}
    return count(counts.pop(), "episode") if len(counts) == 1 else "episodes"
