"""Write a suite as TOML in which every key is explained and the alternatives stand beside it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from jinja2 import Environment, PackageLoader, StrictUndefined

from tlbench import Recipe

_WIDTH = 98


@dataclass(frozen=True)
class Draft:
    """Hold everything that goes into a suite's file."""

    name: str
    question: str
    facts: tuple[str, ...]
    command: str
    file: str
    datasets: tuple[str, ...]
    other_datasets: tuple[str, ...]
    backbones: tuple[str, ...]
    backbone_reason: str
    other_backbones: tuple[str, ...]
    strategies: tuple[str, ...]
    strategy_reason: str
    other_strategies: tuple[str, ...]
    budgets: tuple[str, ...]
    budget_reason: str
    metric: str
    metric_reason: str
    replicates: int
    validation: float
    splits: str = "given"
    parts_copies: bool = False
    episodes: int | None = None
    queries: int | None = None

    def text(self) -> str:
        """Return the file's content."""
        loader = Environment(
            loader=PackageLoader("tlbench_scaffold"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
        )
        loader.filters |= {"comment": _comment, "toml": _toml, "quoted": _quoted}
        return loader.get_template("suite.toml.jinja").render(vars(self), recipe=Recipe())


def _comment(text: str) -> str:
    """Return a text as comment lines; what a file's name holds cannot end one."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return "\n".join(f"# {line}" for line in wrap(plain, _WIDTH, break_long_words=False, break_on_hyphens=False))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace(
        "\x7f", "\\u007f"
    )  # TOML's basic strings are JSON's but for this


def _toml(values: Sequence[str]) -> str:
    """Return an array of strings, one a line where they do not fit on one."""
    quoted = [_quoted(value) for value in values]
    line = f"[{', '.join(quoted)}]"
    if len(line) <= _WIDTH - 15:
        return line
    return "[\n" + "".join(f"    {value},\n" for value in quoted) + "]"
