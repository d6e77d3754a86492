"""Collect where records come from: protocol, environment and provenance of all of them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any

from tlbench import Protocol, Recipe
from tlbench_reports.once import once
from tlbench_reports.words import file_name, plain

if TYPE_CHECKING:
    from tlbench import Results

CUSTOM = "custom"  # how suites were named that were put together on the command line of version 0.1


# What stands in the short table of origins: the heading, and where a record has it.
_ORIGIN = {
    "distribution": "distribution",
    "version": "version",
    "source code": "source_sha256",
    "weights": "weights_sha256",
    "images and labels": "fingerprint",
    "licence": "card.license",
    "citation": "card.citation",
    "hazards": "card.hazards",
}
_DIGEST = re.compile(r"[0-9a-f]{32,64}")
_SHOWN = 12  # letters of a digest
_MOST = 12  # values of one fact that are shown


@dataclass(frozen=True)
class Fact:
    """Hold what is known, and the whole of it where the page shows the beginning alone."""

    text: str
    whole: str = ""


@dataclass(frozen=True)
class Facts:
    """Hold a table of what is known of several things, such as the strategies of a report."""

    kind: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Fact, ...], ...]


def protocol(results: "Results") -> dict[str, str]:
    """Return how labels were used, scores taken and networks trained."""
    replicates = {(record.labels.get("seed"), record.labels.get("replicate")) for record in results.records}
    flat = [
        flatten({key: value})
        for key in ("protocol", "recipe", "seed")
        for value in _different(record.identity.get(key) for record in results.records)
    ]
    return {"replicates": str(len(replicates)), "metrics": ", ".join(results.metrics), **_merged(flat)}


def environment(results: "Results") -> dict[str, str]:
    """Return versions and devices; several values of one fact stand side by side."""
    return _merged(_different(record.environment for record in results.records))


def provenance(results: "Results") -> list[Facts]:
    """Return a table for each kind of thing that records were made of: strategies, backbones, datasets."""
    return [
        _table(kind, {name: {key: _facts(values) for key, values in facts.items()} for name, facts in things.items()})
        for kind, things in _things(results).items()
    ]


def origins(results: "Results") -> Facts:
    """Return one table of all strategies, backbones and datasets: which package, version and content each was."""
    rows = {
        (kind, name): {title: _facts(facts.get(key, ())) for title, key in _ORIGIN.items()}
        for kind, things in _things(results).items()
        for name, facts in things.items()
    }
    titles = [title for title in _ORIGIN if any(facts[title].text for facts in rows.values())]
    return Facts(
        "thing",
        ("name", "kind", *titles),
        tuple((Fact(name), Fact(kind), *(facts[title] for title in titles)) for (kind, name), facts in rows.items()),
    )


@once
def _things(results: "Results") -> dict[str, dict[str, dict[str, tuple[str, ...]]]]:
    """Return all values of each fact, by kind and name: records of two versions say two things of one strategy."""
    several: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for record in results.records:
        for kind, facts in record.provenance.items():
            if kind in record.labels and isinstance(facts, Mapping):
                several.setdefault((kind, record.labels[kind]), {})[id(facts)] = facts
    found: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {}
    for (kind, name), facts_of_one in several.items():
        values = found.setdefault(kind, {}).setdefault(plain(name), {})
        for facts in _different(facts_of_one.values()):
            for key, value in flatten(facts).items():
                values[key] = tuple(dict.fromkeys((*values.get(key, ()), value)))
    return found


def _different(several: Iterable[Any]) -> Iterator[Any]:
    """Yield each of these once. Of 100,000 records nearly all say the same: that is looked up, not taken apart."""
    objects, forms = set(), set()
    for facts in several:
        if id(facts) in objects:
            continue
        objects.add(id(facts))
        form = repr(facts)
        if form not in forms:
            forms.add(form)
            yield facts


def _facts(values: Iterable[str]) -> Fact:
    """Return values side by side; digests are cut short, and whole beside that."""
    several = list(values)
    shown = [value[:_SHOWN] if _DIGEST.fullmatch(value) else value for value in several]
    return Fact(_side_by_side(shown), _side_by_side(several) if shown != several else "")


def _side_by_side(values: Iterable[str]) -> str:
    several = list(values)
    rest = f" and {len(several) - _MOST:,} more" if len(several) > _MOST else ""
    return ", ".join(several[:_MOST]) + rest


def commands(results: "Results") -> list[str]:
    """Return the command lines that make these results again."""
    suite = results.store.read_plan().get("suite", {})
    shared = [f"--{key} {suite[key]}" for key in ("replicates", "seed") if key in suite]
    shared += [f"--metric {_quoted(results.chosen)}"] if results.chosen else []
    if not is_custom(results):
        chosen = [f"--suite {_quoted(results.suite)}"]
    elif _is_plain(suite):
        chosen = [_selection(block) for block in suite.get("blocks", ())]
    else:
        chosen = [f"--suite {_quoted(file_of(results.suite))}"]
    return [" ".join(["tlbench run", each, *shared]) for each in chosen]


def versions(results: "Results") -> str:
    """Say which versions made the records, for no index can be trusted to have them: `tlbench 0.2.0, torch 2.11.0`."""
    found = environment(results)
    return ", ".join(f"{name} {found[name]}" for name in ("tlbench", "torch", "python") if found.get(name))


def file_of(suite: str) -> str:
    """Name the file that a suite is saved as."""
    return f"{file_name(plain(suite)) or 'suite'}.toml"


def is_custom(results: "Results") -> bool:
    """Tell whether a suite was put together on the command line; before 0.2 its name began with `custom`."""
    suite = results.suite
    return bool(results.store.read_plan().get("suite", {}).get("narrows")) or suite.split("-")[0] == CUSTOM


def _is_plain(suite: Mapping[str, Any]) -> bool:
    """Whether the options that choose what is crossed say all that a suite holds."""
    protocol, recipe = suite.get("protocol", {}), suite.get("recipe", {})
    default = (asdict(Protocol()), asdict(Recipe()))
    agree = all(
        value == known.get(key) for given, known in zip((protocol, recipe), default, strict=True)
        for key, value in given.items()
    )  # fmt: skip
    return bool(suite.get("blocks")) and agree and not suite.get("selection") and not suite.get("tune")


def _selection(block: Mapping[str, Any]) -> str:
    options = {"strategies": "-s", "backbones": "-b", "datasets": "-d", "budgets": "--budget"}
    return " ".join(f"{option} {_quoted(value)}" for key, option in options.items() for value in block[key])


def _quoted(value: Any) -> str:
    return quote(plain(value))


def flatten(facts: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested facts as one level of texts: `{"recipe": {"lr": 0.1}}` as `{"recipe.lr": "0.1"}`."""
    flat: dict[str, str] = {}
    for key, value in facts.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            flat |= {f"{prefix}{plain(key)}": "; ".join(map(plain, value))} if value else {}
        elif value is not None and value != "":
            flat[f"{prefix}{plain(key)}"] = plain(value)
    return flat


def _merged(several: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    values: dict[str, dict[str, None]] = {}
    for facts in several:
        for key, value in facts.items():
            values.setdefault(plain(key), {})[plain(value)] = None
    return {key: _side_by_side(found) for key, found in values.items()}


def _table(kind: str, things: Mapping[str, Mapping[str, Fact]]) -> Facts:
    columns = tuple(dict.fromkeys(column for facts in things.values() for column in facts))
    rows = tuple((Fact(name), *(facts.get(column, Fact("")) for column in columns)) for name, facts in things.items())
    return Facts(kind, (kind, *columns), rows)
