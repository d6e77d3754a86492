"""Put numbers and outcomes into words: the same in every format."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tlbench import one_line

if TYPE_CHECKING:
    from tlbench import Results

NOTHING = "\N{EN DASH}"
_LONGEST = 80  # letters of a part of a file's name

ON_DIFFERENCES = (
    "95% vs: of the paired difference to the baseline, over the replicates that both have and their test items. It "
    "stands alone, as if it were the only one."
)
ON_CORRECTED_DIFFERENCES = (
    "to the best, to the baseline: the paired difference over the replicates that both have and their test items. Its "
    "interval is at 95% after correction for all comparisons: where it leaves 0 out, a verdict is clear."
)
ON_PRICES = (
    "time to fit: seconds, with source-side training and tuning, as a multiple of the cheapest that is tied with "
    "the best, or of a cheap probe. seconds to fit: the median of replicates, by the machine that ran them."
)
# Where each interval comes from, and what it does not cover.
_NOTES = (
    "mean: over n replicates. Replicates differ in the labelled examples, the start of the head and the order "
    "of training; replicate by replicate these are the same for every strategy, so that differences are paired.",
    "95% interval: of the mean, over other replicates and other test items at once (a crossed model of both): how far "
    "it may move with other labelled examples, seeds and test items from the same place. Few replicates make it wide.",
    ON_DIFFERENCES,
    "better, worse: the difference is clear after correction for all comparisons of these results (Holm) and of its "
    "table (Bonferroni): of pages without any true difference, at most one in twenty says better or worse anywhere. "
    "Worse than a baseline without transfer, scratch or source-only, is negative transfer.",
    "p: of the test that belongs to the interval of the difference. p (Holm): corrected for all comparisons.",
    "effect: the mean of the paired differences in units of their standard deviation over replicates (Cohen's d). "
    "needed: how many replicates, or test items, would make an unclear difference clear in four of five tries, were it "
    "as large as it looks; no number where that alone would not do.",
    "best: the highest mean of its transfer, backbone, label budget and setting. tied with best: not clearly below it. "
    "The row that is truly best is left out of these in one of forty tables at most, after three replicates in one of "
    "thirty.",
)

_ON_JACKKNIFE = (
    "For the metric that was chosen, test items come in 20 groups, each left out once (jackknife). Where a class has a "
    "few dozen test items or fewer, intervals are somewhat too narrow."
)
_ON_REPLICATES_ALONE = (
    "Where only scores are known, of metrics that were not chosen and over episodes, intervals are Student's t over "
    "replicates alone."
)
_ON_COLLAPSES = (
    "collapsed: a replicate far below the others of its row. Intervals over a handful of replicates hold too rarely "
    "what such a row is worth, and verdicts and ties go by them; read its interquartile mean, and run more."
)
_ON_ONE_SPLIT = (
    "Replicates on one split share its test items: they are not independent data sets. The intervals speak of "
    "this recipe on this split, not of other data."
)
_ON_FOLDS = (
    "cross-validation: each replicate tests on another fold. Folds share training examples, so that intervals over "
    "replicates, and of differences, are widened by the corrected resampled t (Nadeau & Bengio, 2003); for a few "
    "labels of many that is more than they would need."
)

_ON_EPISODES = (
    "95% episodes: Student's t interval of the mean over the episodes of all replicates together. How far the mean may "
    "move with other episodes drawn from the same splits. The other interval is over replicates."
)
_ON_TRANSDUCTION = (
    "transductive: the strategy saw all test inputs, without labels, before it predicted any. Such rows stand in "
    "tables and charts of their own; a baseline that they are compared with saw none."
)
_ON_COPIES = (
    "alike: nothing is drawn where all labels are given and nothing starts at random, so that replicates repeat one "
    "result. It counts once, and its interval is over test items alone."
)
_ON_NO_LEARNING = (
    "did not learn: all test inputs were predicted as one class, or the loss on the labels that were learnt from is "
    "that of guessing. Such a row is never the best."
)
_ON_UPPER_BOUNDS = (
    "upper bound: the strategy was given every label of the target's training split, whatever the budget. It says how "
    "much room there is; it neither leads nor counts as better or worse."
)
_ON_CLUSTERS = (
    "unsupervised: the strategy was given no label at all, so that its clusters have no names. clustering-accuracy is "
    "that of the best one-to-one matching of clusters with classes, found with the test labels: not to be "
    "compared with accuracy."
)
_ON_ORACLES = (
    "oracle: the checkpoint was chosen by the labels of the test set. It says what a perfect choice would be worth; "
    "it stands in a table of its own and is never a leader, a tie or a baseline of the others."
)
_ON_DUPLICATES = (
    "near-duplicates: how many test inputs stand, byte by byte or nearly so, in the training, source and upstream "
    "data too; ? where those were not compared."
)

_DUPLICATES = ("test_in_train", "test_in_source", "test_in_upstream")
_POSIX_PATH = re.compile(r"(?<![\w.~/-])(?:/[\w.@+~-]+)+/(?=[\w.@+~-])")
_WINDOWS_PATH = re.compile(r"(?<!\w)[A-Za-z]:\\(?:[^\\\s'\"]+\\)*")


def notes(results: "Results", differences: str = ON_DIFFERENCES) -> list[str]:
    """Return what a reader of these results must know of their numbers, and of how differences are shown."""
    frame = results.frame()
    said = [differences if note == ON_DIFFERENCES else note for note in _NOTES]
    if results.chosen and results.metric != "accuracy":
        said[2:2] = [_ON_JACKKNIFE] if (results.summary()["n_items"] > 0).any() else []
    lower = [plain(metric) for metric in results.primaries if not results.higher_is_better(metric)]
    if lower:
        said = [note.replace("the highest mean", f"the highest mean, of {listing(lower)} the lowest,") for note in said]
    folds = frame["folds"] > 0
    summaries = [results.summary(metric) for metric in results.primaries]
    for needed, note in (
        (not folds.all(), _ON_ONE_SPLIT),
        (folds.any(), _ON_FOLDS),
        (frame["episodes"].notna().any(), _ON_EPISODES),
        ((frame["setting"] == "transductive").any(), _ON_TRANSDUCTION),
        (any((summary["over"] == "replicates").any() for summary in summaries), _ON_REPLICATES_ALONE),
        (any((summary["copies"] > 0).any() for summary in summaries), _ON_COPIES),
        (any((summary["collapsed"] > 0).any() for summary in summaries), _ON_COLLAPSES),
        ((frame["did_not_learn"] != "").any(), _ON_NO_LEARNING),
        (frame["upper_bound"].any(), _ON_UPPER_BOUNDS),
        ((frame["setting"] == "unsupervised").any(), _ON_CLUSTERS),
        ((frame["setting"] == "oracle").any(), _ON_ORACLES),
        (any(frame[column].notna().any() for column in _DUPLICATES if column in frame), _ON_DUPLICATES),
    ):
        if needed:
            said.append(note)
    return said


def plain(text: Any) -> str:
    """Return a text from a plugin or an exception on one line, without control characters and private folders."""
    return _plain(str(text))


@lru_cache(maxsize=10_000)  # the names of a report stand in thousands of rows
def _plain(text: str) -> str:
    return _WINDOWS_PATH.sub("…/", _POSIX_PATH.sub("…/", one_line(text)))


def known(value: Any) -> bool:
    """Tell whether a value of a table is there at all: not None, not NaN, not empty."""
    return value is not None and value != "" and not (isinstance(value, float) and math.isnan(value))


def number(value: Any) -> str:
    """Write a score to three decimals."""
    return f"{value:.3f}" if known(value) else NOTHING


def signed(value: Any) -> str:
    """Write a difference to three decimals, with its sign."""
    return f"{value:+.3f}" if known(value) else NOTHING


def difference(values: Mapping[Any, Any]) -> str:
    """Write a paired difference, `delta`, with its interval, or that it has none."""
    low, high = values["delta_low"], values["delta_high"]
    between = f"{signed(low)}, {signed(high)}" if known(low) and known(high) else "no interval"
    return f"{signed(values['delta'])} ({between})"


def points(value: Any, in_points: bool, *, bare: bool = False) -> str:
    """Write a difference in points, to one decimal, where the metric is a share; `bare` leaves the unit out."""
    if not in_points or not known(value):
        return signed(value)
    return f"{100 * value:+.1f}{'' if bare else ' points'}"


def within(low: Any, high: Any, in_points: bool) -> str:
    """Write the interval of a difference in brackets, or nothing where there is none."""
    if not (known(low) and known(high)):
        return ""
    return f"({points(low, in_points, bare=True)} to {points(high, in_points, bare=True)})"


def chance(p: Any) -> str:
    """Write a p-value to three decimals."""
    if not known(p):
        return NOTHING
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def interval(low: Any, high: Any, n: int) -> str:
    """Write an interval, or why there is none."""
    if known(low) and known(high):
        between = "\N{EN DASH}" if low >= 0 else " to "
        return f"{number(low)}{between}{number(high)}"
    return "n=1: no interval" if n == 1 else NOTHING


def amount(value: Any) -> str:
    """Write a count, a flag or a text of the ledger."""
    if not known(value):
        return NOTHING
    if isinstance(value, str):
        return plain(value)
    if value is True or value is False or type(value).__name__ == "bool":
        return "yes" if value else "no"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def quantity(value: Any) -> str:
    """Write a cost to three significant digits."""
    if not known(value):
        return NOTHING
    if value and abs(value) >= 1e6:
        for unit, scale in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
            if abs(value) >= scale:
                return f"{value / scale:.3g} {unit}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def listing(items: Iterable[Any]) -> str:
    """Write different things in the order they come: `a, b, c`."""
    return ", ".join(dict.fromkeys(plain(item) for item in items))


def file_name(text: str) -> str:
    """Return a text as part of a file's name: `10%` as `10-percent`; of a long one the start and a digest."""
    safe = text.replace("%", "-percent")
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in safe).strip("-")
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}-{sha256(text.encode()).hexdigest()[:8]}"
