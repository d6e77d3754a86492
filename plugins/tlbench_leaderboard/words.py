"""Put numbers and names as a site shows them."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from tlbench import one_line

NOTHING = "\N{EN DASH}"
SHOWN = 6  # numbers that a sentence names


def known(value: Any) -> bool:
    """Tell whether there is a value at all."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def score(value: Any) -> str:
    """Return a score with three decimals."""
    return f"{value:.3f}" if known(value) else NOTHING


def interval(low: Any, high: Any) -> str:
    """Return an interval, or nothing where there is none."""
    return f"{low:.3f} to {high:.3f}" if known(low) and known(high) else NOTHING


def signed(value: Any) -> str:
    """Return a difference with its sign."""
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}") if known(value) else NOTHING


def quantity(value: Any) -> str:
    """Return a count or a cost with as many digits as mean something."""
    if not known(value):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return one_line(value) or NOTHING
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{int(value):,}"
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def numbers(found: Iterable[int]) -> str:
    """Return whole numbers in words, runs of them by their ends: `0 to 2, 4 and 6`."""
    runs: list[list[int]] = []
    for number in sorted(found):
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    several: list[str] = []
    for run in runs:
        several += [f"{run[0]} to {run[-1]}"] if run[-1] > run[0] + 1 else [str(number) for number in run]
    shown, more = several[:SHOWN], len(several) - SHOWN
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def told_draws(drawn: Iterable[tuple[int, int]]) -> str:
    """Return replicates in words, with the root seed where it is not 0: `0 to 4 of seed 7`."""
    seeds: dict[int, list[int]] = {}
    for seed, replicate in sorted(drawn):
        seeds.setdefault(seed, []).append(replicate)
    return " and ".join(
        numbers(found) + (f" of seed {seed}" if seed or len(seeds) > 1 else "") for seed, found in seeds.items()
    )


def flat(facts: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested JSON as pairs of a path and a text."""
    if isinstance(facts, Mapping):
        return [pair for key in sorted(facts, key=str) for pair in flat(facts[key], f"{prefix}{key}.")]
    if isinstance(facts, list) and any(isinstance(item, (Mapping, list)) for item in facts):
        return [pair for number, item in enumerate(facts, 1) for pair in flat(item, f"{prefix}{number}.")]
    text = ", ".join(map(str, facts)) if isinstance(facts, list) else facts
    return [(one_line(prefix.removesuffix(".")), NOTHING if text is None or text == "" else one_line(text))]


def difference(value: Any, low: Any, high: Any) -> str:
    """Return a difference with its interval, as far as they are known."""
    between = f" [{signed(low)}, {signed(high)}]" if known(low) and known(high) else ""
    return f"{signed(value)}{between}" if known(value) else NOTHING


def ranks(first: Any, last: Any) -> str:
    """Return the first and the last rank that something may have: `2` or `2-5`."""
    if not (known(first) and known(last)):
        return NOTHING
    ends = [f"{end:.1f}".removesuffix(".0") for end in (first, last)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]}\N{EN DASH}{ends[1]}"


def budget(name: object) -> str:
    """Return a label budget in few words: `5 per class`."""
    plain = one_line(name)
    if plain == "0":
        return "no labels"
    is_shots = plain.endswith("-shot") and plain.removesuffix("-shot").isdigit()
    return f"{plain.removesuffix('-shot')} per class" if is_shots else plain
