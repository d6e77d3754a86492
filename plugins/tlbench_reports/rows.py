"""Group the rows of the summary as people read it: made once, in groups that may be compared."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tlbench import ROW, Budget, budget_in_words, plural, short_name
from tlbench_reports.once import once
from tlbench_reports.row import Row, truth
from tlbench_reports.words import (
    known,
    listing,
    plain,
)

if TYPE_CHECKING:
    from pandas import DataFrame

    from tlbench import Results


GROUP = ("transfer", "backbone", "budget", "setting")  # what rows share that stand in one table
Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)

SETTINGS = ("inductive", "transductive", "unsupervised", "oracle")
_SPOKEN = {"transductive": ", transductive", "oracle": ", chosen by the test labels (oracle)"}
CROWDED = 8  # rows from which on families get a heading of their own


@dataclass(frozen=True)
class Group:
    """Hold rows that may be compared: one transfer, backbone, budget and setting."""

    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """Name the group on one line."""
        first = self.rows[0].values
        place = f"{plain(first['transfer'])}, {plain(first['backbone'])}, {conditions(first)}"
        n = max(row.n_sampled for row in self.rows)
        return f"{place} ({plural(n, 'test item')})" if n and not is_episodic(first) else place

    @property
    def sampling(self) -> str:
        """Return the heading of the column of intervals over episodes."""
        return sampling(self.rows)

    @property
    def is_episodic(self) -> bool:
        """Tell whether rows are scored over episodes."""
        return is_episodic(self.rows[0].values)

    @property
    def over(self) -> str:
        """Return what the intervals of its rows are over: that of most of them."""
        found = Counter(row.values["over"] for row in self.rows if row.values["over"])
        return str(found.most_common(1)[0][0]) if found else "replicates"

    @property
    def families(self) -> dict[str, list[Row]]:
        """Return the rows by family, or all under "" where they are few or of one family."""
        found = partition(self.rows, lambda row: plain(row.values["family"]))
        return found if len(found) > 1 and len(self.rows) > CROWDED else {"": list(self.rows)}

    @property
    def baselines(self) -> tuple[str, ...]:
        """Return the strategies that rows of this group are compared with."""
        return tuple(dict.fromkeys(row.baseline for row in self.rows if row.baseline))

    @property
    def comparison(self) -> str:
        """Return the heading of the column of differences."""
        return f"vs {self.baselines[0]}" if len(self.baselines) == 1 else "vs baseline"

    @property
    def remarks(self) -> list[str]:
        """Return what the numbers of this group amount to, and what each strategy was given."""
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
        for why, own in partition((row for row in self.rows if row.values.get("why_undefined")), _why).items():
            said.append(f"{plain(own[0].values['metric'])} is undefined for {listing(row.name for row in own)}: {why}.")
        if partly := [f"{row.name} ({plural(row.failed, 'replicate')})" for row in self.rows if row.failed]:
            said.append(f"Failed: {listing(partly)}.")
        return said

    @property
    def on_source(self) -> list[str]:
        """Return the accuracy on the source of each strategy whose classifier serves it too."""
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


def _why(row: Row) -> str:
    return plain(row.values["why_undefined"])


def _names(rows: tuple[Row, ...], **wanted: str | bool) -> str:
    return listing(
        row.name for row in rows if all(getattr(row, attribute) == value for attribute, value in wanted.items())
    )


def summary_rows(results: "Results", metric: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of the summary, each with the `label` that tells it from the others of its group."""
    return list(_summary_rows(results, metric))


@once
def _summary_rows(results: "Results", metric: str | None) -> list[dict[str, Any]]:
    rows = _records(results.summary(metric))
    metric = metric or results.metric
    why = results.why_undefined(metric) if any(row["undefined"] for row in rows) else {}
    lower = not results.higher_is_better(metric)
    for row in rows:
        row["upper_bound"] = truth(row["upper_bound"])
        row |= {"metric": metric, "lower_is_better": lower}
        row["why_undefined"] = why.get(tuple(row[column] for column in ROW), "")
    return rows


@once
def cost_rows(results: "Results") -> list[dict[str, Any]]:
    """Return the rows of the costs."""
    return _records(results.costs())


def _records(frame: "DataFrame") -> list[dict[str, Any]]:
    """Return the rows of a frame, as its own `to_dict` does in several times the time."""
    names = [str(column) for column in frame]  # a list: pandas makes each anew whenever they are gone through
    columns = [frame[name].astype(object).tolist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


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
    """Tell whether a row of the summary is scored over episodes."""
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
    return plural(counts.pop(), "episode") if len(counts) == 1 else "episodes"


def spoken(row: Mapping[str, Any]) -> str:
    """Name the label budget and the setting of a row of the summary as people say it: `5 labels per class`."""
    setting = str(row["setting"])
    words = budget_in_words(plain(row["budget"]), setting)
    return words + (_SPOKEN[setting] if setting == "oracle" else "")


def short_names(places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Name each transfer and backbone as shortly as tells them apart: `flowers12, efficientnet_lite0.imagenet`."""
    every = list(dict.fromkeys(places))
    sides = [side for side in (0, 1) if len({place[side] for place in every}) > 1] or [0, 1]
    short = {place: ", ".join(short_name(place[side]) for side in sides) for place in every}
    return short if len(set(short.values())) == len(every) else {place: ", ".join(place) for place in every}
