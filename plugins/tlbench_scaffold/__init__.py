"""Offer `tlbench init`, which writes a suite for a user's data, and `tlbench new`, which writes a plugin package."""

import click

from tlbench import hookimpl


@hookimpl
def tlbench_add_commands(cli: click.Group) -> None:
    """Add the commands `init` and `new`."""
    from tlbench_scaffold.init_command import init
    from tlbench_scaffold.new_command import new

    cli.add_command(init)
    cli.add_command(new)
