"""Names as users spell them: parsed, formatted, and guessed when misspelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlbench.errors import ParameterError, UnknownNameError
from tlbench.names import Spec, format_spec, format_value, near_miss, parse_spec, parse_value, plural, unknown

numbers = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)
plain = st.booleans() | st.none() | numbers | texts
values = plain | st.lists(plain, max_size=3).map(tuple)
keys = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,10}", fullmatch=True)


@given(values)
def test_a_formatted_value_reads_back(value):
    assert parse_value(format_value(value)) == value


@given(
    names,
    st.dictionaries(keys, values, max_size=3),
    st.none() | st.from_regex(r"[A-Za-z0-9/._ -]*[a-z]", fullmatch=True),
)
def test_a_formatted_spec_reads_back(name, parameters, location):
    assert parse_spec(format_spec(name, parameters, location)) == Spec(name, parameters, location)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("none", None),
        ("same", "same"),
        ("(1,2)", (1, 2)),
        ("'1'", "1"),
    ],
)
def test_values_are_read_as_users_mean_them(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


def test_a_spec_has_parameters_and_a_location():
    spec = parse_spec(" resnet18(pad_type=same, mean=(0.5,0.4,0.3))@some/path (1).safetensors ")
    assert spec.name == "resnet18"
    assert spec.parameters == {"pad_type": "same", "mean": (0.5, 0.4, 0.3)}
    assert spec.location == "some/path (1).safetensors"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a name"),
        ("(lr=1)", "is not a name"),
        ("finetune(lr)", "'lr' in 'finetune.lr.' is not of the form parameter=value"),
        ("finetune(lr=1,lr=2)", "'lr' stands twice"),
        ("finetune(lr=1", "a bracket is not closed"),
        ("finetune(lr=1))", "cannot read '.'"),
        ("finetune lr", "cannot read ' lr'"),
        ("finetune@", "cannot read '@'"),
        ("finetune(1=2)", "is not of the form"),
    ],
)
def test_a_malformed_spec_is_refused_with_the_part_that_is_wrong(text, message):
    with pytest.raises(ParameterError, match=message):
        parse_spec(text)


def test_near_misses_see_through_case_underscores_and_typos():
    assert near_miss("Linear_Probe", ["linear-probe", "lora"]) == " Did you mean 'linear-probe'?"
    assert near_miss("lienar-probe", ["linear-probe", "lora"]) == " Did you mean 'linear-probe'?"
    assert near_miss("zzz", ["linear-probe", "lora"]) == ""


def test_a_name_and_its_initials_are_near():
    assert near_miss("learning_rate", ["lr", "head_rate", "steps"]) == " Did you mean 'lr'?"
    assert near_miss("wd", ["weight_decay", "w"]) == " Did you mean 'weight_decay'?"


def test_of_very_many_names_those_are_told_that_few_slips_lead_to():
    known = ["aimv2_large", *(f"vit{n}" for n in range(100)), "resnet18", "resnet26", "resnet101", "wide_resnet"]
    told = str(unknown("backbone", "resnet81", known))
    assert "Did you mean 'resnet18', 'resnet26' or 'resnet101'?" in told
    assert "aimv2" not in told
    assert "aimv2" not in str(unknown("backbone", "zzzzzz", known))


def test_an_unknown_name_comes_with_what_there_is():
    error = unknown("strategy", "lroa", ["lora", "finetune"])
    assert isinstance(error, UnknownNameError)
    assert str(error) == "unknown strategy 'lroa'. Did you mean 'lora'? Installed: finetune, lora."
    assert str(unknown("suite", "x", [])) == "unknown suite 'x'. No suite is installed."
    assert "and 8 more." in str(unknown("backbone", "x", [f"net{number}" for number in range(20)]))


def test_counts_agree_with_their_nouns():
    assert [plural(1, "cell"), plural(2, "cell"), plural(1000, "class", "classes")] == [
        "1 cell",
        "2 cells",
        "1,000 classes",
    ]


def test_of_very_many_names_those_at_hand_that_begin_so_come_first():
    known = [f"net{number}" for number in range(100)] + ["net_at.hand"]
    assert "Did you mean 'net_at.hand', 'net" in str(unknown("backbone", "net", known, first=["net_at.hand"]))
    assert "net_at" not in str(unknown("backbone", "nets7", known, first=["net_at.hand"]))
