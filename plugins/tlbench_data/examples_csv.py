"""Write `examples.csv`: a line for every example."""

import csv
import io
from collections import defaultdict

from tlbench_data.copies import copied
from tlbench_data.images import odd_images
from tlbench_data.near import near_pairs
from tlbench_data.survey import Row, Survey

HEADS = ("source", "domain", "split", "class", "size", "channels", "dtype", "digest")


def examples_csv(survey: Survey) -> bytes:
    """Return the file, UTF-8, in the order of the data; `remarks` says what is odd about an example."""
    grouped = any(row.group is not None for row in survey.rows)
    names = list(dict.fromkeys(name for columns in survey.columns.values() for name in columns))
    remarks = _remarks(survey)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*HEADS, *(["group"] if grouped else []), *names, "remarks"])
    for row in survey.rows:
        look = row.look
        seen = [look.size, str(look.channels or ""), look.dtype] if look and not look.problem else ["", "", ""]
        writer.writerow([
            *map(_safe, (row.source, row.domain, row.split, survey.classes[row.label])), *seen, row.digest,
            *([_safe(row.group or "")] if grouped else []), *(_safe(_further(survey, row, name)) for name in names),
            _safe("; ".join(remarks[row.domain, row.split, row.position])),
        ])  # fmt: skip
    return file.getvalue().encode("utf-8", errors="surrogateescape")


def _safe(text: str) -> str:
    """Keep a spreadsheet from reading a name as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _further(survey: Survey, row: Row, name: str) -> str:
    column = survey.columns[row.domain, row.split].get(name)
    if column is None:
        return ""
    label = int(column.labels[row.position])
    return str(column.classes[label]) if 0 <= label < len(column.classes) else ""


def _remarks(survey: Survey) -> dict[tuple[str, str, int], list[str]]:
    found: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for row, look in survey.unreadable:
        found[row.domain, row.split, row.position].append(f"cannot be read: {look.problem}")
    for what, which, _ in odd_images(survey):
        for row, _ in which:
            found[row.domain, row.split, row.position].append(what)
    for group in copied(survey):
        for row in group[1:]:
            found[row.domain, row.split, row.position].append(f"copy of {group[0].source}")
    for pair in near_pairs(survey):
        row = pair.row
        how = " (mirrored)" if pair.is_mirrored else ""
        found[row.domain, row.split, row.position].append(f"near-duplicate of {pair.other.source}{how}")
    return found
