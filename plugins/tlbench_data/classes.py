"""Report how many examples each class has in each split of each domain, and how unequal that is."""

from tlbench import plural, shown, some
from tlbench_data.document import NOTHING, Block, Facts, Paragraph, Remark, Section, Table
from tlbench_data.survey import Survey

_UNEQUAL = 10  # times as many training examples in the largest class as in the smallest
_ROWS_OF_TEXT = 30  # of a table of classes; of more, the ends are shown
_ENDS = 8
_TABLES_OF_TEXT = 6  # domains
_ROWS_OF_PAGE = 2000


def classes_section(survey: Survey) -> Section:
    """Return the section."""
    names = survey.classes
    facts = [
        ("examples", f"{len(survey.rows):,}"),
        ("classes", f"{len(names):,}: {some(names, 12)}"),
        ("domains", f"{len(survey.splits):,}: {some(list(survey.splits), 12)}" if len(survey.splits) > 1 else "one"),
        ("splits", ", ".join(_split_sizes(survey))),
        ("balance", "; ".join(_balances(survey))),
    ]
    blocks: list[Block] = [Facts(tuple(facts))]
    if len(survey.splits) > 1:
        blocks.append(_domains(survey))
    tables = [_table(survey, domain) for domain in survey.splits]
    blocks += tables[:_TABLES_OF_TEXT]
    if len(tables) > _TABLES_OF_TEXT:
        blocks.append(Paragraph(f"Classes of {len(tables) - _TABLES_OF_TEXT} more domains: see examples.csv."))
    return Section("Classes", tuple(blocks), tuple(_remarks(survey)))


def _split_sizes(survey: Survey) -> list[str]:
    return [
        f"{split} {sum(sum(counts) for (_, name), counts in survey.counts.items() if name == split):,}"
        for split in survey.split_names
    ]


def ratio(counts: tuple[int, ...]) -> str:
    """Return the largest class against the smallest: `3.5:1`."""
    if not counts or min(counts) == 0:
        return "a class is empty"
    return f"{max(counts) / min(counts):.3g}:1"


def _balances(survey: Survey) -> list[str]:
    found = []
    for domain in survey.splits:
        counts = survey.counts[domain, "train"]
        where = "" if len(survey.splits) == 1 else f"{shown(domain)} "
        low, high = (min(counts), max(counts)) if counts else (0, 0)
        found.append(f"{where}{ratio(counts)} (training: {low:,} to {high:,} in a class)")
    more = [f"and {len(found) - 6:,} more domains"] if len(found) > 6 else []
    return found[:6] + more


def _domains(survey: Survey) -> Table:
    rows = []
    for domain, splits in survey.splits.items():
        sizes = [f"{sum(survey.counts[domain, name]):,}" if name in splits else NOTHING for name in survey.split_names]
        rows.append((shown(domain), *sizes, ratio(survey.counts[domain, "train"])))
    return Table("Domains", ("domain", *survey.split_names, "balance"), tuple(rows))


def _table(survey: Survey, domain: str) -> Table:
    splits = survey.splits[domain]
    columns = [survey.counts[domain, split] for split in splits]
    most = max(max(columns[0], default=0), 1)
    rows = [
        (shown(name), *(f"{column[position]:,}" for column in columns)) for position, name in enumerate(survey.classes)
    ]
    shares = [count / most for count in columns[0]]
    levels = [("error" if 0 in (column[i] for column in columns[:2]) else None) for i in range(len(rows))]
    title = "Examples per class" + ("" if len(survey.splits) == 1 else f", domain {shown(domain)}")
    few, few_shares = None, ()
    if len(rows) > _ROWS_OF_TEXT:
        order = sorted(range(len(rows)), key=lambda i: -columns[0][i])
        ends = [*order[:_ENDS], *order[-_ENDS:]]
        between = (f"... {len(rows) - 2 * _ENDS:,} classes between ...", *("" for _ in columns))
        few = (*(rows[i] for i in ends[:_ENDS]), between, *(rows[i] for i in ends[_ENDS:]))
        few_shares = (*(shares[i] for i in ends[:_ENDS]), 0.0, *(shares[i] for i in ends[_ENDS:]))
    if len(rows) > _ROWS_OF_PAGE:
        title += f" (the first {_ROWS_OF_PAGE:,} of {len(rows):,}; all in examples.csv)"
    return Table(
        title, ("class", *splits), tuple(rows[:_ROWS_OF_PAGE]), shares=tuple(shares[:_ROWS_OF_PAGE]),
        levels=tuple(levels[:_ROWS_OF_PAGE]), few=few, few_shares=tuple(few_shares),
    )  # fmt: skip


def _remarks(survey: Survey) -> list[Remark]:
    remarks = []
    several = len(survey.splits) > 1
    for (domain, split), counts in survey.counts.items():
        where = f"{split} of {shown(domain)}" if several else split
        empty = [name for name, count in zip(survey.classes, counts, strict=True) if count == 0]
        if not sum(counts):
            remarks.append(Remark("error", f"The split {where} is empty."))
        elif empty and split != "val":
            noun = plural(len(empty), "class has", "classes have")
            remarks.append(Remark("error", f"{noun} no example in {where}: {some(empty)}."))
        elif split == "train" and max(counts) >= _UNEQUAL * min(counts) > 0:
            largest, smallest = (survey.classes[counts.index(end(counts))] for end in (max, min))
            remarks.append(
                Remark(
                    "warning",
                    f"The classes are unequal in {where}: {max(counts):,} of {shown(largest)}, {min(counts):,} of "
                    f"{shown(smallest)}. Read balanced-accuracy beside accuracy.",
                )
            )
    return remarks
