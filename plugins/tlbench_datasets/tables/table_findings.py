"""Say what is unusual in a table of images, and what was decided without being told, in sentences."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from tlbench import TEST_SHARE, plural, shown, some
from tlbench_datasets.files import Seen, conversions
from tlbench_datasets.reading import Reading
from tlbench_datasets.remarks import remarks
from tlbench_datasets.tables.table_columns import Columns
from tlbench_datasets.tables.table_rows import Rows, class_order
from tlbench_datasets.tables.table_split import Placed


def table_findings(
    columns: Columns, placed: Placed, seen: Mapping[str, Seen], reading: Reading, rows: Rows, by_file: bool
) -> tuple[str, ...]:
    """Return the sentences."""
    return (
        *_of_columns(columns),
        *(["Splits are those that the names of the Parquet files say."] if by_file else []),
        *_of_splits(columns, placed),
        *_of_spellings(rows),
        *remarks(placed.examples),
        *conversions(seen, reading),
        *_left_out(rows),
    )


def _of_columns(columns: Columns) -> list[str]:
    sentences = []
    if columns.guessed:
        listed = ", ".join(f"{role} = '{shown(name)}'" for role, name in columns.guessed)
        sentences.append(f"Columns known by their names: {listed}.")
    if columns.unused:
        names = columns.unused[:3]
        makes = "makes it a further label" if len(columns.unused) == 1 else "makes them further labels"
        hint = "" if "+" in "".join(names) else f" (?also={shown('+'.join(names))} {makes})"
        sentences.append(f"Columns not used: {some(columns.unused)}{hint}.")
    return sentences


def _of_splits(columns: Columns, placed: Placed) -> list[str]:
    sentences = []
    if placed.undivided:
        which = "No test rows" + (
            "" if len(placed.undivided) == len({row.domain for row in placed.rows}) else _in(placed)
        )
        kept = "; val stays validation" if any(row.split == "val" for row in placed.rows) else ""
        if columns.group:
            low, high = (f"{share:.0%}" for share in _shares(placed))
            share = low if low == high else f"{low} to {high}"
            sentences.append(
                f"{which}: whole groups chosen by content are the test split, {share} of each class "
                f"(wanted: {TEST_SHARE:.0%}){kept}."
            )
        else:
            sentences.append(f"{which}: {TEST_SHARE:.0%} of each class, chosen by content, is the test split{kept}.")
    if columns.group:
        names = " and ".join(f"'{shown(name)}'" for name in columns.group)
        count = len({example.group for example in placed.examples})
        sentences.append(f"No group of column {names} is in more than one split: {plural(count, 'group')}.")
        listed = {group for row in placed.rows for group in row.groups}
        if len(columns.group) == 1 and len(listed) > count:
            sentences.append(
                f"Groups that share an image count as one: {len(listed):,} names, {plural(count, 'group')}."
            )
    return sentences


def _in(placed: Placed) -> str:
    return f" in {plural(len(placed.undivided), 'domain')} ({some(sorted(placed.undivided))})"


def _shares(placed: Placed) -> tuple[float, float]:
    """Return the least and the largest share of a class that is in a test split chosen by content."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for example in placed.examples:
        if example.domain in placed.undivided and example.split != "val":
            counts[example.domain, example.label][example.split] += 1
    shares = [count["test"] / count.total() for count in counts.values()]
    return min(shares), max(shares)


def _of_spellings(rows: Rows) -> list[str]:
    """Return a sentence where classes differ in case alone, which is a slip more often than a meaning."""
    spelled: dict[str, list[str]] = defaultdict(list)
    for name in class_order(row.label for row in rows.usable):
        spelled[name.casefold()].append(name)
    alike = [" and ".join(f"'{shown(name)}'" for name in names) for names in spelled.values() if len(names) > 1]
    return [f"Classes that differ in upper and lower case alone: {some(alike)}."] if alike else []


def _left_out(rows: Rows) -> list[str]:
    if not rows.unusable:
        return []
    name, reason = rows.unusable[0]
    return [f"Rows left out: {len(rows.unusable):,}; the first is {shown(name)} for {reason}."]
