"""Records that are parsed many at a time: what plain JSON would give, with equal parts kept once."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tlbench.results.sharing import Sharing

TEXT = st.text(max_size=12) | st.sampled_from(['"', "\\", '\n "cell": 1,\n', "}\n", "é\u2028", ',\n  "a": '])
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OURS = ("cell", "costs", "identity", "labels", "ledger", "looks", "provenance", "scores", "trials")
KEYS = (*OURS, "of another", "", "\\", '"')
RECORD = st.dictionaries(
    st.sampled_from(KEYS), VALUE | st.dictionaries(st.sampled_from(KEYS), VALUE, max_size=4), max_size=len(KEYS)
)


def as_stored(value):
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the machine may have other work
@given(st.lists(RECORD, max_size=4))
def test_any_object_is_what_json_says_however_it_is_laid_out(records):
    sharing = Sharing()
    for record in records:
        assert sharing.parse(as_stored(record)) == json.loads(as_stored(record)) == record
        assert sharing.parse(json.dumps(record).encode()) == record
        assert sharing.parse(json.dumps(record, indent=3).encode()) == record
        assert sharing.parse(b"\xef\xbb\xbf" + as_stored(record)) == record
        assert sharing.parse(as_stored(record).decode().encode("utf-16")) == record


@pytest.mark.parametrize("laid_out", [as_stored, lambda value: json.dumps(value).encode()])
def test_equal_parts_are_one_object(laid_out):
    sharing = Sharing()
    one, other = (
        sharing.parse(laid_out({
            "identity": {"replicate": number, "recipe": {"lr": 0.1, "steps": [1, 2]}},
            "labels": {"strategy": "linear-probe", "replicate": number},
            "provenance": {"dataset": {"licence": "MIT"}},
        }))
        for number in (0, 1)
    )  # fmt: skip
    assert one["provenance"] is other["provenance"]
    assert one["identity"]["recipe"] is other["identity"]["recipe"]
    assert one["labels"]["strategy"] is other["labels"]["strategy"]
    assert (one["identity"]["replicate"], other["identity"]["replicate"]) == (0, 1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: text.replace(',\n "labels"', '\n "labels"'),
        lambda text: text.replace('"labels"', "labels"),
        lambda text: text.replace("{", "", 1),
        lambda text: text + "}",
        lambda text: text.replace("0.5", "0.5.5"),
        lambda text: "",
    ],
    ids=["cut", "comma", "quotes", "opening", "more", "number", "nothing"],
)
def test_what_is_no_json_is_refused(damage):
    text = as_stored({"identity": {"seed": 0}, "labels": {"a": 1}, "provenance": {}, "scores": {"acc": 0.5}}).decode()
    damaged = damage(text)
    assert damaged != text
    with pytest.raises(json.JSONDecodeError):
        Sharing().parse(damaged.encode())


def test_a_value_that_is_no_object_is_left_for_the_store_to_refuse():
    assert Sharing().parse(b"[1, 2]\n") == [1, 2]
