"""Define the commands `tlbench verify` and `tlbench leaderboard-draw`."""

import secrets
import sys
from itertools import chain
from pathlib import Path

import click

from tlbench_leaderboard.commands import round_option

_file = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--per-row",
    type=click.IntRange(1),
    metavar="N",
    help="Records of each row to rerun.  [default: 1, and of few rows more: 7 in all]",
)
@click.option("--all", "whole", is_flag=True, help="Rerun all records.")
@click.option("--cell", "cells", multiple=True, metavar="ID", help="Rerun this cell alone. Repeatable.")
@click.option(
    "--draw", type=click.IntRange(0), metavar="NUMBER", help="Which records are sampled.  [default: drawn anew]"
)
@click.option("--draws", type=_file, metavar="FILE", help="Take the number that a board drew for these results.")
@click.option(
    "--verified", "verified_file", type=_file, metavar="FILE", help="Write down what was found, for `publish`."
)
@click.option("--allow-unverified", is_flag=True, help="Let rows pass that cannot be rerun here.")
@click.option(
    "--data",
    "elsewhere",
    multiple=True,
    metavar="SPEC=SPEC",
    help="Read a dataset, or a backbone's weights, from elsewhere: folder:a/photos=folder:photos.",
)
@click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.  [default: as each record has it]")
@click.option("--trust-cache", is_flag=True, help="Use the cache of other runs, instead of an empty one.")
@click.option("--strict", is_flag=True, help="Accept nothing but the same bits.")
@round_option
@click.option("-p", "--plugin", "plugins", multiple=True, metavar="FILE", help="Load a local plugin file.")
def verify(
    results: Path,
    per_row: int | None,
    whole: bool,
    cells: tuple[str, ...],
    draw: int | None,
    draws: Path | None,
    verified_file: Path | None,
    allow_unverified: bool,
    elsewhere: tuple[str, ...],
    device: str | None,
    trust_cache: bool,
    strict: bool,
    round_file: Path | None,
    plugins: tuple[str, ...],
) -> None:
    """Run records of each row again and compare bits, naming what differs: environment, version or code.

    What is installed here is run, and nothing of the submission. A row is verified, unverified where a record cannot be
    rerun here, or refuted. The exit code is 1 where a row is refuted, where a failure does not come again, and where a
    row is unverified, but for --allow-unverified.

    \b
    tlbench verify tlbench-results/quick
    """  # fmt: skip
    from tlbench import ParameterError
    from tlbench.cli import open_catalog, say, seconds_in_words
    from tlbench.learning import resolve_device
    from tlbench_leaderboard.claims import read_claims
    from tlbench_leaderboard.draws import LIMIT, Draws
    from tlbench_leaderboard.rounds import doubted, faults_to_tell, read_round
    from tlbench_leaderboard.row_status import sum_up
    from tlbench_leaderboard.sampling import further, named, sample, told
    from tlbench_leaderboard.source import open_source
    from tlbench_leaderboard.verified import VerifiedFile
    from tlbench_leaderboard.verifying import Verified, specs_elsewhere
    from tlbench_leaderboard.verifying import verify as rerun

    if draw is not None and draws is not None:
        raise ParameterError("give --draw or --draws, not both.")
    if cells and verified_file is not None:
        raise ParameterError("--cell looks at no whole row, so that --verified has nothing to write. Leave one out.")
    source = open_source(results)
    if device:
        resolve_device(device)
    catalog = open_catalog(plugins)[1]
    of_round = faults_to_tell(source, read_round(round_file) if round_file else None, catalog)
    claims = read_claims(source)
    if not claims.claims:
        raise ParameterError(f"{results} holds no records.")
    there = specs_elsewhere(source, elsewhere)
    tries: dict[str, int] = {}
    if draws is not None:
        board = Draws(draws)
        number, tries = board.number(claims), board.tries(claims)
    else:
        number = secrets.randbelow(LIMIT) if draw is None else draw
    kept = VerifiedFile(verified_file) if verified_file is not None else None
    if kept is not None and (known := kept.known(claims, number)) is not None:
        for row in known.rows:
            click.echo(f"{row.row}: {row.status} ({row.rerun} of {row.have} rerun before).")
        click.echo(f"{verified_file} has these results already.")
        sys.exit(_code({row.status for row in known.rows}, allow_unverified) or int(of_round > 0))
    chosen = named(claims, cells) if cells else sample(claims, number, per_row, tries, whole=whole)
    for line in told(chosen, claims, seconds_in_words(chosen.seconds)):
        say(f"note: {line}")
    if not cells and not whole and draws is None:
        say(f"note: --draw {number} samples the same records again")
    found: list[Verified] = []
    asked = chain(chosen.chosen, () if cells else further(claims, number, chosen, found))
    for each in rerun(claims, asked, catalog, there, device, trust_cache=trust_cache):
        found.append(each)
        click.echo(f"{each.claim.cell} ({each.claim.label}): {each.verdict.text}.")
    summed = sum_up(claims, found, strict, not cells)
    if of_round:
        summed = doubted(summed)
    if kept is not None:
        kept.add(claims, number, summed, found)
    for status in summed.rows:
        click.echo(f"{status.words}.")
    if summed.lean.words:
        click.echo(f"{summed.lean.words}.")
    click.echo(f"{summed.words}; {len(found)} of {len(claims.claims):,} records rerun.")
    code = _code({row.status for row in summed.rows}, allow_unverified)
    sys.exit(1 if summed.is_any_gone or of_round else code)


def _code(statuses: set[str], allow_unverified: bool) -> int:
    from tlbench_leaderboard.status import REFUTED, UNVERIFIED

    return int(REFUTED in statuses or (UNVERIFIED in statuses and not allow_unverified))


@click.command("leaderboard-draw")
@click.argument("submissions", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RESULTS...")
@click.option(
    "--draws", default="draws.json", show_default=True, type=_file, metavar="FILE", help="The board's numbers."
)
def leaderboard_draw(submissions: tuple[Path, ...], draws: Path) -> None:
    """Draw a number for each submission that has none; it decides which records `tlbench verify --draws` samples.

    Call it once submissions have arrived and cannot be changed. A number is never drawn again, whatever the name and
    the note of a submission.

    \b
    tlbench leaderboard-draw submissions/*/*.zip --draws draws.json
    """
    from tlbench_leaderboard.claims import read_claims
    from tlbench_leaderboard.draws import Draws
    from tlbench_leaderboard.source import open_source

    board = Draws(draws)
    for path in dict.fromkeys(submissions):
        is_new = board.add(read_claims(open_source(path)))
        click.echo(f"{path}: {'a number was drawn' if is_new else 'has its number'}")
