"""`python -m tlbench`."""

from tlbench.cli.commands import main

main(prog_name="tlbench")
