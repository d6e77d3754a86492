"""Offer a leaderboard: results checked, rerun, joined and published as static pages."""

from typing import TYPE_CHECKING

from tlbench import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def tlbench_add_commands(cli: "click.Group") -> None:
    """Add `validate`, `submit`, `merge`, `verify` and `publish`, and `leaderboard-init`, `-draw` and `-round`."""
    from tlbench_leaderboard.commands import leaderboard_init, merge, publish, submit, validate
    from tlbench_leaderboard.round_command import leaderboard_round
    from tlbench_leaderboard.verify_command import leaderboard_draw, verify

    of_board = (leaderboard_init, leaderboard_draw, leaderboard_round)
    for command in (validate, submit, merge, verify, publish, *of_board):
        cli.add_command(command)
