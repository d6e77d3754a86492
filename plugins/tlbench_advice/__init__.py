"""Offer `tlbench recommend`: advice on a new dataset, from stored results and cheap scores of transferability."""

import click

from tlbench import hookimpl


@hookimpl
def tlbench_add_commands(cli: click.Group) -> None:
    """Add the command `recommend`."""
    from tlbench_advice.recommend_command import recommend

    cli.add_command(recommend)
