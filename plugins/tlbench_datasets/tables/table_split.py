"""Put the rows of a table into the order of their content and into their splits, whole groups on one side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tlbench import DataError, unite_groups
from tlbench_datasets.content_split import divided
from tlbench_datasets.examples import Example
from tlbench_datasets.tables.table_columns import Columns
from tlbench_datasets.tables.table_rows import Row
from tlbench_datasets.wording import shown


@dataclass(frozen=True)
class Placed:
    """Examples with the rows that they come from and the groups that they belong to, side by side."""

    examples: tuple[Example, ...]  # in their final splits
    rows: tuple[Row, ...]
    groups: tuple[str, ...]  # empty names where there are no groups
    undivided: frozenset[str] = frozenset()  # domains whose test split was chosen by content

    def __iter__(self) -> Iterator[tuple[Example, Row, str]]:
        return zip(self.examples, self.rows, self.groups, strict=True)

    def parts(self) -> Mapping[tuple[str, str], "Placed"]:
        """Return what belongs to each domain and split."""
        parts: dict[tuple[str, str], list[tuple[Example, Row, str]]] = {}
        for entry in self:
            parts.setdefault((entry[0].domain, entry[0].split), []).append(entry)
        return {key: Placed(*map(tuple, zip(*entries, strict=True))) for key, entries in parts.items()}


def placed(rows: Sequence[Row], digests: Mapping[str, str], columns: Columns, place: str) -> Placed:
    """Return the rows as examples; raise DataError where a domain has no test split and none can be taken out.

    `digests` holds the SHA-256 of each image by its key.
    """
    rows = sorted(rows, key=lambda row: (digests[row.key], row.label, *row.content, row.key, row.name))
    whole = unite_groups((row.groups, digests[row.key]) for row in rows if row.groups)
    groups = tuple(whole[row.groups[0]] if row.groups else "" for row in rows)
    examples = [Example(digests[row.key], row.domain, row.split, row.label, row.key) for row in rows]
    tested = {row.domain for row in rows if row.split == "test"}
    undivided = frozenset(row.domain for row in rows) - tested
    together: dict[str, set[str]] = {}
    for example, group in zip(examples, groups, strict=True):
        if group:
            together.setdefault(group, set()).add(example.digest)
    try:
        final = tuple(divided(examples, undivided, place, list(together.values())))
    except DataError as error:
        raise DataError(f"{error}{columns.out('group')}") from None
    result = Placed(final, tuple(rows), groups, undivided)
    if undivided and tested and columns.group:
        _refuse_parted_between_domains(result, place)
    return result


def _refuse_parted_between_domains(result: Placed, place: str) -> None:
    """Raise where a group is in a domain whose test split is given and in one whose test split was chosen."""
    first: dict[str, Example] = {}
    for example, _, group in result:
        other = first.setdefault(group, example)
        if other.split != example.split:
            one, two = sorted((other.domain, example.domain))
            raise DataError(
                f"{place}: group '{shown(group)}' is in domains '{shown(one)}' and '{shown(two)}', and only one of "
                "them comes with a test split. Give both one, or none."
            )
