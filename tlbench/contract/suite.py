"""Describe a suite, read from TOML: strategies, backbones, datasets and budgets to cross under one protocol."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from tlbench.contract.budget import Budget
from tlbench.contract.cell import Protocol
from tlbench.contract.descriptors import FLAG, TEXT, Wanted, check_descriptors, of_type
from tlbench.contract.parameters import construct
from tlbench.contract.recipe import Recipe
from tlbench.contract.search_space import TuningBudget
from tlbench.contract.selection_rule import check_rules
from tlbench.contract.split_rule import GIVEN, SplitRule
from tlbench.contract.suite_name import joined, name_of_choice
from tlbench.errors import ParameterError, PluginError
from tlbench.names import near_miss


@dataclass(frozen=True)
class Block:
    """Describe one cross-product. Entries are spelled as on the command line."""

    strategies: tuple[str, ...]
    backbones: tuple[str, ...]
    datasets: tuple[str, ...]
    budgets: tuple[str, ...]


@dataclass(frozen=True)
class Suite:
    """Describe blocks of cross-products that share replicates, root seed, protocol and recipe."""

    name: str
    blocks: tuple[Block, ...]
    description: str = ""
    replicates: int = 5
    seed: int = 0
    protocol: Protocol = field(default_factory=Protocol)
    recipe: Recipe = field(default_factory=Recipe)
    selection: tuple[str, ...] = ()  # rules, a row for each; without any the protocol's own
    metric: str = ""  # what tables, charts and verdicts go by; computed from stored logits, no part of a cell
    baseline: str = (
        ""  # the strategy that rows are compared with, in the place of those that are marked; no part either
    )
    tune: str = ""  # a tuning budget: then strategies with a search space have a tuned row beside the default one
    narrows: str = ""  # the suite that the command line's choice began with; empty where nothing was chosen
    too_large_budgets_skip: bool = False  # True where the budgets are not the user's own choice

    def __post_init__(self) -> None:
        for block in self.blocks:
            for budget in block.budgets:
                Budget.parse(budget)
        if self.replicates < 1:
            raise ParameterError(f"replicates must be at least 1, got {self.replicates}.")
        if self.seed < 0:
            raise ParameterError(f"seed must be 0 or more, got {self.seed}.")
        if not 0 <= self.protocol.validation < 1:
            raise ParameterError(f"validation must be at least 0 and below 1, got {self.protocol.validation}.")
        if self.protocol.episodes < 2 or self.protocol.queries < 1 or self.protocol.unbalanced < 0:
            raise ParameterError("episodes must be 2 or more, queries 1 or more, unbalanced 0 or more.")
        SplitRule.parse(self.protocol.splits)
        check_rules(self.selection, self.protocol.validation)
        if self.tune:
            object.__setattr__(self, "tune", str(TuningBudget.parse(self.tune)))  # one way to spell it

    @property
    def rules(self) -> tuple[str, ...]:
        """Return the selection rules that every combination is run under."""
        return tuple(dict.fromkeys(self.selection)) or (self.protocol.selection,)

    def narrowed(
        self,
        strategies: tuple[str, ...] = (),
        backbones: tuple[str, ...] = (),
        datasets: tuple[str, ...] = (),
        budgets: tuple[str, ...] = (),
    ) -> "Suite":
        """Return the suite with what a user chose in the place of its own choice.

        Blocks that become alike are crossed once; a block's own strategies keep to their own budgets unless
        budgets are chosen. Chosen strategies meet every budget and dataset of the suite.
        """
        budgets = tuple(str(Budget.parse(text)) for text in budgets)  # `5shot` is `5-shot`
        blocks = self.blocks
        if strategies:
            merged = Block(
                strategies,
                _union(block.backbones for block in blocks),
                _union(block.datasets for block in blocks),
                _union(block.budgets for block in blocks),
            )
            blocks = (merged,)
        chosen = {"backbones": backbones, "datasets": datasets, "budgets": budgets}
        given: dict[str, Any] = {key: value for key, value in chosen.items() if value}
        blocks = tuple(dict.fromkeys(replace(block, **given) for block in blocks))
        is_custom = blocks != self.blocks
        on = datasets or _union(block.datasets for block in self.blocks)
        return replace(
            self,
            name=name_of_choice(strategies or self.name, backbones, on, budgets) if is_custom else self.name,
            narrows=self.narrows or self.name if is_custom else self.narrows,
            description="" if is_custom else self.description,  # it is of what the suite named itself
            blocks=blocks,
            too_large_budgets_skip=self.too_large_budgets_skip or bool(datasets and not budgets),
        )

    def under(self, protocol: Protocol) -> "Suite":
        """Return the suite under another protocol; its results belong into a folder of their own."""
        if protocol == self.protocol:
            return self
        own, others = asdict(self.protocol), asdict(protocol)
        rules = [f"{key}-{value}" for key, value in others.items() if own[key] != value]
        return replace(self, name=joined(self.name, *rules), narrows=self.narrows or self.name, protocol=protocol)

    def choosing(self, selection: tuple[str, ...], tune: str) -> "Suite":
        """Return the suite with other selection rules, or another tuning budget, where any are given."""
        if not selection and not tune:
            return self
        chosen = replace(self, selection=selection or self.selection, tune=tune or self.tune)
        name = joined(self.name, *(f"by-{rule}" for rule in selection), f"tuned-{chosen.tune}" if tune else "")
        return replace(chosen, name=name, narrows=self.narrows or self.name)

    @property
    def selects(self) -> dict[str, Any]:
        """Return what decides which cells there are, but for replicates and the root seed, as JSON."""
        kept = {"blocks": self.blocks, "protocol": self.protocol, "recipe": self.recipe, "selection": self.selection}
        return dict(json.loads(json.dumps({**kept, "tune": self.tune}, default=asdict)))


def _union(groups: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for group in groups for item in group))


_WANTED = {
    "name": TEXT, "description": TEXT, "replicates": of_type("an int", int), "seed": of_type("an int", int),
    "protocol": of_type("a Protocol(...)", Protocol), "recipe": of_type("a Recipe(...)", Recipe),
    "blocks": Wanted("a tuple of Block(...)", lambda value: _are(value, Block)),
    "selection": Wanted("a tuple of str", lambda value: _are(value, str)),
    "narrows": TEXT, "too_large_budgets_skip": FLAG,
}  # fmt: skip


def _are(value: Any, kind: type) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(item, kind) for item in value)


def check_suite(suite: Any) -> None:
    """Raise PluginError where an object is not a usable suite."""
    if not isinstance(suite, Suite):
        raise PluginError(f"{suite!r} is not a tlbench.Suite.")
    check_descriptors(suite, _WANTED, f"class Suite, {suite.name!r}")
    texts = Wanted("a tuple of str", lambda value: _are(value, str))
    for block in suite.blocks:
        wanted = {item.name: texts for item in fields(Block)}
        check_descriptors(block, wanted, f"class Suite, {suite.name!r}, Block")


def load_suite(path: Path) -> Suite:
    """Read a suite from a TOML file; raise ParameterError naming the key that is wrong."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"cannot read the suite file {path}: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"the suite file {path} is not valid TOML: {error}.") from None
    return suite_from_mapping(data, default_name=path.stem)


_LISTS = ("strategies", "backbones", "datasets", "budgets")
_PROTOCOL = {"validation": float, "episodes": int, "queries": int, "unbalanced": float, "splits": str}
_KEYS = (
    *_LISTS,
    "name",
    "description",
    "replicates",
    "seed",
    *_PROTOCOL,
    "selection",
    "tune",
    "metric",
    "baseline",
    "recipe",
    "block",
)


def suite_from_mapping(data: Mapping[str, Any], default_name: str = "custom") -> Suite:
    """Build a suite from the content of a TOML file."""
    _refuse_unknown(data, _KEYS, f"suite {default_name!r}")
    shared = {key: data[key] for key in _LISTS if key in data}
    blocks = data.get("block", [{}])
    if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
        raise ParameterError(f"suite {default_name!r}: write each block under [[block]], with double brackets.")
    for block in blocks:
        _refuse_unknown(block, _LISTS, f"a block of suite {default_name!r}")
    recipe = _typed(data, "recipe", Mapping, {})
    _refuse_unknown(recipe, [item.name for item in fields(Recipe)], f"the recipe of suite {default_name!r}")
    return Suite(
        name=_typed(data, "name", str, default_name),
        description=_typed(data, "description", str, ""),
        blocks=tuple(_block({**shared, **block}, default_name) for block in blocks),
        replicates=_typed(data, "replicates", int, replicates_by(data.get("splits", GIVEN), Suite.replicates)),
        seed=_typed(data, "seed", int, Suite.seed),
        protocol=_protocol(data),
        selection=_texts(data, "selection", default_name),
        tune=str(_typed(data, "tune", (str, int), "")),
        metric=_typed(data, "metric", str, ""),
        baseline=_typed(data, "baseline", str, ""),
        recipe=construct(Recipe, "recipe of suite", default_name, recipe),
    )


def replicates_by(splits: object, otherwise: int) -> int:
    """Return how many replicates there are when nobody says: each fold of a cross-validation once."""
    folds = SplitRule.parse(splits).folds if isinstance(splits, str) else 0
    return folds or otherwise


def _protocol(data: Mapping[str, Any]) -> Protocol:
    given = {}
    for key, kind in _PROTOCOL.items():
        if key in data:
            given[key] = kind(_typed(data, key, (int, float) if kind is float else kind, None))
    return Protocol(**given)


def _block(block: Mapping[str, Any], suite: str) -> Block:
    lists = {}
    for key in _LISTS:
        if key not in block:
            raise ParameterError(f"suite {suite!r} names no {key}. Add {key} = [...], at the top or in every block.")
        lists[key] = _texts(block, key, suite)
    return Block(**lists)


def _texts(data: Mapping[str, Any], key: str, suite: str) -> tuple[str, ...]:
    """Return a list of texts, for which one alone will do; empty where there is none."""
    if key not in data:
        return ()
    values = [data[key]] if isinstance(data[key], (str, int)) else data[key]
    if not isinstance(values, list) or not values or not all(isinstance(item, (str, int)) for item in values):
        raise ParameterError(f"suite {suite!r}: {key} must be a list of texts, got {data[key]!r}.")
    return tuple(str(item) for item in values)


def _refuse_unknown(data: Mapping[str, Any], known: Any, what: str) -> None:
    for key in data:
        if key not in known:
            raise ParameterError(f"{what} has no key {key!r}.{near_miss(key, known)} Keys: {', '.join(known)}.")


def _typed(data: Mapping[str, Any], key: str, kind: Any, default: Any) -> Any:
    value = data.get(key, default)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ParameterError(f"suite key {key!r} has a wrong type: {value!r}.")
    return value
