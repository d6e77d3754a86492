"""Define the commands that check, pack, join and publish results; each imports its work when it runs."""

import json
import sys
from pathlib import Path

import click

_plugins = click.option("-p", "--plugin", "plugins", multiple=True, metavar="FILE", help="Load a local plugin file.")
_paths = click.Path(path_type=Path)
round_option = click.option(
    "--round", "round_file", type=_paths, metavar="FILE", help="The round of the board, which all must be of."
)


@click.command()
@click.argument("submissions", nargs=-1, required=True, type=_paths, metavar="RESULTS...")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@round_option
@_plugins
def validate(submissions: tuple[Path, ...], as_json: bool, round_file: Path | None, plugins: tuple[str, ...]) -> None:
    """Check results, or packs of them: form, completeness, plausibility, digests and ledger.

    Nothing is trained and nothing of them is run. The exit code is 1 where something is wrong.

    \b
    tlbench validate tlbench-results/quick
    """
    from tlbench import plural
    from tlbench.cli import open_catalog, showing_waits
    from tlbench_leaderboard.check import check
    from tlbench_leaderboard.installed import Installed
    from tlbench_leaderboard.rounds import read_round

    board = read_round(round_file) if round_file else None
    installed = Installed(open_catalog(plugins)[1])
    with showing_waits():
        report = check(list(dict.fromkeys(submissions)), installed, board)
    if as_json:
        data = {
            "ok": not report.faults,
            "submissions": report.sources,
            "records": report.records,
            "faults": [each.to_json() for each in report.faults],
            "notes": [each.to_json() for each in report.notes],
        }
        click.echo(json.dumps(data, indent=1, ensure_ascii=False))
    else:
        for note in report.notes:
            click.echo(f"note: {note}")
        for fault in report.faults:
            click.echo(str(fault))
        many, counted = len(report.faults), plural(report.records, "record")
        told = plural(many, "fault") if many else "nothing is wrong"
        click.echo(f"{counted} of {plural(len(report.sources), 'submission')} checked: {told}.")
    if report.faults:
        sys.exit(1)


@click.command()
@click.argument("results", required=False, type=_paths)
@click.option("-o", "--out", type=_paths, metavar="FILE.zip", help="The pack to write.")
@click.option("--commit", metavar="SUITE", help="Before a round: commit to a suite and its code instead.")
@click.option("--name", default="", metavar="TEXT", help="Who submits it, as a leaderboard shows it.")
@click.option("--note", default="", metavar="TEXT", help="A sentence to show beside the name.")
@click.option("--link", default="", metavar="URL", help="A page to link, http or https.")
@click.option("--date", default="", metavar="DAY", help="The day to show beside it.  [default: today, in UTC]")
@click.option("--strip-paths", is_flag=True, help="Replace private folders in records by the last part of the path.")
@_plugins
def submit(
    results: Path | None,
    out: Path | None,
    commit: str | None,
    name: str,
    note: str,
    link: str,
    date: str,
    strip_paths: bool,
    plugins: tuple[str, ...],
) -> None:
    """Check results and pack them into one file to hand in, or commit to what a round will be run with.

    A commitment is a digest: it shows nothing of the suite. The opening is written beside it, for the run.

    \b
    tlbench submit tlbench-results/quick -o quick.zip --name "Our group"
    tlbench submit --commit suite.toml --name "Our group"
    """  # fmt: skip
    from datetime import UTC, datetime

    from tlbench.cli import open_catalog, say
    from tlbench_leaderboard.installed import Installed
    from tlbench_leaderboard.packing import About, pack

    if commit is not None:
        if results or out:
            raise click.UsageError("--commit SUITE is before a run: give no results and no -o with it.")
        from tlbench_leaderboard.round_command import write_commitment

        commitment, opening = write_commitment(commit, name, open_catalog(plugins)[1])
        say(f"note: {opening} opens it: keep it to yourself until the round is drawn, and beside the suite")
        click.echo(str(commitment))
        return
    if results is None or out is None:
        raise click.UsageError("give RESULTS and -o FILE.zip, or --commit SUITE.")
    about = About(name, note, link, date or datetime.now(UTC).date().isoformat())
    packed = pack(results, out, about, Installed(open_catalog(plugins)[1]), strip_paths)
    for line in packed.notes:
        say(f"note: {line}")
    for fault in packed.faults:
        click.echo(str(fault))
    if packed.faults:
        click.echo(f"{out} was not written: {results} has what is named above.")
        sys.exit(1)
    click.echo(str(out))


@click.command()
@click.argument("submissions", nargs=-1, required=True, type=_paths, metavar="RESULTS...")
@click.option("-o", "--out", required=True, type=_paths, metavar="FOLDER", help="The results folder to write.")
@click.option("--verified", type=_paths, metavar="FILE", help="Prefer records that `tlbench verify` found to stand.")
@round_option
def merge(submissions: tuple[Path, ...], out: Path, verified: Path | None, round_file: Path | None) -> None:
    """Join results, or packs of them, into one folder. Nothing is overwritten.

    Of two records of one cell both are kept. What is there of an earlier merge is kept as well.

    \b
    tlbench merge mine theirs.zip -o joined
    """
    from tlbench_leaderboard.merging import merge_into
    from tlbench_leaderboard.rounds import read_round
    from tlbench_leaderboard.verified import VerifiedFile

    board = read_round(round_file) if round_file else None
    status = VerifiedFile(verified).status() if verified is not None else None
    for line in merge_into(list(dict.fromkeys(submissions)), out, status, board):
        click.echo(line)
    click.echo(str(out))


@click.command()
@click.argument("submissions", nargs=-1, required=True, type=_paths, metavar="RESULTS...")
@click.option("-o", "--out", required=True, type=_paths, metavar="FOLDER", help="The folder of the site.")
@click.option("--title", default="Leaderboard", show_default=True, metavar="TEXT", help="The heading of the site.")
@click.option(
    "--records-limit",
    default=5000,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="Records of a board up to which each has a page and downloads.",
)
@click.option("--verified", type=_paths, metavar="FILE", help="Show what `tlbench verify --verified FILE` found.")
@_plugins
def publish(
    submissions: tuple[Path, ...],
    out: Path,
    title: str,
    records_limit: int,
    verified: Path | None,
    plugins: tuple[str, ...],
) -> None:
    """Write a static site of results: a board per suite, and a page per strategy, backbone, dataset and record.

    It needs no server and no network: open its index.html, or put the folder on any static host.

    \b
    tlbench publish tlbench-results/quick -o site
    """  # fmt: skip
    from tlbench.cli import open_catalog, say
    from tlbench_leaderboard.publishing import publish as write_site
    from tlbench_leaderboard.verified import VerifiedFile

    kept = VerifiedFile(verified) if verified is not None else None
    site = write_site(list(dict.fromkeys(submissions)), out, title, records_limit, open_catalog(plugins)[1], kept)
    for line in site.notes:
        say(f"note: {line}")
    click.echo(site.words)
    click.echo(str(out / "index.html"))


@click.command("leaderboard-init")
@click.argument("folder", type=_paths)
@click.option("--title", default="Leaderboard", show_default=True, metavar="TEXT", help="The heading of the site.")
def leaderboard_init(folder: Path, title: str) -> None:
    """Write the files of a leaderboard repository: a CI workflow, a README, and a place for submissions.

    \b
    tlbench leaderboard-init my-leaderboard
    """
    from tlbench_leaderboard.repository import write_repository

    for path in write_repository(folder, title):
        click.echo(str(path))
