"""Offer `tlbench export`, which makes a folder of the winning row that predicts without tlbench."""

import click

from tlbench import hookimpl


@hookimpl
def tlbench_add_commands(cli: click.Group) -> None:
    """Add the command `export`."""
    from tlbench_export.export_command import export

    cli.add_command(export)
