"""Put the rows of a table into the order of their content and into their splits, whole groups on one side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tlbench import Content, DataError, shown, unite_groups, with_test_split
from tlbench_datasets.tables.table_columns import Columns
from tlbench_datasets.tables.table_rows import Row


@dataclass(frozen=True)
class Placed:
    """Hold examples side by side with the rows that they come from."""

    examples: tuple[Content, ...]  # in their final splits
    rows: tuple[Row, ...]
    undivided: frozenset[str] = frozenset()  # domains whose test split was chosen by content

    def __iter__(self) -> Iterator[tuple[Content, Row]]:
        return zip(self.examples, self.rows, strict=True)

    def parts(self) -> Mapping[tuple[str, str], "Placed"]:
        """Return what belongs to each domain and split."""
        parts: dict[tuple[str, str], list[tuple[Content, Row]]] = {}
        for example, row in self:
            parts.setdefault((example.domain, example.split), []).append((example, row))
        return {key: Placed(*map(tuple, zip(*entries, strict=True))) for key, entries in parts.items()}


def placed(rows: Sequence[Row], digests: Mapping[str, str], columns: Columns, place: str) -> Placed:
    """Return the rows as examples; raise DataError where a domain has no test split and none can be taken out.

    `digests` holds the SHA-256 of each image by its key.
    """
    rows = sorted(rows, key=lambda row: (digests[row.key], row.label, *row.content, row.key, row.name))
    whole = unite_groups((row.groups, digests[row.key]) for row in rows if row.groups)
    examples = [
        Content(
            *(digests[row.key], row.domain, row.split, row.label, row.key),
            group=whole[row.groups[0]] if row.groups else "",
        )
        for row in rows
    ]
    tested = {row.domain for row in rows if row.split == "test"}
    undivided = frozenset(row.domain for row in rows) - tested
    try:
        final = tuple(with_test_split(examples, place, groups_everywhere=True))
    except DataError as error:
        raise DataError(f"{error}{columns.out('group')}") from None
    result = Placed(final, tuple(rows), undivided)
    if undivided and tested and columns.group:
        _refuse_parted_between_domains(result, place)
    return result


def _refuse_parted_between_domains(result: Placed, place: str) -> None:
    """Raise where a group is in a domain whose test split is given and in one whose test split was chosen."""
    first: dict[str, Content] = {}
    for example in result.examples:
        other = first.setdefault(example.group, example)
        if other.split != example.split:
            name, (one, two) = shown(example.group), sorted((other.domain, example.domain))
            raise DataError(
                f"{place}: group '{name}' is in domains '{shown(one)}' and '{shown(two)}', and only one "
                "of them comes with a test split. Give both one, or none."
            )
