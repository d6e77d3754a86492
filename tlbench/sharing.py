"""Keeps equal parts of many records once: most of what records say, they say alike."""

import marshal
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from tlbench.record import Record


def sharing(records: Iterable[Record]) -> Iterator[Record]:
    """Yield records whose equal parts and strings are one object, which nobody may change."""
    parts: dict[bytes, Any] = {}
    keys: dict[tuple[str, ...], tuple[str, ...]] = {}
    for record in records:
        yield replace(
            record,
            identity={sys.intern(key): _shared(value, parts) for key, value in record.identity.items()},
            labels={sys.intern(key): _shared(value, parts) for key, value in record.labels.items()},
            scores=_same_keys(record.scores, keys),
            costs=_same_keys(record.costs, keys),
            ledger=_shared(record.ledger, parts),
            provenance=_shared(record.provenance, parts),
            environment=_shared(record.environment, parts),
            trials=[_same_keys(trial, keys) for trial in record.trials],
            looks=[_look(look, keys) for look in record.looks],
        )


def _shared(value: Any, parts: dict[bytes, Any]) -> Any:
    if isinstance(value, (dict, list)):
        return parts.setdefault(marshal.dumps(value, 2), value) if value else value
    return sys.intern(value) if isinstance(value, str) else value


def _same_keys(part: dict[str, Any], keys: dict[tuple[str, ...], tuple[str, ...]]) -> dict[str, Any]:
    own = tuple(part)
    return dict(zip(keys.setdefault(own, own), part.values(), strict=True))


def _look(look: dict[str, Any], keys: dict[tuple[str, ...], tuple[str, ...]]) -> dict[str, Any]:
    return {**_same_keys(look, keys), "scores": _same_keys(look.get("scores", {}), keys)}
