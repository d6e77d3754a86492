"""Check the form of a record: which fields it has, and of which type."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tlbench import near_miss
from tlbench.contract import SCHEMA

Text = Annotated[str, Field(max_length=4000)]
Name = Annotated[str, Field(min_length=1, max_length=4000)]
Count = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Closed(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Open(BaseModel):
    """What a later tlbench may add keys to."""

    model_config = ConfigDict(strict=True, extra="allow")


class _Failure(_Closed):
    kind: Name
    message: str
    traceback: str = ""


class _Strategy(_Open):
    name: Name
    version: Text
    parameters: dict[str, Any] = {}


class _Backbone(_Open):
    spec: Name
    version: Text
    weights: Sha256 | None


class _Dataset(_Open):
    name: Name
    version: Text
    fingerprint: Name


class _Identity(_Open):
    strategy: _Strategy
    backbone: _Backbone
    dataset: _Dataset
    target: Name
    source: _Dataset | None
    budget: Name
    protocol: dict[str, Any]
    recipe: dict[str, Any]
    replicate: Count
    seed: Count
    members: list[Annotated[str, Field(pattern=r"^[0-9a-f]{20}$")]] = []


class _Labels(_Open):
    strategy: Name
    family: Name
    setting: Name
    backbone: Name
    dataset: Name
    source: Text
    target: Name
    transfer: Name
    budget: Name
    replicate: Count
    seed: Count
    upper_bound: bool = False
    baseline: bool = False


class _Ledger(_Open):
    train_labels: Count
    val_labels: Count
    unlabelled_target: Count
    source_labels: Count
    further_labels: Count = 0
    test_items: Count
    test_labels: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None
    episodes: Count | None
    transductive: bool
    upper_bound: bool = False
    selection: Name
    pretrained_on: Text
    splits: Text = ""
    labelled_examples: Name
    transductive_measured: bool | None = None
    setting_measured: Text = ""
    test_in_train: Count | None = None
    test_in_source: Count | None = None
    test_in_upstream: Count | None = None


class _Digests(_Open):
    predictions: Sha256 | None = None
    record: Sha256 | None = None


class _Record(_Closed):
    cell: Annotated[str, Field(pattern=r"^[0-9a-f]{20}$")]
    identity: _Identity
    labels: _Labels
    scores: dict[str, Finite | None]
    ledger: dict[str, Any]
    costs: dict[str, Finite | None]
    tasks: dict[str, dict[str, Finite | None]] = {}
    notes: dict[str, Any] = {}
    provenance: dict[str, Any] = {}
    environment: dict[str, str] = {}
    failure: _Failure | None = None
    trials: list[dict[str, Any]] = []
    looks: list[dict[str, Any]] = []
    digests: _Digests = _Digests()
    schema_: int = Field(alias="schema", ge=1, le=SCHEMA)


def faults_of_form(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each field of a record's JSON that is unknown, missing or of a wrong type."""
    found = list(_faults(_Record, data, ""))
    yield from found
    if not found and data.get("failure") is None:
        yield from _faults(_Ledger, data["ledger"], "ledger.")
        if not data["scores"]:
            yield "field 'scores' is empty, and there is no failure that says why"
    if not found and data.get("failure") is not None and any(data[key] for key in ("scores", "ledger", "tasks")):
        yield "it has scores or a ledger, and a failure that says there are none"


def _faults(model: type[BaseModel], data: Any, prefix: str) -> Iterator[str]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            yield _sentence(fault, prefix, [info.alias or name for name, info in model.model_fields.items()])


def _sentence(fault: Any, prefix: str, known: list[str]) -> str:
    field = prefix + ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"field {_short(field)} is unknown.{near_miss(field, known)}".removesuffix(".")
    if fault["type"] == "missing":
        return f"field {field!r} is missing"
    expected = fault["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return f"field {_short(field)} should be {expected}, and is {_short(fault['input'])}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
