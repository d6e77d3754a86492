"""Parameters are checked by the types of their fields, and refused in one sentence."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt

from tlbench import ParameterError, PluginError
from tlbench.contract import all_values, construct, described, non_default
from tlbench.contract.parameters import checked, require_frozen_dataclass


@dataclass(frozen=True)
class Settings:
    rank: Annotated[int, Ge(1)] = 4
    lr: Annotated[float, Gt(0)] = 0.1
    mode: Literal["fast", "slow"] = "fast"
    flag: bool = False
    rates: tuple[float, ...] = (1.0,)
    path: Path | None = field(default=None, metadata={"option": "file"})

    def __post_init__(self):
        if self.rank == 13:
            raise ValueError("rank 13 brings bad luck")


@dataclass(frozen=True)
class Needy:
    path: str


def build(**values):
    return construct(Settings, "strategy", "lora", values)


def test_values_are_converted_to_the_types_of_their_fields():
    settings = build(rank=2, lr=1, mode="slow", flag=True, rates=[1, 2], file="some/file")
    assert settings == Settings(2, 1.0, "slow", True, (1.0, 2.0), Path("some/file"))
    assert type(settings.lr) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rnak": 8}, r"strategy 'lora' has no parameter 'rnak'. Did you mean 'rank'\? It has: rank, lr, mode"),
        ({"path": "x"}, "has no parameter 'path'.* It has: rank, lr, mode, flag, rates, file"),
        ({"rank": 0}, "parameter 'rank' of strategy 'lora': input should be greater than or equal to 1, got 0"),
        ({"rank": 1.5}, "parameter 'rank'.*got 1.5"),
        ({"rank": True}, "parameter 'rank' of strategy 'lora' must be a number, got true"),
        ({"lr": False}, "parameter 'lr' of strategy 'lora' must be a number, got false"),
        ({"lr": 0}, "greater than 0, got 0"),
        ({"lr": "fast"}, "valid number.*got 'fast'"),
        ({"lr": None}, "got None"),
        ({"mode": "medium"}, "'fast' or 'slow', got 'medium'"),
        ({"flag": "perhaps"}, "valid boolean.*got 'perhaps'"),
        ({"rank": 13}, "strategy 'lora': rank 13 brings bad luck"),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_name_and_value(values, message):
    with pytest.raises(ParameterError, match=message):
        build(**values)


def test_a_parameter_without_default_must_be_given():
    with pytest.raises(ParameterError, match="dataset 'needy' needs the parameter 'path'"):
        checked(Needy, "dataset", "needy", {})


def test_a_class_without_fields_has_no_parameters():
    with pytest.raises(ParameterError, match=r"has no parameter 'x'. It has none."):
        checked(object, "dataset", "plain", {"x": 1})


def test_only_what_differs_from_the_defaults_is_shown_in_field_order():
    assert non_default(Settings()) == {}
    assert non_default(build(file="f", rank=8)) == {"rank": 8, "file": Path("f")}
    assert list(non_default(build(file="f", rank=8))) == ["rank", "file"]
    assert all_values(Settings())["mode"] == "fast"


def test_descriptions_name_type_range_and_default():
    rows = {row["parameter"]: row for row in described(Settings)}
    assert rows["rank"] == {"parameter": "rank", "type": "int Ge(ge=1)", "default": 4}
    assert rows["mode"]["type"] == "'fast' | 'slow'"
    assert described(Needy)[0]["default"] == "required"


def test_a_type_that_cannot_be_checked_is_the_plugins_fault():
    class Odd:
        pass

    @dataclass(frozen=True)
    class Strange:
        thing: Odd = field(default_factory=Odd)

    Strange.__annotations__["thing"] = Odd
    with pytest.raises(PluginError, match="has a type that cannot be checked"):
        checked(Strange, "strategy", "strange", {"thing": 1})


def test_a_subclass_that_adds_fields_must_be_decorated_itself():
    class Child(Settings):
        extra: int = 1

    class Silent(Settings):
        pass

    with pytest.raises(PluginError, match="its fields extra would be ignored"):
        require_frozen_dataclass(Child, always=False)
    require_frozen_dataclass(Silent, always=False)


def test_none_is_a_choice_where_the_choices_hold_it():
    @dataclass(frozen=True)
    class Chooses:
        scale: Literal["none", "standardise"] = "standardise"
        level: int | None = 3

    assert checked(Chooses, "strategy", "chooses", {"scale": None, "level": None}) == {"scale": "none", "level": None}
