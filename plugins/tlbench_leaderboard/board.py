"""Arrange the results of one suite as a site shows them, in rows and groups of rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tlbench import one_line, plural
from tlbench.results import spent_seconds
from tlbench_leaderboard.contribution import PRIMARY, Contribution, slug
from tlbench_leaderboard.ranked import Place, Ranked, key_of
from tlbench_leaderboard.spread import Spread
from tlbench_leaderboard.standing import Standing
from tlbench_leaderboard.status import VERIFIED
from tlbench_leaderboard.words import NOTHING, difference, interval, known, quantity, ranks, score

if TYPE_CHECKING:
    from tlbench import Record, Results

COST_NAMES = {
    "fit_seconds": "seconds to fit", "prepare_seconds": "seconds to prepare", "predict_seconds": "seconds to predict",
    "tuning_seconds": "seconds to tune", "members_seconds": "seconds of its members",
    "parameters_trained": "parameters trained",
    "parameters_stored": "parameters stored", "peak_memory_bytes": "peak memory, bytes",
    "flops_per_example": "FLOPs per example",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class BoardRow:
    """Hold a line of a table: a variant on a backbone, transfer and budget, with its records."""

    values: Mapping[str, Any]  # of the summary
    metric: str
    file: str  # of its page, without the folder
    records: "tuple[Record, ...]"
    costs: Mapping[str, Any]
    standing: Standing
    place: Place | None  # among the rows that it ranks with; None where it does not rank
    is_apart: bool  # it ranks beside verified rows, and is not one of them
    submitters: tuple[str, ...]
    date: str  # the last on which any of its records was handed in

    def __getitem__(self, name: str) -> str:
        return quantity(self.values.get(name))

    @property
    def name(self) -> str:
        """Return the strategy as tables show it."""
        return one_line(self.values.get("label") or self.values["strategy"])

    @property
    def title(self) -> str:
        """Return the row in words."""
        return ", ".join(
            [self.name, *(one_line(self.values[key]) for key in ("backbone", "transfer")), self.conditions]
        )

    @property
    def conditions(self) -> str:
        """Return its budget and setting."""
        setting = one_line(self.values["setting"])
        return f"budget {one_line(self.values['budget'])}" + (f", {setting}" if setting != "inductive" else "")

    @property
    def mean(self) -> str:
        """Return the mean score."""
        if known(self.values["mean"]):
            return score(self.values["mean"])
        return "undefined" if self.values["n"] else "failed"

    @property
    def between(self) -> str:
        """Return the interval of the mean: over episodes where there are some, else over what `over` names."""
        over = "episode_" if self.values["n_episodes"] else ""
        return interval(self.values[f"{over}low"], self.values[f"{over}high"])

    @property
    def over(self) -> str:
        """Return what the interval is over."""
        return "episodes" if self.values["n_episodes"] else str(self.values["over"] or "replicates")

    @property
    def difference(self) -> str:
        """Return the paired difference to the baseline, with the interval that its verdict goes by."""
        values = self.values
        return difference(values["delta"], values["clear_low"], values["clear_high"]) if values["baseline"] else NOTHING

    @property
    def to_best(self) -> str:
        """Return the paired difference to the best of those that it ranks with, with the interval that ties go by."""
        values = self.values
        return difference(values["behind"], values["behind_low"], values["behind_high"]) if self.place else NOTHING

    @property
    def seconds(self) -> str:
        """Return what a classifier takes, with all that it rests on."""
        return quantity(spent_seconds({name: value for name, value in self.costs.items() if known(value)}))

    @property
    def rank(self) -> str:
        """Return the ranks that it may have."""
        return NOTHING if self.place is None else ranks(self.place.first, self.place.last)

    @property
    def given(self) -> str:
        """Return what it was given beyond its labels, or what else it rests on; empty where that is nothing."""
        values = self.values
        found = [
            f"{self[name]} {noun}"
            for name, noun in (
                ("val_labels", "validation labels"), ("source_labels", "source labels"),
                ("unlabelled_target", "unlabelled target inputs"),
            )
            if values.get(name)
        ]  # fmt: skip
        found += ["transductive"] if values.get("transductive") or values.get("transductive_measured") else []
        found += [f"selection {self['selection']}"] if values.get("selection") not in ("last", None) else []
        found += [f"tuned {self['tuned']}"] if values.get("tuned") else []
        found += [f"{self['failed']} failed"] if values.get("failed") else []
        return ", ".join(found)

    @property
    def reading(self) -> str:
        """Return where it stands in its group, in a word or two."""
        values = self.values
        if self.standing.why_not:
            return self.standing.why_not
        if not values["n"]:
            return "no score"
        if values["upper_bound"]:
            return "upper bound"
        if lost := values["did_not_learn"]:
            return "did not learn" if lost == values["n"] else f"{lost} of {values['n']} did not learn"
        of = " of those not verified" if self.is_apart else ""
        said = [f"best{of}"] if values.get("best") else [f"tied with best{of}"] if values.get("tied") else []
        return ", ".join([*said, *self._beside])

    @property
    def said(self) -> str:
        """Return what is to be known beside its rank; empty where that is nothing."""
        return ", ".join(self._beside) if self.place is not None and not self.values["did_not_learn"] else self.reading

    @property
    def _beside(self) -> list[str]:
        said = ["baseline"] if self.values.get("is_baseline") else []
        return [*said, "negative transfer"] if self.values.get("negative_transfer") else said


@dataclass(frozen=True, eq=False)
class BoardGroup:
    """Hold rows that compete: of one transfer, backbone, budget and setting, the best first."""

    metric: str
    rows: tuple[BoardRow, ...]

    @property
    def title(self) -> str:
        """Return what its rows share."""
        values = self.rows[0].values
        return ", ".join([one_line(values["transfer"]), one_line(values["backbone"]), self.rows[0].conditions])


@dataclass(eq=False)
class Board:
    """Hold the results of one suite, with who submitted them."""

    results: "Results"
    lists: Sequence[Ranked]  # of the rows that rank: the verified ones, then the others
    standings: Mapping[tuple[Any, ...], Standing]  # of rows, by the columns that name them
    folder: str  # its part of a path
    submissions: Sequence[Contribution]
    spreads: Mapping[str, Spread]
    description: str = ""
    report: bool = field(default=False)

    @property
    def title(self) -> str:
        """Return the suite's name."""
        return one_line(self.results.suite)

    @property
    def ranking(self) -> "Results | None":
        """Return the results of the rows that rank first: the verified ones, or all others where none is verified."""
        return self.lists[0].results if self.lists else None

    @property
    def is_verified(self) -> bool:
        """Tell whether any row is verified: then the others rank apart."""
        return bool(self.lists) and self.lists[0].is_verified

    @cached_property
    def groups(self) -> tuple[BoardGroup, ...]:
        """Return all rows, in groups that are ordered as the summary is."""
        return tuple(self._groups())

    @cached_property
    def rows(self) -> list[BoardRow]:
        """Return all rows."""
        return [row for group in self.groups for row in group.rows]

    def _groups(self) -> Iterator[BoardGroup]:
        from tlbench import ROW
        from tlbench.results import GROUP

        records = records_of_rows(self.results)
        costs: dict[tuple[str, ...], Any] = {key_of(row, ROW): row for row in self.results.costs().to_dict("records")}
        taken: set[str] = set()
        for metric in self.results.primaries:
            ranked, places = self._ranked(metric)
            groups: dict[tuple[Any, ...], list[BoardRow]] = {}
            for found in self.results.summary(metric).to_dict("records"):
                values = {str(name): value for name, value in found.items()}
                key = key_of(values, ROW)
                words = [values[name] for name in ("strategy", "source", "backbone", "transfer", "budget")]
                file = slug(" ".join(str(word) for word in words if known(word) and word), taken)
                own, standing = records.get(key, []), self.standings[key]
                compared: dict[str, Any] = (
                    {**values, **_NOT_RANKED} if standing.why_not else {**values, **ranked[own[0].cell]}
                )
                place = places.get(own[0].cell) if own else None
                is_apart = self.is_verified and standing.status != VERIFIED
                row = BoardRow(
                    compared, metric, f"{file}.html", tuple(own), costs.get(key, {}), standing, place, is_apart,
                    *self._handed_in(own),
                )  # fmt: skip
                groups.setdefault(key_of(values, GROUP), []).append(row)
            for rows in groups.values():
                best = sorted(rows, key=lambda row: self._order(row, metric))
                yield BoardGroup(one_line(metric), tuple(best))

    def _ranked(self, metric: str) -> tuple[dict[str, dict[str, Any]], dict[str, Place]]:
        """Return by its cells what a row has in the summary of those that it ranks with, and where it stands."""
        from tlbench import ROW

        found: dict[str, dict[str, Any]] = {}
        places: dict[str, Place] = {}
        for ranked in self.lists:
            if metric not in ranked.rows:
                continue
            summary = {key_of(row, ROW): row for row in ranked.rows[metric]}
            standing = ranked.places(metric)
            for key, own in records_of_rows(ranked.results).items():
                if key in summary:
                    values = {str(name): value for name, value in summary[key].items() if name not in (*ROW, *_NAMES)}
                    found |= dict.fromkeys((record.cell for record in own), values)
                    if key in standing:
                        places |= dict.fromkeys((record.cell for record in own), standing[key])
        return found, places

    @cached_property
    def _owners(self) -> dict[str, Contribution]:
        """Return whose the record of each cell is that readers of results see."""
        return {
            cell: owner
            for owner in self.submissions
            for cell, held in owner.records.items()
            if held.place.startswith(f"{PRIMARY}/")
        }

    def _handed_in(self, records: "Sequence[Record]") -> tuple[tuple[str, ...], str]:
        owners = [self._owners[record.cell] for record in records if record.cell in self._owners]
        names = tuple(dict.fromkeys(one_line(owner.name) for owner in owners))
        return names, one_line(max((owner.date for owner in owners), default=""))

    def _order(self, row: BoardRow, metric: str) -> tuple[bool, bool, bool, float, str]:
        mean = float(row.values["mean"]) if known(row.values["mean"]) else float("nan")
        sign = -1 if self.results.higher_is_better(metric) else 1
        score = sign * mean if known(mean) else float("inf")
        is_verified = row.standing.status == VERIFIED
        return bool(row.standing.why_not), not is_verified, bool(row.values["upper_bound"]), score, row.name

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """Return the strategies, backbones and datasets on it; strategies without their parameters."""
        frame = self.results.frame()
        strategies = sorted({plain_strategy(name) for name in frame["strategy"]})
        return {
            "strategy": strategies,
            "backbone": sorted(map(str, frame["backbone"].unique())),
            "dataset": sorted(map(str, frame["dataset"].unique())),
        }

    @property
    def tally(self) -> str:
        """Return how many datasets, variants and records are on it."""
        failed = sum(not record.ok for record in self.results.records)
        counts = [plural(len(self.results.records), "cell"), plural(len(self.rows), "row")]
        counts += [plural(len(found), kind, _PLURALS.get(kind)) for kind, found in self.names.items()]
        counts += [f"{failed} failed"] if failed else []
        held_back = sum(bool(each.why_not) for each in self.standings.values())
        counts += [f"{plural(held_back, 'row')} not ranked"] if held_back else []
        again = len(self.spreads)
        counts += [f"{plural(again, 'cell')} submitted more than once"] if again else []
        return ", ".join(counts)

    @property
    def _has_best(self) -> bool:
        """Tell whether any of the rows that rank first is best in its group: without one there is no answer."""
        return any(row["best"] for rows in (self.lists[0].rows.values() if self.lists else ()) for row in rows)

    @cached_property
    def answer(self) -> str:
        """Return in a sentence which strategy to take, by the rows that rank first; empty where none is best."""
        return one_line(self.ranking.answer().sentence) if self.ranking and self._has_best else ""

    @cached_property
    def crossings(self) -> dict[tuple[str, str, str], str]:
        """Say by transfer, backbone and setting which strategy leads up to which label budget."""
        from tlbench.results import budget_rankings

        found = budget_rankings(self.ranking) if self.ranking else ()
        return {(each.transfer, each.backbone, each.setting): one_line(each.sentence) for each in found}

    @cached_property
    def headlines(self) -> list[str]:
        """Return the answer in sentences."""
        return [one_line(sentence) for sentence in self.ranking.headlines()] if self.ranking and self._has_best else []


_NAMES = ("label", "dataset", "target")  # as all results tell them apart, and not those of some rows
_PLURALS = {"strategy": "strategies"}
_NOT_RANKED = {
    "best": False, "tied": False, "negative_transfer": False, "is_baseline": False, "baseline": "", "delta": None,
    "behind": None, "verdict": "",
}  # fmt: skip


def records_of_rows(results: "Results") -> "dict[tuple[Any, ...], list[Record]]":
    """Return the records of each row, by the columns that name it."""
    from tlbench import ROW

    by_cell = {record.cell: record for record in results.records}
    found: dict[tuple[Any, ...], list[Record]] = {}
    for values in results.frame()[[*ROW, "cell"]].to_dict("records"):
        found.setdefault(key_of(values, ROW), []).append(by_cell[values["cell"]])
    return found


def name_of(row: BoardRow, kind: str) -> str:
    """Return the name of a row's strategy, backbone or dataset, under which it has a page."""
    return plain_strategy(row.values[kind]) if kind == "strategy" else str(row.values[kind])


def plain_strategy(name: object) -> str:
    """Return the name of a strategy without parameters, and without what tells two of one name apart."""
    return str(name).partition("(")[0].partition(" [")[0]
