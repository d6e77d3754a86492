"""Read a results folder into a tidy frame, a summary with intervals, and sentences."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlbench.contract import SETTINGS, UNSUPERVISED, Metric, Record
from tlbench.errors import ParameterError, StoreError
from tlbench.names import near_miss, plural, unknown
from tlbench.results.across import Across, compare_across, mean_over_transfers
from tlbench.results.answer import answer
from tlbench.results.by_class import by_class
from tlbench.results.card import Answer
from tlbench.results.cards import make_cards
from tlbench.results.origins import Facts, facts_of
from tlbench.results.pairwise import pairwise
from tlbench.results.plots import Plots
from tlbench.results.reading import read_records, read_right_answers
from tlbench.results.record_order import record_order
from tlbench.results.records_frame import (
    COSTS,
    LABELS,
    LEDGER,
    PRIMARY,
    records_frame,
    result_of,
)
from tlbench.results.rule_correlation import validator_correlations
from tlbench.results.short_table import short_table
from tlbench.results.significance import significance_warnings
from tlbench.results.stats import Interval
from tlbench.results.store import Store
from tlbench.results.stored_scores import (
    Offers,
    episode_interval,
    installed_metrics,
    item_interval,
    pseudo_values,
    scores_of,
    why_undefined,
)
from tlbench.results.summary import Summary
from tlbench.results.summary_row import GROUP, ROW
from tlbench.results.told_apart import told_apart
from tlbench.results.weights_gain import weights_gain

__all__ = ["COSTS", "GROUP", "LABELS", "LEDGER", "PRIMARY", "ROW", "SETTINGS", "UNSUPERVISED", "Results"]

MOST_SHOWN = 30  # rows of a table in a notebook
PAGE = "index.html"
MOST_ITEMS = 2_000_000  # of all cells: beyond them a chosen metric has no interval over test items
PRIMARY_OF_CLUSTERS = "clustering-accuracy"


class Results:
    """Hold the records of one folder, in an order that depends on nothing but themselves."""

    def __init__(
        self,
        folder: Path | str,
        baseline: str | None = None,
        metric: str | None = None,
        catalog: Offers | None = None,
    ) -> None:
        """Read a folder.

        With `baseline`, or that of the suite that was run last, every row is compared with the strategy of that name,
        where it has one.

        Tables, charts, verdicts and headlines go by `metric`, by default that of the suite that was run last. Where
        records do not hold it, it is computed from their logits: `catalog` is where its name is looked up, by default
        all that is installed. Raises StoreError for a folder that holds no results, ParameterError for a baseline that
        is not in it or a metric of which no row can have a score, and UnknownNameError for a metric that nothing
        offers.
        """
        self.store = Store(Path(folder))
        self.folder = Path(folder)
        self.baseline = baseline
        records, self._older = told_apart(read_records(self.store))
        self.records: tuple[Record, ...] = tuple(sorted(records, key=record_order))
        if not self.records:
            raise StoreError(f"{folder} holds no records yet. `tlbench run --out {folder}` makes some.")
        strategies = {str(record.labels.get("strategy")) for record in self.records}
        if baseline is not None:
            _check_baseline(baseline, strategies)
        self._summaries: dict[str, Summary] = {}
        self._across: dict[str, list[Across]] = {}
        self._answers: dict[str, Answer] = {}
        self._weights: dict[str, pd.DataFrame] = {}
        self._known_parts: dict[str, np.ndarray | None] = {}  # of a score by the chosen metric, by cell
        self._catalog = catalog
        plan = self.store.read_plan()
        asked = str(plan.get("suite", {}).get("baseline") or "")
        if baseline is None and asked in strategies:
            self.baseline = asked
        self.suite: str = plan.get("suite", {}).get("name", "unknown")
        self.chosen: str = str(metric or plan.get("suite", {}).get("metric") or "")  # empty where nobody chose
        if self.chosen:
            self._check_metric()
        self.skipped: tuple[Mapping[str, Any], ...] = tuple(plan.get("skips", ()))
        self.findings: tuple[str, ...] = tuple(plan.get("findings", ()))
        # what backbones say of data that hardly suit them, by transfer and backbone
        self._unfit = {(each["transfer"], each["backbone"]): each["note"] for each in plan.get("unfit", ())}
        warnings = plan["warnings"] if "warnings" in plan else self._warnings()
        self.warnings: tuple[str, ...] = (*warnings, *self._version_warnings())

    def __repr__(self) -> str:
        failed = sum(not record.ok for record in self.records)
        said = f"{self.suite}, {plural(len(self.records), 'record')}{f', {failed} failed' if failed else ''}"
        return f"<Results({str(self.folder)!r}): {said}>\n{self.answer().sentence}"

    def _repr_html_(self) -> str:
        """Return the answer and the table of ten columns as HTML, for a notebook."""
        from html import escape

        answer, table = self.answer(), self.table()
        shown = table.head(MOST_SHOWN).to_html(index=False, float_format="{:.3f}".format, na_rep="", border=0)
        more = len(table) - MOST_SHOWN
        rest = f"<p>{plural(more, 'more row')}: <code>results.table()</code></p>" if more > 0 else ""
        where = f"<p><small>{escape(str(self.folder / PAGE))}</small></p>"
        return f"<p><strong>{escape(answer.sentence)}</strong></p>{shown}{rest}{where}"

    @property
    def plot(self) -> Plots:
        """Return what draws figures of these results: `results.plot.budget()`, `results.plot.cost()` and others."""
        return Plots(self, getattr(self._catalog, "reporter_list", None))

    def _warnings(self) -> Iterator[str]:
        """Say what the records cannot show, where no plan has said so."""
        return significance_warnings(record.labels for record in self.records)

    def _version_warnings(self) -> Iterator[str]:
        """Say which scores are by an older version of their metric."""
        for name, metric in self._older.items():
            count = plural(sum(name in record.scores for record in self.records), "record")
            yield (
                f"{count} hold {metric} by another version of the metric than the newest: it stands apart, as {name}, "
                "and nothing is compared across the two."
            )

    @cached_property
    def _recorded(self) -> set[str]:
        """Return the metrics by which any record has a number; those that are undefined on all of them are left out."""
        scores = [record.scores for record in self.records]
        names = {name for own in scores for name in own}
        return {name for name in names if any(own.get(name) is not None for own in scores)}

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of all scores, the chosen one and the primary ones first."""
        names = self._recorded | ({self.chosen} if self.chosen else set())
        primaries = (PRIMARY, PRIMARY_OF_CLUSTERS)
        return tuple(sorted(names, key=lambda name: (name != self.chosen, name not in primaries, name)))

    def _check_metric(self) -> None:
        """Raise a TlbenchError where the chosen metric is not known here, or no row can have a score by it."""
        if self.chosen not in self._recorded and self.chosen not in self._offered:
            raise unknown("metric", self.chosen, {*self._recorded, *self._offered})
        wanted = self.is_of_clusters(self.chosen)
        if not any(_is_clustering(record) == wanted for record in self.records):
            kind, rows = ("clusters", "classifiers") if wanted else ("labels", "clusterings")
            raise ParameterError(
                f"the metric {self.chosen!r} is of {kind}, and all rows of these results are {rows}. "
                f"`tlbench list metrics` names others."
            )

    @cached_property
    def _offered(self) -> Mapping[str, Metric]:
        offered = installed_metrics() if self._catalog is None else self._catalog.metric_list()
        return {metric.name: metric for metric in offered}

    @cached_property
    def chosen_metric(self) -> Metric | None:
        """Return the chosen metric, or None where nobody chose one, or it is not installed here."""
        return self._offered.get(self.chosen) if self.chosen else None

    @property
    def metric(self) -> str:
        """Return the metric that tables and charts show unless told otherwise."""
        return self.primaries[0]

    @cached_property
    def primaries(self) -> tuple[str, ...]:
        """Return one metric for labelled rows and one for clusterings, as far as there are such rows.

        Where records were scored by several versions of it, each stands for itself.
        """
        found = []
        for of_clusters, primary in ((False, PRIMARY), (True, PRIMARY_OF_CLUSTERS)):
            if any(_is_clustering(record) == of_clusters for record in self.records):
                own = [name for name in self.metrics if self.is_of_clusters(name) == of_clusters]
                found.append(next(iter(own), primary))
                found += [name for name in own if self._older.get(name) == found[-1]]
        return tuple(found)

    def is_of_clusters(self, metric: str) -> bool:
        """Tell whether a metric is of rows that were given no label at all, whose clusters have no names."""
        return metric in self._cluster_metrics

    @cached_property
    def _cluster_metrics(self) -> set[str]:
        found = {PRIMARY_OF_CLUSTERS}.union(*(record.scores for record in self.records if _is_clustering(record)))
        if self.chosen and self.chosen not in self._recorded and self._offered[self.chosen].of == "clusters":
            found.add(self.chosen)
        return found

    @cached_property
    def _frame(self) -> pd.DataFrame:
        frame = records_frame(self.records, self.metrics)
        if self.chosen:
            of_clusters = self.is_of_clusters(self.chosen)
            lacking = [
                place
                for place, record in enumerate(self.records)
                if record.ok and self.chosen not in record.scores and _is_clustering(record) == of_clusters
            ]
            if lacking and self.chosen_metric is not None:
                cells = [self.records[place].cell for place in lacking]
                frame.loc[lacking, self.chosen] = scores_of(self.store, cells, self.chosen_metric)
        return frame

    def frame(self) -> pd.DataFrame:
        """Return one tidy row per record: labels, scores, ledger, costs, failure."""
        return self._frame.copy()

    def summary(self, metric: str | None = None) -> pd.DataFrame:
        """Return one row per variant, backbone, transfer, source and budget.

        `mean` with `seed_low`/`seed_high` (95 % t over n replicates) and `item_low`/`item_high` (95 % over n_items
        test items: of accuracy a bootstrap, of a metric that was chosen a jackknife), or `episode_low`/`episode_high`
        (95 % t over the n_episodes of all replicates); `undefined`: how many of the n have no number by this metric;
        `delta` to the baseline, paired by replicate, with its 95 % t interval;
        what was given (ledger), and the mean accuracy on the source, where the classifier serves it too. A metric
        of labels has no rows of clusterings, nor the other way round.
        """
        return self._summary(metric or self.metric).frame()

    def table(self, metric: str | None = None) -> pd.DataFrame:
        """Return the summary in ten columns for people, the best first: see `tlbench.results.short_table`."""
        summary = self._summary(metric or self.metric)
        return short_table(summary.groups(), summary.higher_is_better)

    def is_in_points(self, metric: str | None = None) -> bool:
        """Tell whether differences by a metric are said in points."""
        return self._summary(metric or self.metric).is_in_points

    def _summary(self, metric: str) -> Summary:
        if metric not in self._summaries:
            of_clusters = self._frame["setting"] == UNSUPERVISED
            marked = [bool(record.labels.get("baseline")) for record in self.records]
            chosen = of_clusters == self.is_of_clusters(metric)
            if metric in self._older or metric in self._older.values():
                chosen &= np.array([metric in record.scores or not record.ok for record in self.records])
            found = [result_of(record) for record in self.records]
            frame = self._frame.assign(marked=marked, result=found)[chosen]
            done = frame.loc[frame["status"] == "ok", "cell"].tolist()
            right = read_right_answers(self.store, done) if metric == PRIMARY else None
            may = right is None and metric == self.chosen and self._may_sample
            sampled, parts = (self._sampled, self._parts) if may else (None, None)
            self._summaries[metric] = Summary(
                frame, metric, self.higher_is_better(metric), right, self.baseline, sampled, parts
            )
        return self._summaries[metric]

    @cached_property
    def _may_sample(self) -> bool:
        """Tell whether test items are few enough to score them twenty times by a chosen metric."""
        items = sum(int(record.ledger.get("test_items") or 0) * int(record.ledger.get("episodes") or 1)
                    for record in self.records)  # fmt: skip
        return self.chosen_metric is not None and not self.is_of_clusters(self.chosen) and items <= MOST_ITEMS

    def _sampled(self, cells: Sequence[str]) -> Interval | None:
        assert self.chosen_metric is not None
        every = [self.store.predictions(cell) for cell in cells]
        if any(each.episodes > 1 for each in every):
            return episode_interval(every, self.chosen_metric)
        return item_interval(every, self.chosen_metric)

    def _parts(self, cell: str) -> np.ndarray | None:
        assert self.chosen_metric is not None
        if cell not in self._known_parts:
            self._known_parts[cell] = pseudo_values(self.store.predictions(cell), self.chosen_metric)
        return self._known_parts[cell]

    def higher_is_better(self, metric: str) -> bool:
        """Tell whether more of a metric is better: as the records say, or else the metric that was chosen."""
        known = (record.provenance.get("metrics", {}).get(metric, {}) for record in self.records)
        told = next((facts["higher_is_better"] for facts in known if facts), None)
        if told is None and metric == self.chosen and self.chosen_metric is not None:
            told = self.chosen_metric.higher_is_better
        return told is None or bool(told)

    def class_names(self, transfer: str) -> tuple[str, ...]:
        """Return the names of a transfer's classes in their order; empty where the records do not tell."""
        for record in self.records:
            if record.labels.get("transfer") == transfer:
                told = record.provenance.get("dataset", {}).get("classes")
                if isinstance(told, list):
                    return tuple(map(str, told))
        return ()

    def why_undefined(self, metric: str | None = None) -> dict[tuple[Any, ...], str]:
        """Say for each row of the summary by `ROW`, of whose replicates any has no number, what these lack."""
        metric = metric or self.metric
        frame = self._frame
        of_kind = (frame["setting"] == UNSUPERVISED) == self.is_of_clusters(metric)
        missing = frame[of_kind & (frame["status"] == "ok") & frame[metric].isna()]
        found = {}
        for key, own in missing.groupby(list(ROW), sort=False, dropna=False):
            stored = [self.store.predictions(cell) for cell in own["cell"]]
            names = self.class_names(str(own["transfer"].iloc[0]))
            episodic = any(each.episodes > 1 for each in stored)
            found[tuple(key)] = why_undefined(stored, self._told(metric), () if episodic else names)
        return found

    def _told(self, metric: str) -> Metric | None:
        return self.chosen_metric if metric == self.chosen else None

    def pairwise(self, metric: str | None = None) -> pd.DataFrame:
        """Return all pairs of rows of each group, `a` less `b`: see `tlbench.results.pairwise`."""
        return pairwise(self._summary(metric or self.metric))

    def across(self, metric: str | None = None) -> list[Across]:
        """Return what all transfers of one setting and label budget say together, where there are two or more."""
        metric = metric or self.metric
        if metric not in self._across:
            self._across[metric] = compare_across(self._summary(metric))
        return list(self._across[metric])

    def by_class(self) -> pd.DataFrame:
        """Return recall, precision and F1 of each class for each labelled row: see `tlbench.results.by_class`."""
        frame = self._frame.assign(result=[result_of(record) for record in self.records])
        frame = frame[frame["setting"] != UNSUPERVISED].drop_duplicates([*ROW, "result"])  # a repeated result is one
        names = {transfer: self.class_names(transfer) for transfer in dict.fromkeys(map(str, frame["transfer"]))}
        return by_class(frame, ROW, self.store, names)

    def validators(self) -> pd.DataFrame:
        """Return how well each selection rule orders training steps: see `tlbench.results.rule_correlation`."""
        return validator_correlations(self.records)

    def mean_over_transfers(self, metric: str | None = None) -> pd.DataFrame:
        """Return the mean of each candidate over the transfers of one setting and label budget, with its interval."""
        return mean_over_transfers(self._summary(metric or self.metric))

    def weights_gain(self, metric: str | None = None) -> pd.DataFrame:
        """Return what pretrained weights add to each row whose network was run from a random start too."""
        metric = metric or self.metric
        if metric not in self._weights:
            self._weights[metric] = weights_gain(self._summary(metric), self.records)
        return self._weights[metric].copy()

    def costs(self) -> pd.DataFrame:
        """Return the costs of each row of the summary: medians, since the first cell of a process is slow."""
        done = self._frame[self._frame["status"] == "ok"]
        costs: pd.DataFrame = done.groupby(list(ROW), sort=False)[list(COSTS)].median().reset_index()
        return costs

    def answer(self, metric: str | None = None) -> Answer:
        """Return which strategy to take: a sentence, and a card for each group of rows."""
        metric = metric or self.metric
        if metric not in self._answers:
            from tlbench.results.headlines import closing, over_all, remarks

            summary, weights = self._summary(metric), self.weights_gain(metric)
            cards = make_cards(summary, weights, self._facts, self._unfit)
            notes = [*over_all(summary, self.across(metric)), *remarks(summary, cards, self._facts)]
            self._answers[metric] = answer(summary, cards, (*notes, *closing(summary, weights)))
        return self._answers[metric]

    def fit_best(self, **choices: Any) -> Any:
        """Fit the winning row again and return it, ready to predict: see `tlbench.running.fit_best`."""
        from importlib import import_module

        # Fitting lies above this wing: it is looked up when it is asked for, and not by who only reads results.
        return import_module("tlbench.running").fit_best(self, **choices)

    def headlines(self) -> list[str]:
        """Return the answer in sentences: over all datasets where there are several, then for each group of rows."""
        from tlbench.results.headlines import headlines

        said = []
        for metric in self.primaries:
            cards = self.answer(metric).cards
            given = (self._summary(metric), cards, self._facts, self.across(metric), self.weights_gain(metric))
            said += headlines(*given)
        return said

    @cached_property
    def _facts(self) -> Facts:
        return facts_of(self.records)


def _check_baseline(baseline: str, known: set[str]) -> None:
    if baseline not in known:
        raise ParameterError(
            f"no row of these results is of the baseline {baseline!r}.{near_miss(baseline, known)} "
            f"There are: {', '.join(sorted(known))}."
        )


def _is_clustering(record: Record) -> bool:
    return record.labels.get("setting") == UNSUPERVISED
