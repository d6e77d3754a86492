"""The summary as people read it: groups of comparable rows, with every number put into words."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tlbench_reports.words import NOTHING, amount, count, interval, known, listing, number, plain, signed

if TYPE_CHECKING:
    from tlbench import Results


GROUP = ("transfer", "backbone", "budget")  # what rows share that may be compared


@dataclass(frozen=True)
class Row:
    """One line of the summary: a strategy on a backbone, transfer and budget."""

    values: Mapping[str, Any]  # as `summary_rows` has them

    def __getitem__(self, column: str) -> str:
        return amount(self.values.get(column))

    @property
    def name(self) -> str:
        """The strategy, with its source where there are several."""
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
    def items(self) -> str:
        """The interval over test items."""
        return interval(self.values["item_low"], self.values["item_high"], 0)

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
    def reading(self) -> str:
        """What the difference amounts to, in words."""
        if not self.n:
            return "no score"
        if not self.baseline:
            return "the baseline" if self.values["is_baseline"] else "not compared"
        if not known(self.values["delta_low"]):
            return f"{count(int(self.values['delta_n']), 'pair')}: no interval"
        return {
            "better": f"better than {self.baseline}",
            "worse": f"worse than {self.baseline}: negative transfer",
        }.get(self.verdict, f"not clearly different from {self.baseline}")

    @property
    def given(self) -> str:
        """What data the strategy was given, in words; nothing where no replicate lived to tell."""
        values = self.values
        if not known(values["train_labels"]):
            return ""
        parts = [f"{self['train_labels']} target labels" if values["train_labels"] else "no target labels"]
        if values["val_labels"]:
            parts.append(f"{self['val_labels']} more for validation")
        for column, noun in (("unlabelled_target", "unlabelled target inputs"), ("source_labels", "source labels")):
            if values[column]:
                parts.append(f"{self[column]} {noun}")
        if values["source_labels"] and known(values["source"]):
            parts[-1] += f" of {self['source']}"
        if values["transductive"]:
            parts.append("all test inputs at once (transductive)")
        if values["selection"] == "validation":
            parts.append("the best step by validation")
        return ", ".join(parts)


@dataclass(frozen=True)
class Group:
    """Rows that may be compared: one transfer, backbone and budget."""

    transfer: str
    backbone: str
    budget: str
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """Name the group on one line."""
        items = max(int(row.values["n_items"]) for row in self.rows)
        size = f" ({count(items, 'test item')})" if items else ""
        return f"{self.transfer}, {self.backbone}, label budget {self.budget}{size}"

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
            for baseline in self.baselines:
                said.append(f"Compared with {baseline}: {_names(self.rows, baseline=baseline)}.")
        for baseline in self.baselines:
            for verdict, flag in (("worse", " (negative transfer)"), ("better", "")):
                if names := _names(self.rows, baseline=baseline, verdict=verdict):
                    said.append(f"{verdict.capitalize()} than {baseline}{flag}: {names}.")
        said += self._given()
        if partly := [f"{row.name} ({count(row.failed, 'replicate')})" for row in self.rows if row.failed]:
            said.append(f"Failed: {listing(partly)}.")
        return said

    def _given(self) -> list[str]:
        counted = Counter(row.given for row in self.rows if row.given)
        if not counted:
            return []
        common, *others = [given for given, _ in counted.most_common()]
        if not others:
            return [f"Given {common}."]
        said = [f"Given {given}: {_names(self.rows, given=given)}." for given in others]
        return [*said, f"Given {common}: the others."]


def _names(rows: tuple[Row, ...], **wanted: str) -> str:
    return listing(
        row.name for row in rows if all(getattr(row, attribute) == value for attribute, value in wanted.items())
    )


def summary_rows(results: "Results", metric: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of the summary, each with the `label` that tells it from the others of its group.

    Ask once for all that is written: the summary reads every prediction that was stored.
    """
    summary = results.summary(metric)
    rows = [{str(column): value for column, value in row.items()} for row in summary.to_dict("records")]
    several = summary.groupby([*GROUP, "strategy"])["source"].nunique().max() > 1
    compared = {(*_group(row), row["baseline"]) for row in rows}
    for row in rows:
        source = f" from {row['source']}" if several and known(row["source"]) else ""
        row["label"] = f"{row['strategy']}{source}"
        row["is_baseline"] = (*_group(row), row["strategy"]) in compared
    return rows


def groups(rows: list[dict[str, Any]]) -> list[Group]:
    """Put the rows of a summary, in its order, into groups."""
    found = []
    for (transfer, backbone, budget), members in groupby(rows, key=_group):
        found.append(Group(plain(transfer), plain(backbone), plain(budget), tuple(Row(row) for row in members)))
    return found


def _group(row: Mapping[str, Any]) -> tuple[str, str, str]:
    transfer, backbone, budget = (str(row[column]) for column in GROUP)
    return transfer, backbone, budget
