"""Say what the rows of a table must agree on: the classes of splits and domains, and groups that no split parts."""

from collections.abc import Mapping, Sequence

from tlbench import DataError, shown, unite_groups
from tlbench_datasets.place import near
from tlbench_datasets.tables.table_columns import Columns
from tlbench_datasets.tables.table_rows import Row, named

_MUST_HOLD = (("test", "test", "train"), ("test", "train", "test"), ("val", "val", "train"))


def require_same_classes(rows: Sequence[Row], columns: Columns, place: str) -> None:
    """Raise DataError for one class alone, and where splits or domains differ in their classes."""
    first: dict[tuple[str, str], dict[str, Row]] = {}  # by domain and split, the first row of each class
    for row in rows:
        first.setdefault((row.domain, row.split), {}).setdefault(row.label, row)
    labels = {row.label for row in rows}
    if len(labels) == 1:
        raise DataError(
            f"{place}: column '{shown(columns.label)}' holds one class only, '{shown(min(labels))}'; two are needed."
        )
    domains = sorted({domain for domain, _ in first})
    for domain in domains:
        splits = {split: classes for (of, split), classes in first.items() if of == domain}
        _require_in_splits(splits, domain, columns, place)
    for other in domains[1:]:
        for one, two in ((domains[0], other), (other, domains[0])):
            has, lacks = first[one, "train"].keys(), first[two, "train"].keys()
            if extra := sorted(has - lacks):
                raise DataError(
                    f"{place}: domain '{shown(one)}' has the class '{shown(extra[0])}', domain '{shown(two)}' has not."
                    f"{near(extra[0], lacks - has)} All domains need the same classes.{columns.out('domain')}"
                )


def _require_in_splits(splits: Mapping[str, Mapping[str, Row]], domain: str, columns: Columns, place: str) -> None:
    of = "" if domain == "all" else f" of domain '{shown(domain)}'"
    if "train" not in splits:
        names = " and ".join(sorted(splits))
        raise DataError(f"{place} has no train rows{of} beside {names}. Add some.{columns.out('split')}")
    for split, one, other in _MUST_HOLD:
        if split in splits and (extra := sorted(splits[one].keys() - splits[other].keys())):
            row = splits[one][extra[0]]
            raise DataError(
                f"{place}: class '{shown(extra[0])}'{of} is in {one} ({shown(named(row))}) but not in {other}."
                f"{near(extra[0], splits[other].keys() - splits[one].keys())} Every class needs images in both."
                f"{columns.out('split')}"
            )


def require_whole_groups(rows: Sequence[Row], columns: Columns, place: str) -> None:
    """Raise DataError where the table's own splits part a group.

    A test that holds a patient of the training split says little of new patients.
    """
    first: dict[str, Row] = {}
    for row in rows:
        for group in row.groups:
            other = first.setdefault(group, row)
            if other.split != row.split:
                count = len(_parted(rows))
                more = f" So are {count - 1:,} others." if count > 1 else ""
                raise DataError(
                    f"{place}: group '{shown(group)}' of column {_names(columns)} is in {other.split} "
                    f"({shown(other.name)}) and in {row.split} ({shown(row.name)}).{more} {_mend(columns)}"
                )


def require_whole_unions(rows: Sequence[Row], digests: Mapping[str, str], columns: Columns, place: str) -> None:
    """Raise DataError where the table's own splits part groups that are one, since they share an image."""
    whole = unite_groups((row.groups, digests[row.key]) for row in rows)
    first: dict[str, Row] = {}
    for row in rows:
        other = first.setdefault(whole[row.groups[0]], row)
        if other.split != row.split:
            raise DataError(
                f"{place}: groups '{shown(other.groups[0])}' in {other.split} ({shown(named(other))}) and "
                f"'{shown(row.groups[0])}' in {row.split} ({shown(named(row))}) of column {_names(columns)} are one, "
                f"since copies of an image are in both. {_mend(columns)}"
            )


def _names(columns: Columns) -> str:
    return " and ".join(f"'{shown(name)}'" for name in columns.group)


def _mend(columns: Columns) -> str:
    mend = "Put each group into one split, or let whole groups be chosen by content with ?split=none."
    return mend + columns.out("group")


def _parted(rows: Sequence[Row]) -> list[str]:
    splits: dict[str, set[str]] = {}
    for row in rows:
        for group in row.groups:
            splits.setdefault(group, set()).add(row.split)
    return [group for group, found in splits.items() if len(found) > 1]
