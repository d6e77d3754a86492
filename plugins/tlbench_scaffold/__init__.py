"""`tlbench init` writes a suite for a user's data, `tlbench new` a whole package for a plugin author."""

import click

from tlbench import hookimpl


@hookimpl
def tlbench_add_commands(cli: click.Group) -> None:
    """Add the commands `init` and `new`."""
