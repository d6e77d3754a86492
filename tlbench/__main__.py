"""Run the command line as `python -m tlbench`."""

from tlbench.cli import main

main(prog_name="tlbench")
