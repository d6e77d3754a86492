"""Write the suite of some results as a file: the plan, in the TOML that `tlbench run --suite FILE` reads."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tlbench import Suite, TlbenchError, suite_from_mapping

if TYPE_CHECKING:
    from tlbench import Results

_NOT_SAID = ("too_large_budgets_skip", "narrows")
_NOT_WRITTEN = ("blocks", "protocol", *_NOT_SAID)  # as the file spells them otherwise, or not at all
_SHARED = ("name", "description")


def suite_text(results: "Results") -> str:
    """Return the suite as TOML; empty where the plan holds none, or one that a file cannot say."""
    planned = results.store.read_plan().get("suite", {})
    if not planned.get("blocks"):
        return ""
    content = _content(planned)
    text = "\n".join(_lines(content))
    try:
        again = suite_from_mapping(tomllib.loads(text))
    except (TlbenchError, tomllib.TOMLDecodeError, TypeError):
        return ""
    return text + "\n" if _same(again, planned) else ""


def _same(suite: Suite, planned: Mapping[str, Any]) -> bool:
    """Whether a suite is the one that was planned, as far as that was written down."""
    read = json.loads(json.dumps(asdict(suite)))
    return all(_agree(value, read.get(key)) for key, value in planned.items() if key not in _NOT_SAID)


def _agree(planned: Any, read: Any) -> bool:
    if isinstance(planned, Mapping) and isinstance(read, Mapping):
        return all(_agree(value, read.get(key)) for key, value in planned.items())
    return bool(planned == read)


def _content(planned: Mapping[str, Any]) -> dict[str, Any]:
    content = {key: value for key, value in planned.items() if key not in _NOT_WRITTEN and value not in ("", [])}
    content |= {key: value for key, value in planned.get("protocol", {}).items() if key != "version"}
    ordered = {key: content.pop(key) for key in _SHARED if key in content}
    return {**ordered, **content, "block": planned["blocks"]}


def _lines(content: Mapping[str, Any]) -> list[str]:
    """Return TOML lines: plain keys first, as what follows a table belongs to it."""
    tables = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    lines = [
        f"{_key(key)} = {_value(value)}"
        for key, value in content.items()
        if key not in tables and key != "block" and value is not None
    ]
    for key, value in tables.items():
        lines += ["", f"[{_key(key)}]", *(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)]
    for block in content["block"]:
        lines += ["", "[[block]]", *(f"{_key(k)} = {_value(v)}" for k, v in block.items() if v is not None)]
    return lines


def _key(key: str) -> str:
    return key if key.replace("_", "a").replace("-", "a").isalnum() and key.isascii() else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(str(value), ensure_ascii=True)  # a string of JSON, but for DEL, is one of TOML
