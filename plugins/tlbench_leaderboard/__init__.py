"""Offer a leaderboard: results checked, rerun, joined and published as static pages."""

from typing import TYPE_CHECKING

from tlbench import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def tlbench_add_commands(cli: "click.Group") -> None:
    """Add `tlbench validate`, `submit`, `merge`, `verify`, `publish`, `leaderboard-init` and `leaderboard-draw`."""
    from tlbench_leaderboard.commands import leaderboard_init, merge, publish, submit, validate
    from tlbench_leaderboard.verify_command import leaderboard_draw, verify

    for command in (validate, submit, merge, verify, publish, leaderboard_init, leaderboard_draw):
        cli.add_command(command)
