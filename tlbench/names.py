"""Parse and write what users spell: `finetune(lr=0.001)`, `resnet18(pad_type=same)@file`, `folder:PATH?domains`."""

import ast
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tlbench.errors import ParameterError, UnknownNameError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_MANY = 100  # names: beyond them those that are near are told
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


@dataclass(frozen=True)
class Spec:
    """Hold the parts of a name as a user wrote it: `name(parameters)@location`."""

    name: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    location: str | None = None


def parse_spec(text: str) -> Spec:
    """Take `name(key=value, ...)@location` apart; raise ParameterError where it is malformed."""
    text = text.strip()
    match = _NAME.match(text)
    if match is None:
        raise ParameterError(f"{text!r} is not a name. Write NAME or NAME(parameter=value, ...).")
    name, rest = match.group(), text[match.end() :]
    parameters: dict[str, object] = {}
    if rest.startswith("("):
        inside, rest = _balanced(rest, text)
        for part in split_outside_brackets(inside, ","):
            key, equals, value = part.partition("=")
            if not equals or not key.strip().isidentifier():
                raise ParameterError(f"{part.strip()!r} in {text!r} is not of the form parameter=value.")
            if key.strip() in parameters:
                raise ParameterError(f"parameter {key.strip()!r} stands twice in {text!r}.")
            parameters[key.strip()] = parse_value(value)
    if rest and not (rest.startswith("@") and len(rest) > 1):
        raise ParameterError(f"cannot read {rest!r} in {text!r}. Write NAME(parameter=value, ...)@FILE.")
    return Spec(name, parameters, rest[1:] or None)


def _balanced(text: str, whole: str) -> tuple[str, str]:
    """Split `(inside)rest` at the bracket that closes the first one."""
    depth = 0
    for position, character in _outside_quotes(text):
        depth += (character in "([") - (character in ")]")
        if depth == 0:
            return text[1:position], text[position + 1 :]
    raise ParameterError(f"a bracket is not closed in {whole!r}.")


def _outside_quotes(text: str) -> Iterator[tuple[int, str]]:
    """Yield the positions and characters that stand outside quoted strings, as Python writes those."""
    quote, escaped = "", False
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote and not escaped else quote
            escaped = character == "\\" and not escaped
        elif character in "'\"":
            quote = character
        else:
            yield position, character


def split_outside_brackets(text: str, separator: str) -> list[str]:
    """Split at separators that stand outside (), [] and quotes; empty parts are dropped."""
    parts, depth, start = [], 0, 0
    for position, character in _outside_quotes(text):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return [part for part in parts if part.strip()]


def parse_value(text: str) -> object:
    """Read a number, true/false/none, a quoted string or a tuple; anything else is a plain string."""
    text = text.strip()
    constants = {"true": True, "false": False, "none": None}
    if text.lower() in constants:
        return constants[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        pass
    if text[:1] + text[-1:] in ("()", "[]"):
        return tuple(parse_value(part) for part in split_outside_brackets(text[1:-1], ","))
    return text


def format_value(value: object) -> str:
    """Write a value so that parse_value reads it back."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return "(" + ",".join(repr(item) for item in value) + ("," if len(value) == 1 else "") + ")"
    text = str(value)
    readable = not isinstance(value, str) or (parse_value(text) == text and not re.search(r"[,()\[\]'\"\s=@]", text))
    return text if readable else repr(text)


def format_spec(name: str, parameters: Mapping[str, object], location: str | None = None) -> str:
    """Write `name(key=value, ...)@location`, the inverse of parse_spec."""
    inside = ", ".join(f"{key}={format_value(value)}" for key, value in parameters.items())
    return name + (f"({inside})" if inside else "") + (f"@{location}" if location else "")


def near_miss(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return ` Did you mean 'x'?`, or nothing when no known name is close; `cutoff` is difflib's, 0 to 1.

    A name and its initials are close: `learning_rate` and `lr`.
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=cutoff)
    lowered = [other for other in known if other.lower().replace("_", "-") == name.lower().replace("_", "-")]
    short = [other for other in known if _initials(name) == other or _initials(other) == name]
    best = (lowered or short or close)[:1]
    return f" Did you mean {best[0]!r}?" if best else ""


def _initials(name: str) -> str:
    """Return the first letters of a name of several words; of one word nothing."""
    words = [word for word in re.split(r"[-_ ]", name.lower()) if word]
    return "".join(word[0] for word in words) if len(words) > 1 else ""


def nearest(name: str, known: Iterable[str], most: int = 6) -> list[str]:
    """Return the known names that fewest slips of the finger lead to, nearest first; none that shares too little."""
    ranked = sorted((_slips(name.lower(), other.lower()), abs(len(other) - len(name)), other) for other in known)
    return [other for slips, _, other in ranked[:most] if slips <= max(1, len(name) // 3)]


def _slips(one: str, other: str) -> int:
    """Count the letters to leave out, put in, exchange or swap with a neighbour that lead from one text to another."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, last, row = row, before, [i]
        for j, theirs in enumerate(other, start=1):
            least = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != theirs))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == theirs:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "", first: Iterable[str] = ()) -> UnknownNameError:
    """Return the error for a name that nothing offers, with the nearest one and what there is.

    Of very many names those are told that are near, not the first of the alphabet; before them those of `first`, which
    need no download, that begin with what was typed.
    """
    known = sorted(known)
    if len(known) > _MANY:
        begun = [other for other in first if other.lower().startswith(name.lower())]
        near = list(map(repr, dict.fromkeys([*begun, *nearest(name, known)])))[:6]
        close = f" Did you mean {' or '.join(filter(None, [', '.join(near[:-1]), near[-1]]))}?" if near else ""
        return UnknownNameError(
            f"unknown {kind} {name!r}.{close or near_miss(name, known)} {len(known):,} are installed: "
            f"`tlbench list {kind}s --all`.{hint}"
        )
    shown = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
    offered = f" Installed: {shown}." if known else f" No {kind} is installed."
    return UnknownNameError(f"unknown {kind} {name!r}.{near_miss(name, known)}{offered}{hint}")


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Return `1 cell`, `2 cells`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def one_line(text: object) -> str:
    """Return any text on one line, without control characters or marks that turn its direction."""
    return " ".join(_CONTROL.sub(" ", str(text)).split())


def shown(name: str) -> str:
    """Return a name so that it fits on one line of any terminal; what cannot be printed is escaped."""
    return name if name.isprintable() else ascii(name)[1:-1]


def some(names: Iterable[str], most: int = 3) -> str:
    """Return the first few names, printable, and how many more there are."""
    listed = list(names)
    first = ", ".join(shown(name) for name in listed[:most])
    return first + (f" and {len(listed) - most:,} more" if len(listed) > most else "")
