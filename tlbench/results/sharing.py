"""Parse many records that are mostly alike: keep equal parts once, and parse them once where that can be."""

import json
import marshal
import re
import sys
from typing import Any

# What a record says in the words of many others, as a whole or, of its identity, value by value.
_WHOLE = ("environment", "ledger", "provenance")
_OWN = ("identity", "labels", "costs", "scores", "digests")  # objects whose keys are those of others
_KEYS = tuple(re.compile(rf',\n{" " * level}"([^"\\]*)": ') for level in (1, 2))  # as the store lays records out


class Sharing:
    """Parse records as they are stored, one after the other; nobody may change what it returns."""

    def __init__(self) -> None:
        self._of_text: dict[str, Any] = {}
        self._of_value: dict[bytes, Any] = {}
        self._keys: dict[tuple[str, ...], tuple[str, ...]] = {}

    def parse(self, data: bytes) -> Any:
        """Return the JSON value of a file; raise ValueError where it is none."""
        record = self._joined(data)
        if record is None:
            record = self._whole(data)
        if not isinstance(record, dict):
            return record
        if isinstance(record.get("labels"), dict):
            record["labels"] = {key: _interned(value) for key, value in record["labels"].items()}
        record |= {key: self._with_same_keys(record[key]) for key in _OWN if key in record}
        return self._with_same_keys(record)

    def _joined(self, data: bytes) -> dict[str, Any] | None:
        """Parse what is the record's own, and look up what others say too; None for a file of another layout."""
        try:
            parts = _split(data.decode().removesuffix("\n"), 1)
            if parts is None:
                return None
            shared = {key: self._once(parts.pop(key)) for key in _WHOLE if key in parts}
            values = _split(parts.get("identity", ""), 2)
            if values is not None:
                del parts["identity"]
                shared["identity"] = {key: self._once(value) for key, value in values.items()}
            own: dict[str, Any] = json.loads("{" + ",".join(f'"{key}":{value}' for key, value in parts.items()) + "}")
        except ValueError:  # another encoding, a key that is escaped, or no JSON at all: parsing the whole will tell
            return None
        return own | shared

    def _whole(self, data: bytes) -> Any:
        record = json.loads(data)
        if isinstance(record, dict):
            record |= {key: self._same(record[key]) for key in _WHOLE if key in record}
            if isinstance(record.get("identity"), dict):
                record["identity"] = {key: self._same(value) for key, value in record["identity"].items()}
        return record

    def _once(self, text: str) -> Any:
        if text not in self._of_text:
            self._of_text[text] = json.loads(text)
        return self._of_text[text]

    def _same(self, value: Any) -> Any:
        if isinstance(value, (dict, list)):
            return self._of_value.setdefault(marshal.dumps(value, 2), value) if value else value
        return _interned(value)

    def _with_same_keys(self, part: Any) -> Any:
        """Return an object with the keys, as objects, of others that have the same."""
        if not isinstance(part, dict) or not part:
            return part
        own = tuple(part)
        return dict(zip(self._keys.setdefault(own, own), part.values(), strict=True))


def _interned(value: Any) -> Any:
    return sys.intern(value) if isinstance(value, str) else value


def _split(text: str, level: int) -> dict[str, str] | None:
    """Return the texts of an object's values by their keys, where each key begins a line; None where it does not.

    A line with this indent begins with a key of this level: deeper ones have more, and no string holds a line end.
    """
    closing = "\n" + " " * (level - 1) + "}"
    if not text.startswith("{\n") or not text.endswith(closing):
        return None
    opening, *parts = _KEYS[level - 1].split("," + text[1 : -len(closing)])
    return None if opening else dict(zip(parts[::2], parts[1::2], strict=True))
