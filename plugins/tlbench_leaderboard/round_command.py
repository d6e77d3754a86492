"""Define `tlbench leaderboard-round`, and write the commitments of `tlbench submit --commit`."""

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench import ParameterError, plural, write_atomically

if TYPE_CHECKING:
    from tlbench.host import Catalog

_file = click.Path(path_type=Path)


@click.command("leaderboard-round")
@click.argument("file", type=_file, metavar="ROUND.json")
@click.argument("commitments", nargs=-1, type=_file, metavar="[COMMITMENT...]")
def leaderboard_round(file: Path, commitments: tuple[Path, ...]) -> None:
    """Open a round of a leaderboard; later, with the commitments that came in, draw its root seed.

    Opening promises a number by its digest, and keeps it in a file beside that stays private. Drawing shows it.

    \b
    tlbench leaderboard-round spring.json
    tlbench leaderboard-round spring.json ours.commitment.json theirs.commitment.json
    """
    from tlbench.contract import Commitment, Round, kept, read_kept

    secret = file.with_suffix(".secret")
    if not commitments:
        if file.exists():
            raise ParameterError(f"{file} is there already. Give it the commitments that came in, to draw its seed.")
        number = secrets.token_hex(32)
        _write_private(secret, number)
        write_atomically(file, kept(Round.open(file.stem, number)))
        click.echo(f"{file} is open for commitments. Publish it, and keep {secret} to yourself until the draw.")
        return
    held = read_kept(Round, file)
    if held.seed is not None:
        raise ParameterError(f"the round {held.name!r} has its seed already, {held.seed}: a round is drawn once.")
    if not secret.is_file():
        raise ParameterError(f"{secret} is not there: the number that {file} promises was kept in it.")
    drawn = held.drawn(
        secret.read_text(encoding="ascii").strip(), [read_kept(Commitment, each) for each in commitments]
    )
    write_atomically(file, kept(drawn))
    secret.unlink()
    click.echo(f"{file} has the root seed {drawn.seed}, of {plural(len(drawn.commitments), 'commitment')}.")


def _write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read; raise ParameterError where one is there."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except OSError as error:
        raise ParameterError(f"cannot write {path}: {error.strerror or error}.") from None


def write_commitment(suite: str, name: str, catalog: "Catalog") -> tuple[Path, Path]:
    """Write the commitment to a suite, and its opening, beside the suite; return both paths."""
    from tlbench.contract import kept
    from tlbench.data import Cache, Resources
    from tlbench.planning import make_plan
    from tlbench.running import commit, commitment_beside, find_suite, opening_beside

    if not name.strip():
        raise ParameterError("--commit needs --name TEXT: a round lists commitments by who made them.")
    paths = commitment_beside(suite), opening_beside(suite)
    if paths[1].exists():
        raise ParameterError(
            f"{paths[1]} is there already: without it, what was committed could not be shown. Move it."
        )
    resources = Resources(catalog, Cache())
    opening = commit(make_plan(find_suite(suite, catalog), resources), resources, name)
    for path, value in zip(paths, (opening.commitment, opening), strict=True):
        write_atomically(path, kept(value))
    return paths
