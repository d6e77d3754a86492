"""Put one line of the summary, with all its numbers, into words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tlbench import plural
from tlbench_reports.words import (
    NOTHING,
    amount,
    chance,
    difference,
    interval,
    known,
    number,
    plain,
)

_CHOICES = {"validation": "a choice by validation labels", "oracle": "a choice by the test labels (oracle)"}


@dataclass(frozen=True)
class Row:
    """Put into words one line of the summary: a strategy on a backbone, transfer and budget."""

    values: Mapping[str, Any]  # as `summary_rows` has them

    def __getitem__(self, column: str) -> str:
        return amount(self.values.get(column))

    @property
    def name(self) -> str:
        """Return the strategy, with its source where there are several, and what went wrong with its replicates."""
        wrong = self.lost or self.collapsed
        return plain(self.values["label"]) + (f" ({wrong})" if wrong else "")

    @property
    def lost(self) -> str:
        """Return that fits have learnt nothing, and of how many replicates, or nothing."""
        lost = int(self.values["did_not_learn"])
        return "" if not lost else "did not learn" if lost == self.n else f"{lost} of {self.n} did not learn"

    @property
    def collapsed(self) -> str:
        """Return how many replicates lie far below the others, or nothing."""
        return f"{self.values['collapsed']} of {self.n} collapsed" if self.values["collapsed"] else ""

    @property
    def n(self) -> int:
        """Return how many replicates have a score."""
        return int(self.values["n"])

    @property
    def failed(self) -> int:
        """Return how many replicates have none."""
        return int(self.values["failed"])

    @property
    def mean(self) -> str:
        """Return the mean score, or that there is none."""
        return number(self.values["mean"]) if known(self.values["mean"]) else no_score(self.values)

    @property
    def between(self) -> str:
        """Return the interval of the mean, over replicates and test items, or why there is none."""
        if not self.n:
            return f"{self.failed} of {self.failed} failed"
        if self.values["undefined"]:
            return f"{self.values['undefined']} of {self.n} undefined"
        if self.values["copies"] and not known(self.values["low"]):
            return f"{self.values['copies'] + self.n} alike"
        return interval(self.values["low"], self.values["high"], self.n)

    @property
    def over_episodes(self) -> str:
        """Return the interval over episodes."""
        return interval(self.values["episode_low"], self.values["episode_high"], 0)

    @property
    def n_sampled(self) -> int:
        """Return how many episodes or test items that is over."""
        return int(self.values["n_episodes"] or self.values["n_items"])

    @property
    def on_source(self) -> str:
        """Return the accuracy on the source, of a classifier that serves it too."""
        return number(self.values["source_accuracy"])

    @property
    def is_upper_bound(self) -> bool:
        """Tell whether the row was given labels that nobody has, and takes no part in the comparison."""
        return bool(self.values["upper_bound"])

    @cached_property
    def baseline(self) -> str:
        """Return the other strategy that this one is compared with, or nothing."""
        baseline = self.values["baseline"]
        compared = known(baseline) and known(self.values["delta"]) and baseline != self.values["strategy"]
        return plain(baseline) if compared else ""

    @property
    def verdict(self) -> str:
        """Return `better` or `worse` than the baseline, `unclear`, or nothing."""
        return str(self.values["verdict"]) if self.baseline else ""

    @property
    def difference(self) -> str:
        """Return the paired difference to the baseline with its interval."""
        if not self.baseline:
            return NOTHING
        return difference(self.values)

    @property
    def standing(self) -> str:
        """Return `best` or `tied with best` of the rows that it may be compared with, or nothing."""
        if not known(self.values["mean"]) or self.is_upper_bound:
            return ""
        return "best" if truth(self.values["best"]) else "tied with best" if truth(self.values["tied"]) else ""

    @property
    def word(self) -> str:
        """Return the one verdict on the row: best, tied, better or worse than its baseline, or why there is none."""
        if not known(self.values["mean"]) or self.is_upper_bound:
            return no_score(self.values) if not self.is_upper_bound else "upper bound"
        if self.lost:
            return self.lost
        if self.standing:
            return "best" if self.standing == "best" else "tied"
        if self.verdict in ("better", "worse"):
            return f"{self.verdict} than {self.baseline}"
        return "baseline" if self.values["is_baseline"] and not self.baseline else "unclear" if self.baseline else ""

    @property
    def is_negative_transfer(self) -> bool:
        """Tell whether the whole interval of the difference lies on the bad side of zero."""
        return truth(self.values["negative_transfer"])

    @property
    def holm(self) -> str:
        """Return the p of the paired difference, corrected for how many were compared."""
        return chance(self.values["p_holm"]) if self.baseline else NOTHING

    @property
    def effect(self) -> str:
        """Return the difference in standard deviations of itself."""
        return f"{self.values['effect']:+.2f}" if self.baseline and known(self.values["effect"]) else NOTHING

    @property
    def needed(self) -> str:
        """Return how many replicates would tell it from its baseline, where that is not told yet."""
        return amount(self.values["needed"]) if self.baseline else NOTHING

    @property
    def items_needed(self) -> str:
        """Return how many test items would tell it from its baseline, where that is not told yet."""
        return amount(self.values["needed_items"]) if self.baseline else NOTHING

    @property
    def seen_at_once(self) -> str:
        """Say whether predictions use the other test inputs: as declared, and as measured."""
        measured = self.values["transductive_measured"]
        found = f"measured {amount(truth(measured))}" if known(measured) else "not measured"
        return f"{self['transductive']} ({found})"

    @property
    def near_duplicates(self) -> str:
        """Return how many test inputs stand in training, source and upstream data too; `?` where nobody looked."""
        counts = [self.values[f"test_in_{place}"] for place in ("train", "source", "upstream")]
        return " / ".join(amount(n) if known(n) else "?" for n in counts) if any(map(known, counts)) else NOTHING

    @property
    def reading(self) -> str:
        """Return what the difference amounts to, in words."""
        if not self.n:
            return "no score"
        if not known(self.values["mean"]):
            return no_score(self.values)
        if self.is_upper_bound:
            return "upper bound: every target label"
        if self.lost:
            return self.lost
        if not self.baseline:
            return "the baseline" if self.values["is_baseline"] else "not compared"
        if not known(self.values["delta_low"]):
            return f"{plural(int(self.values['delta_n']), 'pair')}: no interval"
        if self.is_negative_transfer:
            return f"worse than {self.baseline}: negative transfer"
        return {"better": f"better than {self.baseline}", "worse": f"worse than {self.baseline}"}.get(
            self.verdict, f"not clearly different from {self.baseline}"
        )

    @property
    def given(self) -> str:
        """Return what data the strategy was given, in words; nothing where no replicate lived to tell."""
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


def no_score(values: Mapping[str, Any]) -> str:
    """Return why a row of the summary has no mean: it failed, or the metric is undefined on it."""
    return "undefined" if values["n"] else "failed"


def worth(values: Mapping[str, Any]) -> float:
    """Return the mean of a row as a number of which more is better."""
    return -float(values["mean"]) if truth(values.get("lower_is_better")) else float(values["mean"])


def truth(value: Any) -> bool:
    """Tell whether a flag of a table is set; one that is missing is not."""
    return bool(known(value) and value)
