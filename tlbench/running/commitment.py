"""Describe a suite and the code that it names, so that a later plan can be held against it."""

import secrets
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tlbench.contract import (
    LAST,
    VALIDATION,
    Opening,
    Plan,
    Round,
    Suite,
    digest,
    names_of,
    read_kept,
    row_digest,
    source_difference,
)
from tlbench.data import Resources
from tlbench.errors import ParameterError
from tlbench.names import some
from tlbench.running.code_digest import core_digest, package_digest, source_digest
from tlbench.running.environment import provenance

_FREE = {"name", "description", "seed", "narrows", "too_large_budgets_skip"}  # of a suite: the round sets the seed
_SPELLINGS = ("backbones", "datasets")  # may be other words for the same content, which rows know


def commit(plan: Plan, resources: Resources, name: str) -> Opening:
    """Return the opening of a commitment to a plan, with a salt of its own."""
    rows = {row_digest(cell.identity): _words(cell.labels) for cell in plan.cells}
    keys = {key: _short(value) for key, value in _keys(plan.suite).items()}
    return Opening(name, secrets.token_hex(32), plan.suite.replicates, keys, _sources(plan, resources), rows)


def refuse_uncommitted(plan: Plan, resources: Resources, held: Round, opening: Opening) -> None:
    """Raise ParameterError where a round has no commitment of an opening, or a plan is not what was committed."""
    held.check()
    if not held.holds(opening):
        known = some(each.name for each in held.commitments) or "nobody"
        raise ParameterError(
            f"the round {held.name!r} holds no commitment of {opening.name!r} that this opening fits; it holds those "
            f"of {known}."
        )
    rows = {row_digest(cell.identity) for cell in plan.cells}
    keys = _keys(plan.suite)
    changed = [key for key in sorted({*keys, *opening.suite}) if opening.suite.get(key) != _short(keys.get(key))]
    if rows == set(opening.rows):
        changed = [key for key in changed if key not in _SPELLINGS]
    same = f"Run what was committed for the round {held.name!r}, or leave --round away"
    now = _sources(plan, resources)
    for thing, facts in sorted(now.items()):
        if thing in opening.sources and (words := source_difference(opening.sources[thing], facts)):
            raise ParameterError(f"{words} of the {thing} is not the one that was committed. {same}.")
    if changed:
        told = f"the suite says {changed[0]} = {_shown(keys.get(changed[0]))}, and that is not what was committed"
        more = f"; nor are its {', '.join(changed[1:])}" if len(changed) > 1 else ""
        raise ParameterError(f"{told}{more}. {same}.")
    if extra := [cell for cell in plan.cells if row_digest(cell.identity) not in opening.rows]:
        raise ParameterError(f"{_words(extra[0].labels)}: this row was not committed. {same}.")


def opening_beside(suite: str) -> Path:
    """Return where the opening of a suite is kept: beside its file, or here where it is known by name."""
    path = Path(suite)
    return path.with_suffix(".opening.json") if path.suffix == ".toml" else Path(f"{path.name}.opening.json")


def commitment_beside(suite: str) -> Path:
    """Return where the commitment of a suite is written, likewise."""
    opening = opening_beside(suite)
    return opening.with_name(opening.name.replace(".opening.json", ".commitment.json"))


def read_opening(suite: str) -> Opening:
    """Return the opening of a suite; raise ParameterError where there is none."""
    path = opening_beside(suite)
    if not path.is_file():
        raise ParameterError(
            f"{path} is not there: a round takes what was committed before, by `tlbench submit --commit {suite}`."
        )
    return read_kept(Opening, path)


def _keys(suite: Suite) -> dict[str, Any]:
    """Return what a suite says, by key; keys of the protocol and the recipe by both names."""
    found: dict[str, Any] = {}
    for key, value in asdict(suite).items():
        if key in ("protocol", "recipe"):
            found |= {f"{key}.{inner}": each for inner, each in value.items()}
        elif key == "blocks":
            for inner in value[0]:
                found[inner] = [block[inner] for block in value]
        elif key not in _FREE:
            found[key] = value
    return found


def _short(value: Any) -> str:
    return digest(value)[:16]


def _words(labels: Mapping[str, Any]) -> str:
    keys = ("strategy", "backbone", "transfer", "source", "budget", "selection", "tuned")
    return ", ".join(str(labels[key]) for key in keys if labels.get(key) not in (None, "", LAST, VALIDATION))


def _shown(value: Any) -> str:
    """Write a suite's value on one line; of several blocks that are alike, once."""
    several = isinstance(value, list) and all(isinstance(each, tuple) for each in value)
    parts = dict.fromkeys(", ".join(map(str, each)) for each in value) if several else [repr(value)]
    return " / ".join(parts)


def _sources(plan: Plan, resources: Resources) -> dict[str, dict[str, str]]:
    """Describe the code of every strategy, backbone and dataset of a plan, and of tlbench itself."""
    found = {"library tlbench": {"module": "tlbench", "package_sha256": core_digest()}}
    seen = set()
    for cell in plan.cells:
        if (row := row_digest(cell.identity)) in seen:
            continue
        seen.add(row)
        facts = provenance(cell, resources)
        contents = {"backbone": facts["backbone"]["weights_sha256"], "dataset": facts["dataset"]["fingerprint"]}
        names = names_of(cell.identity)
        for kind, name in names.items():
            module = facts[kind]["module"]
            found[f"{kind} {name}"] = {
                "module": module,
                "source_sha256": facts[kind]["source_sha256"],
                "package_sha256": facts[kind]["package_sha256"],
                **({"content": str(contents[kind] or "")} if kind in contents else {}),
            }
    return dict(sorted(found.items()))


def code_here(module: str) -> dict[str, str] | None:
    """Describe the code of a module that is loaded; None where it is not. Nothing is imported for it."""
    if module not in sys.modules:
        return None
    return {"module": module, "source_sha256": source_digest(module), "package_sha256": package_digest(module)}
