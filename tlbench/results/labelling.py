"""Label what differs apart: no two strategies, backbones, datasets, sources or tunings share a label, nor does one
have two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tlbench.contract import canonical, digest

FEWEST = 6  # letters of a digest that a label shows, at least
_LONG = 24  # letters from which on a value is shown as its digest
_FIRST = ("version", "weights", "fingerprint", "splits")  # what tells two of one label apart, the first that does

Identity = Mapping[str, Any]
Labels = Mapping[str, Any]


@dataclass(frozen=True)
class _Part:
    """Take out of identities what one label stands for."""

    names: tuple[str, ...]  # of what it is made of
    made: Callable[..., Any]  # of those, in this order; None where an identity does not say


@dataclass(frozen=True)
class _Axis:
    """Say what in a cell's identity a label stands for, and what cells share in which the label must be unique."""

    label: str
    of: _Part
    within: _Part


def _as_it_is(value: Any) -> Any:
    return value


def _transfer(dataset: Any, target: Any, splits: Any) -> Any:
    if not isinstance(dataset, Mapping):
        return None
    # The folds of a cross-validation are replicates of one row, whatever their tables.
    table = splits.get("digest") if splits and not splits.get("folds") else None
    return {**dataset, "target": target, **({"splits": table} if table else {})}


def _tuning(tuning: Any, selection: Any) -> Any:
    return {**tuning, "selection": selection} if isinstance(tuning, Mapping) else None


_EVERYWHERE = _Part((), lambda: "")
_STRATEGY, _TRANSFER = _Part(("strategy",), _as_it_is), _Part(("dataset", "target", "splits"), _transfer)
_AXES = (
    _Axis("strategy", _STRATEGY, _EVERYWHERE),
    _Axis("backbone", _Part(("backbone",), _as_it_is), _EVERYWHERE),
    _Axis("dataset", _Part(("dataset",), _as_it_is), _EVERYWHERE),
    _Axis("transfer", _TRANSFER, _EVERYWHERE),
    _Axis("source", _Part(("source",), _as_it_is), _TRANSFER),
    _Axis("tuned", _Part(("tuning", "selection"), _tuning), _STRATEGY),
)


def distinct_labels(cells: Iterable[tuple[Identity, Labels]]) -> list[Labels]:
    """Return the labels of each cell, so that on every axis one identity has one label and no two have the same.

    Labels that are distinct stay as they are. Where two identities share one, the shortest thing that parts them is
    added in brackets: `small-conv [random start]`, `finetune [version 2]`. Of several labels of one identity the
    shortest is taken.
    """
    known = list(cells)
    changes: list[dict[str, str]] = [{} for _ in known]
    for axis in _AXES:
        for position, label in _changed(axis, known).items():
            changes[position][axis.label] = label
    return [{**labels, **change} if change else labels for (_, labels), change in zip(known, changes, strict=True)]


def _changed(axis: _Axis, cells: Sequence[tuple[Identity, Labels]]) -> dict[int, str]:
    """Return the labels of an axis that change, by the positions of their cells."""
    part, within = _Keys(axis.of), _Keys(axis.within)
    keys: list[tuple[str, str] | None] = []
    found: dict[str, dict[str, _Thing]] = {}
    for identity, labels in cells:
        key, value = part(identity)
        label = labels.get(axis.label)
        if value is None or not label:
            keys.append(None)
            continue
        place, _ = within(identity)
        keys.append((place, key))
        found.setdefault(place, {}).setdefault(key, _Thing(value, set())).labels.add(str(label))
    names = {place: _names(things) for place, things in found.items()}
    return {
        position: names[at[0]][at[1]]
        for position, (at, (_, labels)) in enumerate(zip(keys, cells, strict=True))
        if at is not None and labels[axis.label] != names[at[0]][at[1]]
    }


class _Keys:
    """Write a part of identities as texts that equal values share; objects that come up again are looked up."""

    def __init__(self, part: _Part) -> None:
        self.part = part
        self._known: dict[tuple[int, ...], tuple[str, Any, list[Any]]] = {}

    def __call__(self, identity: Identity) -> tuple[str, Any]:
        objects = [identity.get(name) for name in self.part.names]
        where = tuple(map(id, objects))
        if where not in self._known:
            value = self.part.made(*objects)
            self._known[where] = (canonical(value), value, objects)  # kept, so that no other takes their place
        key, value, _ = self._known[where]
        return key, value


@dataclass(frozen=True)
class _Thing:
    """Hold an identity with all labels that cells give it."""

    identity: Any
    labels: set[str]


def _names(things: Mapping[str, _Thing]) -> dict[str, str]:
    """Return a label of its own for each of some things, by their keys."""
    shared: dict[str, list[str]] = {}
    for key, thing in things.items():
        shared.setdefault(min(thing.labels, key=lambda label: (len(label), label)), []).append(key)
    names: dict[str, str] = {}
    for label, keys in shared.items():
        if len(keys) == 1:
            names[keys[0]] = label
            continue
        words = _apart([things[key].identity for key in keys])
        names |= {key: f"{label} [{word}]" for key, word in zip(keys, words, strict=True)}
    counts: dict[str, int] = {}
    for name in names.values():
        counts[name] = counts.get(name, 0) + 1
    return {  # a plugin may have thought of the very words
        key: name if counts[name] == 1 else f"{name} [{digest(things[key].identity)[:12]}]"
        for key, name in names.items()
    }


def _apart(identities: Sequence[Any]) -> list[str]:
    """Return for each of some identities of one label the shortest words that no other has."""
    facts = [_flat(identity) for identity in identities]
    different = [
        key
        for key in dict.fromkeys(key for each in facts for key in each)
        if len({canonical(each.get(key)) for each in facts}) > 1
    ]
    different.sort(key=lambda key: (_FIRST.index(key) if key in _FIRST else len(_FIRST), key))
    said = {key: _words(key, [each.get(key) for each in facts]) for key in different}
    alone = next((words for words in said.values() if len(set(words)) == len(facts)), None)
    if alone is not None:
        return alone
    joined = [", ".join(words) for words in zip(*said.values(), strict=True)]
    return joined if len(set(joined)) == len(facts) else _digests("identity", identities)


def _flat(identity: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(identity, Mapping):
        return {prefix.removesuffix("."): identity}
    flat: dict[str, Any] = {}
    for key, value in identity.items():
        flat |= _flat(value, f"{prefix}{key}.")
    return flat


def _words(key: str, values: Sequence[Any]) -> list[str]:
    """Say what each of several things has in one respect."""
    name = key.rpartition(".")[2]
    if key in ("weights", "fingerprint", "splits"):
        missing = "random start" if key == "weights" else f"no {key}"
        shown = iter(_digests(key, [value for value in values if value is not None]))
        return [missing if value is None else next(shown) for value in values]
    if any(len(str(value)) > _LONG for value in values):
        return _digests(name, values)
    between = "=" if "." in key else " "  # a parameter, or a fact
    return [f"{name} by default" if value is None else f"{name}{between}{value}" for value in values]


def _digests(name: str, values: Sequence[Any]) -> list[str]:
    """Return the beginnings of digests, as long as it takes to tell different values apart."""
    whole = [value if name in ("weights", "fingerprint", "splits") else digest(value) for value in map(_plain, values)]
    length = next(
        (size for size in range(FEWEST, max(map(len, whole), default=0)) if _parts(whole, size)),
        max(map(len, whole), default=0),
    )
    return [f"{name} {text[:length]}" for text in whole]


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else canonical(value)


def _parts(texts: Sequence[str], size: int) -> bool:
    return len({text[:size] for text in texts}) == len(set(texts))
