"""Intervals and tests against simulation: 95 % intervals hold the truth in 93 to 97 %, errors stay at 5 %.

Each goes through the code that makes the tables. As a script, with a number of how much, it simulates more and prints.
"""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy import special

from tlbench.contract import Predictions
from tlbench.host import Catalog, Host
from tlbench.results import across_blocks as ranks
from tlbench.results import t_interval
from tlbench.results.across_blocks import block_ranks, iqm_interval, rank_intervals
from tlbench.results.comparisons import compare
from tlbench.results.crossed import cross
from tlbench.results.stats import share_interval
from tlbench.results.stored_scores import item_interval
from tlbench.results.summary import Summary

LABELS = {
    "setting": "inductive", "backbone": "tiny", "source": "", "target": "all", "budget": "5-shot", "selection": "last",
    "tuned": "", "seed": 0, "status": "ok", "upper_bound": False, "folds": 0, "splits": "given", "fit_seconds": 1.0,
    "prepare_seconds": 0.0, "tuning_seconds": np.nan, "members_seconds": np.nan,
    "source_accuracy": np.nan, "episodes": None, "did_not_learn": "",
    **dict.fromkeys(("train_labels", "val_labels", "unlabelled_target", "source_labels", "further_labels"), 0),
    **dict.fromkeys(("transductive", "transductive_measured", "pretrained_on", "test_in_train", "test_in_source",
                     "test_in_upstream")),
}  # fmt: skip


def summarised(*tables: np.ndarray) -> Summary:
    """Summarise what strategies have right, tables of (strategies, replicates, items); the first is the baseline."""
    rows, of = [], {}
    for budget, right in enumerate(tables, start=1):
        for s, r in np.ndindex(right.shape[:2]):
            cell = f"{budget}-{s}-{r}"
            of[cell] = right[s, r][None]
            rows.append(
                {**LABELS, "dataset": "data", "transfer": "data", "strategy": f"s{s}", "replicate": r,
                 "family": "scratch" if s == 0 else "finetune", "marked": s == 0, "budget": f"{budget}-shot",
                 "cell": cell, "result": cell, "accuracy": right[s, r].mean()}
            )  # fmt: skip
    return Summary(pd.DataFrame(rows), "accuracy", right=of.__getitem__)


# How unlike draws are (all strategies alike, each by itself), and test items likewise, beside noise of size 1.
WORLDS = {
    "all": (0.3, 0.3, 1.0, 0.5), "items": (0.0, 0.0, 1.5, 1.0), "replicates": (0.5, 0.5, 0.5, 0.01),
    "interaction": (0.0, 0.0, 0.0, 0.0), "mostly items": (0.2, 0.1, 1.5, 0.3), "a little": (0.1, 0.1, 0.7, 0.2),
}  # fmt: skip


def drawn_right(generator, world, strategies, replicates, items, ease=0.8):
    """Return what equally good strategies have right; of all items and draws there are, the share is Phi(ease)."""
    draw, own_draw, item, own_item = WORLDS[world]

    def normal(*shape):
        return generator.standard_normal(shape, dtype=np.float32)

    size = np.sqrt(1 + draw**2 + own_draw**2 + item**2 + own_item**2)
    value = ease * size + draw * normal(1, replicates, 1) + own_draw * normal(strategies, replicates, 1)
    value = value + item * normal(1, 1, items) + own_item * normal(strategies, 1, items)
    return value + normal(strategies, replicates, items) > 0


def covered_differences(trials, world, n, items, ease=0.8):
    """Return how often the interval of a difference holds 0, and its mean width, and both of Student's t alone."""
    generator = np.random.default_rng(2)
    pairs = min(trials, 10)
    first, second = 2 * np.arange(pairs), 2 * np.arange(pairs) + 1
    found = []
    for _ in range(trials // pairs):
        right = drawn_right(generator, world, 2 * pairs, n, items, ease)
        scores = right.mean(axis=2)
        paired = compare(scores[first] - scores[second])
        plain = paired.high - paired.delta
        table = right.astype(np.float32)
        paired.put(np.arange(pairs), cross(lambda r, of=table: of[:, r], n, first, second, 1 / items))
        half = paired.high - paired.delta
        found.append((abs(paired.delta) <= half + 1e-12, 2 * half, abs(paired.delta) <= plain + 1e-12, 2 * plain))
    return [float(np.mean(each)) for each in zip(*found, strict=True)]


def covered_totals(trials, world, n, items, ease=0.8):
    """Return how often the interval of a mean over replicates and items holds the truth."""
    generator = np.random.default_rng(12)
    truth = special.ndtr(ease)
    rows = [row for _ in range(trials) for row in summarised(drawn_right(generator, world, 1, n, items, ease)).rows]
    return np.mean([row["low"] <= truth <= row["high"] for row in rows])


def judged_wrongly(pages, world, strategies, n, items, tables=1):
    """Return in which share of pages of equally good rows any is better or worse, and how often one does not tie."""
    generator = np.random.default_rng(7)
    judged, left_out = [], []
    for _ in range(pages):
        rows = summarised(*(drawn_right(generator, world, strategies, n, items) for _ in range(tables))).rows
        judged.append(any(row["verdict"] in ("better", "worse") for row in rows))
        left_out += [not row["tied"] for row in rows]
        for row in rows:  # nothing on a page contradicts anything else
            assert not (row["tied"] and row["verdict"] == "worse")
            baseline = next(other for other in rows if other["strategy"] == "s0" and other["budget"] == row["budget"])
            assert not (baseline["tied"] and row["verdict"] == "better")
            assert not (row["best"] and not row["tied"])
    return float(np.mean(judged)), float(np.mean(left_out))


def best_left_out(pages, n, items, wild=1.0, collapsing=False):
    """Return how often row 1 of eight, truly the best by a hair, does not tie with the best.

    `wild`: how much more the others vary from replicate to replicate. `collapsing`: row 2 is at chance in one of ten.
    """
    generator = np.random.default_rng(14)
    draw, own_draw, item, own_item = WORLDS["all"]
    spread = np.array([wild, 1, *[wild] * 6])[:, None, None]
    truth = np.full((8, 1, 1), special.ndtr(1.2) - 0.005)
    truth[1] = special.ndtr(1.2)
    if collapsing:
        truth[2] = (truth[2] - 0.01) / 0.9
    size = np.sqrt(1 + draw**2 + (spread * own_draw) ** 2 + item**2 + own_item**2)
    left_out = []
    for _ in range(pages):
        noise = [generator.standard_normal(shape) for shape in ((1, n, 1), (8, n, 1), (1, 1, items), (8, 1, items))]
        value = size * special.ndtri(truth) + draw * noise[0] + spread * own_draw * noise[1]
        value = value + item * noise[2] + own_item * noise[3]
        right = value + generator.standard_normal((8, n, items)) > 0
        if collapsing:
            lost = generator.random(n) < 0.1
            right[2, lost] = generator.random((lost.sum(), items)) < 0.1
        left_out.append(not summarised(right).rows[1]["tied"])
    return float(np.mean(left_out))


def covered_collapses(trials, n, share=0.1):
    """Return how often the interval over replicates holds the mean of runs of which one in ten is at chance."""
    generator = np.random.default_rng(13)
    truth = 0.9 * (1 - share) + 0.1 * share
    values = np.where(generator.random((trials, n)) < share, 0.1, 0.9) + generator.normal(0, 0.01, (trials, n))
    return np.mean([each.low <= truth <= each.high for each in map(t_interval, values)])


def covered_means(trials, n):
    generator = np.random.default_rng(1)
    return np.mean([abs(i.mean - 3) <= i.high - i.mean for i in map(t_interval, generator.normal(3, 2, (trials, n)))])


def covered_items(trials, items, share, of):
    generator = np.random.default_rng(3)
    ease = share + generator.uniform(-1, 1, (trials, items)) * min(share, 1 - share)
    right = generator.binomial(of, ease)
    found = [share_interval(np.bincount(each, minlength=of + 1), of) for each in right]
    return np.mean([interval.low <= share <= interval.high for interval in found])


def drawn(generator, items, positive):
    """Return logits and labels of two classes, of which the second has about this share."""
    labels = (generator.random(items) < positive).astype(np.int64)
    labels[:2] = 0, 1
    score = generator.normal(size=items) + 1.2 * (2 * labels - 1)
    return Predictions(np.stack([-score, score], axis=1).astype(np.float32), labels)


def covered_by_jackknife(trials, name, items, positive):
    """Return how often the interval over test items holds the score of 200,000 of them."""
    metric = Catalog(Host()).metric(name)
    generator = np.random.default_rng(5)
    every = drawn(np.random.default_rng(6), 200_000, positive)
    truth = metric.compute(every.logits, every.labels)
    found = [item_interval([drawn(generator, items, positive)], metric) for _ in range(trials)]
    return np.mean([interval.low <= truth <= interval.high for interval in found if interval is not None])


def covered_across(trials, datasets):
    generator = np.random.default_rng(4)
    deltas = 0.08 + generator.normal(0, 0.05, (trials, datasets)) + generator.normal(0, 0.01, (trials, datasets))
    found = compare(deltas)
    return np.mean((found.low <= 0.08) & (found.high >= 0.08))


def covered_ranks(trials, candidates, gap, blocks):
    generator = np.random.default_rng(5)
    means = gap * np.arange(candidates)[:, None]
    truth = block_ranks(means + generator.normal(size=(candidates, 200_000))).mean(axis=1)
    inside = []
    for _ in range(trials):
        low, high = rank_intervals(block_ranks(means + generator.normal(size=(candidates, blocks))))
        inside.append((low <= truth) & (truth <= high))
    return np.mean(inside)


def covered_iqm(trials, blocks, n):
    generator = np.random.default_rng(6)
    base = generator.normal(0, 3, (blocks, 1))
    draw = base + generator.normal(size=(20_000, blocks, n))
    truth = ranks.interquartile_mean(draw.reshape(20_000, -1)).mean()
    found = [iqm_interval(list(base + generator.normal(size=(blocks, n)))) for _ in range(trials)]
    return np.mean([low <= truth <= high for _, low, high in found])


def covered_folds(trials, folds, per_class, labels=0, corrected=True):
    """Return how often the interval over folds holds the accuracy of a nearest-mean classifier on new examples.

    The truth is that of training on as many examples as k - 1 folds have, over all training sets.
    """
    generator = np.random.default_rng(9)
    features, centre = 5, 0.5

    def sample(count):
        truth = np.repeat([0, 1], count)
        return generator.normal(size=(2 * count, features)) + (2 * truth[:, None] - 1) * centre / np.sqrt(
            features
        ), truth

    def accuracy(x, y, test_x, test_y):
        if labels:  # a few labels of the training folds, as a label budget takes them
            kept = np.concatenate([generator.choice(np.flatnonzero(y == c), labels, replace=False) for c in (0, 1)])
            x, y = x[kept], y[kept]
        low, high = x[y == 0].mean(axis=0), x[y == 1].mean(axis=0)
        return np.mean(((test_x - (low + high) / 2) @ (high - low) > 0) == test_y)

    train = per_class * (folds - 1) // folds
    large_x, large_y = sample(20_000)
    truth = np.mean([accuracy(*sample(train), large_x, large_y) for _ in range(300)])
    inside = []
    for _ in range(trials):
        x, y = sample(per_class)
        fold = np.concatenate([generator.permutation(per_class) % folds for _ in range(2)])
        scores = [accuracy(x[fold != k], y[fold != k], x[fold == k], y[fold == k]) for k in range(folds)]
        interval = t_interval(np.array(scores), overlap=1 / (folds - 1) if corrected else 0.0)
        inside.append(interval.low <= truth <= interval.high)
    return np.mean(inside)


@pytest.mark.parametrize("n", [3, 6])
def test_intervals_over_replicates_hold_the_truth(n):
    assert 0.93 <= covered_means(4000, n) <= 0.97


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(("n", "items"), [(3, 100), (6, 100), (10, 300)])
def test_differences_hold_the_truth_over_replicates_and_items(world, n, items):
    covered, *_ = covered_differences(500, world, n, items)
    assert covered >= 0.93 - 2.4 * np.sqrt(0.93 * 0.07 / 500)
    assert n < 6 or covered <= 0.97 + 2.4 * np.sqrt(0.97 * 0.03 / 500)


def test_over_replicates_alone_they_would_not():
    covered, _, plain, _ = covered_differences(500, "items", 10, 100)
    assert covered > 0.92
    assert plain < 0.8


@pytest.mark.parametrize("world", ["all", "items"])
def test_means_hold_the_truth_over_replicates_and_items(world):
    assert covered_totals(250, world, 6, 100) >= 0.93 - 2.4 * np.sqrt(0.93 * 0.07 / 250)


@pytest.mark.parametrize(("items", "share", "of"), [(250, 0.8, 1), (250, 0.8, 3), (1000, 0.95, 6), (100, 0.5, 3)])
def test_the_bootstrap_over_items_holds_the_truth(items, share, of):
    assert 0.93 <= covered_items(1200, items, share, of) <= 0.97


@pytest.mark.parametrize(("name", "items", "positive"), [("auroc", 300, 0.3), ("balanced-accuracy", 1000, 0.3)])
def test_the_jackknife_over_items_nearly_holds_the_truth(name, items, positive):
    assert 0.88 <= covered_by_jackknife(200, name, items, positive) <= 0.98


@pytest.mark.parametrize("datasets", [3, 5, 10])
def test_the_interval_across_datasets_holds_the_truth(datasets):
    assert 0.93 <= covered_across(4000, datasets) <= 0.97


@pytest.mark.parametrize(("candidates", "gap", "blocks"), [(4, 0.5, 6), (10, 0.2, 8), (6, 0.3, 15)])
def test_rank_intervals_hold_the_true_mean_rank(candidates, gap, blocks):
    assert covered_ranks(400, candidates, gap, blocks) >= 0.93


@pytest.mark.parametrize(("blocks", "n"), [(1, 6), (5, 3), (5, 6)])
def test_intervals_of_the_interquartile_mean_hold_the_truth(monkeypatch, blocks, n):
    monkeypatch.setattr(ranks, "IQM_RESAMPLES", 300)
    assert 0.925 <= covered_iqm(400, blocks, n) <= 0.98


@pytest.mark.parametrize(("strategies", "n", "items"), [(5, 3, 60), (8, 6, 200), (5, 2, 30), (8, 2, 300)])
def test_of_equally_good_rows_a_page_calls_few_better_and_leaves_few_out(strategies, n, items):
    pages = 80
    judged, left_out = judged_wrongly(pages, "items", strategies, n, items)
    assert judged <= 0.05 + 2.4 * np.sqrt(0.05 * 0.95 / pages)
    assert left_out <= 0.025 + 2.4 * np.sqrt(0.025 * 0.975 / pages)


@pytest.mark.parametrize(("n", "items"), [(3, 100), (6, 300)])
def test_of_three_tables_of_equally_good_rows_few_call_any_better(n, items):
    pages = 80
    judged, left_out = judged_wrongly(pages, "all", 8, n, items, tables=3)
    assert judged <= 0.05 + 1.6 * np.sqrt(0.05 * 0.95 / pages)
    assert left_out <= 0.025 + 2.4 * np.sqrt(0.025 * 0.975 / pages)


def test_two_replicates_leave_no_more_out_of_ties_than_they_may():
    assert judged_wrongly(120, "all", 8, 2, 300)[1] <= 0.025 + 0.015


def test_a_row_at_chance_does_not_tie_with_the_best_after_three_replicates():
    generator = np.random.default_rng(5)
    right = drawn_right(generator, "all", 23, 3, 300, 1.1)
    right[7] = generator.random((3, 300)) < 0.1
    rows = summarised(right).rows
    assert not rows[7]["tied"]
    assert sum(row["tied"] for row in rows) >= 15


def test_the_truly_best_of_rows_that_vary_alike_ties():
    assert best_left_out(80, 6, 200) <= 0.025 + 2.4 * np.sqrt(0.025 * 0.975 / 80)


def test_runs_that_collapse_are_counted_and_their_interval_is_known_to_fail():
    assert covered_collapses(1000, 3) < 0.4
    right = drawn_right(np.random.default_rng(6), "a little", 2, 6, 300)
    right[1, 4] = False
    right[1, 4, ::10] = True
    assert [row["collapsed"] for row in summarised(right).rows] == [0, 1]


def test_intervals_over_folds_hold_the_truth_where_uncorrected_ones_do_not():
    corrected, plain = covered_folds(250, 5, 50), covered_folds(250, 5, 50, corrected=False)
    assert corrected >= 0.92
    assert plain < corrected


def report(many: int) -> None:
    """Print what larger simulations give."""
    for n in (2, 3, 5, 6, 10, 20):
        print(f"{n} replicates: t {covered_means(2000 * many, n):.3f}")
    for world in WORLDS:
        for n in (2, 3, 6, 10, 50):
            for items in (30, 100, 600, 2000):
                ours, width, plain, narrow = covered_differences(100 * many, world, n, items)
                print(f"{world}, {n} replicates, {items} items: difference {ours:.3f} (width {width:.3f}), ",
                      f"t over replicates {plain:.3f} ({narrow:.3f})", sep="")  # fmt: skip
    for world in WORLDS:
        found = {(n, items): covered_totals(40 * many, world, n, items) for n in (3, 6, 10) for items in (30, 100, 600)}
        print(f"{world}, mean over replicates and items:", *(f"{case} {each:.3f}" for case, each in found.items()))
    for n in (3, 6, 10):
        found = covered_totals(90 * many, "replicates", n, 100, 1.6)
        print(f"replicates, 94.5 % right, skewed: mean over {n} replicates and 100 items {found:.3f}")
    for n in (3, 6, 10, 20):
        print(f"one run in ten at chance, {n} replicates: t {covered_collapses(1000 * many, n):.3f}")
    for case in ((100, 0.5, 3), (250, 0.8, 1), (250, 0.8, 3), (1000, 0.95, 6), (100, 0.97, 3), (10_000, 0.9, 6)):
        print("items {}, share {}, of {}: bootstrap".format(*case), round(covered_items(200 * many, *case), 3))
    for name in ("balanced-accuracy", "sensitivity", "auroc", "average-precision", "macro-f1", "nll", "ece"):
        for case in ((300, 0.04), (300, 0.1), (1000, 0.1), (1000, 0.5)):
            found = round(covered_by_jackknife(40 * many, name, *case), 3)
            print("{}, {} items, {} of them positive: jackknife {}".format(name, *case, found))
    for datasets in (2, 3, 5, 10):
        print(f"{datasets} datasets: t of the difference {covered_across(2000 * many, datasets):.3f}")
    for case in ((4, 0.5, 5), (4, 0.5, 6), (10, 0.2, 8), (10, 0.5, 6), (6, 0.3, 15), (3, 1.5, 8)):
        print("{} candidates {} apart, {} blocks: ranks".format(*case), round(covered_ranks(60 * many, *case), 3))
    for case in ((1, 3), (1, 6), (5, 3), (5, 6), (20, 3)):
        print("{} blocks, {} replicates: IQM".format(*case), round(covered_iqm(60 * many, *case), 3))
    for world in ("all", "items", "interaction"):
        for strategies in (2, 5, 20):
            for n, items in ((2, 30), (3, 100), (6, 100), (10, 600), (50, 100)):
                pages = (20 if strategies * n <= 60 else 6) * many
                judged, left_out = judged_wrongly(pages, world, strategies, n, items)
                print(f"{world}, {strategies} equals, {n} replicates, {items} items: any better or worse {judged:.3f}, "
                      f"a row not tied {left_out:.3f}")  # fmt: skip
        for n, items in ((2, 100), (3, 100), (6, 300), (10, 300)):
            judged, left_out = judged_wrongly(10 * many, world, 8, n, items, tables=3)
            print(f"{world}, 3 tables of 8 equals, {n} replicates, {items} items: any better or worse {judged:.3f}, "
                  f"a row not tied {left_out:.3f}")  # fmt: skip
    for n, items in ((3, 200), (6, 200), (10, 200), (20, 200)):
        found = [best_left_out(30 * many, n, items, *case) for case in ((1.0,), (4.0,), (1.0, True))]
        print(f"best by a hair of 8, {n} replicates, {items} items, not tied: {found[0]:.3f}, where the others vary "
              f"four times as much {found[1]:.3f}, where one collapses {found[2]:.3f}")  # fmt: skip
    for case in ((5, 50, 0), (10, 50, 0), (5, 200, 0), (5, 50, 5), (5, 200, 5)):
        both = [round(covered_folds(60 * many, *case, corrected=corrected), 3) for corrected in (True, False)]
        print("{} folds, {} of a class, {} labels (0: all): {}, uncorrected {}".format(*case, *both))


if __name__ == "__main__":
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
