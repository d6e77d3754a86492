"""Offer `tlbench data`: look at a dataset before anything is trained on it."""

import click

from tlbench import hookimpl


@hookimpl
def tlbench_add_commands(cli: click.Group) -> None:
    """Add the group `data`."""
    from tlbench_data.command import data

    cli.add_command(data)
