"""Run the command line by `python -m tlbench`."""

from tlbench.cli import main

main(prog_name="tlbench")
