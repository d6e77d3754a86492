"""Put names, label budgets, differences and costs of results into words."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from tlbench.contract import UNSUPERVISED, Budget

_FEW = 3  # names that are listed
_PER_CLASS = " per class"
_PARAMETERS = re.compile(r"\((?![^()]*pretrained=false)[^()]*\)")


def costs(ratio: float, reference: str, who: str = "it") -> str:
    """Return what a row costs, as so many times another, to end a sentence with; nothing where that is not known."""
    if not np.isfinite(ratio):
        return ""
    if 0.8 <= ratio <= 1.25:
        return f"; {who} costs as much as {reference}"
    times = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}".removesuffix(".0") if ratio >= 0.1 else f"{ratio:.1g}"
    return f"; {who} costs {times}x {reference}"


def plain_data(transfer: str) -> str:
    """Return a dataset's name as people know it: the file or folder's own, without its kind and place."""
    kind, colon, rest = transfer.partition(":")
    if not colon or "/" in kind:
        return transfer
    path, mark, options = rest.partition("?")
    segments = path.split("/")
    files = [place for place, segment in enumerate(segments) if PurePosixPath(segment).suffix]
    if files:  # what follows a file is a domain of it
        segments = [PurePosixPath(segments[files[-1]]).stem.removesuffix(".tar"), *segments[files[-1] + 1 :]]
    elif path.startswith(("/", "~", ".")):
        segments = segments[-1:]
    return f"{'/'.join(segments)}{mark}{options}" or transfer


def short_name(name: str) -> str:
    """Return a name of data or a backbone without its parameters and its reader; a random start is told."""
    return _PARAMETERS.sub("", plain_data(name)) or name


def joined_labels(budgets: Sequence[str]) -> str:
    """Return budgets in words, what some share said once: `1, 5 and 20 labels per class`."""
    shots = [text.partition(" ")[0] for text in budgets if text.endswith(_PER_CLASS)]
    others = [text for text in budgets if not text.endswith(_PER_CLASS)]
    if len(shots) < 2:
        return names(budgets, most=9)
    few, rest = [text for text in others if text.startswith("no ")], [text for text in others if text[:3] != "no "]
    return names([*few, f"{names(shots, most=9)} labels{_PER_CLASS}", *rest], most=9)


def names(shown: Iterable[str], most: int = _FEW) -> str:
    """Return names as a list in words, the rest of many counted; nothing for none."""
    found = [str(name) for name in shown] or [""]
    if len(found) > most + 1:
        return f"{', '.join(found[:most])} and {len(found) - most} more"
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else found[0]


def points(row: Any, in_points: bool) -> str:
    """Return a difference with its interval, in points where the metric is a share, else as it is."""
    scale, digits = (100, 1) if in_points else (1, 3)
    text = f"{scale * row['delta']:+.{digits}f}{' points' if in_points else ''}"
    if np.isfinite(row["delta_low"]):
        text += f" [{scale * row['delta_low']:+.{digits}f}, {scale * row['delta_high']:+.{digits}f}]"
    return text


def at(words: str) -> str:
    """Return a budget in words with its preposition."""
    return f"{'at' if words[0].isdigit() else 'in' if words.startswith('episodes') else 'with'} {words}"


def budget_in_words(budget: str, setting: str) -> str:
    """Return a budget, and the setting where it is no inductive one, in words."""
    if setting == UNSUPERVISED:
        return "no label at all"
    return _labels(budget) + (" (transductive)" if setting == "transductive" else "")


def _labels(budget: str) -> str:
    if Budget.parse(budget).is_zero:
        return "no target labels"
    if "-way " in budget:
        return f"episodes of {budget}"
    if budget.endswith("-shot"):
        shots = int(budget.removesuffix("-shot"))
        return f"{shots} label{'s' if shots > 1 else ''} per class"
    if budget.endswith("%"):
        return f"{budget} of the labels"
    return "all labels" if budget == "full" else f"{budget} labels"
