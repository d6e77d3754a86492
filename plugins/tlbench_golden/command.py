"""Define the command `tlbench golden`."""

import time
from pathlib import Path

import click

from tlbench_golden.check import Check, Row, Setup
from tlbench_golden.table import as_markdown, print_table


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Datasets and weights that published figures are checked on; docs/golden.md says where they come from.",
)
@click.option("--list", "only_list", is_flag=True, help="Name the checks and what each needs; run none.")
@click.option("--offline", is_flag=True, help="Only the checks that need no data.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("tlbench-results/golden"),
    show_default=True,
    metavar="FOLDER",
    help="Where the runs behind the figures, and the table, are kept; a second call goes on from there.",
)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Worker processes.")
def golden(names: tuple[str, ...], data: Path | None, only_list: bool, offline: bool, out: Path, jobs: int) -> None:
    """Check every method against its paper, a reference implementation or an identity.

    NAMES choose checks, or methods; all without.

    \b
    tlbench golden
    tlbench golden coral dann
    tlbench golden --data FOLDER --jobs 2
    """
    from tlbench import ParameterError
    from tlbench.learning import configure
    from tlbench_golden.catalogue import chosen_checks

    if data is not None and not data.is_dir():
        raise ParameterError(f"there is no folder {data}. Give --data the folder that docs/golden.md describes.")
    checks = chosen_checks(names)
    if offline:
        checks = [check for check in checks if not check.files]
    setup = Setup(data, out, jobs)
    if only_list:
        _list(checks, setup)
        return
    configure(1)
    rows, unrun = _run(checks, setup)
    print_table(rows, unrun)
    text = as_markdown(rows, unrun)
    out.mkdir(parents=True, exist_ok=True)
    from tlbench import write_atomically

    write_atomically(out / "golden.md", text.encode())
    click.echo(str(out / "golden.md"))
    if not all(row.holds for row, _ in rows) or any(reason.startswith("failed") for _, reason in unrun):
        raise SystemExit(1)


def _run(checks: list[Check], setup: Setup) -> tuple[list[tuple[Row, str]], list[tuple[Check, str]]]:
    """Run checks; return rows with their kind, and the checks that made none with the reason."""
    rows: list[tuple[Row, str]] = []
    unrun: list[tuple[Check, str]] = []
    for position, check in enumerate(checks, start=1):
        hindrance = check.hindrance(setup)
        if hindrance:
            unrun.append((check, hindrance))
            continue
        started = time.perf_counter()
        click.echo(f"[{position}/{len(checks)}] {check.name} ...", err=True)
        try:
            rows += [(row, check.kind) for row in check.make(setup)]
        except Exception as error:  # one check that breaks must not hide the others
            unrun.append((check, f"failed: {type(error).__name__}: {' '.join(str(error).split())}"))
        click.echo(f"[{position}/{len(checks)}] {check.name}: {time.perf_counter() - started:.1f} s", err=True)
    return rows, unrun


def _list(checks: list[Check], setup: Setup) -> None:
    for check in checks:
        hindrance = check.hindrance(setup)
        click.echo(
            f"{check.name} ({check.kind}): {', '.join(check.methods)}" + (f" - {hindrance}" if hindrance else "")
        )
