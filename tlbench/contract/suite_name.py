"""Name what a user puts together, for the folder of its results."""

import re
from pathlib import Path

LONGEST = 72  # letters of a name that the command line's choice makes
FEW = 3  # names of one kind that are told one by one


def name_of_choice(
    strategies: tuple[str, ...] | str, backbones: tuple[str, ...], datasets: tuple[str, ...], budgets: tuple[str, ...]
) -> str:
    """Name what a user has put together as people would: `digits-scratch-vs-linear-probe`, `flowers-few-labels`.

    Data, then strategies or else the suite's name, then the backbones and budgets that the user chose. Names may
    coincide; `default_output` keeps their folders apart.
    """
    of = strategies if isinstance(strategies, str) else _several(strategies, "-vs-", "strategies")
    parts = [_several(datasets, "+", "datasets"), of]
    return joined(*parts, _several(backbones, "+", "backbones"), _several(budgets, "+", "budgets"))


def _several(specs: tuple[str, ...], between: str, noun: str) -> str:
    names = list(dict.fromkeys(filter(None, map(_short, specs))))
    return between.join(names) if len(names) <= FEW else f"{len(names)}-{noun}"


def _short(spec: str) -> str:
    """Return what people call a dataset, strategy or backbone: without its reader, its folders and its brackets."""
    if re.match(r"[A-Za-z][A-Za-z0-9_-]+:", spec) and "(" not in spec.partition(":")[0]:
        return Path(spec.partition(":")[2].partition("?")[0]).expanduser().resolve().stem
    return spec.partition("[")[0].partition("@")[0]


def joined(*parts: str) -> str:
    """Return a name for files of the parts that fit; what other systems or shells read as their own is a hyphen."""
    name = ""
    for part in parts:
        clean = re.sub(r"[^A-Za-z0-9_.+%-]+", "-", part).strip("-.")
        if clean and len(name) + len(clean) < LONGEST:
            name += f"-{clean}" if name else clean
    return name or "custom"
