"""Write the table of golden checks, for the terminal and as Markdown."""

from tlbench_golden.check import Check, Row

COLUMNS = ("method", "what is compared", "paper or reference", "it says", "ours", "band", "verdict")


def cells(row: Row) -> tuple[str, ...]:
    """Return a row as texts, one for each column."""
    band = f"{_number(row.low)} to {_number(row.high)}"
    if row.high == float("inf"):
        band = f"at least {_number(row.low)}"
    elif row.low == float("-inf"):
        band = f"at most {_number(row.high)}"
    elif row.low == row.high:
        band = f"exactly {_number(row.low)}"
    return row.method, row.what, row.source, row.reference, _number(row.ours), band, _verdict(row)


def _verdict(row: Row) -> str:
    return "holds" if row.holds else "FAILS"


def _number(value: float) -> str:
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.3f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))
    return f"{value:.1e}"


def print_table(rows: list[tuple[Row, str]], unrun: list[tuple[Check, str]]) -> None:
    """Print the table, what was not run with the reason, and the count."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(show_edge=False, pad_edge=False, box=None)
    for column in ("verdict", "method", "ours", "band"):
        table.add_column(column, justify="right" if column == "ours" else "left", no_wrap=column != "band")
    table.add_column("what is compared (paper or reference: what it says)")
    for row, _ in rows:
        method, what, source, reference, ours, band, verdict = map(escape, cells(row))
        table.add_row(
            verdict, method, ours, band, f"{what} ({source}: {reference})", style="" if row.holds else "bold red"
        )
    if rows:
        console.print(table)
    for check, reason in unrun:
        console.print(f"not run: {check.name} ({', '.join(check.methods)}): {reason}", markup=False, highlight=False)
    console.print(summary(rows, unrun), markup=False, highlight=False)


def summary(rows: list[tuple[Row, str]], unrun: list[tuple[Check, str]]) -> str:
    """Return the count of rows that hold, fail and were not made."""
    held = sum(row.holds for row, _ in rows)
    text = f"{held} of {len(rows)} figures hold."
    return text + (f" {len(unrun)} checks were not run." if unrun else "")


def as_markdown(rows: list[tuple[Row, str]], unrun: list[tuple[Check, str]]) -> str:
    """Return the table as a Markdown page."""
    lines = ["# Golden checks", "", summary(rows, unrun), ""]
    if rows:
        lines += ["| " + " | ".join(("kind", *COLUMNS)) + " |", "| " + " | ".join(["---"] * (len(COLUMNS) + 1)) + " |"]
        lines += [
            "| " + " | ".join(text.replace("|", "\\|") for text in (kind, *cells(row))) + " |" for row, kind in rows
        ]
        lines.append("")
    if unrun:
        lines += [
            "Not run:",
            "",
            *(f"- {check.name} ({', '.join(check.methods)}): {reason}" for check, reason in unrun),
            "",
        ]
    return "\n".join(lines)
