"""Check every method against its paper, a reference implementation or an identity that must hold."""

from tlbench import hookimpl


@hookimpl
def tlbench_add_commands(cli):
    """Add `tlbench golden`."""
    from tlbench_golden.command import golden

    cli.add_command(golden)
