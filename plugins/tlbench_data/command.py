"""Define the group of commands `tlbench data`."""

import click

from tlbench_data.inspect_command import inspect
from tlbench_data.split_command import split


@click.group()
def data() -> None:
    """Look at a dataset before anything is trained on it, and divide it.

    \b
    tlbench data inspect folder:photos
    tlbench data split folder:photos --folds 5
    """


data.add_command(inspect)
data.add_command(split)
