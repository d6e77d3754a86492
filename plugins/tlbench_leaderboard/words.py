"""Put numbers and names as a site shows them."""

import math
from collections.abc import Mapping
from typing import Any

from tlbench import one_line

NOTHING = "\N{EN DASH}"


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


def flat(facts: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested JSON as pairs of a path and a text."""
    if isinstance(facts, Mapping):
        return [pair for key in sorted(facts, key=str) for pair in flat(facts[key], f"{prefix}{key}.")]
    if isinstance(facts, list) and any(isinstance(item, (Mapping, list)) for item in facts):
        return [pair for number, item in enumerate(facts, 1) for pair in flat(item, f"{prefix}{number}.")]
    text = ", ".join(map(str, facts)) if isinstance(facts, list) else facts
    return [(one_line(prefix.removesuffix(".")), NOTHING if text is None or text == "" else one_line(text))]
