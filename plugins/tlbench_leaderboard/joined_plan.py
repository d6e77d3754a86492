"""Join several plans into one, where they belong into one table."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tlbench import Protocol, Recipe
from tlbench.contract import canonical
from tlbench.errors import StoreError
from tlbench.running import suites_of
from tlbench_leaderboard.content import parse_object, read_plan
from tlbench_leaderboard.source import Source


def refuse_to_mix(sources: Sequence[Source]) -> None:
    """Raise StoreError where two are under another protocol or recipe: one table cannot hold both."""
    first: tuple[Source, dict[str, dict[str, Any]]] | None = None
    for source in sources:
        rules = rules_of(source)
        if first is None:
            first = (source, rules)
        for what, mine in rules.items():
            others = first[1][what]
            for key in sorted({*mine, *others}):
                if mine.get(key) != others.get(key):
                    raise StoreError(
                        f"{first[0].name} has {key} {others.get(key)!r} in its {what}, and {source.name} has "
                        f"{mine.get(key)!r}: one table cannot hold both. Merge them into two folders."
                    )


def rules_of(source: Source) -> dict[str, dict[str, Any]]:
    """Return the protocol and the recipe of a submission; what was written before a rule existed has its default."""
    suite = read_plan(source).get("suite")
    suite = suite if isinstance(suite, dict) else {}
    found: dict[str, dict[str, Any]] = {"protocol": asdict(Protocol()), "recipe": asdict(Recipe())}
    if not suite:  # the records know, as far as it named their cells
        for place in source.records()[:1]:
            identity = parse_object(source.read(place), place).get("identity", {})
            suite = identity if isinstance(identity, dict) else {}
    for what, rules in found.items():
        stated = suite.get(what)
        rules.update(stated if isinstance(stated, dict) else {})
    return found


def join_plans(plans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the union of plans: all blocks, cells, skips and findings, each once and in order."""
    suites = _once([suite for plan in plans for suite in suites_of(plan)])
    joined: dict[str, Any] = {
        key: _once([each for plan in plans for each in _list(plan, key)])
        for key in ("cells", "skips", "findings", "warnings")
    }
    if not suites:
        return joined
    names = _once([str(suite.get("name", "unknown")) for suite in suites])
    joined["suite"] = {
        **suites[0],
        "name": " + ".join(names),
        "blocks": _once([block for suite in suites for block in _list(suite, "blocks")]),
        "metric": _common([str(suite.get("metric") or "") for suite in suites]),
        "replicates": max(int(suite.get("replicates") or 0) for suite in suites),
    }
    if len(suites) > 1:
        joined["merged"] = suites
    return joined


def _common(values: list[str]) -> str:
    """Return what all agree on, or nothing."""
    return values[0] if len(set(values)) == 1 else ""


def _list(data: dict[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _once(items: list[Any]) -> list[Any]:
    return list({canonical(item): item for item in items}.values())
