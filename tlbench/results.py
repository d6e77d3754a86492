"""Reads a results folder into a tidy frame, a summary with intervals, and sentences."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlbench import stats
from tlbench.budget import Budget
from tlbench.errors import StoreError
from tlbench.record import Record
from tlbench.split_rule import GIVEN
from tlbench.store import Store
from tlbench.strategy import Family

LABELS = (
    "strategy", "family", "setting", "backbone", "dataset", "source", "target", "transfer", "budget", "replicate",
    "seed",
)  # fmt: skip
LEDGER = (
    "train_labels", "val_labels", "unlabelled_target", "source_labels", "further_labels", "episodes", "transductive",
    "upper_bound", "selection", "pretrained_on", "splits",
)  # fmt: skip
COSTS = (
    "fit_seconds", "prepare_seconds", "predict_seconds", "parameters_trained", "parameters_stored",
    "peak_memory_bytes", "flops_per_example",
)  # fmt: skip
# What one row of the summary is about.
ROW = ("transfer", "backbone", "budget", "setting", "source", "family", "strategy")
SETTINGS = ("inductive", "transductive", "unsupervised")
UNSUPERVISED = SETTINGS[-1]
PRIMARY = "accuracy"
PRIMARY_OF_CLUSTERS = "clustering-accuracy"


class Results:
    """The records of one folder, in an order that depends on nothing but themselves."""

    def __init__(self, folder: Path | str) -> None:
        self.store = Store(Path(folder))
        self.folder = Path(folder)
        self.records: tuple[Record, ...] = tuple(sorted(self.store.records(), key=_order))
        if not self.records:
            raise StoreError(f"{folder} holds no records yet. `tlbench run --out {folder}` makes some.")
        self._summaries: dict[str, pd.DataFrame] = {}
        plan = self.store.read_plan()
        self.suite: str = plan.get("suite", {}).get("name", "unknown")
        self.skipped: tuple[Mapping[str, Any], ...] = tuple(plan.get("skips", ()))
        self.findings: tuple[str, ...] = tuple(plan.get("findings", ()))
        self.warnings: tuple[str, ...] = tuple(plan.get("warnings", ()))

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The names of all scores, the primary ones first."""
        names = {name for record in self.records for name in record.scores}
        primaries = (PRIMARY, PRIMARY_OF_CLUSTERS)
        return tuple(sorted(names, key=lambda name: (name not in primaries, name)))

    @property
    def metric(self) -> str:
        """The metric that tables and charts show unless told otherwise."""
        return self.primaries[0]

    @cached_property
    def primaries(self) -> tuple[str, ...]:
        """One metric for labelled rows and one for clusterings, as far as there are such rows."""
        found = []
        for of_clusters, primary in ((False, PRIMARY), (True, PRIMARY_OF_CLUSTERS)):
            if any(_is_clustering(record) == of_clusters for record in self.records):
                own = [name for name in self.metrics if self.is_of_clusters(name) == of_clusters]
                found.append(next(iter(own), primary))
        return tuple(found)

    def is_of_clusters(self, metric: str) -> bool:
        """Whether a metric is of rows that were given no label at all, whose clusters have no names."""
        return metric in self._cluster_metrics

    @cached_property
    def _cluster_metrics(self) -> set[str]:
        return {PRIMARY_OF_CLUSTERS}.union(*(record.scores for record in self.records if _is_clustering(record)))

    @cached_property
    def _frame(self) -> pd.DataFrame:
        rows = []
        for record in self.records:
            row: dict[str, Any] = {"cell": record.cell, "status": "ok" if record.ok else "failed"}
            row.update({key: record.labels.get(key) for key in LABELS})
            row.update({name: _number(record.scores.get(name)) for name in self.metrics})
            row.update({key: record.ledger.get(key) for key in LEDGER})
            row["upper_bound"] = _is_upper_bound(record)  # of failures too, which have no ledger
            row["splits"] = record.ledger.get("splits", GIVEN)
            row["folds"] = _folds(record)
            row["source_accuracy"] = _number(record.tasks.get("source", {}).get(PRIMARY))
            row.update({key: _number(record.costs.get(key)) for key in COSTS})
            row["failure"] = record.failure.kind if record.failure else ""
            row["message"] = record.failure.message if record.failure else ""
            row["device"] = record.environment.get("device", "")
            rows.append(row)
        return pd.DataFrame(rows)

    def frame(self) -> pd.DataFrame:
        """Return one tidy row per record: labels, scores, ledger, costs, failure."""
        return self._frame.copy()

    def summary(self, metric: str | None = None) -> pd.DataFrame:
        """Return one row per variant, backbone, transfer, source and budget.

        `mean` with `seed_low`/`seed_high` (95 % t over n replicates) and `item_low`/`item_high` (95 %
        bootstrap over n_items test items, accuracy only), or `episode_low`/`episode_high` (95 % t over the
        n_episodes of all replicates); `delta` to the baseline, paired by replicate, with its 95 % t interval;
        what was given (ledger), and the mean accuracy on the source, where the classifier serves it too. A metric
        of labels has no rows of clusterings, nor the other way round.
        """
        metric = metric or self.metric
        if metric not in self._summaries:
            self._summaries[metric] = self._summarise(metric)
        return self._summaries[metric].copy()

    def _summarise(self, metric: str) -> pd.DataFrame:
        of_clusters = self._frame["setting"] == UNSUPERVISED
        frame = self._frame[of_clusters == self.is_of_clusters(metric)]
        rows = []
        for key, group in frame.groupby(list(ROW), sort=False, dropna=False):
            done = group[group["status"] == "ok"]
            row = dict(zip(ROW, key, strict=True))
            first = group.iloc[0]
            row |= {name: first[name] for name in ("dataset", "target")}
            row |= {"n": len(done), "failed": len(group) - len(done)}
            row |= self._spread(done, metric) | self._difference(frame, done, first, metric)
            ledger = (done if len(done) else group).iloc[0]
            row |= {name: ledger[name] for name in LEDGER}
            row["splits"] = f"{ledger['folds']}-fold" if ledger["folds"] else ledger["splits"]
            row["source_accuracy"] = done["source_accuracy"].mean()
            rows.append(row)
        return pd.DataFrame(rows, columns=None if rows else list(ROW))

    def _spread(self, done: pd.DataFrame, metric: str) -> dict[str, Any]:
        seeds = stats.t_interval(done[metric].to_numpy() if metric in done else np.empty(0), overlap=_overlap(done))
        nothing = float("nan")
        items = episodes = None
        if metric == PRIMARY and len(done):
            right = [self._right(cell) for cell in done["cell"]]
            if done["episodes"].notna().all():
                episodes = stats.t_interval(np.concatenate([each.mean(axis=1) for each in right]))
            elif done["folds"].any():
                if len(done) == done["folds"].iloc[0] == done["splits"].nunique():  # each item was tested once
                    items = stats.item_interval(np.concatenate([each[0] for each in right]))
            elif len({each.shape for each in right}) == 1:
                items = stats.item_interval(np.mean([each[0] for each in right], axis=0))
        return {
            "mean": seeds.mean,
            "seed_low": seeds.low,
            "seed_high": seeds.high,
            "n_items": items.n if items else 0,
            "item_low": items.low if items else nothing,
            "item_high": items.high if items else nothing,
            "n_episodes": episodes.n if episodes else 0,
            "episode_low": episodes.low if episodes else nothing,
            "episode_high": episodes.high if episodes else nothing,
        }

    def _right(self, cell: str) -> np.ndarray:
        """Return which test items a cell classified rightly, bool (episodes, items)."""
        predictions = self.store.predictions(cell)
        right: np.ndarray = predictions.logits.argmax(axis=1) == predictions.labels
        return right.reshape(predictions.episodes, -1)

    def _difference(
        self, frame: pd.DataFrame, done: pd.DataFrame, first: "pd.Series[Any]", metric: str
    ) -> dict[str, Any]:
        """Compare with the family's baseline, pair by pair of replicates."""
        nothing = float("nan")
        empty = {
            "baseline": "",
            "delta": nothing,
            "delta_low": nothing,
            "delta_high": nothing,
            "delta_n": 0,
            "verdict": "",
        }
        baseline = self._baseline(frame, first)
        if baseline.empty or done.empty:
            return empty
        name = str(baseline["strategy"].iloc[0])
        keys = ["replicate", "seed"]
        pairs = done.merge(baseline[[*keys, metric]], on=keys, suffixes=("", "_baseline"))
        if name == first["strategy"] or pairs.empty:
            return {**empty, "baseline": "" if name == first["strategy"] else name}
        difference = stats.paired_interval(
            pairs[metric].to_numpy(), pairs[f"{metric}_baseline"].to_numpy(), overlap=_overlap(pairs)
        )
        return {
            "baseline": name,
            "delta": difference.mean,
            "delta_low": difference.low,
            "delta_high": difference.high,
            "delta_n": difference.n,
            "verdict": stats.verdict(difference, self._higher_is_better(metric)),
        }

    def _baseline(self, frame: pd.DataFrame, row: "pd.Series[Any]") -> pd.DataFrame:
        """Return the records of the baseline: the family's own, or that of the scratch family."""
        same = (frame["status"] == "ok") & frame["cell"].isin(self._baseline_cells)
        for key in ("transfer", "backbone", "budget"):
            same &= frame[key] == row[key]
        own = frame[same & (frame["family"] == row["family"])]
        if not (bool(row["upper_bound"]) and own["source"].nunique() == 1):  # what an upper bound exceeds
            own = own[own["source"] == row["source"]]
        chosen = own if len(own) else frame[same & (frame["family"] == str(Family.SCRATCH))]
        return chosen[chosen["strategy"] == chosen["strategy"].iloc[0]] if len(chosen) else chosen

    def _higher_is_better(self, metric: str) -> bool:
        known = (record.provenance.get("metrics", {}).get(metric, {}) for record in self.records)
        return bool(next((facts["higher_is_better"] for facts in known if facts), True))

    @cached_property
    def _baseline_cells(self) -> set[str]:
        return {record.cell for record in self.records if record.labels.get("baseline")}

    def costs(self) -> pd.DataFrame:
        """Return the mean costs of each row of the summary."""
        done = self._frame[self._frame["status"] == "ok"]
        costs: pd.DataFrame = done.groupby(list(ROW), sort=False)[list(COSTS)].mean().reset_index()
        return costs

    def headlines(self) -> list[str]:
        """Return the answer in sentences: one for each transfer, backbone and budget, and one per adaptation."""
        from tlbench.headlines import headlines

        return [sentence for metric in self.primaries for sentence in headlines(self.summary(metric), metric)]


def _folds(record: Record) -> int:
    """Return how many folds of a cross-validation there are; 0 for none."""
    return int(record.identity.get("splits", {}).get("folds", 0))


def _overlap(rows: pd.DataFrame) -> float:
    """Return the ratio of test to training examples of a cross-validation's folds; 0 for independent replicates."""
    folds = int(rows["folds"].max()) if len(rows) else 0
    return 1 / (folds - 1) if folds else 0.0


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _is_clustering(record: Record) -> bool:
    return record.labels.get("setting") == UNSUPERVISED


def _is_upper_bound(record: Record) -> bool:
    return bool(record.labels.get("upper_bound") or record.ledger.get("upper_bound"))


def _order(record: Record) -> tuple[Any, ...]:
    labels = record.labels
    families = [str(family) for family in Family]
    family = families.index(labels["family"]) if labels.get("family") in families else len(families)
    setting = SETTINGS.index(labels["setting"]) if labels.get("setting") in SETTINGS else 0
    return (
        str(labels.get("transfer")),
        str(labels.get("backbone")),
        Budget.parse(str(labels.get("budget"))).order(),
        setting,
        family,
        _is_upper_bound(record),
        str(labels.get("source")),
        str(labels.get("strategy")),
        labels.get("seed", 0),
        labels.get("replicate", 0),
        record.cell,
    )
