"""Label budgets: how users spell them, how many labels they are, how they are sorted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlbench import Budget, ParameterError
from tlbench.data import class_counts, labelled_positions

shares = st.floats(0, 100, exclude_min=True, allow_subnormal=False).filter(lambda share: share >= 1e-12)
spelled = st.one_of(
    st.integers(1, 10**6).map("{}-shot".format),
    st.integers(0, 10**9).map(str),
    shares.map(lambda share: f"{share:.12f}%").filter(lambda text: float(text[:-1]) > 0),
    st.just("full"),
)


@given(spelled)
def test_a_budget_written_and_read_is_the_same_budget(text):
    budget = Budget.parse(text)
    assert Budget.parse(str(budget)) == budget
    assert Budget.parse(budget) is budget


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("5-shot", "5-shot"), ("5 shots", "5-shot"), ("5SHOT", "5-shot"), ("1-shots", "1-shot"), (" full ", "full"),
        ("10%", "10%"), ("2.50 %", "2.5%"), (1000, "1000"), ("0-shot", "0"), ("0", "0"), ("100%", "100%"),
        ("0.00001%", "0.00001%"),
    ],
)  # fmt: skip
def test_every_spelling_has_one_normal_form(text, spelled):
    assert str(Budget.parse(text)) == spelled


@pytest.mark.parametrize(
    "text", ["", "few", "-1", "0%", "101%", "1.5", "1.5-shot", "5-shot-", "%", "5 - shot", "1e3", "None"]
)
def test_what_is_no_budget_is_refused_with_examples(text):
    with pytest.raises(ParameterError, match=r"is not a label budget. Write 0, 5-shot"):
        Budget.parse(text)


@pytest.mark.parametrize(
    ("text", "labels", "least"),
    [
        ("0", 0, 0),
        ("2-shot", 6, 2),
        ("10%", 2, 0),
        ("50%", 9, 2),
        ("3", 3, 1),
        ("2", 2, 0),
        ("full", 18, 3),
        ("100%", 18, 3),
    ],
)
def test_budgets_count_labels_of_a_split_and_promise_some_to_the_smallest_class(text, labels, least):
    budget = Budget.parse(text)
    assert budget.labels((3, 5, 10)) == labels
    assert budget.least_per_class((3, 5, 10)) == least


@pytest.mark.parametrize("text", ["3", "7", "20", "5%", "10%", "33%", "90%", "full"])
@pytest.mark.parametrize("counts", [(120, 120), (3, 5, 10), (40, 2, 17, 9)])
def test_the_least_of_a_class_is_what_is_drawn(text, counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    budget = Budget.parse(text)
    if budget.labels(counts) > len(labels):
        return
    drawn = labels[labelled_positions(labels, len(counts), budget, seed=3)]
    assert budget.least_per_class(counts) == min(class_counts(drawn, len(counts)))


def test_a_share_is_at_least_one_label():
    assert Budget.parse("0.01%").labels((5, 5)) == 1


def test_budgets_sort_as_a_reader_expects():
    texts = ["full", "50%", "1000", "20-shot", "5-shot", "10%", "0", "20"]
    assert [str(budget) for budget in sorted(map(Budget.parse, texts), key=Budget.order)] == [
        "0", "5-shot", "20-shot", "20", "1000", "10%", "50%", "full",
    ]  # fmt: skip


def test_only_zero_is_zero():
    assert [Budget.parse(text).is_zero for text in ("0", "0-shot", "1", "1-shot", "full")] == [
        True,
        True,
        False,
        False,
        False,
    ]
